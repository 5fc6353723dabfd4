--- Custom analyzers of spec.customAnalyzers: gRPC services of the cluster's owners (schema.v1.CustomAnalyzerService).

local duration = require "k8sgpt.duration"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"
local reported = require "k8sgpt.reported"

local dig, text = object.dig, object.text

local custom = {}

-- As the engine's command line has it: labels of a DNS name.
local function is_name(name)
  if #name > 253 then return false end
  for label in (name .. "."):gmatch("([^.]*)%.") do
    if not label:find("^[a-z0-9][-a-z0-9]*$") or label:sub(-1) == "-" then return false end
  end
  return true
end

local function one_problem(analyzer, seen)
  local name, url, port = text(analyzer.name), text(dig(analyzer, "connection", "url")), dig(analyzer, "connection", "port")
  if not name then return "spec.customAnalyzers has an entry without a name" end
  if not is_name(name) then
    return ("spec.customAnalyzers names an analyzer %q: use lower-case letters, digits, - and ., as in host-health"):format(name)
  end
  if seen[name] then return ("spec.customAnalyzers has two analyzers named %s"):format(name) end
  seen[name] = true
  if not url or url:find("[%s@?#]") then return ("the custom analyzer %s needs connection.url: a host name or an address"):format(name) end
  if type(port) ~= "number" or port < 1 or port > 65535 then
    return ("the custom analyzer %s needs connection.port: a number from 1 to 65535"):format(name)
  end
end

--- The first thing wrong with them.
---@param spec k8sgpt.View|table of a K8sGPT
---@return string? problem for people
function custom.problem(spec)
  local seen = {}
  for _, analyzer in ipairs(spec.customAnalyzers or {}) do
    local problem = one_problem(analyzer, seen)
    if problem then return problem end
  end
end

-- Upstream dials "url:port" without TLS. An address of IPv6 has colons of its own.
local function target_of(connection)
  local scheme, host = connection.url:match("^(https?://)(.+)$")
  host = host or connection.url
  if host:find(":", 1, true) and not host:find("^%[") then host = "[" .. host .. "]" end
  return ("%s%s:%d"):format(scheme or "http://", host, connection.port)
end

--- What is to be asked, for ctx.poll.
---@param cr k8sgpt.View
---@param timeout integer seconds for an answer
---@return k8sgpt.Poll[]
function custom.polls(cr, timeout)
  local list = {}
  for i, analyzer in ipairs(dig(cr, "spec", "customAnalyzers") or {}) do
    list[i] = { name = analyzer.name, target = target_of(analyzer.connection), method = "Run", interval = duration.interval(cr), timeout = timeout }
  end
  return list
end

--- Takes an answer of one in: its one result, or that it found nothing.
---@param ctx k8sgpt.StepContext
---@param name string
---@return boolean? done
---@return string? message
function custom.take(ctx, name)
  local answer = ctx.answer(name)
  if not answer then return true end
  local result = answer.head.result
  local found = result and reported.object(result, name)
  local done, message = ctx.report(k8sgpt.array { found })
  return done and ctx.reported { analyzers = { name } }, message
end

return custom
