--- What the objects of the K8sGPT Deployment have in common: what they are called, whose they are, and for whom they are there.
--
-- The Deployment and its Service belong to one K8sGPT. ServiceAccount, ClusterRole and ClusterRoleBinding have names of their namespace,
-- which others rely on (an IAM role trusts system:serviceaccount:ops:k8sgpt-ops), so that all K8sGPT resources there share them.

local engine = require "k8sgpt.engine"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

local dig, text = object.dig, object.text

local render = {}

--- The watch that a policy needs which asks `sharers`.
render.WATCH = { "core.k8sgpt.ai/v1alpha1/K8sGPT", fields = { "spec" } }

render.LABEL_NAME = "k8sgpts.k8sgpt.ai/name"
render.LABEL_NAMESPACE = "k8sgpts.k8sgpt.ai/namespace"

--- The account that engines run as where the operator manages none (K8SGPT_ENABLE_DYNAMIC_RBAC off).
render.FIXED_ACCOUNT = "k8sgpt"

---@param namespace string
---@return string
function render.account_name(namespace) return "k8sgpt-" .. namespace end

---@param namespace string
---@return string
function render.role_name(namespace) return "k8sgpt-" .. namespace .. "-clusterrole" end

---@param namespace string
---@return string
function render.binding_name(namespace) return render.role_name(namespace) .. "-binding" end

--- True when this K8sGPT is to have an engine of its own.
---@param ctx k8sgpt.Context
---@param cr k8sgpt.View
---@return boolean
function render.is_wanted(ctx, cr) return not cr.metadata.deletionTimestamp and engine.is_deployment(ctx, cr) end

--- True when its engine asks the API server of this cluster.
---@param cr k8sgpt.View
---@return boolean
function render.is_local(cr) return dig(cr, "spec", "kubeconfig") == nil end

---@param cr k8sgpt.View
---@return string? arn of the IAM role that its ServiceAccount stands for
function render.iam_role(cr) return text(dig(cr, "spec", "extraOptions", "serviceAccountIRSA")) end

--- True when its engine runs as the ServiceAccount: for this cluster's API, or for AWS by an IAM role.
---@param cr k8sgpt.View
---@return boolean
function render.has_account(cr)
  return render.is_local(cr) or (dig(cr, "spec", "ai", "backend") == "amazonbedrock" and render.iam_role(cr) ~= nil)
end

local function has_name(cr, name) return cr.metadata.name == name end

--- All K8sGPT resources of the namespace that want an engine, this one included if it does, the oldest first.
---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
---@return k8sgpt.View[]
function render.sharers(ctx, cr)
  local list = {}
  for _, other in ipairs(ctx.list(render.WATCH[1], { ns = cr.metadata.namespace })) do
    if not has_name(other, cr.metadata.name) and render.is_wanted(ctx, other) then list[#list + 1] = other end
  end
  if render.is_wanted(ctx, cr) then list[#list + 1] = cr end
  table.sort(list, function(a, b)
    local x, y = a.metadata, b.metadata
    return (x.creationTimestamp or "") .. "/" .. x.name < (y.creationTimestamp or "") .. "/" .. y.name
  end)
  return list
end

-- A K8sGPT that was only read from a file has no uid, and an owner without one is none.
local function reference(cr, is_controller)
  local meta = cr.metadata
  return meta.uid and {
    apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", name = meta.name, uid = meta.uid,
    controller = is_controller or nil, blockOwnerDeletion = is_controller or nil,
  }
end

local function merge(into, from)
  for key, value in pairs(from or {}) do into[key] = value end
  return into
end

--- A plain table with the pairs of both; those of the second win.
---@param base table<string, string>
---@param over? k8sgpt.View|table<string, string>
---@return table<string, string>
function render.merged(base, over) return merge(merge({}, base), over) end

local function belong(wanted, labels, owners)
  local meta = wanted.metadata
  meta.labels = merge(meta.labels or {}, labels)
  -- What is cluster-scoped cannot have an owner in a namespace (Kubernetes docs, "Owners and Dependents"): step Finalizer removes it.
  if meta.namespace and #owners > 0 then meta.ownerReferences = owners end
  return wanted
end

--- Says that an object belongs to this K8sGPT alone.
---@param cr k8sgpt.View
---@param wanted table changed and returned
---@return table
function render.own(cr, wanted)
  local meta = cr.metadata
  return belong(wanted, { [render.LABEL_NAME] = meta.name, [render.LABEL_NAMESPACE] = meta.namespace }, { reference(cr, true) })
end

--- Says that an object belongs to all of these K8sGPT resources of one namespace; the last one takes it along.
---@param sharers k8sgpt.View[]
---@param wanted table changed and returned
---@return table
function render.share(sharers, wanted)
  local owners = {}
  for _, cr in ipairs(sharers) do owners[#owners + 1] = reference(cr, false) end
  return belong(wanted, { [render.LABEL_NAMESPACE] = sharers[1].metadata.namespace }, owners)
end

--- A copy of a part of the spec, nil where it is not there.
---@param cr k8sgpt.View
---@param field string of spec
---@return table?
function render.given(cr, field)
  local value = dig(cr, "spec", field)
  return value and k8sgpt.copy(value)
end

return render
