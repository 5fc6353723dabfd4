--- Fourth step: the filters choose what is looked at, before anything is said about it.

---@param ctx k8sgpt.StepContext
local function run(ctx)
  local chosen = ctx.choose()
  ctx.trace(("%d analyzers chosen, %d names unknown"):format(#chosen.analyzers, #chosen.unknown))
end

return { api = 1, kind = "step", name = "PreAnalysis", description = "Chooses the analyzers", run = run }
