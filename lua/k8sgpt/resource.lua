--- What a kind is called in paths and rights, without a server to ask.

local resource = {}

-- Kinds without namespaces (Kubernetes API reference; kubectl api-resources --namespaced=false), and such of other projects that
-- built-in policies read.
local CLUSTER_SCOPED = {}
for _, kind in ipairs {
  "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "ComponentStatus",
  "CustomResourceDefinition", "DeviceClass", "FlowSchema", "IPAddress", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node",
  "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "ServiceCIDR", "StorageClass",
  "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
  "ClusterCatalog", "ClusterExtension", "ClusterPolicyReport", "GatewayClass",
} do CLUSTER_SCOPED[kind] = true end

-- As kubectl guesses, and with what it guesses wrong: Endpoints is a plural already, of Gateway there are gateways
-- (k8s.io/apimachinery/pkg/api/meta: UnsafeGuessKindToResource).
local function plural_of(kind)
  local name = kind:lower()
  if name == "endpoints" then return name end
  if name:find("[^aeiou]y$") then return name:sub(1, -2) .. "ies" end
  return name .. (name:find("[sxz]$") and "es" or name:find("[cs]h$") and "es" or "s")
end

---@class k8sgpt.Resource
---@field group string "" of the core group
---@field plural string "deployments"
---@field namespaced boolean

--- Of a kind that only a cluster knows, what it is called by custom.
---@param gvk k8sgpt.GVK
---@return k8sgpt.Resource
function resource.of(gvk)
  local group, kind = gvk:match("^(.*)/[^/]+/([^/]+)$")
  kind = kind or gvk:match("([^/]+)$")
  return { group = group or "", plural = plural_of(kind), namespaced = not CLUSTER_SCOPED[kind] }
end

return resource
