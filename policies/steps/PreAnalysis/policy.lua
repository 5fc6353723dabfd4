--- Fourth step: whether the engine can be asked; and before anything is said about it, the filters choose what is looked at, and custom
--- analyzers are asked.

local custom = require "k8sgpt.custom"
local duration = require "k8sgpt.duration"
local engine = require "k8sgpt.engine"
local k8sgpt = require "k8sgpt"
local managed = require "k8sgpt.managed"
local object = require "k8sgpt.object"

local NOT_YET = "the K8sGPT Deployment is ready, but asking it is not implemented yet: start the operator with --engine embedded, or set "
  .. "spec.engine.mode to Embedded. Results that are there stay untouched."

-- Conditions of a Deployment that say why no pod is ready, the most telling first.
local TELLING = { { "ReplicaFailure", "True" }, { "Progressing", "False" }, { "Available", "False" } }

local function why_not_ready(deployment)
  for _, pair in ipairs(TELLING) do
    local condition = object.condition(deployment, pair[1])
    if condition and condition.status == pair[2] and object.text(condition.message) then return ": " .. condition.message end
  end
  return ""
end

-- As upstream: one replica that is ready will do, also one of before while a change rolls out.
local function look_at(deployment, cr)
  local meta = cr.metadata
  if not deployment then return "NotReady", ("Deployment %s/%s is about to be made"):format(meta.namespace, meta.name) end
  if (object.dig(deployment, "status", "readyReplicas") or 0) > 0 then return "NotImplemented", NOT_YET end
  return "NotReady", ("Deployment %s/%s has no replica that is ready%s"):format(meta.namespace, meta.name, why_not_ready(deployment))
end

local function await_engine(ctx, cr)
  local objects, message = managed.all(ctx)
  if not objects then return nil, ctx.retry(0, message) end
  local reason, what = look_at(managed.find(objects, "Deployment", cr.metadata.name), cr)
  ctx.condition("EngineAvailable", "False", reason, what)
  ctx.condition("Ready", "False", reason, what)
  return ctx.stop("no engine")
end

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
  if engine.is_deployment(ctx, cr) then return await_engine(ctx, cr) end
  -- Before the choice, which ends what nobody reports any more.
  local states, message = ctx.poll(k8sgpt.array(custom.polls(cr, ctx.params.custom_timeout)))
  if not states then return nil, ctx.retry(5, "the custom analyzers cannot be asked: " .. message) end
  local chosen = ctx.choose { interval = duration.interval(cr) }
  ctx.trace(("%d analyzers chosen, %d names unknown"):format(#chosen.analyzers, #chosen.unknown))
  take_answers(ctx, states)
end

return {
  api = 1, kind = "step", name = "PreAnalysis", description = "Awaits the engine, or chooses the analyzers and asks custom ones", run = run,
  params = { custom_timeout = 10 },
}
