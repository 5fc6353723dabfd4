--- Mis-operation in mode Deployment: whatever somebody writes into a K8sGPT, the objects of its engine are what the verb render prints, or a
--- condition says why not; and going back brings back what was.

local crd = require "tools.docs.crd"
local fields = require "tools.docs.fields"
local figures = require "support.figures"
local misoperation = require "support.misoperation"
local operator = require "support.operator"
local rendered = require "support.rendered"
local sweep = require "support.crd_sweep"

--- The leaves that change what is rendered.
local function leaves()
  local kept = {}
  for _, leaf in ipairs(sweep.leaves()) do
    if fields.rendered[crd.title(leaf)] then kept[#kept + 1] = leaf end
  end
  return kept
end

describe("mis-operation of a K8sGPT Deployment", function()
  after_each(operator.clean)

  it("ends in the objects that render prints or in a condition, and reverting it restores", function()
    local wanted, embedded = misoperation.base "Deployment", misoperation.base "Embedded"
    local cluster = operator.cluster { embedded }
    local op = cluster:operator()
    op:await_ready()
    cluster:await_condition(embedded, "Analysed", "AnalyzerFailed") -- the custom one; what the other engine said is to be over
    local editor, objects, since = misoperation.editor(cluster, op, wanted), rendered.of(cluster, wanted), op:metric("process_start_time_seconds")
    finally(function() editor:leave() end)
    local settled = editor:revert("the base", function(status)
      local available = misoperation.condition(status, "EngineAvailable")
      return available and available.reason == "NotReady"
    end)
    assert.are.equal("NotYet", misoperation.condition(settled, "Analysed").reason)
    local before, swept = objects:essence(), leaves()
    local count = editor:sweep(swept, misoperation.state(settled), {
      changed = function(what, text, status) objects:compare(what, text, status) end,
      reverted = function(what) assert.are.same(before, objects:essence(), what) end,
    })
    assert.are.equal(since, (op:metric("process_start_time_seconds")))
    for _, line in ipairs(op:lines()) do assert.is_true(line.level ~= "error" or objects:explains(line.error), line.error) end
    figures.record("mis-operation", "fields of the K8sGPT Deployment changed", #swept)
    figures.record("mis-operation", "values tried on the K8sGPT Deployment", count.tried)
  end)
end)
