--- What an autoscaler scales.

local object = require "k8sgpt.object"

local dig = object.dig

local scaling = {}

local CRD, KIND = "apiextensions.k8s.io/v1/CustomResourceDefinition", "spec.names.kind"

-- What has replicas and a template of pods. Other kinds can be scaled where a CustomResourceDefinition says that there are such.
local BUILT_IN = {
  Deployment = "apps/v1/Deployment", StatefulSet = "apps/v1/StatefulSet", ReplicaSet = "apps/v1/ReplicaSet",
  ReplicationController = "v1/ReplicationController",
}

-- What a policy that asks declares.
scaling.WATCHES = { { CRD, fields = { "spec.group" } } }
for _, kind in ipairs { "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController" } do
  scaling.WATCHES[#scaling.WATCHES + 1] = { BUILT_IN[kind], fields = {
    "spec.template.spec.containers[].name", "spec.template.spec.containers[].resources.requests",
    "spec.template.spec.containers[].resources.limits",
  } }
end
scaling.INDEXES = { [CRD] = { KIND } }

local function is_custom(ctx, reference)
  local group = (reference.apiVersion or ""):match("^(.-)/")
  if not ctx.readable(CRD) then return true end
  for _, definition in ipairs(ctx.list(CRD, { index = { KIND, reference.kind } })) do
    if dig(definition, "spec", "group") == group then return true end
  end
  return false
end

--- Looks for it.
---@param ctx k8sgpt.ReadContext
---@param namespace string
---@param reference k8sgpt.View scaleTargetRef: {apiVersion?, kind, name}
---@return "custom"|"impossible"|"missing"|"there" state custom: nobody can tell here, the autoscaler's own conditions do
---@return k8sgpt.View? workload where it is there
function scaling.target(ctx, namespace, reference)
  local gvk = BUILT_IN[reference.kind]
  if not gvk then return is_custom(ctx, reference) and "custom" or "impossible" end
  local workload = ctx.get(gvk, namespace, reference.name)
  return workload and "there" or "missing", workload
end

-- Built-in kinds that cannot be scaled, though there may be such an object.
local UNSCALED = { DaemonSet = true, Job = true, CronJob = true, Pod = true }

--- Whether there may be what an impossible reference names: groups of custom resources are names in the DNS, with a dot.
---@param reference k8sgpt.View|table
---@return boolean
function scaling.may_exist(reference)
  return UNSCALED[reference.kind] ~= nil and not (reference.apiVersion or ""):find("^[^/]*%.[^/]*/")
end

--- True when no container of it says what it requests: how much of that it uses, nobody can tell then.
---@param workload k8sgpt.View
---@return boolean
function scaling.lacks_requests(workload)
  for _, container in ipairs(dig(workload, "spec", "template", "spec", "containers") or {}) do
    if dig(container, "resources", "requests") then return false end
  end
  return true
end

--- True when a container of it says nothing about a resource of which the utilization is wanted: it cannot be told then. What it has a
--- limit for it requests, too (Kubernetes docs: Resource Management for Pods and Containers).
---@param workload k8sgpt.View
---@param resource "cpu"|"memory"
---@param container? string the only one that counts
---@return boolean
function scaling.lacks(workload, resource, container)
  for _, candidate in ipairs(dig(workload, "spec", "template", "spec", "containers") or {}) do
    local resources = candidate.resources
    local says = dig(resources, "requests", resource) or dig(resources, "limits", resource)
    if not says and (not container or candidate.name == container) then return true end
  end
  return false
end

return scaling
