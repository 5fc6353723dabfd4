--- First step: refuses what no schema can, and says which generation of the spec the status is about.

local duration = require "k8sgpt.duration"
local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig = object.dig

-- Names that sinks have without being listed: the operator's own log, and spec.sink.
local RESERVED = { log = true, default = true }

local function interval_problem(spec)
  local interval = dig(spec, "analysis", "interval")
  if interval == nil or (duration.seconds(interval) or 0) > 0 then return nil end
  return ("spec.analysis.interval is %q: write a time between 1s and a year, such as 30s, 5m or 1h"):format(tostring(interval))
end

local function sinks_problem(spec)
  local seen = {}
  for _, sink in ipairs(dig(spec, "sinks") or {}) do
    local name = sink.name or ""
    if name == "" then return "spec.sinks has an entry without a name: give it one that routes can use" end
    if RESERVED[name] then return ("spec.sinks names a sink %q, which is taken: choose another name"):format(name) end
    if seen[name] then return ("spec.sinks has two sinks named %q: routes could not tell them apart"):format(name) end
    seen[name] = true
  end
end

local function selector_problem(spec)
  for _, field in ipairs { "namespaceSelector", "objectSelector" } do
    local problem = selector.problem(dig(spec, field))
    if problem then return ("spec.%s %s"):format(field, problem) end
  end
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  if cr.metadata.deletionTimestamp then return nil end -- what is to go may be wrong

  ctx.status { observedGeneration = cr.metadata.generation }
  local problem = interval_problem(cr.spec) or selector_problem(cr.spec) or sinks_problem(cr.spec)
  if not problem then return nil end
  ctx.condition("Ready", "False", "InvalidSpec", problem .. ". Until then nothing is analysed and Results stay as they are.")
  return ctx.stop(problem)
end

return { api = 1, kind = "step", name = "Init", description = "Checks the spec", run = run }
