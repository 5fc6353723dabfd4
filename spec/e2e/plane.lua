--- A control plane for a whole run of tests, each of which finds it by CONTROL_PLANE in its environment.
--
--   lua5.4 spec/e2e/plane.lua start          prints the path of its description once it is ready
--   lua5.4 spec/e2e/plane.lua stop PATH

package.path = "./spec/?.lua;" .. package.path
local control_plane = require "support.control_plane"

if arg[1] == "start" then
  print(control_plane.start({ is_shared = true }).folder .. "/plane.json")
elseif arg[1] == "stop" and arg[2] then
  control_plane.attach(arg[2]):stop()
else
  io.stderr:write("usage: plane.lua start | stop PATH\n")
  os.exit(2)
end
