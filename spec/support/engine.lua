--- A K8sGPT engine, or a custom analyzer, that does what a test says: gRPC by grpcio (spec/engine/engine.py).
--
--   local engine = require "support.engine"
--   if not engine.is_there() then pending("…") end
--   local peer = engine.start { Run = { answer = { result = … } } }
--   peer.port                         -- on 127.0.0.1
--   peer.metrics_port                 -- the same, of its metrics
--   peer:says { Run = { hang = true } }
--   peer:await_calls(2)               -- {method, request, timeout_s, metadata}[]

local json = require "cjson"
local program = require "support.program"

local engine = {}

local running = setmetatable({}, { __index = program })
running.__index = running

local python

--- False where grpcio is not installed (make test does that, where it can).
---@return boolean
function engine.is_there()
  if python == nil then
    local pipe = assert(io.popen("spec/engine/install.sh --there"))
    python = pipe:read("l") or false
    pipe:close()
  end
  return python and true
end

---@param script table<string, table> behaviours by method, see engine.py
---@param port? integer any free one where it is not given
function engine.start(script, port)
  local folder = program.folder()
  local path, calls = folder .. "/script", folder .. "/calls"
  program.write(path, json.encode(script))
  local self = setmetatable(program.start { "env", "PORT=" .. (port or 0), python, "spec/engine/engine.py", path, calls }, running)
  self.script, self.calls_path = path, calls
  self.port = self:await_line("its port", function(line) return math.tointeger(line.text) end)
  self.metrics_port = self:await_line("its other port", function(line) return math.tointeger(line.text:match("^metrics (%d+)\n$")) end)
  return self
end

--- A peer that breaks gRPC's rules in this way (spec/engine/wire.py), whatever it is asked.
---@param fault string
---@param port integer
function engine.broken(fault, port)
  local self = program.start { python, "spec/engine/wire.py", fault, tostring(port) }
  self:await_line("its port", function(line) return line[fault] == port end)
  return self
end

--- From now on.
function running:says(script)
  program.write(self.script .. ".new", json.encode(script))
  assert(os.rename(self.script .. ".new", self.script))
end

function running:calls()
  local list = {}
  for line in program.read(self.calls_path):gmatch("[^\n]+") do list[#list + 1] = json.decode(line) end
  return list
end

--- Waits until it was asked so often.
function running:await_calls(count)
  return program.await(("%d calls; there are %d"):format(count, #self:calls()), function()
    local list = self:calls()
    return #list >= count and list
  end, 0.02)
end

return engine
