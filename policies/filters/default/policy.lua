--- What a K8sGPT wants to know about: the analyzers of spec.filters, in the namespaces and on the objects that it names, without what
--- people have asked to ignore.

local choice = require "k8sgpt.choice"
local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig = object.dig

local NAMESPACE, IGNORE = "v1/Namespace", "k8sgpt.ai/ignore"

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
---@return string[]
local function select(ctx, cr) return choice.names(dig(cr, "spec", "filters"), ctx.params.core) end

-- "team-*": * stands for any characters.
local function matches(namespace, globs)
  for _, glob in ipairs(globs or {}) do
    local pattern = glob:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
    if namespace:find("^" .. pattern .. "$") then return glob end
  end
end

-- "true", or a comma-separated list of analyzers and of Analyzer/rule.
local function is_ignored(finding, annotations)
  local wish = dig(annotations, IGNORE)
  if wish == "true" then return wish end
  local one_rule = finding.analyzer .. "/" .. finding.rule
  for name in (wish or ""):gmatch("[^,%s]+") do
    if name == finding.analyzer or name == one_rule then return wish end
  end
end

local function by_name(finding, spec)
  local namespace = finding.namespace
  local excluded = matches(namespace, spec.excludeNamespaces)
  if excluded then return ("namespace %s is excluded by spec.excludeNamespaces %q"):format(namespace, excluded) end
  local target, chosen = object.text(spec.targetNamespace), spec.namespaces
  if not target and (not chosen or #chosen == 0) or namespace == target or matches(namespace, chosen) then return nil end
  return ("namespace %s is none of those that spec.targetNamespace and spec.namespaces name"):format(namespace)
end

local function by_namespace(ctx, finding, spec)
  local meta = dig(ctx.get(NAMESPACE, nil, finding.namespace), "metadata")
  local fits, unmet = selector.matches(spec.namespaceSelector, dig(meta, "labels"))
  if not fits then return ("namespace %s does not satisfy spec.namespaceSelector: %s"):format(finding.namespace, unmet) end
  local wish = is_ignored(finding, dig(meta, "annotations"))
  if wish then return ("namespace %s has the annotation %s: %q"):format(finding.namespace, IGNORE, wish) end
end

local function by_object(finding, spec)
  local fits, unmet = selector.matches(spec.objectSelector, finding.labels)
  -- Of an object that is gone nobody knows the labels.
  if finding.labels and not fits then return ("the object does not satisfy spec.objectSelector: %s"):format(unmet) end
  local wish = is_ignored(finding, finding.annotations)
  if wish then return ("the object has the annotation %s: %q"):format(IGNORE, wish) end
end

---@param ctx k8sgpt.ReadContext
---@param finding k8sgpt.Finding
---@param cr k8sgpt.View
---@return boolean
---@return string? reason of every false; of a true, what could not be looked at
local function keep(ctx, finding, cr)
  local spec = cr.spec or {}
  -- A cluster-scoped object is in every namespace's interest, as upstream.
  local is_namespaced = finding.namespace ~= ""
  local can_look = not is_namespaced or ctx.readable(NAMESPACE)
  local reason = is_namespaced and by_name(finding, spec) or is_namespaced and can_look and by_namespace(ctx, finding, spec)
    or by_object(finding, spec)
  if reason then return false, reason end
  return true, not can_look and "namespaces may not be read: neither spec.namespaceSelector nor their annotations count" or nil
end

return {
  api = 1, kind = "filter", name = "default", description = "What the spec selects, without what is to be ignored",
  watches = { { NAMESPACE, fields = {} } },
  params = { core = choice.CORE },
  select = select, keep = keep,
}
