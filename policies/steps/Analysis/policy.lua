--- Fifth step: how the diagnosis stands, as conditions that tell a person what to do. The analysis itself goes on all the time.

local calls = require "k8sgpt.engine_calls"
local conditions = require "k8sgpt.conditions"
local engine = require "k8sgpt.engine"
local engine_state = require "k8sgpt.engine_state"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

local dig, holds, fails = object.dig, conditions.holds, conditions.fails

local function plural(n, noun) return ("%d %s%s"):format(n, noun, n == 1 and "" or "s") end

local function join(list, describe)
  local out = {}
  for i, item in ipairs(list) do out[i] = describe(item) end
  return table.concat(out, "; ")
end

local function says(text, words) return text:lower():find(words, 1, true) ~= nil end
local function is_denied(text) return says(text, "forbidden") or says(text, "may not be read") end

local function policies_loaded(policies)
  local type, tripped = "PoliciesLoaded", policies.tripped or {}
  if #tripped > 0 then
    local list = join(tripped, function(policy) return ("%s (%s): %s"):format(policy.name, policy.source, policy.message) end)
    return fails(type, "PolicyTripped", list .. ". The layer below works in its place until the policy changes.")
  end
  if policies.problem == "" then
    return holds(type, "Loaded", ("bundle %s with %s"):format(policies.hash:sub(1, 12), plural(#policies.overrides, "override")))
  end
  if policies.lastGood then
    return fails(type, "LastGoodInUse", policies.problem .. ". The policies of before stay in use; correct this one to load the new ones.")
  end
  return fails(type, "PolicyInvalid", policies.problem .. ". The layer below works in its place; correct it to load it.")
end

local function engine_available(diagnosis)
  local type, waiting = "EngineAvailable", join(diagnosis.waiting, tostring)
  if diagnosis.synced then return holds(type, "Synced", "all that the analyzers read is in the caches") end
  if is_denied(waiting) then
    return fails(type, "Forbidden", waiting .. ". Grant the operator list and watch on it.")
  end
  return fails(type, "Syncing", "reading the cluster for the first time: " .. waiting)
end

--- What to do about a right that is missing.
local function advice(options)
  local is_everywhere = #(options.namespaces or {}) == 0
  return ". Grant the access, " .. (is_everywhere and "name the namespaces where it is granted by --watch-namespace, " or "")
    .. "or take them out of spec.filters."
end

--- What the status says of an analyzer.
local function described(analyzer)
  local parts = {}
  for _, part in ipairs { analyzer.denied or "", analyzer.reason, analyzer.withheld or "" } do
    if part ~= "" then parts[#parts + 1] = part end
  end
  return { name = analyzer.name, state = analyzer.state, reason = table.concat(parts, "; ") }
end

-- A custom analyzer is inactive until it has answered once.
local STATE_OF_PEER = { waiting = "inactive", answered = "active", failing = "failing" }

local function described_peer(peer)
  local reason = peer.state == "waiting" and "it has not answered yet" or peer.message
  return { name = peer.name, state = STATE_OF_PEER[peer.state], reason = reason }
end

local function described_all(diagnosis)
  local list = k8sgpt.array {}
  for _, analyzer in ipairs(diagnosis.analyzers) do list[#list + 1] = described(analyzer) end
  for _, peer in ipairs(diagnosis.peers or {}) do list[#list + 1] = described_peer(peer) end
  return list
end

local function analysed(diagnosis, options)
  local type, failing, denied, active = "Analysed", {}, {}, 0
  for _, analyzer in ipairs(diagnosis.analyzers) do
    local lacks = is_denied(analyzer.reason) or (analyzer.denied or "") ~= ""
    if analyzer.state == "failing" and not is_denied(analyzer.reason) then
      failing[#failing + 1] = described(analyzer)
    elseif lacks then
      denied[#denied + 1] = described(analyzer)
    end
    if analyzer.state == "active" then active = active + 1 end
  end
  for _, peer in ipairs(diagnosis.peers or {}) do
    if peer.state == "failing" then failing[#failing + 1] = described_peer(peer) end
    if peer.state == "answered" then active = active + 1 end
  end
  local function explain(analyzer) return analyzer.name .. ": " .. analyzer.reason end
  if #failing > 0 then return fails(type, "AnalyzerFailed", join(failing, explain) .. ". What they found before stays as it is.") end
  if #denied > 0 then return fails(type, "PartialAccess", join(denied, explain) .. advice(options)) end
  return holds(type, "Current", plural(active, "analyzer") .. " up to date")
end

local function missing_sinks(cr, known)
  local missing = {}
  local function look(sink)
    local type = sink and object.text(sink.type)
    if type and not known[type] then missing[#missing + 1] = type end
  end
  look(dig(cr, "spec", "sink"))
  for _, sink in ipairs(dig(cr, "spec", "sinks") or {}) do look(sink) end
  return table.concat(missing, ", ")
end

local function notified(ctx, cr, diagnosis)
  local type, known, undelivered = "Notified", {}, diagnosis.undelivered
  for _, name in ipairs(ctx.params.sink_types) do known[name] = true end
  local missing = missing_sinks(cr, known)
  if missing ~= "" then
    return fails(type, "NotImplemented", ("nothing is sent to sinks of type %s, which are not built in: correct the type, or name it in sink_types of "
      .. "the step Analysis where a policy of yours speaks to it"):format(missing))
  end
  if #undelivered == 0 then return holds(type, "Delivered", "nothing is waiting to be sent") end
  local message = join(undelivered, function(item) return item.sink .. ": " .. item.message end)
  return fails(type, says(message, "secret") and "SecretMissing" or "SinkFailing", message .. ". It is tried again.")
end

local function available_and_analysed(ctx, cr, diagnosis)
  if engine.is_deployment(ctx, cr) then return engine_state.conditions(diagnosis.peers) end
  return engine_available(diagnosis), analysed(diagnosis, ctx.options)
end

local function say_whether_explained(ctx, cr, diagnosis)
  if engine.is_deployment(ctx, cr) and calls.explains(cr) then
    conditions.set(ctx, { engine_state.explanation(diagnosis.peers) })
  else
    conditions.not_yet(ctx, cr, "ExplanationAvailable", dig(cr, "spec", "ai") ~= nil, "spec.ai")
  end
end

local function summary(diagnosis)
  local open, parts, total = diagnosis.problems, {}, 0
  for _, severity in ipairs { "critical", "high", "medium", "low" } do
    local n = open[severity]
    if n > 0 then parts[#parts + 1] = n .. " " .. severity end
    total = total + n
  end
  local text = ("%s in %s"):format(plural(total, "problem"), plural(#diagnosis.analyzers, "analyzer"))
  return total > 0 and text .. ": " .. table.concat(parts, ", ") or text
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local diagnosis = ctx.diagnosis()
  local policies, unknown, ready = diagnosis.policies, diagnosis.unknown or {}, nil
  local available, current = available_and_analysed(ctx, cr, diagnosis)
  local broken = conditions.set(ctx, { policies_loaded(policies), available, current, notified(ctx, cr, diagnosis) })
  if broken then
    ready = fails("Ready", broken.reason, broken.message)
  elseif #unknown > 0 then
    ready = fails("Ready", "UnknownFilter", ("no analyzer is named %s: correct spec.filters. The others work: %s")
      :format(join(unknown, tostring), summary(diagnosis)))
  end
  conditions.set(ctx, { ready or holds("Ready", "Ready", summary(diagnosis)) })
  say_whether_explained(ctx, cr, diagnosis)
  ctx.status {
    problems = k8sgpt.copy(diagnosis.problems),
    analyzers = described_all(diagnosis),
    policyBundle = { hash = policies.hash, overrides = k8sgpt.array(k8sgpt.copy(policies.overrides)) },
  }
end

return {
  api = 1, kind = "step", name = "Analysis", description = "Says how the diagnosis stands", run = run,
  params = { sink_types = { "log", "slack", "mattermost", "cloudevents", "webhook" } },
}
