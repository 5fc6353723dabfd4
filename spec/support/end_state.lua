--- What an operator makes of a cluster in the end, to compare: without what differs from one run to the next, as times and uids.

local json = require "cjson"
local same = require("luassert.util").deepcompare

local end_state = {}

local function sorted(list, ...)
  local fields, keyed = { ... }, {}
  for i, item in ipairs(list or {}) do
    local key = {}
    for k, field in ipairs(fields) do key[k] = tostring(item[field]) end
    keyed[i] = { key = table.concat(key, " "), item = item }
  end
  table.sort(keyed, function(a, b) return a.key < b.key end)
  for i, one in ipairs(keyed) do keyed[i] = one.item end
  return keyed
end

local function without(object, ...)
  local copy = {}
  for key, value in pairs(object) do copy[key] = value end
  for _, key in ipairs { ... } do copy[key] = nil end
  return copy
end

local function map(list, change)
  local changed = {}
  for i, item in ipairs(list) do changed[i] = change(item) end
  return changed
end

--- What was read from an object that two clusters were given: the order of its fields is theirs.
local function without_order(item)
  local ok, value = pcall(json.decode, item.value)
  return { path = item.path, value = ok and value or item.value }
end

--- A Result without times, and without the masks, which depend on the K8sGPT's uid.
local function essence(result)
  local spec, status = without(result.spec, "error"), without(result.status or {}, "firstSeen", "changed", "resolved")
  spec.error = map(sorted(result.spec.error, "rule", "key"), function(failure)
    local kept = without(failure, "sensitive", "evidence")
    kept.evidence = map(failure.evidence or {}, without_order)
    return kept
  end)
  status.findings = sorted(status.findings, "id")
  status.notifications = map(sorted(status.notifications, "finding", "sink"), function(n) return without(n, "sent") end)
  local owner = result.metadata.ownerReferences[1]
  return { labels = result.metadata.labels, owner = owner.kind .. " " .. owner.name, spec = spec, status = status }
end

local function essence_of_k8sgpt(found)
  local status = without(found.status or {}, "conditions")
  status.conditions = map(sorted((found.status or {}).conditions, "type"), function(c) return without(c, "lastTransitionTime") end)
  status.analyzers = sorted(status.analyzers, "name")
  return { finalizers = found.metadata.finalizers, deleting = found.metadata.deletionTimestamp ~= nil, status = status }
end

---@return table[] all Results of a namespace as they are stored
function end_state.results(cluster)
  return cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results").items
end

---@param k8sgpts table[]
---@return {results: table<string, table>, k8sgpts: table<string, table|false>} by name; false: it is gone
function end_state.of(cluster, k8sgpts)
  local state = { results = {}, k8sgpts = {} }
  for _, result in ipairs(end_state.results(cluster)) do state.results[result.metadata.name] = essence(result) end
  for _, k8sgpt in ipairs(k8sgpts) do
    local found = cluster:find(k8sgpt)
    state.k8sgpts[k8sgpt.metadata.name] = found and essence_of_k8sgpt(found) or false
  end
  return state
end

---@return boolean
function end_state.same(a, b) return (same(a, b)) end

return end_state
