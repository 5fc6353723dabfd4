--- Rights and privileges beyond what a workload should need. Texts are upstream's where it has the condition, and so are the kinds:
--- Security/KIND.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local rbac = require "k8sgpt.rbac"

local dig = object.dig

local ACCOUNT = "spec.serviceAccountName"

-- Of pods that one text names. A namespace may have thousands.
local MAX_NAMES = 50

local function failure(subject, rule, key, text, ...)
  return {
    rule = rule, key = key, text = text, as = { kind = "Security/" .. subject.kind },
    sensitive = mask.sensitive(text, subject.metadata.namespace, subject.metadata.name, ...),
  }
end

local function is_trusted(namespace, params)
  for _, trusted in ipairs(params.trusted_namespaces) do
    if namespace == trusted then return true end
  end
  return false
end

-- Over the limit upstream's text would grow and change with every pod.
local function account(ctx, subject)
  local meta, names = subject.metadata, {}
  if meta.name ~= "default" then return {} end
  for _, pod in ipairs(ctx.list("v1/Pod", { ns = meta.namespace, index = { ACCOUNT, meta.name }, limit = MAX_NAMES + 1 })) do
    names[#names + 1] = pod.metadata.name
  end
  if #names == 0 then return {} end
  if #names > MAX_NAMES then names[#names] = "..." end
  local text = ("Default service account is being used by pods: [%s]"):format(table.concat(names, " "))
  local found = failure(subject, "default-account", nil, text, table.unpack(names))
  found.evidence = { evidence.at("pods whose spec.serviceAccountName is default", #names > MAX_NAMES and MAX_NAMES .. " or more" or #names) }
  return { found }
end

local function wildcard(ctx, subject)
  if not rbac.has_wildcard(ctx, subject) then return {} end
  local reference = subject.roleRef
  local text = ("%s %s references %s %s which contains wildcard permissions - this is not recommended for security best practices")
    :format(subject.kind, subject.metadata.name, reference.kind, reference.name)
  return { failure(subject, "wildcard", nil, text, reference.name) }
end

-- Those of Kubernetes itself begin with "system:".
local function cluster_binding(ctx, subject)
  local function is_ours(namespace) return is_trusted(namespace, ctx.params) end
  if subject.metadata.name:find("^system:") or not rbac.reaches_workloads(subject, is_ours) then return {} end
  local found = wildcard(ctx, subject)
  if found[1] then found[1].severity = "high" end
  return found
end

local function pod(_, subject)
  local found, phase = {}, dig(subject, "status", "phase")
  if phase == "Succeeded" or phase == "Failed" then return found end
  for _, list in ipairs { "initContainers", "containers" } do
    for _, container in ipairs(dig(subject, "spec", list) or {}) do
      if dig(container, "securityContext", "privileged") then
        local text = ("Container %s in pod %s is running as privileged which poses security risks"):format(container.name, subject.metadata.name)
        found[#found + 1] = failure(subject, "privileged", container.name, text, container.name)
      end
    end
  end
  return found
end

local CHECKS = { ServiceAccount = account, RoleBinding = wildcard, ClusterRoleBinding = cluster_binding, Pod = pod }

return {
  api = 1, kind = "analyzer", name = "Security",
  description = "Rights and privileges beyond what a workload should need",
  watches = {
    { "v1/ServiceAccount", fields = {} },
    { "rbac.authorization.k8s.io/v1/RoleBinding", fields = { "roleRef" }, subject = true },
    { "rbac.authorization.k8s.io/v1/ClusterRoleBinding", fields = { "roleRef", "subjects" }, subject = true },
    {
      "v1/Pod", subject = true,
      fields = {
        "status.phase", "spec.containers[].name", "spec.containers[].securityContext.privileged",
        "spec.initContainers[].name", "spec.initContainers[].securityContext.privileged",
      },
    },
    table.unpack(rbac.WATCHES),
  },
  indexes = { ["v1/Pod"] = { ACCOUNT } },
  params = { trusted_namespaces = { "kube-system" } }, -- networks, volumes and controllers of the cluster itself
  rules = {
    ["default-account"] = { severity = "low" },
    wildcard = { severity = "medium", evidence = { "roleRef" } },
    privileged = {
      severity = "medium",
      evidence = { "spec.initContainers[name={key}].securityContext.privileged", "spec.containers[name={key}].securityContext.privileged" },
    },
  },
  run = function(ctx, subject)
    if subject.metadata.deletionTimestamp or is_trusted(subject.metadata.namespace, ctx.params) then return {} end
    return CHECKS[subject.kind](ctx, subject)
  end,
}
