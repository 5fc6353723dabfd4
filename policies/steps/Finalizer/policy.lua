--- Second step: stays with a K8sGPT to its end, and takes along its Results and its engine.
--
-- Owner references would have the garbage collector remove them too, but later, and not with --cascade=orphan. What is cluster-scoped no
-- owner in a namespace can take along.

local former = require "k8sgpt.former"
local k8sgpt = require "k8sgpt"
local managed = require "k8sgpt.managed"
local render = require "k8sgpt.render"
local result = require "k8sgpt.result"

local RESULT = "core.k8sgpt.ai/v1alpha1/Result"

local function reference(cr)
  local meta = cr.metadata
  return { apiVersion = result.API_VERSION, kind = "K8sGPT", metadata = { namespace = meta.namespace, name = meta.name, uid = meta.uid } }
end

---@return boolean found
---@return string[] others
local function finalizers(cr)
  local found, others = false, {}
  for _, name in ipairs(cr.metadata.finalizers or {}) do
    if name == former.FINALIZER then found = true else others[#others + 1] = name end
  end
  return found, others
end

-- A merge patch replaces the list as a whole; the resourceVersion makes the server refuse it when somebody changed the object meanwhile.
local function set_finalizers(ctx, cr, list)
  local patch = { metadata = { finalizers = k8sgpt.array(list), resourceVersion = cr.metadata.resourceVersion } }
  return ctx.patch(reference(cr), patch)
end

local function delete_results(ctx, cr)
  local query = { ns = cr.metadata.namespace, labels = result.selector(cr) }
  for _, item in ipairs(ctx.list(RESULT, query)) do
    local meta = item.metadata
    local done, message = ctx.delete {
      apiVersion = result.API_VERSION, kind = "Result",
      metadata = { namespace = meta.namespace, name = meta.name, uid = meta.uid, resourceVersion = meta.resourceVersion },
    }
    if not done then return nil, message end
  end
  return true
end

local function delete_engine(ctx, cr)
  if managed.may_have(ctx, cr) then
    local done, message = managed.remove_all(ctx, cr)
    if not done then return nil, message end
  end
  if not former.may_have(cr) then return true end
  local done, message = former.remove(ctx, cr)
  if done and message then ctx.log("warn", message) end
  return done, message
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local found, others = finalizers(cr)
  if not cr.metadata.deletionTimestamp then
    if found then return nil end
    others[#others + 1] = former.FINALIZER
    local done, message = set_finalizers(ctx, cr, others)
    if not done then return nil, ctx.retry(1, "the finalizer could not be added: " .. message) end
    return nil
  end
  if found then
    local done, message = delete_results(ctx, cr)
    if done then done, message = delete_engine(ctx, cr) end
    if done then done, message = set_finalizers(ctx, cr, others) end
    if not done then return nil, ctx.retry(1, "what belongs to it could not be removed: " .. message) end
  end
  return ctx.stop("deleted")
end

return {
  api = 1, kind = "step", name = "Finalizer", description = "Removes what belongs to a K8sGPT before it goes",
  watches = { RESULT, render.WATCH }, run = run,
}
