--- Third step: who diagnoses.

local object = require "k8sgpt.object"

local NOT_YET = "engine mode Deployment is not implemented yet: start the operator with --engine embedded, or set spec.engine.mode to "
  .. "Embedded. Results that are there stay untouched."

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local mode = object.text(object.dig(cr, "spec", "engine", "mode")) or ctx.options.engine
  if mode:lower() == "embedded" then
    ctx.status { engine = { mode = "Embedded", version = "", endpoint = "" } }
    return nil
  end
  ctx.status { engine = { mode = "Deployment", version = "", endpoint = "" } }
  ctx.condition("EngineAvailable", "False", "NotImplemented", NOT_YET)
  ctx.condition("Ready", "False", "NotImplemented", NOT_YET)
  return ctx.stop("no engine")
end

return { api = 1, kind = "step", name = "Configure", description = "Chooses the engine", run = run }
