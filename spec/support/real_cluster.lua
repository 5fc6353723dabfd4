--- A real kube-apiserver as the cluster of a test: see support.operator. The other one is support.embedded_cluster.
--
-- One control plane serves all tests of a process, or of a whole run where CONTROL_PLANE names the file that support.control_plane
-- described it in. Each test begins with what the server made itself: etcd is wiped, and the test's objects are written
-- into it as they are, with their status, uid and age, which no request could do.

local control_plane = require "support.control_plane"
local json = require "cjson"
local program = require "support.program"

local real = {}
real.__index = real

local CRD_KEYS <const> = "/registry/apiextensions.k8s.io/customresourcedefinitions/"
--- The server's own, which it keeps writing, and what takes it seconds to do without or to provide again.
local OWN <const> = {
  "/registry/masterleases/", "/registry/leases/kube-system/", "/registry/ranges/", "/registry/ipaddresses/", "/registry/servicecidrs/",
  "/registry/endpointslices/default/kubernetes", "/registry/services/endpoints/default/kubernetes", "/registry/namespaces/kube-",
  "/registry/apiregistration.k8s.io/", "/registry/clusterroles/operator-under-test", "/registry/clusterrolebindings/operator-under-test", CRD_KEYS,
}
--- Where a resource lies in etcd, if not under its plural (k8s.io/kubernetes/pkg/registry, the storage of each).
local PLACES <const> = { services = "services/specs", endpoints = "services/endpoints", nodes = "minions", ingresses = "ingress" }

local plane, baseline

local function is_own(key)
  for _, prefix in ipairs(OWN) do
    if key:sub(1, #prefix) == prefix then return true end
  end
  return false
end

--------------------------------------------------------------------------------------------------------------------------------
-- Objects in etcd
--------------------------------------------------------------------------------------------------------------------------------

local serial = 0
local function uid()
  serial = serial + 1
  return ("00000000-0000-4000-9000-%012d"):format(serial)
end

--- Without what decoding made maps of: cjson cannot tell an empty list from one.
local function without_empty(value)
  if type(value) ~= "table" then return value end
  local kept = {}
  for key, item in pairs(value) do
    if type(item) ~= "table" or next(item) then kept[key] = without_empty(item) end
  end
  return kept
end

--- A Service without an address is for the server to mend, and for it to record Events about.
local function addressed(spec)
  if spec.clusterIP or spec.type == "ExternalName" then return spec end
  local headless = { clusterIP = "None" }
  for key, value in pairs(spec) do headless[key] = value end
  return headless
end

--- What a server gives an object when it stores it.
local function stored(object)
  local meta = {}
  for key, value in pairs(object.metadata) do meta[key] = value end
  meta.uid = meta.uid or uid()
  meta.creationTimestamp = meta.creationTimestamp or os.date("!%Y-%m-%dT%H:%M:%SZ")
  meta.generation = meta.generation or 1
  meta.resourceVersion, meta.managedFields = nil, nil
  local copy = { metadata = meta, status = without_empty(object.status), spec = object.kind == "Service" and addressed(object.spec) or nil }
  for key, value in pairs(object) do copy[key] = copy[key] or value end
  return json.encode(copy)
end

local function namespace(name)
  return { apiVersion = "v1", kind = "Namespace", metadata = { name = name, labels = { ["kubernetes.io/metadata.name"] = name } },
    spec = { finalizers = { "kubernetes" } }, status = { phase = "Active" } }
end

local function key_of(object, plural)
  local group = object.apiVersion:match("^(.*)/") or ""
  local is_custom = group:find("k8sgpt.ai", 1, true) or group:find("example", 1, true)
  local scope = object.metadata.namespace and object.metadata.namespace .. "/" or ""
  return ("/registry/%s%s/%s%s"):format(is_custom and group .. "/" or "", PLACES[plural] or plural, scope, object.metadata.name)
end

local function put(objects, plural_of)
  local puts, namespaces = {}, {}
  for _, object in ipairs(objects) do
    if object.metadata.namespace then namespaces[object.metadata.namespace] = true end
  end
  for name in pairs(namespaces) do
    if not baseline["/registry/namespaces/" .. name] then puts["/registry/namespaces/" .. name] = stored(namespace(name)) end
  end
  for _, object in ipairs(objects) do puts[key_of(object, plural_of(object.kind))] = stored(object) end
  plane.etcd:change(puts)
end

--- An address whose Service was wiped the server gives back a minute later, and records an Event of it: in the midst of another test.
local function is_address(key) return key:find("/registry/ipaddresses/", 1, true) == 1 end

local function wipe()
  local deletes = {}
  for _, key in ipairs(plane.etcd:keys("/registry/")) do
    if not baseline[key] and (not is_own(key) or is_address(key)) then deletes[#deletes + 1] = key end
  end
  plane.etcd:change({}, deletes)
end

--------------------------------------------------------------------------------------------------------------------------------
-- CRDs and rights
--------------------------------------------------------------------------------------------------------------------------------

local all_crds
local function provide(crds, restarted)
  local have = #plane.etcd:keys(CRD_KEYS) > 0
  if #crds > 0 then all_crds = crds end
  if #crds > 0 and not have then plane:install_crds(crds) end
  if #crds > 0 and restarted then plane:await_crds(crds, true) end
  if #crds == 0 and have then
    plane.etcd:change({}, plane.etcd:keys(CRD_KEYS))
    plane:await_crds(all_crds, false)
  end
end

local ROLE <const> = "/apis/rbac.authorization.k8s.io/v1/clusterroles/operator-under-test"
local RESOURCES <const> = "/api/v1"

--- Everything, but for these kinds: RBAC cannot take away, so all else is named.
local function rules(deny)
  if #deny == 0 then return { { apiGroups = { "*" }, resources = { "*" }, verbs = { "*" } } } end
  local denied, groups = {}, { [""] = RESOURCES }
  for _, gvk in ipairs(deny) do denied[gvk] = true end
  for _, group in ipairs(plane:request("GET", "/apis").groups) do groups[group.name] = "/apis/" .. group.preferredVersion.groupVersion end
  local list = {}
  for group, path in pairs(groups) do
    local resources = {}
    for _, resource in ipairs(plane:request("GET", path).resources or {}) do
      if not denied[path:gsub("^/apis?/", "") .. "/" .. resource.kind] then resources[#resources + 1] = resource.name end
    end
    if #resources > 0 then list[#list + 1] = { apiGroups = { group }, resources = resources, verbs = { "*" } } end
  end
  return list
end

local function grant(deny)
  local apply = "application/apply-patch+yaml"
  local role = { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = { name = "operator-under-test" }, rules = rules(deny) }
  plane:request("PATCH", ROLE .. "?fieldManager=test&force=true", role, apply)
  plane:request("PATCH", ROLE:gsub("roles/", "rolebindings/") .. "?fieldManager=test&force=true", {
    apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding", metadata = { name = "operator-under-test" },
    roleRef = { apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = "operator-under-test" },
    subjects = { { kind = "User", name = "operator", apiGroup = "rbac.authorization.k8s.io" } },
  }, apply)
end

--- Until the authoriser, which learns of roles by a watch, knows these rights: what it says of each kind is what was granted.
local function await_rights(self, deny)
  local function may(gvk)
    local version, kind = gvk:match("^(.*)/(%w+)$")
    local path = (version:find("/", 1, true) and "/apis/" or "/api/") .. version .. "/" .. self.plural_of(kind)
    return select(2, plane:http(plane.url .. path .. "?limit=1", { user = "operator" })) == 200
  end
  program.await("rights", function()
    for _, gvk in ipairs(deny) do
      if may(gvk) then return false end
    end
    return #deny > 0 or may("v1/Pod")
  end, 0.02)
end

local has_all = false -- every right, from an earlier test

local function provide_rights(self, deny)
  if has_all and #deny == 0 then return end
  grant(deny)
  await_rights(self, deny)
  has_all = #deny == 0
end

--------------------------------------------------------------------------------------------------------------------------------
-- A test's cluster
--------------------------------------------------------------------------------------------------------------------------------

local function shared()
  if plane then return end
  local described = os.getenv("CONTROL_PLANE")
  plane = described and control_plane.attach(described) or control_plane.start()
  if not described then real.ending = setmetatable({}, { __gc = function() plane:stop() end }) end -- when the process ends
  plane.operator_kubeconfig = plane:user("operator", {})
  baseline = {}
  for _, key in ipairs(plane.keys) do baseline[key] = true end
end

---@param crds string[] files to install
---@param objects table[] stored as they are
---@param options {deny?: string[]}
---@param plural_of fun(kind: string): string
function real.start(_, crds, objects, options, plural_of)
  shared()
  local restarted = not plane:answers()
  wipe()
  if restarted then
    put(objects, plural_of) -- before somebody who waits for the server sees that they were away
    plane:start_apiserver("kube-apiserver", { port = plane.port })
  end
  local self = setmetatable({ plane = plane, plural_of = plural_of, kubeconfig = plane.operator_kubeconfig, url = plane.url }, real)
  self.address = plane.url:match("//(.*)")
  provide(crds, restarted)
  provide_rights(self, options.deny or {})
  if not restarted then put(objects, plural_of) end
  return self
end

--- Ends the API server as a crash does; the next test's cluster starts it again, at the same address.
function real.stop() plane:kill("kube-apiserver") end

--- Moves with every write of anybody but the server itself.
---@return string
function real.version() return plane.etcd:fingerprint("/registry/", is_own) end

function real:http(path, options) return plane:http(self.url .. path, options) end
function real.flags() return plane:flags() end

return real
