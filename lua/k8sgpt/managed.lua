--- The objects of the K8sGPT Deployment, brought to what is wanted.

local engine = require "k8sgpt.engine"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"
local render = require "k8sgpt.render"

local dig = object.dig

local managed = {}

-- Says what was applied last, so that the operator sees at once whether anything else is wanted now (src/operator/owned.h).
local MARK = "k8sgpt.ai/applied"

-- Our field manager.
local MANAGER = "k8sgpt-operator"

-- The engine stops before its address goes, and that before its rights.
local REMOVAL = { Deployment = 1, Service = 2, ClusterRoleBinding = 3, ClusterRole = 4, ServiceAccount = 5 }

local function key_of(item)
  local meta = item.metadata
  return table.concat({ item.apiVersion, item.kind, meta.namespace or "", meta.name }, "/")
end

local function title(item)
  local namespace = item.metadata.namespace
  return ("%s %s%s"):format(item.kind, namespace and namespace .. "/" or "", item.metadata.name)
end

local function reference(item)
  local meta = item.metadata
  return { apiVersion = item.apiVersion, kind = item.kind, metadata = { namespace = meta.namespace, name = meta.name, uid = meta.uid } }
end

--- True when there may be objects of this K8sGPT: its engine is a Deployment, or was one.
---@param ctx k8sgpt.Context
---@param cr k8sgpt.View
---@return boolean
function managed.may_have(ctx, cr) return engine.is_deployment(ctx, cr) or dig(cr, "status", "engine", "mode") == "Deployment" end

--- Has the status say that there is going to be a Deployment before there is one, so that whatever happens next, it is removed in the end.
---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
---@return boolean? done
---@return string? message
function managed.announce(ctx, cr)
  if dig(cr, "status", "engine", "mode") == "Deployment" then return true end
  local meta = cr.metadata
  return ctx.patch({ apiVersion = cr.apiVersion, kind = cr.kind, metadata = { namespace = meta.namespace, name = meta.name } },
    { status = { engine = { mode = "Deployment", version = "", endpoint = "" } } }, { subresource = "status" })
end

--- What is managed as the API server has it. What may not be read might be there, and is an error.
---@param ctx k8sgpt.StepContext
---@return table[]? objects
---@return string? message
function managed.all(ctx)
  local state, message = ctx.managed()
  if not state then return nil, message end
  for _, denied in ipairs(state.unreadable) do
    if not denied.followed then
      return nil, ("%s cannot be read: %s. Grant the operator get, list, watch, patch and delete on it"):format(denied.kind, denied.reason)
    end
  end
  return state.objects
end

--- What others made of it, of one kind.
---@param ctx k8sgpt.StepContext
---@param kind string
---@return table[]? objects
---@return string? message
function managed.followers(ctx, kind)
  local state, message = ctx.managed()
  if not state then return nil, message end
  for _, denied in ipairs(state.unreadable) do
    if denied.followed then return nil, ("%s cannot be read: %s. Grant the operator list and watch on it"):format(denied.kind, denied.reason) end
  end
  local found = {}
  for _, item in ipairs(state.followers) do
    if item.kind == kind then found[#found + 1] = item end
  end
  return found
end

--- The one of this kind and name.
---@param objects table[]
---@param kind string
---@param name string
---@return table?
function managed.find(objects, kind, name)
  for _, item in ipairs(objects) do
    if item.kind == kind and item.metadata.name == name then return item end
  end
end

---@param ctx k8sgpt.StepContext
---@param objects table[] the operator's own order of removal
---@return boolean? done
---@return string? message
local function remove(ctx, objects)
  table.sort(objects, function(a, b)
    local x, y = REMOVAL[a.kind] or 0, REMOVAL[b.kind] or 0
    return x < y or x == y and key_of(a) < key_of(b)
  end)
  for _, item in ipairs(objects) do
    if not item.metadata.deletionTimestamp then
      local done, message = ctx.delete(reference(item))
      if not done then return nil, title(item) .. ": " .. message end
    end
  end
  return true
end

local function is_shared(item) return dig(item, "metadata", "labels", render.LABEL_NAME) == nil end

--- Removes what belongs to this K8sGPT, and what it shares if nobody else in its namespace has an engine.
---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
---@return boolean? done
---@return string? message
function managed.remove_all(ctx, cr)
  local objects, message = managed.all(ctx)
  if not objects then return nil, message end
  local others, going = {}, {}
  for _, other in ipairs(render.sharers(ctx, cr)) do
    if other.metadata.name ~= cr.metadata.name then others[#others + 1] = other end
  end
  for _, item in ipairs(objects) do
    if #others == 0 or not is_shared(item) then going[#going + 1] = item end
  end
  return remove(ctx, going)
end

-- An object that has the wanted name and not our labels: upstream's operator made it, which left the K8sGPT as its owner, or a stranger.
local function is_of_k8sgpt(item)
  if dig(item, "metadata", "labels", render.LABEL_NAMESPACE) then return true end
  for _, owner in ipairs(dig(item, "metadata", "ownerReferences") or {}) do
    if owner.kind == "K8sGPT" and (owner.apiVersion or ""):find("^core%.k8sgpt%.ai/") then return true end
  end
  return false
end

-- The name under which upstream's operator writes: that of its binary.
local UPSTREAM = "manager"

-- What it owned becomes what we applied, so that the next apply takes away what is not wanted (Kubernetes docs, "Server-Side Apply":
-- transferring ownership); else it would stay, owned by a manager that is no more.
local function inherit(ctx, there)
  local meta, books, found = there.metadata, {}, false
  for i, entry in ipairs(meta.managedFields or {}) do
    local is_theirs = entry.manager == UPSTREAM and entry.operation == "Update" and not object.text(entry.subresource) and not found
    if is_theirs then entry.manager, entry.operation = MANAGER, "Apply" end
    books[i], found = entry, found or is_theirs
  end
  if not found then return true end
  return ctx.patch(reference(there), { metadata = { resourceVersion = meta.resourceVersion, managedFields = books } })
end

-- An account that somebody made for engines, as eksctl does, is used as it is, if it has what is wanted of it.
local function use_account(there, wanted)
  for key, value in pairs(wanted.metadata.annotations or {}) do
    if key ~= MARK and dig(there, "metadata", "annotations", key) ~= value then
      return nil, ("it is there already and belongs to somebody else, without the annotation %s: %s. Add it, or delete the account"):format(key, value)
    end
  end
  return true
end

-- Takes nothing from a stranger.
local function adopt(ctx, wanted)
  local there, why = ctx.fetch(reference(wanted))
  -- What may not be looked at may be there.
  if not there and (why or ""):find("forbidden", 1, true) then return nil, why end
  if not there then return ctx.apply(wanted) end
  if not is_of_k8sgpt(there) then
    if wanted.kind == "ServiceAccount" then return use_account(there, wanted) end
    return nil, "it is there already and belongs to somebody else: rename it, or the K8sGPT"
  end
  local done, message = inherit(ctx, there)
  if not done then return nil, message end
  return ctx.apply(wanted, { force = true })
end

local function mark(wanted)
  local meta = wanted.metadata
  meta.annotations = meta.annotations or {}
  meta.annotations[MARK] = k8sgpt.sha256(k8sgpt.json_encode(wanted)):sub(1, 16)
end

local function apply_one(ctx, item, is_known)
  mark(item)
  if is_known then return ctx.apply(item, { force = true }) end
  return adopt(ctx, item)
end

-- What is shared and there already is good enough for those who had it: one K8sGPT that wants too much stops no other.
local function apply_all(ctx, wanted, known)
  local problem
  for _, item in ipairs(wanted) do
    local is_known = known[key_of(item)] ~= nil
    local done, why = apply_one(ctx, item, is_known)
    local message = not done and title(item) .. ": " .. why
    if message and not (is_known and is_shared(item)) then return nil, message end
    problem = problem or message or nil
  end
  return true, problem
end

--- Brings what there is to what is wanted: applies what differs, and removes what nobody wants any more.
---@param ctx k8sgpt.StepContext
---@param wanted table[] as ctx.render returns them
---@return boolean? done
---@return string? message why not; beside true, what is as it was before and not as it is wanted
function managed.converge(ctx, wanted)
  local objects, message = managed.all(ctx)
  if not objects then return nil, message end
  local known, is_wanted, unwanted = {}, {}, {}
  for _, item in ipairs(objects) do known[key_of(item)] = item end
  local done, problem = apply_all(ctx, wanted, known)
  if not done then return nil, problem end
  for _, item in ipairs(wanted) do is_wanted[key_of(item)] = true end
  for _, item in ipairs(objects) do
    if not is_wanted[key_of(item)] then unwanted[#unwanted + 1] = item end
  end
  done, message = remove(ctx, unwanted)
  if not done then return nil, message end
  return true, problem
end

return managed
