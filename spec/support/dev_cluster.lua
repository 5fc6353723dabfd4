--- The embedded API server in a process of its own, and clients of it.
--
--   local dev_cluster = require "support.dev_cluster"
--   local server = dev_cluster.start("--deny", "v1/Secret")
--   local answer, code = server.http("GET", "/api/v1/namespaces")
--   dev_cluster.clean()                     -- after each test

local json = require "cjson"
local program = require "support.program"

local dev_cluster = {}

dev_cluster.BINARY = os.getenv("K8SGPT_OPERATOR") or (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"
local quote = program.quote

local function capture(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo exit=$?"))
  local output, status = pipe:read("a"):match("^(.*)exit=(%d+)\n$")
  pipe:close()
  return output, math.tointeger(status)
end

dev_cluster.has_kubectl = select(2, capture("command -v kubectl")) == 0

local followers = {}

--- Starts a client that only a signal ends.
function dev_cluster.follow(arguments)
  local one = program.start(arguments)
  followers[#followers + 1] = one
  return one
end

--- Ends everything that a test started.
function dev_cluster.clean()
  for _, one in ipairs(followers) do one:kill() end
  followers = {}
  program.clean()
end

--- A server of the test's own.
function dev_cluster.start(...)
  local folder = program.folder()
  local self = { kubeconfig = folder .. "/kubeconfig", folder = folder }
  self.program = program.start { dev_cluster.BINARY, "dev-cluster", "--listen", "127.0.0.1:0", "--kubeconfig-out", self.kubeconfig, ... }
  self.url = self.program:await_line("the server is ready", function(entry) return entry.text and entry.text:match("ready on (http://%S+)") end)

  function self.kubectl(arguments, input)
    local pipe = input and ("printf %%s %s | "):format(quote(input)) or ""
    return capture(("%stimeout 20 kubectl --kubeconfig %s --cache-dir %s/cache %s"):format(pipe, self.kubeconfig, folder, arguments))
  end

  --- The answer as a table, and its code.
  function self.http(method, path, body, headers)
    local words = {}
    for name, value in pairs(headers or {}) do words[#words + 1] = "-H " .. quote(name .. ": " .. value) end
    if body then words[#words + 1] = "--data-binary " .. quote(type(body) == "table" and json.encode(body) or body) end
    local text = capture(("curl -sS --max-time 10 -X %s -w '\\n%%{http_code}' %s %s"):format(method, table.concat(words, " "), quote(self.url .. path)))
    local answer, code = text:match("^(.*)\n(%d+)$")
    local ok, value = pcall(json.decode, answer)
    return ok and value or answer, math.tointeger(code)
  end

  function self.apply(path, manager, object, query)
    return self.http("PATCH", ("%s?fieldManager=%s%s"):format(path, manager, query or ""), object, { ["Content-Type"] = "application/apply-patch+yaml" })
  end

  --- A watch in the background; returns a function that waits for the next event.
  function self.watch(path)
    local curl = dev_cluster.follow { "curl", "-sN", "--max-time", "20", self.url .. path }
    local seen = 0
    return function()
      return program.await("an event of " .. path, function()
        local lines = curl:lines()
        if #lines > seen then
          seen = seen + 1
          return lines[seen]
        end
      end)
    end, curl
  end
  return self
end

return dev_cluster
