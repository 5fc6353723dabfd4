--- Fourth step: the filters choose what is looked at, before anything is said about it.

local duration = require "k8sgpt.duration"

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local chosen = ctx.choose { interval = duration.interval(cr) }
  ctx.trace(("%d analyzers chosen, %d names unknown"):format(#chosen.analyzers, #chosen.unknown))
end

return { api = 1, kind = "step", name = "PreAnalysis", description = "Chooses the analyzers", run = run }
