--- Faults between operator and API server, drawn at random: a round of a few, then a quiet one, and so on.

local faults = {}
faults.__index = faults

local ROUND_SECONDS <const> = 4

local function pick(list) return list[math.random(#list)] end

local function rule(proxy, wanted)
  wanted.times = wanted.times or math.random(5)
  proxy:rule(wanted)
end

--- What may happen, by name.
local KINDS <const> = {
  ["cut watch"] = function(proxy) rule(proxy, { verb = "watch", fault = "cut", after = math.random(20000), reset = pick { true, false } }) end,
  ["cut list"] = function(proxy) rule(proxy, { verb = "list", fault = "cut", after = math.random(40000) }) end,
  ["cut write"] = function(proxy) rule(proxy, { verb = "write", fault = "cut", after = math.random(600) }) end,
  ["cut request"] = function(proxy) rule(proxy, { fault = "cut", side = "up", after = math.random(400) }) end,
  ["half close"] = function(proxy) rule(proxy, { verb = "watch", fault = "half_close", after = math.random(20000) }) end,
  ["black hole"] = function(proxy) rule(proxy, { fault = "black_hole", after = math.random(2000), times = 1 }) end,
  ["trickle"] = function(proxy) rule(proxy, { fault = "trickle", rate = math.random(2000, 50000) }) end,
  ["delay"] = function(proxy) rule(proxy, { fault = "delay", ms = math.random(20, 3000) }) end,
  ["refused request"] = function(proxy) rule(proxy, { fault = "refuse", times = math.random(10) }) end,
  ["500"] = function(proxy) rule(proxy, { fault = "answer", status = pick { 500, 503, 504 }, times = math.random(10) }) end,
  ["500 after it was done"] = function(proxy) rule(proxy, { verb = "write", fault = "answer", status = 500, applied = true }) end,
  ["429"] = function(proxy) rule(proxy, { fault = "answer", status = 429, retry_after = math.random(2), times = math.random(10) }) end,
  ["409"] = function(proxy) rule(proxy, { verb = "write", fault = "answer", status = 409 }) end,
  ["410 of a list"] = function(proxy) rule(proxy, { verb = "list", fault = "answer", status = 410 }) end,
  ["410 in a watch"] = function(proxy) rule(proxy, { verb = "watch", fault = "answer", status = 410, in_stream = true, times = math.random(12) }) end,
  ["event twice"] = function(proxy) rule(proxy, { verb = "watch", fault = "duplicate", event = math.random(5) }) end,
  ["all cut"] = function(proxy) proxy:cut() end,
}

local NAMES <const> = {}
for name in pairs(KINDS) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)

---@param proxy table of support.faultproxy
---@param restart? fun() of the API server itself
function faults.new(proxy, restart) return setmetatable({ proxy = proxy, restart = restart, next_at = 0, counts = {}, total = 0 }, faults) end

function faults:count(name)
  self.counts[name] = (self.counts[name] or 0) + 1
  self.total = self.total + 1
end

--- The server is away for a while, or stands still. `ends` puts it right again.
function faults:outage(now)
  local proxy = self.proxy
  if math.random(2) == 1 then
    self:count("frozen")
    proxy:freeze()
    self.ends = function() proxy:thaw() end
  else
    self:count("server restarted")
    proxy:refuse()
    proxy:cut()
    if self.restart then self.restart() end
    self.ends = function() proxy:accept() end
  end
  self.next_at = now + math.random() * ROUND_SECONDS
end

function faults:end_outage()
  if self.ends then self.ends() end
  self.ends = nil
end

--- Begins the next round when it is time.
---@param now number seconds
function faults:tick(now)
  if now < self.next_at then return end
  self:end_outage()
  self.proxy:clear()
  self.next_at = now + ROUND_SECONDS * (0.5 + math.random())
  local draw = math.random(10)
  if draw == 1 then return self:outage(now) end
  for _ = 1, draw <= 7 and math.random(3) or 0 do
    local name = pick(NAMES)
    self:count(name)
    KINDS[name](self.proxy)
  end
end

--- Ends them all, also those under way.
function faults:stop()
  self:end_outage()
  self.proxy:clear()
  self.proxy:cut()
end

return faults
