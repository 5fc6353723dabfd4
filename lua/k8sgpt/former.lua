--- What the Go operator (k8sgpt-operator) made for a K8sGPT that the operator itself diagnoses now. It bears no label of ours, and its role
--- and binding stay when the K8sGPT goes: a garbage collector takes nothing cluster-scoped along with an owner that has a namespace.

local object = require "k8sgpt.object"
local render = require "k8sgpt.render"

local dig = object.dig

local former = {}

--- What holds a K8sGPT until all that belongs to it is removed. The Go operator's has the same name.
former.FINALIZER = "k8sgpt.ai/finalizer"

--- True when another operator may have looked after this K8sGPT: it is held, and no status of ours says who diagnoses.
---@param cr k8sgpt.View
---@return boolean
function former.may_have(cr)
  if dig(cr, "status", "engine", "mode") then return false end
  for _, name in ipairs(cr.metadata.finalizers or {}) do
    if name == former.FINALIZER then return true end
  end
  return false
end

local function reference(api_version, kind, name, namespace)
  return { apiVersion = api_version, kind = kind, metadata = { name = name, namespace = namespace } }
end

-- In the order in which they go. What the namespace shares is still needed where another K8sGPT of it has an engine.
local function references(ctx, cr)
  local ns, name, rbac = cr.metadata.namespace, cr.metadata.name, "rbac.authorization.k8s.io/v1"
  local own = { reference("apps/v1", "Deployment", name, ns), reference("v1", "Service", name, ns) }
  if #render.sharers(ctx, cr) > 0 then return own end
  return {
    own[1], own[2], reference(rbac, "ClusterRoleBinding", render.binding_name(ns)), reference(rbac, "ClusterRole", render.role_name(ns)),
    reference("v1", "ServiceAccount", render.account_name(ns), ns),
  }
end

local function is_of(item, cr)
  for _, owner in ipairs(dig(item, "metadata", "ownerReferences") or {}) do
    if owner.uid == cr.metadata.uid then return true end
  end
  return false
end

local function remove(ctx, cr, wanted)
  local there, why = ctx.fetch(wanted)
  if not there then return why:find("not found", 1, true) ~= nil, why end
  if not is_of(there, cr) then return true end
  wanted.metadata.uid = there.metadata.uid
  return ctx.delete(wanted)
end

local function title(item)
  local namespace = item.metadata.namespace
  return ("%s %s%s"):format(item.kind, namespace and namespace .. "/" or "", item.metadata.name)
end

--- Removes what is there of it and has this K8sGPT as its owner.
---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
---@return boolean? done
---@return string? message why not; beside true, what a person has to look after, as the operator has no right to
function former.remove(ctx, cr)
  local left, reason = {}, nil
  for _, wanted in ipairs(references(ctx, cr)) do
    local done, why = remove(ctx, cr, wanted)
    if not done and not why:find("forbidden", 1, true) then return nil, title(wanted) .. ": " .. why end
    if not done then left[#left + 1], reason = ("%s/%s"):format(wanted.kind:lower(), wanted.metadata.name), reason or why end
  end
  return true, reason and ("Some of those that the Go operator made may still be there: %s. To remove them: kubectl delete -n %s %s"):format(
    reason, cr.metadata.namespace, table.concat(left, " "))
end

return former
