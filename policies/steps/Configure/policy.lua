--- Third step: who diagnoses. Where that is a K8sGPT Deployment, the objects that it consists of are brought to what render policies want.

local engine = require "k8sgpt.engine"
local engine_size = require "k8sgpt.engine_size"
local former = require "k8sgpt.former"
local k8sgpt = require "k8sgpt"
local managed = require "k8sgpt.managed"
local object = require "k8sgpt.object"
local render = require "k8sgpt.render"

local OTHER_CLUSTER_NOT_YET = "spec.kubeconfig names another cluster, and the embedded engine diagnoses only the one that it runs in: "
  .. "set spec.engine.mode to Deployment, or run an operator in that cluster. Results that are there stay untouched."

local NOT_NEEDED = "the embedded engine needs no objects"

local function refuse(ctx, message)
  ctx.condition("EngineAvailable", "False", "NotImplemented", message)
  ctx.condition("Ready", "False", "NotImplemented", message)
  return ctx.stop("no engine")
end

local function failed(ctx, message)
  ctx.condition("EngineConfigured", "False", "NotConfigured", message)
  return nil, ctx.retry(0, message)
end

-- What the Go operator left and nobody may look at is said once, and holds up nothing: it never hindered the embedded engine.
local function say_what_is_left(ctx, cr, left)
  local before = object.condition(cr, "EngineConfigured")
  if left then
    ctx.condition("EngineConfigured", "True", "NotNeeded", NOT_NEEDED .. ". " .. left)
  elseif before and before.reason ~= "NotNeeded" then
    ctx.condition("EngineConfigured", "True", "NotNeeded", NOT_NEEDED)
  end
end

local function say_size(ctx, cr, size, why_none)
  local type = "EngineScaled"
  if size then
    ctx.condition(type, size.reason == "Sized" and "True" or "False", size.reason, size.message)
  elseif object.condition(cr, type) then
    ctx.condition(type, "False", "NotRequested", why_none)
  end
end

local function embedded(ctx, cr)
  local left
  if managed.may_have(ctx, cr) then
    ctx.scrape(k8sgpt.array {})
    local done, message = managed.remove_all(ctx, cr)
    if not done then return failed(ctx, "the K8sGPT Deployment could not be removed: " .. message) end
  elseif former.may_have(cr) then
    local done, message = former.remove(ctx, cr)
    if not done then return failed(ctx, "what the Go operator made could not be removed: " .. message) end
    left = message
  end
  say_what_is_left(ctx, cr, left)
  say_size(ctx, cr, nil, "the embedded engine has no replicas")
  ctx.status { engine = { mode = "Embedded", version = "", endpoint = "", remoteCache = "" } }
  return object.dig(cr, "spec", "kubeconfig") and refuse(ctx, OTHER_CLUSTER_NOT_YET) or nil
end

-- What the embedded engine said of its analysis is not this one's word, and would stand until this one is there.
local ABOUT_ANALYSIS = { "Analysed", "ExplanationAvailable" }

local function leave_embedded(ctx, cr)
  if object.dig(cr, "status", "engine", "mode") ~= "Embedded" then return end
  for _, type in ipairs(ABOUT_ANALYSIS) do
    if object.condition(cr, type) then ctx.condition(type, "False", "NotYet", "the engine has not analysed yet. What was found before stays as it is.") end
  end
  ctx.status { analyzers = k8sgpt.array {} }
end

-- How large it is to be, where spec.engine.scaling asks for that; else nothing is counted.
local function choose_size(ctx, cr)
  local objects, message = managed.all(ctx)
  if not objects then return nil, message end
  local kinds, namespace = engine_size.counted(cr)
  local census = { counts = {}, failed = {} }
  if #kinds > 0 then census, message = ctx.count(k8sgpt.array(kinds), namespace) end
  if not census then return nil, message end
  return engine_size.of(cr, census, engine_size.before(managed.find(objects, "Deployment", cr.metadata.name)))
end

local function deployment(ctx, cr)
  local done, message = managed.announce(ctx, cr)
  if not done then return nil, ctx.retry(1, "the status could not be written: " .. message) end
  leave_embedded(ctx, cr)
  local told = object.dig(cr, "status", "engine", "remoteCache") or ""
  ctx.status { engine = { mode = "Deployment", version = "", endpoint = "", remoteCache = told } }
  local size, wanted, why
  if engine_size.is_asked(cr) then
    size, why = choose_size(ctx, cr)
    if not size then return failed(ctx, why) end
  end
  say_size(ctx, cr, size, "spec.engine.scaling is not set")
  wanted, why = ctx.render(size)
  if not wanted then return failed(ctx, why) end
  local problem
  done, problem = managed.converge(ctx, wanted)
  if not done then return failed(ctx, problem) end
  if problem then
    ctx.condition("EngineConfigured", "False", "NotConfigured", problem .. ". What there was before stays in use.")
  else
    ctx.condition("EngineConfigured", "True", "Applied", "all objects are as they are wanted")
  end
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  if engine.is_deployment(ctx, cr) then return deployment(ctx, cr) end
  return embedded(ctx, cr)
end

return {
  api = 1, kind = "step", name = "Configure", description = "Chooses the engine, and keeps its Deployment as it is wanted",
  watches = { render.WATCH }, run = run,
}
