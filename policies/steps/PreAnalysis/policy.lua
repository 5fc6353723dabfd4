--- Fourth step: the filters choose what is looked at, before anything is said about it; and custom analyzers are asked.

local custom = require "k8sgpt.custom"
local duration = require "k8sgpt.duration"
local k8sgpt = require "k8sgpt"

-- Where an answer cannot be taken in, what was found before stays; the others go on.
local function take_answers(ctx, states)
  for _, state in ipairs(states) do
    if state.news then
      local done, message = custom.take(ctx, state.name)
      if not done then ctx.log("warn", ("custom analyzer %s: %s"):format(state.name, message)) end
    end
  end
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  -- Before the choice, which ends what nobody reports any more.
  local states, message = ctx.poll(k8sgpt.array(custom.polls(cr, ctx.params.custom_timeout)))
  if not states then return nil, ctx.retry(5, "the custom analyzers cannot be asked: " .. message) end
  local chosen = ctx.choose { interval = duration.interval(cr) }
  ctx.trace(("%d analyzers chosen, %d names unknown"):format(#chosen.analyzers, #chosen.unknown))
  take_answers(ctx, states)
end

return {
  api = 1, kind = "step", name = "PreAnalysis", description = "Chooses the analyzers, and asks custom ones", run = run,
  params = { custom_timeout = 10 },
}
