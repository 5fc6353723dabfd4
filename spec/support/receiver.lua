--- An HTTP receiver for tests of sinks: keeps what it is sent and answers as it is told.
--
--   local receiver = require "support.receiver".start { 500, 200 }   -- the statuses of its answers, the last one for all that follow
--   receiver.url                                                     -- "http://127.0.0.1:PORT"
--   receiver:await_requests(2)                                       -- {method, path, headers, body, json}[]
--
-- It is a process of its own (this file, run as a script): status 0 stands for an answer that never comes.

local receiver = {}
receiver.__index = receiver

--------------------------------------------------------------------------------------------------------------------------------
-- In the process of its own
--------------------------------------------------------------------------------------------------------------------------------

local function read_request(client)
  local line = client:receive("*l")
  if not line then return nil end
  local request = { headers = {} }
  request.method, request.path = line:match("^(%S+) (%S+)")
  for header in function() return client:receive("*l") end do
    local name, value = header:match("^([^:]+):%s*(.-)\r?$")
    if not name then break end
    request.headers[name:lower()] = value
  end
  local length = tonumber(request.headers["content-length"] or 0)
  request.body = length > 0 and client:receive(length) or "" -- none waits for a byte that does not come
  return request
end

local function serve(statuses)
  local json, socket = require "cjson", require "socket"
  local server, served = assert(socket.bind("127.0.0.1", 0)), 0
  io.stdout:setvbuf("line")
  print(json.encode { port = select(2, server:getsockname()) })
  while true do
    local client = assert(server:accept())
    client:settimeout(5)
    local request = read_request(client)
    if request then
      served = served + 1
      local answer = statuses[math.min(served, #statuses)]
      local status, extra = answer:match("^(%d+)(.*)$")
      print(json.encode { request = request })
      if status == "0" then
        client:settimeout(nil)
        client:receive("*a") -- nothing is ever said; the peer goes when it has had enough
      else
        local body = extra:match("^=(.*)$") or "ok"
        local more = extra:match("^;(.*)$")
        client:send(("HTTP/1.1 %s X\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s"):format(status, #body, more and more .. "\r\n" or "", body))
        client:close()
      end
    end
  end
end

if arg and arg[0] and arg[0]:match("support/receiver%.lua$") then serve { table.unpack(arg) } end

--------------------------------------------------------------------------------------------------------------------------------
-- In the test
--------------------------------------------------------------------------------------------------------------------------------

--- Answers: "200", "500", "0" (none), "200=BODY", "429;Retry-After: 1".
---@param answers? (integer|string)[] default: 200
---@return table
function receiver.start(answers)
  local program = require "support.program"
  -- The shell ends in good order when it is asked to, which a Lua script cannot.
  local script = "trap 'kill $child; exit 0' TERM; /usr/bin/lua5.4 spec/support/receiver.lua \"$@\" & child=$!; wait"
  local arguments = { "sh", "-c", script, "receiver" }
  for _, answer in ipairs(answers or { 200 }) do arguments[#arguments + 1] = tostring(answer) end
  local self = setmetatable({ program = program.start(arguments) }, receiver)
  self.url = "http://127.0.0.1:" .. math.tointeger(self.program:await_line("the receiver's port", function(line) return line.port end))
  return self
end

---@return table[] requests so far, `json` decoded where the body is JSON
function receiver:requests()
  local json, requests = require "cjson", {}
  for _, line in ipairs(self.program:lines()) do
    local request = line.request
    if request then
      local decoded, value = pcall(json.decode, request.body)
      request.json = decoded and value or nil
      requests[#requests + 1] = request
    end
  end
  return requests
end

---@return table[] requests
function receiver:await_requests(count)
  local program = require "support.program"
  return program.await(count .. " requests at the receiver; there are " .. #self:requests(), function()
    local requests = self:requests()
    return #requests >= count and requests
  end)
end

return receiver
