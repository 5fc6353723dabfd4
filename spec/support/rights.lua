--- The roles that the verb rbac prints, on a control plane: given to a ServiceAccount, taken away one right at a time, and which of them
--- somebody used, by the audit log.

local json = require "cjson"
local oneshot = require "support.oneshot"
local program = require "support.program"

local rights = {}
rights.__index = rights

local PLURALS <const> = { ClusterRole = "clusterroles", Role = "roles", ClusterRoleBinding = "clusterrolebindings", RoleBinding = "rolebindings" }

local function path_of(item)
  local namespace = item.metadata.namespace
  return ("/apis/rbac.authorization.k8s.io/v1/%s%s/%s"):format(namespace and ("namespaces/%s/"):format(namespace) or "", PLURALS[item.kind], item.metadata.name)
end

function rights:apply(item)
  self.plane:request("PATCH", path_of(item) .. "?fieldManager=test&force=true", item, "application/apply-patch+yaml")
end

--- Applies what the verb prints for these flags.
---@param plane table
---@param namespace string of the ServiceAccount
---@param account string
---@param flags string[]
---@return table
function rights.grant(plane, namespace, account, flags)
  local words = { "rbac", "-o", "json", "--service-account", namespace .. ":" .. account, table.unpack(flags) }
  local printed = oneshot.run(words)
  assert(printed.status == 0, printed.errors)
  local self = setmetatable({ plane = plane, user = ("system:serviceaccount:%s:%s"):format(namespace, account) }, rights)
  self.items = json.decode(printed.output).items
  for _, item in ipairs(self.items) do self:apply(item) end
  return self
end

--- Calls back for each right.
---@param visit fun(verb: string, resource: string, rule: table, role: table) resource: "results/status"
function rights:each(visit)
  for _, role in ipairs(self.items) do
    for _, rule in ipairs(role.rules or {}) do
      for _, resource in ipairs(rule.resources) do
        for _, verb in ipairs(rule.verbs) do visit(verb, resource, rule, role) end
      end
    end
  end
end

--- "patch results/status" and so on, in order.
---@return string[]
function rights:list()
  local list = {}
  self:each(function(verb, resource) list[#list + 1] = verb .. " " .. resource end)
  table.sort(list)
  return list
end

local function without(rule, is_taken)
  local rules = {}
  for _, resource in ipairs(rule.resources) do
    local verbs = {}
    for _, verb in ipairs(rule.verbs) do
      if not is_taken(verb, resource) then verbs[#verbs + 1] = verb end
    end
    local one = { apiGroups = rule.apiGroups, resources = { resource }, resourceNames = rule.resourceNames, verbs = verbs }
    if #verbs > 0 then rules[#rules + 1] = one end
  end
  return rules
end

--- What the authoriser, which learns of roles by a watch, says of a right.
function rights:has(verb, resource, rule, role)
  local plural, subresource = resource:match("^([^/]+)/?(.*)$")
  local review = { apiVersion = "authorization.k8s.io/v1", kind = "SubjectAccessReview", spec = { user = self.user, resourceAttributes = {
    verb = verb, group = rule.apiGroups[1], resource = plural, subresource = subresource, namespace = role.metadata.namespace,
    name = rule.resourceNames and rule.resourceNames[1],
  } } }
  return self.plane:request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review).status.allowed
end

--- Takes rights away, or with `is_taken` nil gives all of them back. The last one that changes tells when the authoriser knows.
---@param is_taken? fun(verb: string, resource: string): boolean
function rights:take(is_taken)
  is_taken = is_taken or function() return false end
  for _, role in ipairs(self.items) do
    if role.rules then
      local rules = {}
      for _, rule in ipairs(role.rules) do table.move(without(rule, is_taken), 1, #role.rules, #rules + 1, rules) end
      local item = { apiVersion = role.apiVersion, kind = role.kind, metadata = role.metadata, rules = rules }
      self:apply(item)
    end
  end
  local last
  self:each(function(verb, resource, rule, role)
    local taken = is_taken(verb, resource)
    if taken ~= (self.taken and self.taken(verb, resource) or false) then last = { verb, resource, rule, role, taken } end
  end)
  self.taken = is_taken
  if not last then return end
  local verb, resource, rule, role, taken = table.unpack(last)
  program.await(("%s %s %s"):format(verb, resource, taken and "taken away" or "given back"), function()
    return self:has(verb, resource, rule, role) ~= taken
  end, 0.02)
end

--- What the ServiceAccount asked for, by the audit log.
---@return table<string, boolean> used "patch results/status"
---@return string[] denied the same, with the path
function rights:used()
  local used, denied = {}, {}
  for line in program.read(self.plane.audit_log):gmatch("[^\n]+") do
    local entry = json.decode(line)
    local about = entry.user.username == self.user and entry.objectRef
    if about and about.resource then
      local right = ("%s %s%s"):format(entry.verb, about.resource, about.subresource and "/" .. about.subresource or "")
      used[right] = true
      if entry.responseStatus and entry.responseStatus.code == 403 then denied[#denied + 1] = right .. ": " .. entry.requestURI end
    end
  end
  return used, denied
end

return rights
