--- A real control plane: etcd and kube-apiserver, and as asked controllers, scheduler and kwok, as plain processes on loopback.
--
--   local plane = control_plane.start { controllers = "*", scheduler = true, kwok = true }
--   plane.url                                    -- "https://127.0.0.1:PORT", with RBAC on
--   plane.kubeconfig                             -- of a cluster admin
--   plane:user("alice", { "team" })              -- a kubeconfig with a client certificate; no rights but those that RBAC gives it
--   plane:token("default", "builder", 600)       -- a token of a ServiceAccount
--   plane:request("GET", "/api/v1/pods")         -- decoded, as admin
--   plane:stop()
--
-- The programs are built by spec/e2e/tools/build.sh.

local certificates = require "support.certificates"
local etcd = require "support.etcd"
local json = require "cjson"
local program = require "support.program"
local socket = require "socket"
local web = require "support.web"

local control_plane = {}

local plane = {}
plane.__index = plane

local START_SECONDS <const> = 90

local function free_port()
  local server = assert(socket.bind("127.0.0.1", 0))
  local port = math.tointeger(select(2, server:getsockname()))
  server:close()
  return port
end

--- The folders that hold the programs, built now if they were not before.
---@return string cluster folder of etcd and kwok
---@return string kubernetes folder of kube-apiserver and others
local function programs()
  local pipe = assert(io.popen("spec/e2e/tools/build.sh cluster kubernetes"))
  local cluster, kubernetes = pipe:read("l", "l")
  if not pipe:close() then error("no control plane without its programs", 0) end
  return cluster, kubernetes
end

local function add(list, ...)
  for _, item in ipairs { ... } do list[#list + 1] = item end
  return list
end

--------------------------------------------------------------------------------------------------------------------------------
-- Processes
--------------------------------------------------------------------------------------------------------------------------------

function plane:spawn(name, arguments)
  self.processes[name] = program.start(arguments, { lasting = self.folder .. "/" .. name, apart = self.is_shared })
  return self.processes[name]
end

local function start_etcd(self, bin)
  local client, peer = "http://127.0.0.1:" .. free_port(), "http://127.0.0.1:" .. free_port()
  self.etcd = etcd.at(client)
  local flags = { bin .. "/etcd", "--name=default", "--data-dir=" .. self.folder .. "/data" }
  add(flags, "--listen-client-urls=" .. client, "--advertise-client-urls=" .. client)
  add(flags, "--listen-peer-urls=" .. peer, "--initial-advertise-peer-urls=" .. peer, "--initial-cluster=default=" .. peer)
  self:spawn("etcd", add(flags, table.unpack(etcd.FLAGS)))
  program.await("etcd", function() return pcall(etcd.revision, self.etcd) end, 0.05)
end

--- True when the API server is there.
function plane:answers() return self.processes["kube-apiserver"] ~= nil end

--- Metadata of every request; what tests ask of it is who did what, and how often.
local AUDIT_POLICY <const> = [[
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
]]

local OWN_ENDPOINTS <const> = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"

---@param options? {etcd?: string, port?: integer, audit?: boolean, flags?: string[]} a second server of the same cluster may see etcd by
--- another way
function plane:start_apiserver(name, options)
  options = options or {}
  local folder, port = self.folder, options.port or free_port()
  local flags = {
    self.bin .. "/kube-apiserver", "--bind-address=127.0.0.1", "--secure-port=" .. port, "--etcd-servers=" .. (options.etcd or self.etcd.url),
    "--tls-cert-file=" .. self.server_cert, "--tls-private-key-file=" .. self.server_key, "--client-ca-file=" .. self.ca.cert, "--authorization-mode=RBAC",
    "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" .. self.token_public_key,
    "--service-account-signing-key-file=" .. self.token_key,
    "--service-cluster-ip-range=10.0.0.0/16", "--disable-admission-plugins=ServiceAccount", "--profiling=false",
  }
  if options.audit then
    program.write(folder .. "/audit.yaml", AUDIT_POLICY)
    self.audit_log = folder .. "/audit.log"
    add(flags, "--audit-policy-file=" .. folder .. "/audit.yaml", "--audit-log-path=" .. self.audit_log, "--audit-log-mode=blocking")
  end
  local process = self:spawn(name, add(flags, table.unpack(options.flags or {})))
  local url = "https://127.0.0.1:" .. port
  program.await(function() return name .. " is ready\n" .. process:tail() end, function()
    if process:status() then error(name .. " ended:\n" .. process:tail(), 0) end
    return select(2, self:http(url .. "/readyz")) == 200
  end, 0.1, START_SECONDS)
  -- It takes itself out of its Service while it starts, and back only once it is ready.
  program.await(function() return "the endpoints of " .. name .. "\n" .. process:tail() end, function()
    return self:http(url .. OWN_ENDPOINTS):find('"addresses"', 1, true)
  end, 0.05, START_SECONDS)
  self:describe()
  return url
end

local function start_controllers(self, list)
  self:spawn("kube-controller-manager", {
    self.bin .. "/kube-controller-manager", "--kubeconfig=" .. self.kubeconfig, "--controllers=" .. list, "--leader-elect=false", "--secure-port=0",
    "--service-account-private-key-file=" .. self.token_key, "--root-ca-file=" .. self.ca.cert, "--use-service-account-credentials=false",
    "--concurrent-gc-syncs=4", "--node-monitor-grace-period=20s",
  })
end

local function signal(self, name, which) os.execute(("kill -%s %s 2>/dev/null"):format(which, self.processes[name].pid)) end

--- Ends a process that this plane started, at once, as a crash does.
function plane:kill(name)
  signal(self, name, "KILL")
  program.await(name .. " ends", function() return self.processes[name]:status() end)
  self.processes[name] = nil
  self:describe()
end

--- Stops a process where it is, or lets it go on.
function plane:freeze(name) signal(self, name, "STOP") end
function plane:thaw(name) signal(self, name, "CONT") end

function plane:stop()
  for name in pairs(self.processes) do signal(self, name, "KILL") end
  for name, process in pairs(self.processes) do program.await(name .. " ends", function() return process:status() end) end
  os.execute("rm -rf " .. program.quote(self.folder))
end

--------------------------------------------------------------------------------------------------------------------------------
-- Requests
--------------------------------------------------------------------------------------------------------------------------------

--- What curl needs to be let in.
---@param user? string whose certificate to show (default admin)
---@return string[]
function plane:flags(user)
  local certificate = self.folder .. "/" .. (user or "admin")
  return { "--cacert", self.ca.cert, "--cert", certificate .. ".crt", "--key", certificate .. ".key", "--http1.1" }
end

---@param options? table as support.web has them, and `user`: as flags
---@return string body
---@return integer status 0 when nobody answered
---@return string headers
function plane:http(url, options)
  local asked = { seconds = 10, flags = self:flags(options and options.user) }
  for key, value in pairs(options or {}) do asked[key] = value end
  return web.http(url, asked)
end

--- The decoded answer; an error when the server refuses.
---@return any
function plane:request(method, path, body, content_type, accept)
  return (web.request(function(options) return self:http(self.url .. path, options) end, method, path, body, content_type, accept, 3))
end

--------------------------------------------------------------------------------------------------------------------------------
-- CRDs
--------------------------------------------------------------------------------------------------------------------------------

local CRDS <const> = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
--- Seen so a few times running: the server makes its storage anew when a new CRD becomes established.
local STEADY <const> = 4

--- Waits until the resources of these CRDs are served, or not any more.
---@param paths string[] files
---@param served boolean
function plane:await_crds(paths, served)
  for _, path in ipairs(paths) do
    local text, count = program.read(path), 0
    local plural, group, version = text:match("\n  name: (%w+)%."), text:match("\n  group: ([%w.]+)"), text:match("name: (v%w+)")
    local collection = ("%s/apis/%s/%s/%s?resourceVersion=0"):format(self.url, group, version, plural)
    program.await(collection .. (served and " served" or " gone"), function()
      count = (select(2, self:http(collection)) == 200) == served and count + 1 or 0
      return count == STEADY
    end, 0.1, START_SECONDS)
  end
end

---@param paths string[] files of one CRD each
function plane:install_crds(paths)
  for _, path in ipairs(paths) do
    local text = program.read(path)
    local url = ("%s%s%s?fieldManager=test&force=true"):format(self.url, CRDS, text:match("\n  name: ([%w.]+)"))
    local body, status = self:http(url, { method = "PATCH", type = "application/apply-patch+yaml", body = text })
    if status < 200 or status > 201 then error(("%s: %d %s"):format(path, status, body), 2) end
  end
  self:await_crds(paths, true)
end

--------------------------------------------------------------------------------------------------------------------------------
-- Users
--------------------------------------------------------------------------------------------------------------------------------

local KUBECONFIG <const> = [[
apiVersion: v1
kind: Config
current-context: default
clusters: [{name: default, cluster: {server: %s, certificate-authority: %s}}]
contexts: [{name: default, context: {cluster: default, user: default, namespace: %s}}]
users: [{name: default, user: {%s}}]
]]

---@param user string the fields of the kubeconfig's user, in YAML
---@param options? {url?: string, namespace?: string}
---@return string path
function plane:write_kubeconfig(name, user, options)
  options = options or {}
  local path = ("%s/%s.kubeconfig"):format(self.folder, name)
  program.write(path, KUBECONFIG:format(options.url or self.url, self.ca.cert, options.namespace or "default", user))
  return path
end

---@return string path of a kubeconfig
function plane:user(name, groups, options)
  local cert, key = self.ca:issue(name, { groups = groups })
  return self:write_kubeconfig(name, ("client-certificate: %s, client-key: %s"):format(cert, key), options)
end

--- A token of a ServiceAccount, which is made where it is missing.
---@return string
function plane:token(namespace, account, seconds)
  local path = ("/api/v1/namespaces/%s/serviceaccounts"):format(namespace)
  self:http(self.url .. path, { method = "POST", body = json.encode { metadata = { name = account } } })
  local request = { apiVersion = "authentication.k8s.io/v1", kind = "TokenRequest", spec = { expirationSeconds = seconds } }
  return self:request("POST", ("%s/%s/token"):format(path, account), request).status.token
end

--------------------------------------------------------------------------------------------------------------------------------
-- Life
--------------------------------------------------------------------------------------------------------------------------------

local function plain(object)
  local fields = {}
  for key, value in pairs(object) do
    if type(value) ~= "function" then fields[key] = value end
  end
  return fields
end

--- Writes down what another process needs to use this plane as its own: control_plane.attach reads it.
function plane:describe()
  local description = plain(self)
  description.processes = {}
  for name, process in pairs(self.processes) do
    description.processes[name] = { pid = process.pid, status_file = process.status_file, log = process.log }
  end
  program.write(self.folder .. "/plane.json", json.encode(description))
end

---@param path string FOLDER/plane.json
---@return table
function control_plane.attach(path)
  local self = setmetatable(json.decode(program.read(path)), plane)
  self.port = math.tointeger(self.port)
  self.etcd, self.ca = etcd.at(self.etcd.url), certificates.at(self.ca)
  for _, process in pairs(self.processes) do setmetatable(process, program) end
  return self
end

local function bring_up(self, options)
  local cluster, kubernetes = programs()
  self.bin, self.ca = kubernetes, certificates.authority(self.folder)
  self.token_key = certificates.key(self.folder .. "/token.key")
  self.token_public_key = certificates.public_key(self.token_key, self.folder .. "/token.pub")
  self.server_cert, self.server_key = self.ca:issue("server", { san = "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc" })
  self.ca:issue("admin", { groups = { "system:masters" } })
  start_etcd(self, cluster)
  self.port = free_port()
  self.url = self:start_apiserver("kube-apiserver", { port = self.port, audit = options.audit, flags = options.flags })
  self.kubeconfig = self:write_kubeconfig("admin", ("client-certificate: %s/admin.crt, client-key: %s/admin.key"):format(self.folder, self.folder))
  if options.controllers then start_controllers(self, options.controllers) end
  if options.scheduler then
    self:spawn("kube-scheduler", { kubernetes .. "/kube-scheduler", "--kubeconfig=" .. self.kubeconfig, "--leader-elect=false", "--secure-port=0" })
  end
  if options.kwok then
    -- Without Leases its nodes tell that they live every 20 s or so, just too late for the controllers.
    self:spawn("kwok", add({ cluster .. "/kwok", "--kubeconfig=" .. self.kubeconfig, "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
      "--node-lease-duration-seconds=20" }, table.unpack(options.stages and { "--config=" .. options.stages } or {})))
  end
  self.keys = self.etcd:keys("/registry/") -- what the server made itself
  self:describe()
end

---@param options? {controllers?: string, scheduler?: boolean, kwok?: boolean, audit?: boolean, stages?: string, flags?: string[], is_shared?: boolean}
--- `controllers` as kube-controller-manager's flag has them; `stages`: a file of kwok Stages instead of its own; `flags`: further ones of
--- kube-apiserver; `is_shared`: it outlives whoever uses it, however that ends, and whoever restarts a part of it
---@return table
function control_plane.start(options)
  options = options or {}
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -p " .. program.quote(folder)))
  local self = setmetatable({ folder = folder, processes = {}, is_shared = options.is_shared }, plane)
  local ok, problem = pcall(bring_up, self, options)
  if not ok then
    self:stop()
    error(problem, 0)
  end
  return self
end

return control_plane
