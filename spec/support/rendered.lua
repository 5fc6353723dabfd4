--- The objects of a K8sGPT Deployment in a cluster, held against what the verb render prints for its K8sGPT.
--
--   local objects = rendered.of(cluster, k8sgpt)
--   objects:compare(what, text, status)    -- `text`: the K8sGPT as the API server has it; `status`: what the operator said of it
--   objects:essence()                      -- what must be as before once the K8sGPT is
--   objects:explains(failure)              -- of the operator's log

local json = require "cjson"
local luassert = require "luassert"
local misoperation = require "support.misoperation"
local oneshot = require "support.oneshot"

local RBAC <const> = "/apis/rbac.authorization.k8s.io/v1/"

-- What the operator adds when it applies an object: this annotation, and its owners.
local MARK <const> = "k8sgpt.ai/applied"

-- In the order in which they are applied.
local KINDS <const> = { "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Service", "Deployment" }

-- So much of a refusal tells it from others; a log has no more of a long one.
local TELLING <const> = 120

local rendered = {}
rendered.__index = rendered

---@param cluster table
---@param k8sgpt table
function rendered.of(cluster, k8sgpt)
  local name, namespace = k8sgpt.metadata.name, k8sgpt.metadata.namespace
  local inside, shared = "/namespaces/" .. namespace .. "/", "k8sgpt-" .. namespace
  local paths = { -- as KINDS
    "/api/v1" .. inside .. "serviceaccounts/" .. shared, RBAC .. "clusterroles/" .. shared .. "-clusterrole",
    RBAC .. "clusterrolebindings/" .. shared .. "-clusterrole-binding", "/api/v1" .. inside .. "services/" .. name,
    "/apis/apps/v1" .. inside .. "deployments/" .. name,
  }
  return setmetatable({ cluster = cluster, paths = paths, alike = {}, refused = {} }, rendered)
end

--- What there is.
---@return table<string, table> by kind
local function live(self)
  local found = {}
  for i, object in ipairs(self.cluster:get_all(self.paths)) do found[KINDS[i]] = object or nil end
  return found
end

--- What render prints.
---@return table<string, string>? documents by kind; nil when it refuses the K8sGPT
---@return string? message why
local function wanted(text)
  local ended = oneshot.run({ "render", "--engine", "embedded", "-" }, text)
  if ended.status == 1 then return nil, ended.errors:match("^render: [^:]+: ([^\n]+)") end
  luassert.are.equal(0, ended.status, ended.errors)
  local documents = {}
  for document in (ended.output:gsub("%-%-%-\n", "\0") .. "\0"):gmatch("[^\0]+") do documents[document:match("\nkind: (%a+)")] = document end
  return documents
end

--- Without what every write moves, and what the operator alone adds.
local function bare(object)
  local meta = {}
  for key, value in pairs(object.metadata) do meta[key] = value end
  meta.managedFields, meta.resourceVersion, meta.generation, meta.ownerReferences = nil, nil, nil, nil
  if meta.annotations then
    local kept = {}
    for key, value in pairs(meta.annotations) do kept[key] = key ~= MARK and value or nil end
    meta.annotations = next(kept) and kept
  end
  local copy = { metadata = meta }
  for key, value in pairs(object) do copy[key] = copy[key] or value end
  return copy
end

local function differences(want, have, path, out)
  if type(want) ~= "table" or type(have) ~= "table" then
    if want ~= have then out[#out + 1] = ("%s: %s, not %s"):format(path, json.encode(have), json.encode(want)) end
    return out
  end
  for key, value in pairs(want) do differences(value, have[key], path .. "." .. key, out) end
  for key, value in pairs(have) do
    if want[key] == nil then differences(nil, value, path .. "." .. key, out) end
  end
  return out
end

--- Applies what render printed in the operator's name, to see what that would change: nothing, where the operator applied the same.
---@return string? message the API server refuses it
local function try(self, what, i, document, object)
  local kind = KINDS[i]
  local alike = document .. (object and object.metadata.resourceVersion or "")
  if self.alike[kind] == alike then return nil end -- as when it was looked at last
  local path = self.paths[i] .. "?dryRun=All&fieldManager=k8sgpt-operator&force=true"
  local text, status = self.cluster:http(path, { method = "PATCH", body = document, type = "application/apply-patch+yaml" })
  local answer = json.decode(text)
  if status >= 300 then
    self.refused[#self.refused + 1] = answer.message:sub(1, TELLING)
    return answer.message
  end
  luassert.is_truthy(object, ("%s: there is no %s"):format(what, kind))
  luassert.are.same({}, differences(bare(answer), bare(object), kind, {}), what)
  self.alike[kind] = alike
end

local function versions(objects)
  local lines = {}
  for i, kind in ipairs(KINDS) do lines[i] = objects[kind] and objects[kind].metadata.resourceVersion or "none" end
  return table.concat(lines, " ")
end

--- The first object that the API server refuses, and why; all before it are what render prints.
local function first_refusal(self, what, documents, objects)
  for i, kind in ipairs(KINDS) do
    if documents[kind] then
      local problem = try(self, what, i, documents[kind], objects[kind])
      if problem then return kind, problem end
    else
      luassert.is_nil(objects[kind], ("%s: there is still a %s"):format(what, kind))
    end
  end
end

--- The objects are what render prints; or a condition says why not: a spec that is refused leaves them alone, and so does an object that
--- the API server refuses those after it.
---@param text string the K8sGPT as the API server has it
---@param status table about it
function rendered:compare(what, text, status)
  local objects, documents, refusal = live(self), wanted(text)
  if not documents then
    local ready = misoperation.condition(status, "Ready")
    luassert.are.equal("InvalidSpec", ready.reason, what)
    luassert.matches(refusal, ready.message, 1, true, what)
    luassert.are.equal(self.versions, versions(objects), what)
    return
  end
  self.versions = versions(objects)
  local configured, kind, problem = misoperation.condition(status, "EngineConfigured"), first_refusal(self, what, documents, objects)
  luassert.are.equal(kind and "False" or "True", configured.status, what .. ": " .. (problem or configured.message))
  luassert.matches(kind or "", configured.message, 1, true, what)
end

--- Whether a failure is that of an object that the API server refused.
---@param failure string
---@return boolean
function rendered:explains(failure)
  for _, message in ipairs(self.refused) do
    if failure:find(message, 1, true) then return true end
  end
  return false
end

-- Given anew to an object that is made again.
local GIVEN <const> = { "uid", "creationTimestamp" }

---@return table<string, table> by kind
function rendered:essence()
  local found = live(self)
  self.versions = versions(found)
  for kind, object in pairs(found) do
    found[kind] = bare(object)
    for _, name in ipairs(GIVEN) do found[kind].metadata[name] = nil end
    if kind == "Service" then object.spec.clusterIP, object.spec.clusterIPs = nil, nil end
  end
  return found
end

return rendered
