--- First step: refuses what no schema can, and says which generation of the spec the status is about.

local custom = require "k8sgpt.custom"
local duration = require "k8sgpt.duration"
local engine = require "k8sgpt.engine"
local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig, text = object.dig, object.text

-- Names that sinks have without being listed: the operator's own log, and spec.sink.
local RESERVED = { log = true, default = true }

-- Types that get nowhere without an address; others may know theirs from spec.sinks[].config, or need none.
local NEEDS_ADDRESS = { slack = true, mattermost = true, cloudevents = true, webhook = true }

-- The name of a K8sGPT is the value of a label of its Results, and the name of a Service.
local MAX_NAME_BYTES = 63

local function name_problem(name)
  if #name <= MAX_NAME_BYTES then return nil end
  return ("metadata.name has %d characters: Results carry it in a label, which takes %d"):format(#name, MAX_NAME_BYTES)
end

local function interval_problem(spec)
  local interval = dig(spec, "analysis", "interval")
  if interval == nil or (duration.seconds(interval) or 0) > 0 then return nil end
  return ("spec.analysis.interval is %q: write a time between 1s and a year, such as 30s, 5m or 1h"):format(tostring(interval))
end

-- Never the address itself: whoever knows it can post.
local function address_problem(sink)
  local webhook, secret = text(sink.webhook), sink.secret
  if secret and not (text(secret.name) and text(secret.key)) then return "needs both the name of a Secret and a key of it" end
  if not NEEDS_ADDRESS[sink.type] then return nil end
  if not secret and not webhook then return "has no address: give it a webhook or a secret" end
  if webhook and not webhook:find("^https?://.") then return "has a webhook that is no http or https address" end
end

local function sinks_problem(spec)
  local seen = {}
  for _, sink in ipairs(dig(spec, "sinks") or {}) do
    local name = sink.name or ""
    if name == "" then return "spec.sinks has an entry without a name: give it one that routes can use" end
    if RESERVED[name] then return ("spec.sinks names a sink %q, which is taken: choose another name"):format(name) end
    if seen[name] then return ("spec.sinks has two sinks named %q: routes could not tell them apart"):format(name) end
    seen[name] = true
    local problem = address_problem(sink)
    if problem then return ("the sink %q of spec.sinks %s"):format(name, problem) end
  end
end

local function scaling_problem(spec)
  local least, most = dig(spec, "engine", "scaling", "minReplicas") or 1, dig(spec, "engine", "scaling", "maxReplicas") or 1
  if least > most then return ("spec.engine.scaling.minReplicas is %d, more than maxReplicas, which is %d"):format(least, most) end
end

local function selector_problem(spec)
  for _, field in ipairs { "namespaceSelector", "objectSelector" } do
    local problem = selector.problem(dig(spec, field))
    if problem then return ("spec.%s %s"):format(field, problem) end
  end
end

local function problem_of(cr)
  local spec = cr.spec or {}
  return name_problem(cr.metadata.name) or interval_problem(spec) or selector_problem(spec) or sinks_problem(spec) or scaling_problem(spec)
    or engine.problem(spec) or custom.problem(spec)
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  if cr.metadata.deletionTimestamp then return nil end -- what is to go may be wrong

  ctx.status { observedGeneration = cr.metadata.generation }
  local problem = problem_of(cr)
  if not problem then return nil end
  ctx.condition("Ready", "False", "InvalidSpec", problem .. ". Until then nothing is analysed and Results stay as they are.")
  return ctx.stop(problem)
end

return { api = 1, kind = "step", name = "Init", description = "Checks the spec", run = run }
