--- Rules of roles (Kubernetes docs: Using RBAC Authorization) from what is needed, merged and sorted.

local resource = require "k8sgpt.resource"

local rights = {}

---@class k8sgpt.Need
---@field gvk k8sgpt.GVK
---@field subresource? string "status"
---@field name? string of the one object that it is about
---@field verbs ("get"|"list"|"watch"|"create"|"update"|"patch"|"delete")[]
---@field by string who needs it, for people: "analyzers/Pod", or any text

---@class k8sgpt.Rule
---@field apiGroup string
---@field resources {name: string, by: string[]}[] by: in the order of the needs
---@field verbs string[]
---@field name? string

-- Objects are got, listed and watched before they are written.
local ORDER = { get = 1, list = 2, watch = 3, create = 4, update = 5, patch = 6, delete = 7 }

local function sorted_verbs(set)
  local list = {}
  for verb in pairs(set) do list[#list + 1] = verb end
  table.sort(list, function(a, b) return ORDER[a] < ORDER[b] end)
  return list
end

-- One entry for each resource, or object of it, with all verbs and all who need it.
local function by_resource(needs)
  local entries, by_key = {}, {}
  for _, need in ipairs(needs) do
    local of = resource.of(need.gvk)
    local name = of.plural .. (need.subresource and "/" .. need.subresource or "")
    local key = ("%s %s %s"):format(of.group, name, need.name or "")
    local entry = by_key[key] or { group = of.group, resource = name, name = need.name, verbs = {}, by = {}, seen = {} }
    if not by_key[key] then by_key[key], entries[#entries + 1] = entry, entry end
    for _, verb in ipairs(need.verbs) do entry.verbs[verb] = true end
    if not entry.seen[need.by] then entry.seen[need.by], entry.by[#entry.by + 1] = true, need.by end
  end
  table.sort(entries, function(a, b)
    if a.group ~= b.group then return a.group < b.group end
    if a.resource ~= b.resource then return a.resource < b.resource end
    return (a.name or "") < (b.name or "")
  end)
  return entries
end

--- What is needed of one group with the same verbs is one rule; the core group comes first.
---@param needs k8sgpt.Need[]
---@return k8sgpt.Rule[]
function rights.rules(needs)
  local rules, by_key = {}, {}
  for _, entry in ipairs(by_resource(needs)) do
    local verbs = sorted_verbs(entry.verbs)
    local key = ("%s %s %s"):format(entry.group, table.concat(verbs, ","), entry.name or "")
    local rule = by_key[key] or { apiGroup = entry.group, resources = {}, verbs = verbs, name = entry.name }
    if not by_key[key] then by_key[key], rules[#rules + 1] = rule, rule end
    rule.resources[#rule.resources + 1] = { name = entry.resource, by = entry.by }
  end
  return rules
end

-- Who owns what (the controllers of Kubernetes); a node owns its static pods.
local OWNERS = {
  ["v1/Pod"] = {
    "apps/v1/DaemonSet", "apps/v1/ReplicaSet", "apps/v1/StatefulSet", "batch/v1/Job", "v1/Node", "v1/ReplicationController",
  },
  ["apps/v1/ReplicaSet"] = { "apps/v1/Deployment" },
  ["batch/v1/Job"] = { "batch/v1/CronJob" },
  ["v1/PersistentVolumeClaim"] = { "apps/v1/StatefulSet", "v1/Pod" },
}

--- The kinds of objects that may own one of this kind, those that may own such an owner, and so on.
---@param gvk k8sgpt.GVK
---@param add fun(owner: k8sgpt.GVK)
function rights.each_owner(gvk, add)
  for _, owner in ipairs(OWNERS[gvk] or {}) do
    add(owner)
    rights.each_owner(owner, add)
  end
end

return rights
