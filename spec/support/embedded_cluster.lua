--- The embedded API server as the cluster of a test: see support.operator. The other one is support.real_cluster.

local json = require "cjson"
local program = require "support.program"
local web = require "support.web"

local embedded = {}
embedded.__index = embedded

--- Starts a cluster that has these objects, stored as they are.
---@param binary string
---@param crds string[] files to load
---@param objects table[]
---@param options {deny?: string[], listen?: string, load?: string[]}
function embedded.start(binary, crds, objects, options)
  local folder = program.folder()
  local self = setmetatable({ kubeconfig = folder .. "/kubeconfig" }, embedded)
  local arguments = { binary, "dev-cluster", "--listen", options.listen or "127.0.0.1:0", "--kubeconfig-out", self.kubeconfig }
  local function add(flag, value) arguments[#arguments + 1], arguments[#arguments + 2] = flag, value end
  for _, path in ipairs(crds) do add("--load", path) end
  for _, gvk in ipairs(options.deny or {}) do add("--deny", gvk) end
  for _, path in ipairs(options.load or {}) do add("--load", path) end
  if #objects > 0 then
    program.write(folder .. "/objects.json", json.encode({ apiVersion = "v1", kind = "List", items = objects }))
    add("--load", folder .. "/objects.json")
  end
  self.program = program.start(arguments)
  self.url = self.program:await_line("the cluster is ready", function(line) return (line.text or ""):match("ready on (%S+)") end)
  self.address = self.url:match("//(.*)")
  return self
end

--- Ends the API server; its watches end with it.
function embedded:stop() self.program:stop() end

--- The newest resourceVersion: it moves with every write of anybody.
---@return string
function embedded:version() return json.decode((self:http("/api/v1/namespaces"))).metadata.resourceVersion end

function embedded:http(path, options) return web.http(self.url .. path, options) end

--- What curl needs to be let in.
---@return string[]
function embedded.flags() return {} end

return embedded
