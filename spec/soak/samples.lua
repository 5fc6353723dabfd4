--- What a process takes from the machine, over time.

local lfs = require "lfs"

local samples = {}

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

---@class Sample
---@field at number seconds
---@field rss number MB (10^6 bytes) in memory, with files that are mapped
---@field anon number MB of its own
---@field fds integer open descriptors
---@field threads integer

---@return Sample
function samples.take(pid, at)
  local status = read(("/proc/%s/status"):format(pid))
  local function field(name) return math.tointeger(status:match(name .. ":%s*(%d+)")) end
  local fds = -2 -- . and ..
  for _ in lfs.dir(("/proc/%s/fd"):format(pid)) do fds = fds + 1 end
  return { at = at, rss = field("VmRSS") * 1024 / 1e6, anon = field("RssAnon") * 1024 / 1e6, fds = fds, threads = field("Threads") }
end

---@param list Sample[]
---@param from number seconds
---@param to number seconds
---@return number? median nil of none
function samples.median(list, field, from, to)
  local values = {}
  for _, sample in ipairs(list) do
    if sample.at >= from and sample.at <= to then values[#values + 1] = sample[field] end
  end
  table.sort(values)
  return values[(#values + 1) // 2]
end

--- The least in each stretch of time: what is in use between two bursts, whose height is chance.
---@param list Sample[]
---@param from number seconds: earlier ones do not count
---@param stretch number seconds
---@return Sample[]
function samples.floors(list, field, from, stretch)
  local floors, last = {}, nil
  for _, sample in ipairs(list) do
    local number = (sample.at - from) // stretch
    if sample.at >= from and number ~= last then
      floors[#floors + 1], last = sample, number
    elseif sample.at >= from and sample[field] < floors[#floors][field] then
      floors[#floors] = sample
    end
  end
  return floors
end

--- Least squares.
---@param list Sample[]
---@param from number seconds: earlier ones do not count
---@return number slope a second
---@return number error the standard error of the slope
function samples.slope(list, field, from)
  local n, sum_x, sum_y, sum_xx, sum_xy = 0, 0, 0, 0, 0
  for _, sample in ipairs(list) do
    if sample.at >= from then
      local x, y = sample.at - from, sample[field]
      n, sum_x, sum_y, sum_xx, sum_xy = n + 1, sum_x + x, sum_y + y, sum_xx + x * x, sum_xy + x * y
    end
  end
  local spread = n * sum_xx - sum_x * sum_x
  if n < 3 or spread == 0 then return 0, math.huge end
  local slope = (n * sum_xy - sum_x * sum_y) / spread
  local first, rest = (sum_y - slope * sum_x) / n, 0
  for _, sample in ipairs(list) do
    if sample.at >= from then rest = rest + (sample[field] - first - slope * (sample.at - from)) ^ 2 end
  end
  return slope, math.sqrt(rest / (n - 2) * n / spread)
end

return samples
