--- The roles that the operator needs: of what its policies read, and its own requests.

local enginerights = require "k8sgpt.enginerights"
local k8sgpt = require "k8sgpt"
local resource = require "k8sgpt.resource"
local rights = require "k8sgpt.rights"

local roles = {}

local array = k8sgpt.array

roles.GROUP = "rbac.authorization.k8s.io"

local NAME <const>, ELECTION <const> = "k8sgpt-operator-manager", "k8sgpt-operator-leader-election"
local LEASE <const>, SECRET <const> = "coordination.k8s.io/v1/Lease", "v1/Secret"

-- Secrets and logs are looked up one by one, everything else is listed and watched.
local function verbs_of(read) return (read.gvk == SECRET or read.subresource) and { "get" } or { "list", "watch" } end

local function own_needs(input)
  local needs = {}
  for i, own in ipairs(input.own) do
    needs[i] = { gvk = own.gvk, subresource = own.subresource, name = own.name, verbs = own.verbs, by = own.why }
  end
  return needs
end

-- What does not widen is read of such kinds only as are read anyway.
local function add_reads(needs, input)
  local watched = {}
  for _, read in ipairs(input.reads) do watched[read.gvk] = watched[read.gvk] or read.widens end
  for _, read in ipairs(input.reads) do
    if watched[read.gvk] then
      needs[#needs + 1] = { gvk = read.gvk, subresource = read.subresource, verbs = verbs_of(read), by = read.by }
    end
  end
  return watched
end

-- Owners of kinds that nobody watches are asked for one by one.
local function add_owners(needs, input, watched)
  for _, read in ipairs(input.reads) do
    if read.subject then
      rights.each_owner(read.gvk, function(owner)
        if not watched[owner] then needs[#needs + 1] = { gvk = owner, verbs = { "get" }, by = "owners of/" .. read.gvk:match("%a+$") } end
      end)
    end
  end
end

-- Got to see whose it is, listed and watched by its label, applied.
local WRITE <const> = { "get", "list", "watch", "create", "patch", "delete" }

local function add_writes(needs, input)
  for _, write in ipairs(input.writes or {}) do needs[#needs + 1] = { gvk = write.gvk, verbs = WRITE, by = write.by } end
end

-- What others make of it is watched by the same label, and is theirs.
local FOLLOW <const> = { "list", "watch" }

local function add_follows(needs, input)
  for _, follow in ipairs(input.follows or {}) do needs[#needs + 1] = { gvk = follow.gvk, verbs = FOLLOW, by = follow.by } end
end

-- The engine's role is a ClusterRole, and nobody may grant what he does not hold in the same way.
local function add_granted(needs, input)
  for _, need in ipairs(enginerights.needs(input.engine or {})) do
    need.is_everywhere = true
    needs[#needs + 1] = need
  end
end

local function needs_of(input)
  local needs = own_needs(input)
  add_owners(needs, input, add_reads(needs, input))
  add_writes(needs, input)
  add_follows(needs, input)
  add_granted(needs, input)
  return needs
end

local function only(needs, accept)
  local kept = {}
  for _, need in ipairs(needs) do
    if accept(need.gvk, need.is_everywhere) then kept[#kept + 1] = need end
  end
  return kept
end

local function is_lease(gvk) return gvk == LEASE end
local function is_namespaced(gvk, is_everywhere) return gvk ~= LEASE and not is_everywhere and resource.of(gvk).namespaced end
local function is_global(gvk, is_everywhere) return is_everywhere or not resource.of(gvk).namespaced end

---@class k8sgpt.Role
---@field kind "ClusterRole"|"Role"
---@field name string
---@field binding string name of its binding
---@field namespace? string
---@field rules k8sgpt.Rule[]

--- Cluster-wide, or where namespaces are named, in each of these and for the rest cluster-wide.
---@param input k8sgpt.Needs
---@return k8sgpt.Role[]
function roles.of(input)
  local needs, list = needs_of(input), {}
  local function add(kind, name, namespace, wanted)
    local rules = rights.rules(wanted)
    if #rules == 0 then return end
    list[#list + 1] = { kind = kind, name = name .. "-role", binding = name .. "-rolebinding", namespace = namespace, rules = rules }
  end
  local everywhere = #input.namespaces == 0
  add("ClusterRole", NAME, nil, only(needs, everywhere and function(gvk) return not is_lease(gvk) end or is_global))
  for _, namespace in ipairs(input.namespaces) do add("Role", NAME, namespace, only(needs, is_namespaced)) end
  add("Role", ELECTION, input.electionNamespace, only(needs, is_lease))
  return list
end

local function names(rule)
  local list = array {}
  for i, item in ipairs(rule.resources) do list[i] = item.name end
  return list
end

---@param role k8sgpt.Role
---@return table
function roles.object(role)
  local rules = array {}
  for i, rule in ipairs(role.rules) do
    rules[i] = {
      apiGroups = array { rule.apiGroup }, resources = names(rule), verbs = array(rule.verbs),
      resourceNames = rule.name and array { rule.name } or nil,
    }
  end
  return {
    apiVersion = roles.GROUP .. "/v1", kind = role.kind, metadata = { name = role.name, namespace = role.namespace }, rules = rules,
  }
end

---@param role k8sgpt.Role
---@param account {namespace: string, name: string}
---@return table
function roles.binding(role, account)
  return {
    apiVersion = roles.GROUP .. "/v1", kind = role.kind .. "Binding", metadata = { name = role.binding, namespace = role.namespace },
    roleRef = { apiGroup = roles.GROUP, kind = role.kind, name = role.name },
    subjects = array { { kind = "ServiceAccount", name = account.name, namespace = account.namespace } },
  }
end

return roles
