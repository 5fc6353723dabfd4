--- An HTTP proxy for tests that knows CONNECT alone (RFC 9110, 9.3.6), on loopback. Prints "PORT" and then each target that it is asked for.
--
--   lua5.4 spec/support/connect_proxy.lua

local socket = require "socket"

local server = assert(socket.bind("127.0.0.1", 0))
io.stdout:setvbuf("line")
print((select(2, server:getsockname())))

local peers, list = {}, { server } -- the other end of each connection

local function drop(one)
  local other = peers[one]
  peers[one], peers[other] = nil, nil
  for i = #list, 1, -1 do
    if list[i] == one or list[i] == other then table.remove(list, i) end
  end
  one:close()
  other:close()
end

local function accept()
  local near = server:accept()
  local target = (near:receive("*l") or ""):match("^CONNECT (%S+) HTTP/1%.1$")
  repeat local line = near:receive("*l") until not line or line == ""
  local far = target and socket.connect("127.0.0.1", target:match(":(%d+)$"))
  if not far then return near:close() end
  print(target)
  near:send("HTTP/1.1 200 Connection established\r\n\r\n")
  peers[near], peers[far] = far, near
  for _, one in ipairs { near, far } do
    one:settimeout(0)
    list[#list + 1] = one
  end
end

--- The bytes that are there; a peer that takes none for long holds up the others, which a test can live with.
local function pass(one)
  local bytes, problem, rest = one:receive(8192)
  bytes = bytes or rest
  local other = peers[one]
  other:settimeout(10)
  if #bytes > 0 and not other:send(bytes) or problem == "closed" then return drop(one) end
  other:settimeout(0)
end

while true do
  for _, one in ipairs((socket.select(list))) do
    if one == server then
      accept()
    elseif peers[one] then
      pass(one)
    end
  end
end
