--- Somebody who changes every field of a K8sGPT, and goes back each time; and what the operator says to it.
--
--   local editor = misoperation.editor(cluster, op, k8sgpt)
--   local before = misoperation.state(editor:revert("the base", is_settled))
--   local count = editor:sweep(leaves, before, { changed = function(what, text, status) … end, reverted = function(what) … end })
--   editor:leave()

local crd = require "tools.docs.crd"
local json = require "cjson"
local luassert = require "luassert"
local lyaml = require "lyaml"
local operator = require "support.operator"
local program = require "support.program"
local sweep = require "support.crd_sweep"

local PATCH <const> = "application/json-patch+json"

local misoperation = {}

local editor = {}
editor.__index = editor

--- A K8sGPT with all fields that there are.
local function sample() return lyaml.load(program.read("samples/all_fields.yaml")) end

--- The same for an engine that works in this cluster, which another one's kubeconfig would end, and with receivers that are not there.
---@param mode "Embedded"|"Deployment"
function misoperation.base(mode)
  local k8sgpt = sample()
  local spec = k8sgpt.spec
  spec.engine.mode, spec.kubeconfig = mode, nil
  spec.sink.webhook, spec.sinks[1].webhook = "http://127.0.0.1:9/", "http://127.0.0.1:9/"
  spec.customAnalyzers[1].connection = { url = "127.0.0.1", port = 9 }
  k8sgpt.metadata.namespace = "default"
  return k8sgpt
end

--- Whoever starts it has it leave.
---@param cluster table
---@param op table the operator at work on it
---@param k8sgpt table is in the cluster; what is changed, and gone back to
function misoperation.editor(cluster, op, k8sgpt)
  local self = { cluster = cluster, op = op, wanted = k8sgpt, path = operator.path_of(k8sgpt), watch = cluster:watch(k8sgpt) }
  return setmetatable(self, editor)
end

function editor:leave() self.watch:kill() end

local function put(self, k8sgpt)
  local text, code = self.cluster:http(self.path, { method = "PATCH", body = sweep.patch(k8sgpt), type = PATCH })
  return json.decode(text), code, text
end

--- The first status about this generation that is accepted.
local function await_status(self, what, generation, accept)
  return self.watch:await_line(what .. " is answered\n" .. self.op:tail(), function(event)
    local status = event.object and event.object.status or {}
    return status.observedGeneration == generation and accept(status) and status
  end)
end

---@return table? condition
function misoperation.condition(status, type)
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == type then return condition end
  end
end

local function is_judged(status) return misoperation.condition(status, "Ready") end

--- Either Ready, or a reason with a message in one line that a person can act upon.
local function judge(what, status)
  local ready = misoperation.condition(status, "Ready")
  if ready.status == "True" then return end
  luassert.matches("^%u%a+$", ready.reason, what)
  luassert.is_true(#ready.message > 10, what .. ": " .. ready.message)
end

--- What must be as before once the spec is, in lines.
function misoperation.state(status)
  local out = { ("engine %s %s"):format(status.engine and status.engine.mode, status.engine and status.engine.endpoint) }
  for _, analyzer in ipairs(status.analyzers or {}) do out[#out + 1] = ("%s %s"):format(analyzer.name, analyzer.state) end
  for _, condition in ipairs(status.conditions or {}) do
    if condition.reason ~= "NotRequested" then out[#out + 1] = ("%s %s %s"):format(condition.type, condition.status, condition.reason) end
  end
  table.sort(out)
  return table.concat(out, "\n")
end

--- Gives the K8sGPT back what it had, and waits until the operator says of it what is accepted.
---@return table status
function editor:revert(what, accept)
  local object, code = put(self, self.wanted)
  luassert.are.equal(200, code, what)
  return await_status(self, what, object.metadata.generation, accept)
end

--- False: the API server refuses the value, by the field's name.
local function try(self, what, leaf, changed, look)
  local object, code, text = put(self, changed)
  if code == 200 then
    local status = await_status(self, what, object.metadata.generation, is_judged)
    judge(what, status)
    look(what, text, status)
    return true
  end
  luassert.are.equal(422, code, what .. ": " .. object.message)
  luassert.matches(leaf.path:match("[^.]+$"), object.message, 1, true, what)
  return false
end

--- Changes one leaf after the other, by each of its values, and goes back after each leaf; all must be as before then.
---@param leaves table[] as crd_sweep has them
---@param before string as misoperation.state has it
---@param look {changed: fun(what: string, text: string, status: table), reverted: fun(what: string)} what else is to hold; `text`: the
--- K8sGPT as it is stored
---@return {tried: integer, refused: integer}
function editor:sweep(leaves, before, look)
  local all, count = sample(), { tried = 0, refused = 0 }
  for _, leaf in ipairs(leaves) do
    local is_changed = false
    for _, name in ipairs(crd.sorted_keys(leaf.values)) do
      local what = ("%s %s"):format(leaf.path, name)
      local is_accepted = try(self, what, leaf, sweep.with(self.wanted, leaf.path, leaf.values[name], all), look.changed)
      count.tried, count.refused = count.tried + 1, count.refused + (is_accepted and 0 or 1)
      is_changed = is_changed or is_accepted
    end
    if is_changed then
      local what = ("what was before %s:\n%s\n"):format(leaf.path, before)
      self:revert(what, function(status) return misoperation.state(status) == before end)
      look.reverted(what)
    end
  end
  return count
end

return misoperation
