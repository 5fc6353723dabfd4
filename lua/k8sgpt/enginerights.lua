--- What the K8sGPT engine reads of a cluster, by its analyzers: the rights that its ServiceAccount needs, and no more.
--
-- The engine lists, and gets objects by name; it watches nothing. It lists no Secrets. Source: the analyzers of k8sgpt 0.4.36.

local enginerights = {}

local LIST, GET, BOTH = { "list" }, { "get" }, { "get", "list" }

local function rule(group, verbs, ...) return { group = group, verbs = verbs, resources = { ... } } end

-- From an object up to who controls it.
local OWNERS = rule("apps", GET, "daemonsets", "deployments", "replicasets", "statefulsets")

local OLM = "operators.coreos.com"
local GATEWAY = "gateway.networking.k8s.io"
local TRIVY = "aquasecurity.github.io"

---@type table<string, {group: string, verbs: string[], resources: string[]}[]>
local NEEDS = {
  Pod = { rule("", LIST, "pods", "events"), OWNERS },
  DaemonSet = { rule("apps", LIST, "daemonsets"), rule("", GET, "secrets") },
  Deployment = { rule("apps", LIST, "deployments") },
  ReplicaSet = { rule("apps", LIST, "replicasets"), OWNERS },
  PersistentVolumeClaim = { rule("", LIST, "persistentvolumeclaims", "events"), OWNERS },
  Service = { rule("", LIST, "endpoints", "events"), rule("", GET, "services") },
  Ingress = {
    rule("networking.k8s.io", LIST, "ingresses"), rule("networking.k8s.io", GET, "ingressclasses"), rule("", GET, "services", "secrets"),
  },
  StatefulSet = {
    rule("apps", LIST, "statefulsets"), rule("", GET, "services", "pods"), rule("", LIST, "events"), rule("storage.k8s.io", GET, "storageclasses"),
  },
  Job = { rule("batch", LIST, "jobs"), rule("", LIST, "events") },
  CronJob = { rule("batch", LIST, "cronjobs") },
  Node = { rule("", LIST, "nodes") },
  ValidatingWebhookConfiguration = {
    rule("admissionregistration.k8s.io", LIST, "validatingwebhookconfigurations"), rule("", GET, "services"), rule("", LIST, "pods"),
  },
  MutatingWebhookConfiguration = {
    rule("admissionregistration.k8s.io", LIST, "mutatingwebhookconfigurations"), rule("", GET, "services"), rule("", LIST, "pods"),
  },
  ConfigMap = { rule("", LIST, "configmaps", "pods") },
  HorizontalPodAutoscaler = {
    rule("autoscaling", LIST, "horizontalpodautoscalers"), rule("apps", GET, "deployments", "replicasets", "statefulsets"),
    rule("", GET, "replicationcontrollers"),
  },
  PodDisruptionBudget = { rule("policy", LIST, "poddisruptionbudgets") },
  NetworkPolicy = { rule("networking.k8s.io", LIST, "networkpolicies"), rule("", LIST, "pods") },
  Log = { rule("", LIST, "pods"), rule("", GET, "pods/log"), OWNERS },
  Storage = { rule("storage.k8s.io", LIST, "storageclasses"), rule("", LIST, "persistentvolumes", "persistentvolumeclaims") },
  Security = {
    rule("", LIST, "pods", "serviceaccounts"), rule("rbac.authorization.k8s.io", LIST, "rolebindings"),
    rule("rbac.authorization.k8s.io", GET, "roles"),
  },
  GatewayClass = { rule(GATEWAY, LIST, "gatewayclasses") },
  Gateway = { rule(GATEWAY, LIST, "gateways"), rule(GATEWAY, GET, "gatewayclasses") },
  HTTPRoute = { rule(GATEWAY, LIST, "httproutes"), rule(GATEWAY, GET, "gateways"), rule("", GET, "services") },
  ClusterCatalog = { rule("olm.operatorframework.io", LIST, "clustercatalogs") },
  ClusterExtension = { rule("olm.operatorframework.io", LIST, "clusterextensions") },
  ClusterServiceVersion = { rule(OLM, LIST, "clusterserviceversions") },
  Subscription = { rule(OLM, LIST, "subscriptions") },
  InstallPlan = { rule(OLM, LIST, "installplans") },
  CatalogSource = { rule(OLM, LIST, "catalogsources") },
  OperatorGroup = { rule(OLM, LIST, "operatorgroups") },
  VulnerabilityReport = { rule(TRIVY, BOTH, "vulnerabilityreports") },
  ConfigAuditReport = { rule(TRIVY, BOTH, "configauditreports") },
}

local function add(verbs_of, need)
  for _, resource in ipairs(need.resources) do
    local key = need.group .. "/" .. resource
    verbs_of[key] = verbs_of[key] or { group = need.group, resource = resource, verbs = {} }
    for _, verb in ipairs(need.verbs) do verbs_of[key].verbs[verb] = true end
  end
end

local function sorted(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  return list
end

--- Of every resource each verb once, resources with the same verbs together: as short as a rule can be, and the same for the same needs.
local function rules_of(verbs_of)
  local rules, by_key = {}, {}
  for _, key in ipairs(sorted(verbs_of)) do
    local entry = verbs_of[key]
    local verbs = sorted(entry.verbs)
    local shape = entry.group .. "/" .. table.concat(verbs, ",")
    if not by_key[shape] then
      by_key[shape] = { apiGroups = { entry.group }, resources = {}, verbs = verbs }
      rules[#rules + 1] = by_key[shape]
    end
    local resources = by_key[shape].resources
    resources[#resources + 1] = entry.resource
  end
  return rules
end

--- The rules of a ClusterRole for an engine that runs these analyzers. Of a name that the engine does not know it needs nothing.
---@param analyzers string[] upstream's names; one may be there twice
---@return table[]
function enginerights.rules(analyzers)
  local verbs_of = {}
  for _, name in ipairs(analyzers) do
    for _, need in ipairs(NEEDS[name] or {}) do add(verbs_of, need) end
  end
  return rules_of(verbs_of)
end

--- All names that `rules` knows, sorted.
---@return string[]
function enginerights.analyzers() return sorted(NEEDS) end

return enginerights
