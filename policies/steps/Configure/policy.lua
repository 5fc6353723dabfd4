--- Third step: who diagnoses.

local object = require "k8sgpt.object"

local NOT_YET = "engine mode Deployment is not implemented yet: start the operator with --engine embedded, or set spec.engine.mode to "
  .. "Embedded. Results that are there stay untouched."

local OTHER_CLUSTER_NOT_YET = "spec.kubeconfig names another cluster, and the embedded engine diagnoses only the one that it runs in yet: "
  .. "leave spec.kubeconfig out, or run an operator in that cluster. Results that are there stay untouched."

local function refuse(ctx, message)
  ctx.condition("EngineAvailable", "False", "NotImplemented", message)
  ctx.condition("Ready", "False", "NotImplemented", message)
  return ctx.stop("no engine")
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local mode = object.text(object.dig(cr, "spec", "engine", "mode")) or ctx.options.engine
  if mode:lower() == "embedded" then
    ctx.status { engine = { mode = "Embedded", version = "", endpoint = "" } }
    return object.dig(cr, "spec", "kubeconfig") and refuse(ctx, OTHER_CLUSTER_NOT_YET) or nil
  end
  ctx.status { engine = { mode = "Deployment", version = "", endpoint = "" } }
  return refuse(ctx, NOT_YET)
end

return { api = 1, kind = "step", name = "Configure", description = "Chooses the engine", run = run }
