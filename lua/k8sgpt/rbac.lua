--- What a binding of rights gives, and to whom (Kubernetes docs: Using RBAC Authorization).

local object = require "k8sgpt.object"

local rbac = {}

local ROLE, CLUSTER_ROLE = "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/ClusterRole"

-- What a policy that asks declares beside the bindings.
rbac.WATCHES = { { ROLE, fields = { "rules[].verbs", "rules[].resources" } }, { CLUSTER_ROLE, fields = { "rules[].verbs", "rules[].resources" } } }

-- Whoever asks at all, or every workload.
local EVERYBODY = { ["system:authenticated"] = true, ["system:unauthenticated"] = true, ["system:serviceaccounts"] = true }

local function holds(list, wanted)
  for _, entry in ipairs(list or {}) do
    if entry == wanted then return true end
  end
  return false
end

--- True when the role that it refers to gives every verb, or every resource of a group.
---@param ctx k8sgpt.ReadContext
---@param binding k8sgpt.View RoleBinding or ClusterRoleBinding
---@return boolean false as well for a role that does not exist
function rbac.has_wildcard(ctx, binding)
  local reference, is_role = binding.roleRef, binding.roleRef.kind == "Role"
  if not is_role and reference.name == "cluster-admin" then return true end -- what it gives is fixed (user-facing roles)
  local role = ctx.get(is_role and ROLE or CLUSTER_ROLE, is_role and binding.metadata.namespace or nil, reference.name)
  for _, rule in ipairs(object.dig(role, "rules") or {}) do
    if holds(rule.verbs, "*") or holds(rule.resources, "*") then return true end
  end
  return false
end

--- True when a workload gets the rights, or everybody; administrators are people.
---@param binding k8sgpt.View
---@param is_trusted fun(namespace: string): boolean whose workloads do not count
---@return boolean
function rbac.reaches_workloads(binding, is_trusted)
  for _, who in ipairs(binding.subjects or {}) do
    if who.kind == "ServiceAccount" and not is_trusted(who.namespace) then return true end
    if who.kind == "Group" and (EVERYBODY[who.name] or who.name:find("^system:serviceaccounts:")) then return true end
  end
  return false
end

return rbac
