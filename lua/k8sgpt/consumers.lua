--- Who uses a ConfigMap: pods, and what makes pods, so that a workload at zero replicas or a CronJob between two runs counts too.

local consumers = {}

-- Where a pod names ConfigMaps (Kubernetes API reference: PodSpec). Volumes first: they are the most.
local PLACES = {
  "spec.volumes[].configMap.name", "spec.containers[].envFrom[].configMapRef.name", "spec.volumes[].projected.sources[].configMap.name",
  "spec.containers[].env[].valueFrom.configMapKeyRef.name", "spec.initContainers[].envFrom[].configMapRef.name",
  "spec.initContainers[].env[].valueFrom.configMapKeyRef.name",
}

-- What has a template of pods, and where. ReplicaSets and Jobs belong to one of these, or have pods.
local TEMPLATES = {
  { "v1/Pod", "" }, { "apps/v1/Deployment", "spec.template." }, { "apps/v1/StatefulSet", "spec.template." },
  { "apps/v1/DaemonSet", "spec.template." }, { "batch/v1/CronJob", "spec.jobTemplate.spec.template." },
}

local function paths_below(prefix)
  local paths = {}
  for i, place in ipairs(PLACES) do paths[i] = prefix .. place end
  return paths
end

local PATHS = {}
for _, template in ipairs(TEMPLATES) do PATHS[template[1]] = paths_below(template[2]) end

--- What a policy that asks declares: its watches, and with it its `indexes`.
---@return (k8sgpt.GVK|{[1]: k8sgpt.GVK, fields: string[]})[]
function consumers.watches()
  local watches = {}
  for i, template in ipairs(TEMPLATES) do watches[i] = { template[1], fields = {} } end
  return watches
end

---@return table<k8sgpt.GVK, string[]>
function consumers.indexes() return PATHS end

--- Whether something in the namespace uses it. What may not be read may use it.
---@param ctx k8sgpt.ReadContext
---@param namespace string
---@param name string
---@return boolean
function consumers.exist(ctx, namespace, name)
  for _, template in ipairs(TEMPLATES) do
    local gvk = template[1]
    if not ctx.readable(gvk) then return true end
    for _, path in ipairs(PATHS[gvk]) do
      if #ctx.list(gvk, { ns = namespace, index = { path, name }, limit = 1 }) > 0 then return true end
    end
  end
  return false
end

return consumers
