--- What a K8sGPT Deployment is asked by gRPC, and what becomes of its answers.

local duration = require "k8sgpt.duration"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"
local reported = require "k8sgpt.reported"

local dig, text = object.dig, object.text

-- Names of polls, and of peers in metrics; where replicas share the analysis, each with the suffix of a share.
local calls = {
  CONFIG = "engine-config", ANALYSIS = "engine-analysis", PLAIN = "engine-analysis-without-ai",
  INSTEAD = "engine-analysis-instead", -- of a replica that gave no answer, asked of another one
}

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
      return { [kind[2]] = cache }, kind[1]
    end
  end
end

--- The kind of cache that the engine is told of.
---@param cr k8sgpt.View
---@return string? kind "s3", "azure" …
function calls.cache(cr) return (select(2, cache_of(cr))) end

-- The engine keeps what it is told in its pod: a new one is told again.
local function config_of(cr)
  local cache, analyzers = cache_of(cr), nil
  for i, analyzer in ipairs(dig(cr, "spec", "customAnalyzers") or {}) do
    analyzers = analyzers or k8sgpt.array {}
    analyzers[i] = { name = analyzer.name, connection = { url = analyzer.connection.url, port = tostring(analyzer.connection.port) } }
  end
  return (cache or analyzers) and { cache = cache, customAnalyzers = analyzers }
end

--- True when the engine has to be told of something before it is asked for anything.
---@param cr k8sgpt.View
---@return boolean
function calls.has_config(cr) return config_of(cr) ~= nil end

--- What takes a cache back from an engine; of a RemoveConfig it reads nothing, and forgets the cache alone.
---@param address string "HOST:PORT"
---@param timeout integer seconds
---@return k8sgpt.Question
function calls.removal(address, timeout) return { target = "http://" .. address, method = "RemoveConfig", timeout = timeout } end

-- Names with a sign change a set that the engine has, and cannot be said to it: then it looks at its own.
local function as_they_are(cr)
  local filters = k8sgpt.array {}
  for i, name in ipairs(dig(cr, "spec", "filters") or {}) do
    if name:find("^[+-]") then return k8sgpt.array {} end
    filters[i] = name
  end
  return filters
end

local function analysis_of(cr, filters, explain)
  local ai = dig(cr, "spec", "ai") or {}
  return {
    backend = text(ai.backend) or "", explain = explain, anonymize = ai.anonymized ~= false, nocache = dig(cr, "spec", "noCache") == true,
    language = text(ai.language) or "english", namespace = text(dig(cr, "spec", "targetNamespace")) or "", filters = filters,
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

local function port_of(service, name)
  for _, port in ipairs(dig(service, "spec", "ports") or {}) do
    if not name or port.name == name then return port.port end
  end
end

--- Where an engine is reached, as upstream reaches it: at the first port of its Service.
---@param service k8sgpt.View|table
---@param name? string of another port
---@return string? address "HOST:PORT"; nil: it has none yet
function calls.address(service, name)
  local host, port = text(dig(service, "spec", "clusterIP")), port_of(service, name)
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

local function is_failing(state) return state ~= nil and state.state == "failing" end

-- A replica that never analysed yet has to know its configuration first.
local function is_told(known, share)
  local analysis, config = known[calls.ANALYSIS .. share.suffix], known[calls.CONFIG .. share.suffix]
  local target = "http://" .. share.address
  return analysis and analysis.target == target or config and config.target == target and config.state == "answered"
end

-- The replica has no answer for its share, also without AI where that was asked for.
local function gave_none(known, share, without_ai)
  return is_failing(known[calls.ANALYSIS .. share.suffix]) and (not without_ai or is_failing(known[calls.PLAIN .. share.suffix]))
end

-- The next replica that does answer.
local function stand_in(list, known, place)
  for step = 1, #list - 1 do
    local other = list[(place + step - 1) % #list + 1]
    if not is_failing(known[calls.ANALYSIS .. other.suffix]) then return other.address end
  end
end

--- What is asked where nothing is split: all of one address.
---@param cr k8sgpt.View
---@param address string "HOST:PORT"
---@return k8sgpt.Share[]
function calls.whole(cr, address) return { { suffix = "", address = address, filters = as_they_are(cr) } } end

--- How the analysis is split now, by what is asked.
---@param known table<string, k8sgpt.PollState>
---@return k8sgpt.Share[]
function calls.split(known)
  local list = {}
  while known[calls.ANALYSIS .. "-" .. #list + 1] do
    local suffix = "-" .. #list + 1
    local state = known[calls.ANALYSIS .. suffix]
    list[#list + 1] = { suffix = suffix, address = state.target:gsub("^http://", ""), filters = k8sgpt.copy(state.request.filters) }
  end
  return list
end

--- What is to be asked now. An engine has to know its configuration before it analyses for the first time; where the AI fails, it is asked
--- again without; and for the share of a replica that gives no answer, another one.
---@param cr k8sgpt.View
---@param list k8sgpt.Share[]
---@param known table<string, k8sgpt.PollState> how the questions of before stand
---@param timeouts {config_timeout: integer, analysis_timeout: integer} seconds
---@return k8sgpt.Poll[]
function calls.polls(cr, list, known, timeouts)
  local polls, config, interval = k8sgpt.array {}, config_of(cr), duration.interval(cr)
  local explain, after = calls.explains(cr), calm_after(cr)
  local function ask(name, address, method, request, timeout, more)
    local poll = { name = name, target = "http://" .. address, method = method, request = request, interval = interval, timeout = timeout }
    for key, value in pairs(more or {}) do poll[key] = value end
    polls[#polls + 1] = poll
  end
  local function analyse(name, address, share, with_ai, calm)
    local request = analysis_of(cr, share.filters, with_ai)
    ask(name .. share.suffix, address, "Analyze", request, timeouts.analysis_timeout, { maxBytes = MAX_BYTES, calmAfter = calm })
  end
  for place, share in ipairs(list) do
    if config then ask(calls.CONFIG .. share.suffix, share.address, "AddConfig", config, timeouts.config_timeout) end
    if not config or is_told(known, share) then
      local without_ai = explain and calls.ai_failed(known[calls.ANALYSIS .. share.suffix])
      analyse(calls.ANALYSIS, share.address, share, explain, after)
      if without_ai then analyse(calls.PLAIN, share.address, share, false) end
      local other = gave_none(known, share, without_ai) and stand_in(list, known, place)
      if other then analyse(calls.INSTEAD, other, share, explain and not without_ai, after) end
    end
  end
  return polls
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

-- A share speaks for its own analyzers alone.
local function add_others(names, share, list)
  for _, other in ipairs(list) do
    if other.suffix ~= share.suffix then table.move(other.filters, 1, #other.filters, #names + 1, names) end
  end
  return names
end

-- The share that a poll answers.
local function share_of(state, list)
  for _, share in ipairs(list) do
    for _, name in ipairs { calls.ANALYSIS, calls.PLAIN, calls.INSTEAD } do
      if state.name == name .. share.suffix then return share end
    end
  end
end

--- Takes an analysis in. What it does not speak of is over, unless an analyzer failed that may have spoken of it, or another share does.
---@param ctx k8sgpt.StepContext
---@param state k8sgpt.PollState with news
---@param list k8sgpt.Share[] as they were asked for
---@param explains boolean findings are to be explained
---@return boolean? done
---@return string? message
function calls.take(ctx, state, list, explains)
  local share = share_of(state, list)
  if not share then return true end -- of a configuration there is nothing to be taken
  local is_explained = explains and state.name ~= calls.PLAIN .. share.suffix
  local answer, message = ctx.answer(state.name)
  while answer do
    local done, why = report(ctx, answer.items, is_explained)
    if not done then return nil, why end
    if answer.last then
      local failed = failed_analyzers(answer.head.errors)
      return failed == nil or ctx.reported { except = add_others(failed, share, list) }
    end
    answer, message = ctx.answer(state.name)
  end
  return message == nil, message
end

return calls
