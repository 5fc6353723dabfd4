--- What a K8sGPT wants to know about: the analyzers of spec.filters in the namespaces that it names.

local object = require "k8sgpt.object"

local dig = object.dig

-- Upstream's rule: a list replaces the core set. Ours beside it: when every name has a sign, the list changes the core set.
local function is_change(filters)
  for _, name in ipairs(filters) do
    if not name:find("^[+-]") then return false end
  end
  return true
end

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
---@return string[]
local function select(ctx, cr)
  local filters, wanted, seen, dropped = dig(cr, "spec", "filters") or {}, {}, {}, {}
  local function want(name)
    if not seen[name] and not dropped[name] then wanted[#wanted + 1] = name end
    seen[name] = true
  end
  for _, name in ipairs(filters) do
    if name:sub(1, 1) == "-" then dropped[name:sub(2)] = true end
  end
  if is_change(filters) then
    for _, name in ipairs(ctx.params.core) do want(name) end
  end
  for _, name in ipairs(filters) do
    if name:sub(1, 1) ~= "-" then want((name:gsub("^%+", ""))) end
  end
  return wanted
end

-- "team-*": * stands for any characters.
local function matches(namespace, globs)
  for _, glob in ipairs(globs or {}) do
    local pattern = glob:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
    if namespace:find("^" .. pattern .. "$") then return glob end
  end
end

---@param finding k8sgpt.Finding
---@param cr k8sgpt.View
---@return boolean, string?
local function keep(_, finding, cr)
  local namespace, spec = finding.namespace, cr.spec or {}
  if namespace == "" then return true end -- a cluster-scoped object is in every namespace's interest, as upstream

  local excluded = matches(namespace, spec.excludeNamespaces)
  if excluded then return false, ("namespace %s is excluded by spec.excludeNamespaces %q"):format(namespace, excluded) end
  local target, chosen = object.text(spec.targetNamespace), spec.namespaces
  if not target and (not chosen or #chosen == 0) then return true end
  if namespace == target or matches(namespace, chosen) then return true end
  return false, ("namespace %s is none of those that spec.targetNamespace and spec.namespaces name"):format(namespace)
end

return {
  api = 1, kind = "filter", name = "default", description = "spec.filters, spec.targetNamespace, spec.namespaces and spec.excludeNamespaces",
  -- Upstream's core set in its order, as far as it is built in.
  params = { core = { "Pod", "Deployment", "ReplicaSet", "PersistentVolumeClaim", "Service", "Ingress", "StatefulSet", "Node" } },
  select = select, keep = keep,
}
