--- What the K8sGPT engine reads of a cluster, by its analyzers: the rights that its ServiceAccount needs, and no more.
--
-- The engine lists, and gets objects by name; it watches nothing. It lists no Secrets. Source: the analyzers of k8sgpt 0.4.36.

local rights = require "k8sgpt.rights"

local enginerights = {}

local function list(...) return { verbs = { "list" }, ... } end
local function get(...) return { verbs = { "get" }, ... } end

-- From an object up to who controls it.
local OWNERS = get("apps/v1/DaemonSet", "apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet")

local HOOK_TARGETS = { get "v1/Service", list "v1/Pod" }

---@type table<string, {[integer]: k8sgpt.GVK, verbs: string[], subresource?: string}[]>
local READS = {
  Pod = { list("v1/Pod", "v1/Event"), OWNERS },
  DaemonSet = { list "apps/v1/DaemonSet", get "v1/Secret" },
  Deployment = { list "apps/v1/Deployment" },
  ReplicaSet = { list "apps/v1/ReplicaSet", OWNERS },
  PersistentVolumeClaim = { list("v1/PersistentVolumeClaim", "v1/Event"), OWNERS },
  Service = { list("v1/Endpoints", "v1/Event"), get "v1/Service" },
  Ingress = { list "networking.k8s.io/v1/Ingress", get("networking.k8s.io/v1/IngressClass", "v1/Service", "v1/Secret") },
  StatefulSet = { list("apps/v1/StatefulSet", "v1/Event"), get("v1/Service", "v1/Pod", "storage.k8s.io/v1/StorageClass") },
  Job = { list("batch/v1/Job", "v1/Event") },
  CronJob = { list "batch/v1/CronJob" },
  Node = { list "v1/Node" },
  ValidatingWebhookConfiguration = { list "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", HOOK_TARGETS[1], HOOK_TARGETS[2] },
  MutatingWebhookConfiguration = { list "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration", HOOK_TARGETS[1], HOOK_TARGETS[2] },
  ConfigMap = { list("v1/ConfigMap", "v1/Pod") },
  HorizontalPodAutoscaler = {
    list "autoscaling/v2/HorizontalPodAutoscaler",
    get("apps/v1/Deployment", "apps/v1/ReplicaSet", "apps/v1/StatefulSet", "v1/ReplicationController"),
  },
  PodDisruptionBudget = { list "policy/v1/PodDisruptionBudget" },
  NetworkPolicy = { list("networking.k8s.io/v1/NetworkPolicy", "v1/Pod") },
  Log = { list "v1/Pod", { verbs = { "get" }, subresource = "log", "v1/Pod" }, OWNERS },
  Storage = { list("storage.k8s.io/v1/StorageClass", "v1/PersistentVolume", "v1/PersistentVolumeClaim") },
  Security = {
    list("v1/Pod", "v1/ServiceAccount", "rbac.authorization.k8s.io/v1/RoleBinding"), get "rbac.authorization.k8s.io/v1/Role",
  },
  GatewayClass = { list "gateway.networking.k8s.io/v1/GatewayClass" },
  Gateway = { list "gateway.networking.k8s.io/v1/Gateway", get "gateway.networking.k8s.io/v1/GatewayClass" },
  HTTPRoute = { list "gateway.networking.k8s.io/v1/HTTPRoute", get("gateway.networking.k8s.io/v1/Gateway", "v1/Service") },
  ClusterCatalog = { list "olm.operatorframework.io/v1/ClusterCatalog" },
  ClusterExtension = { list "olm.operatorframework.io/v1/ClusterExtension" },
  ClusterServiceVersion = { list "operators.coreos.com/v1alpha1/ClusterServiceVersion" },
  Subscription = { list "operators.coreos.com/v1alpha1/Subscription" },
  InstallPlan = { list "operators.coreos.com/v1alpha1/InstallPlan" },
  CatalogSource = { list "operators.coreos.com/v1alpha1/CatalogSource" },
  OperatorGroup = { list "operators.coreos.com/v1/OperatorGroup" },
  VulnerabilityReport = { list "aquasecurity.github.io/v1alpha1/VulnerabilityReport" },
  ConfigAuditReport = { list "aquasecurity.github.io/v1alpha1/ConfigAuditReport" },
}

--- What an engine that runs these analyzers needs. Of a name that it does not know it needs nothing.
---@param analyzers string[] upstream's names; one may be there twice
---@return k8sgpt.Need[]
function enginerights.needs(analyzers)
  local needs = {}
  for _, name in ipairs(analyzers) do
    for _, read in ipairs(READS[name] or {}) do
      for _, gvk in ipairs(read) do
        needs[#needs + 1] = { gvk = gvk, subresource = read.subresource, verbs = read.verbs, by = "engine/" .. name }
      end
    end
  end
  return needs
end

--- The same as the rules of a ClusterRole.
---@param analyzers string[]
---@return table[]
function enginerights.rules(analyzers)
  local rules = {}
  for i, rule in ipairs(rights.rules(enginerights.needs(analyzers))) do
    local resources = {}
    for k, item in ipairs(rule.resources) do resources[k] = item.name end
    rules[i] = { apiGroups = { rule.apiGroup }, resources = resources, verbs = rule.verbs }
  end
  return rules
end

--- What an analyzer goes through one by one: the kinds that it lists first, without the Events about them.
---@param analyzer string
---@return k8sgpt.GVK[] {} for a name that it does not know
function enginerights.subjects(analyzer)
  local kinds = {}
  for _, gvk in ipairs((READS[analyzer] or {})[1] or {}) do
    if gvk ~= "v1/Event" then kinds[#kinds + 1] = gvk end
  end
  return kinds
end

--- All analyzers that it knows, sorted.
---@return string[]
function enginerights.analyzers()
  local names = {}
  for name in pairs(READS) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return enginerights
