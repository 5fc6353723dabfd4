--- A proxy between a client and an API server that does to their connections what a test asks for (spec/faultproxy).
--
--   local proxy = faultproxy.start(cluster)                       -- whoever uses proxy.kubeconfig or proxy.url passes through it
--   proxy:rule { verb = "watch", path = "*/pods", fault = "cut", after = 100, times = 0 }
--   proxy:await_request("a list of pods", function(r) return r.verb == "list" end)
--
-- All rules and faults: spec/faultproxy/rule.h. It ends with program.clean.

local json = require "cjson"
local lyaml = require "lyaml"
local mime = require "mime"
local program = require "support.program"
local socket = require "socket"

local faultproxy = setmetatable({}, { __index = program })
faultproxy.__index = faultproxy
faultproxy.BINARY = (os.getenv("BUILD") or "build") .. "/faultproxy"

local function entry(config, list, kind, name)
  for _, one in ipairs(config[list]) do
    if one.name == name then return one[kind] end
  end
end

--- What a kubeconfig says of the server and of the user of its current context.
---@return table config whole
---@return table cluster
---@return table user
local function read(kubeconfig)
  local config = lyaml.load(program.read(kubeconfig))
  local context = entry(config, "contexts", "context", config["current-context"])
  return config, entry(config, "clusters", "cluster", context.cluster), entry(config, "users", "user", context.user) or {}
end

--- The file of a field that may stand in the kubeconfig itself.
local function file_of(object, field, folder)
  local data = object[field .. "-data"]
  if not data then return object[field] end
  local path = ("%s/%s"):format(folder, field)
  program.write(path, (mime.unb64(data)))
  return path
end

--- The kubeconfig of a client of the proxy: the certificates are between the proxy and the server, unless bytes pass unread.
local function write_kubeconfig(self, folder, options)
  local config, cluster, user = read(self.upstream_kubeconfig)
  cluster.server = self.url
  if not options.raw then
    for _, field in ipairs { "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify" } do cluster[field] = nil end
    for _, field in ipairs { "client-certificate", "client-key" } do user[field], user[field .. "-data"] = nil, nil end
    if options.tls then cluster["certificate-authority"] = folder .. "/proxy.pem" end
  end
  self.kubeconfig = folder .. "/kubeconfig"
  program.write(self.kubeconfig, json.encode(config))
end

---@param cluster {kubeconfig: string} of support.operator, support.control_plane …
---@param options? {raw?: boolean, tls?: boolean, quiet?: boolean} raw: bytes pass unread, also TLS from end to end; tls: HTTP, but the
--- client speaks TLS with the proxy; quiet: no requests are kept
---@return table
function faultproxy.start(cluster, options)
  options = options or {}
  local folder = program.folder()
  local _, server, user = read(cluster.kubeconfig)
  local arguments = { faultproxy.BINARY, "--upstream", server.server }
  local function add(flag, value)
    if not value then return end
    arguments[#arguments + 1] = flag
    if value ~= true then arguments[#arguments + 1] = value end
  end
  add("--raw", options.raw)
  add("--quiet", options.quiet)
  add("--tls-ca-out", options.tls and folder .. "/proxy.pem")
  if not options.raw then
    add("--upstream-ca", file_of(server, "certificate-authority", folder))
    add("--upstream-cert", file_of(user, "client-certificate", folder))
    add("--upstream-key", file_of(user, "client-key", folder))
  end
  local self = setmetatable(program.start(arguments), faultproxy)
  local ports = self:await_line("the ports of the proxy", function(line) return line.port and line end)
  local tls = options.tls or options.raw and server.server:match("^https:")
  self.port, self.control_port = math.tointeger(ports.port), math.tointeger(ports.control)
  self.address = ("127.0.0.1:%d"):format(self.port)
  self.url = (tls and "https://" or "http://") .. self.address
  self.upstream_kubeconfig = cluster.kubeconfig
  write_kubeconfig(self, folder, options)
  return self
end

--------------------------------------------------------------------------------------------------------------------------------
-- Control
--------------------------------------------------------------------------------------------------------------------------------

--- One command (spec/faultproxy/control.h); an error when the proxy refuses it.
---@return table answer
function faultproxy:command(command)
  if not self.control then
    self.control = assert(socket.connect("127.0.0.1", self.control_port))
    self.control:settimeout(program.LIMIT_SECONDS)
  end
  assert(self.control:send(json.encode(command) .. "\n"))
  local line = assert(self.control:receive("*l"))
  local answer = json.decode(line)
  if answer.error then error(answer.error, 3) end
  return answer
end

---@return integer number of the rule, as requests name it
function faultproxy:rule(rule)
  local command = { ["do"] = "rule" }
  for key, value in pairs(rule) do command[key] = value end
  return math.tointeger(self:command(command).rule)
end

function faultproxy:clear() self:command { ["do"] = "clear" } end
function faultproxy:freeze() self:command { ["do"] = "freeze" } end
function faultproxy:thaw() self:command { ["do"] = "thaw" } end
function faultproxy:refuse() self:command { ["do"] = "refuse" } end
function faultproxy:accept() self:command { ["do"] = "accept" } end
function faultproxy:cut() self:command { ["do"] = "cut" } end
function faultproxy:go(request) self:command { ["do"] = "go", request = request } end
function faultproxy:set_upstream(url) self:command { ["do"] = "upstream", url = url } end

---@return {connections: integer, requests: integer, open: integer}
function faultproxy:counts() return self:command { ["do"] = "counts" } end

--------------------------------------------------------------------------------------------------------------------------------
-- What it saw
--------------------------------------------------------------------------------------------------------------------------------

--- Events so far (spec/faultproxy/report.h) of this kind that are wanted.
---@param event string
---@param accept? fun(event: table): any
---@return table[]
function faultproxy:events(event, accept)
  local found = {}
  for _, line in ipairs(self:lines()) do
    if line.event == event and (not accept or accept(line)) then found[#found + 1] = line end
  end
  return found
end

---@return table[] requests so far {request, connection, method, path, query, verb, rule?, fault?}
function faultproxy:requests(accept) return self:events("request", accept) end

---@return table event the first of this kind that is wanted
function faultproxy:await_event(event, what, accept)
  return self:await_line(what, function(line) return line.event == event and (not accept or accept(line)) and line end)
end

function faultproxy:await_request(what, accept) return self:await_event("request", what, accept) end

--- Waits until a request or an answer is held that was not held before.
---@return table event {request, point, status?}
function faultproxy:await_held(what)
  self.held = self.held or {}
  local event = self:await_event("held", what or "something is held", function(line) return not self.held[line.request] end)
  self.held[event.request] = true
  return event
end

return faultproxy
