--- What an autoscaler scales.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

local scaling = {}

local CRD, KIND = "apiextensions.k8s.io/v1/CustomResourceDefinition", "spec.names.kind"

-- What has replicas and a template of pods. Other kinds can be scaled where a CustomResourceDefinition says that there are such.
local BUILT_IN = {
  Deployment = "apps/v1/Deployment", StatefulSet = "apps/v1/StatefulSet", ReplicaSet = "apps/v1/ReplicaSet",
  ReplicationController = "v1/ReplicationController",
}

-- Built-in kinds that cannot be scaled, though there may be such an object. Whether there is one is looked up but for those of which there
-- are many.
local UNSCALED = { DaemonSet = "apps/v1/DaemonSet", Job = false, CronJob = false, Pod = false }

-- What a policy that asks declares.
scaling.WATCHES = { { CRD, fields = { "spec.group" } }, { UNSCALED.DaemonSet, fields = {} } }
for _, kind in ipairs { "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController" } do
  scaling.WATCHES[#scaling.WATCHES + 1] = { BUILT_IN[kind], fields = {
    "spec.template.spec.containers[].name", "spec.template.spec.containers[].resources.requests",
    "spec.template.spec.containers[].resources.limits",
  } }
end
scaling.DEFINITIONS, scaling.INDEXES = CRD, { KIND } -- of that kind

local function is_custom(ctx, reference)
  local group = (reference.apiVersion or ""):match("^(.-)/")
  if not ctx.readable(CRD) then return true end
  for _, definition in ipairs(ctx.list(CRD, { index = { KIND, reference.kind } })) do
    if dig(definition, "spec", "group") == group then return true end
  end
  return false
end

-- Groups of custom resources are names in the DNS, with a dot.
local function may_exist(ctx, namespace, reference)
  local gvk = UNSCALED[reference.kind]
  if gvk == nil or (reference.apiVersion or ""):find("^[^/]*%.[^/]*/") then return false end
  return not gvk or ctx.exists(gvk, namespace, reference.name)
end

-- Whether it is no option, whether it does not exist, and the workload where there is one. Of custom resources nobody can tell here; the
-- autoscaler's own conditions do.
local function look_up(ctx, namespace, reference)
  local gvk = BUILT_IN[reference.kind]
  if gvk then
    local workload = ctx.get(gvk, namespace, reference.name)
    return false, not workload, workload
  end
  local impossible = not is_custom(ctx, reference)
  return impossible, impossible and not may_exist(ctx, namespace, reference), nil
end

--- What is wrong with the object that an autoscaler is to scale, in upstream's words: rules kind (it cannot be scaled) and target (there is
--- no such object).
---@param ctx k8sgpt.ReadContext
---@param scaler string kind of the autoscaler
---@param namespace string
---@param reference k8sgpt.View|table scaleTargetRef: {apiVersion?, kind, name}
---@return k8sgpt.Failure[]
---@return k8sgpt.View? workload where it is there
function scaling.failures(ctx, scaler, namespace, reference)
  local kind, name, found = reference.kind, reference.name, {}
  local impossible, missing, workload = look_up(ctx, namespace, reference)
  if impossible then
    local text = ("%s uses %s as ScaleTargetRef which is not an option."):format(scaler, kind)
    found[1] = mask.also({ rule = "kind", text = text, sensitive = mask.sensitive(text) }, name)
  end
  if missing then
    local text = ("%s uses %s/%s as ScaleTargetRef which does not exist."):format(scaler, kind, name)
    found[#found + 1] = { rule = "target", text = text, sensitive = mask.sensitive(text, name) }
  end
  return found, workload
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
