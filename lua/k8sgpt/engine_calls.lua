--- What a K8sGPT Deployment is asked by gRPC, and what becomes of its answers.

local duration = require "k8sgpt.duration"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"
local reported = require "k8sgpt.reported"

local dig, text = object.dig, object.text

-- Names of polls, and of peers in metrics.
local calls = { CONFIG = "engine-config", ANALYSIS = "engine-analysis", PLAIN = "engine-analysis-without-ai" }

-- Ten thousand results with explanations.
local MAX_BYTES = 64 * 1024 * 1024

-- Upstream's caches, in its order of precedence: the fields of each in the K8sGPT are those of the message.
local CACHES = {
  { "s3", "s3Cache", { "region", "bucketName" } },
  { "azure", "azureCache", { "storageAccount", "containerName" } },
  { "gcs", "gcsCache", { "region", "bucketName", "projectId" } },
  { "interplex", "interplexCache", { "endpoint" } },
}

local function cache_of(cr)
  for _, kind in ipairs(CACHES) do
    local settings = dig(cr, "spec", "remoteCache", kind[1])
    if settings then
      local cache = {}
      for _, field in ipairs(kind[3]) do cache[field] = settings[field] end
      return { [kind[2]] = cache }
    end
  end
end

-- The engine keeps what it is told in its pod: a new one is told again.
local function config_of(cr)
  local cache, analyzers = cache_of(cr), nil
  for i, analyzer in ipairs(dig(cr, "spec", "customAnalyzers") or {}) do
    analyzers = analyzers or k8sgpt.array {}
    analyzers[i] = { name = analyzer.name, connection = { url = analyzer.connection.url, port = tostring(analyzer.connection.port) } }
  end
  return (cache or analyzers) and { cache = cache, customAnalyzers = analyzers }
end

-- Names with a sign change a set that the engine has, and cannot be said to it: then it looks at its own.
local function filters_of(cr)
  local filters = k8sgpt.array {}
  for i, name in ipairs(dig(cr, "spec", "filters") or {}) do
    if name:find("^[+-]") then return k8sgpt.array {} end
    filters[i] = name
  end
  return filters
end

local function analysis_of(cr, explain)
  local ai = dig(cr, "spec", "ai") or {}
  return {
    backend = text(ai.backend) or "", explain = explain, anonymize = ai.anonymized ~= false, nocache = dig(cr, "spec", "noCache") == true,
    language = text(ai.language) or "english", namespace = text(dig(cr, "spec", "targetNamespace")) or "", filters = filters_of(cr),
  }
end

--- True when findings are to be explained.
---@param cr k8sgpt.View
---@return boolean
function calls.explains(cr) return dig(cr, "spec", "ai", "enabled") == true end

-- Upstream's back-off, which never closed again: after so many failures AI is asked ever more rarely.
local function calm_after(cr)
  local backoff = dig(cr, "spec", "ai", "backOff")
  return calls.explains(cr) and (backoff and backoff.enabled and backoff.maxRetries or 5) or nil
end

--- The AI failed, or takes too long, and not the engine.
---@param state? k8sgpt.PollState of the analysis with AI
---@return boolean
function calls.ai_failed(state)
  return state ~= nil and state.state == "failing" and (state.reason == "ServerError" or state.reason == "Timeout" or state.reason == "TooManyRequests")
end

--- Where an engine is reached, as upstream reaches it: at the first port of its Service.
---@param service k8sgpt.View|table
---@return string? address "HOST:PORT"; nil: it has none yet
function calls.address(service)
  local host, port = text(dig(service, "spec", "clusterIP")), dig(service, "spec", "ports", 1, "port")
  if not host or host == "None" or not port then return nil end
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

---@param states k8sgpt.PollState[]
---@return table<string, k8sgpt.PollState> by name
function calls.by_name(states)
  local known = {}
  for _, state in ipairs(states) do known[state.name] = state end
  return known
end

--- What is to be asked now. An engine has to know its configuration before it analyses for the first time; where the AI fails, it is asked
--- again without.
---@param cr k8sgpt.View
---@param address string "HOST:PORT"
---@param known table<string, k8sgpt.PollState> how the questions of before stand
---@param timeouts {config_timeout: integer, analysis_timeout: integer} seconds
---@return k8sgpt.Poll[]
function calls.polls(cr, address, known, timeouts)
  local list, config, interval = k8sgpt.array {}, config_of(cr), duration.interval(cr)
  local function ask(name, method, request, timeout, more)
    local poll = { name = name, target = "http://" .. address, method = method, request = request, interval = interval, timeout = timeout }
    for key, value in pairs(more or {}) do poll[key] = value end
    list[#list + 1] = poll
  end
  if config then ask(calls.CONFIG, "AddConfig", config, timeouts.config_timeout) end
  local is_told = not config or known[calls.ANALYSIS] or (known[calls.CONFIG] or {}).state == "answered"
  if not is_told then return list end
  local explain, after = calls.explains(cr), calm_after(cr)
  ask(calls.ANALYSIS, "Analyze", analysis_of(cr, explain), timeouts.analysis_timeout, { maxBytes = MAX_BYTES, calmAfter = after })
  if explain and calls.ai_failed(known[calls.ANALYSIS]) then
    ask(calls.PLAIN, "Analyze", analysis_of(cr, false), timeouts.analysis_timeout, { maxBytes = MAX_BYTES })
  end
  return list
end

-- Which analyzers failed: "[Pod] pods is forbidden". nil: an error that names none of the engine's own, which are named after the kinds that
-- they report; after it nothing is known to be over.
local function failed_analyzers(errors)
  local names = k8sgpt.array {}
  for i, message in ipairs(errors or {}) do
    names[i] = message:match("^%[(%u%w*)%] ")
    if not names[i] then return nil end
  end
  return names
end

local function report(ctx, items, is_explained)
  local objects = k8sgpt.array {}
  for _, result in ipairs(items) do objects[#objects + 1] = reported.object(result, nil, is_explained) end
  return ctx.report(objects)
end

--- Takes an analysis in. What it does not speak of is over, unless an analyzer failed that may have spoken of it.
---@param ctx k8sgpt.StepContext
---@param name string of the poll
---@param is_explained boolean
---@return boolean? done
---@return string? message
function calls.take(ctx, name, is_explained)
  local answer, message = ctx.answer(name)
  while answer do
    local done, why = report(ctx, answer.items, is_explained)
    if not done then return nil, why end
    if answer.last then
      local failed = failed_analyzers(answer.head.errors)
      return failed == nil or ctx.reported { except = failed }
    end
    answer, message = ctx.answer(name)
  end
  return message == nil, message
end

return calls
