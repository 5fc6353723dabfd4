--- Mis-operation: whatever somebody writes into a K8sGPT, the operator says what is wrong with it or does it, and going back brings
--- back what was. Here the embedded engine's part; misoperation_deployment_spec.lua has the Deployment's.

local figures = require "support.figures"
local misoperation = require "support.misoperation"
local operator = require "support.operator"
local sweep = require "support.crd_sweep"

local function nothing() end

describe("mis-operation", function()
  after_each(operator.clean)

  it("of every field ends in what was asked for or in a condition, and reverting it restores", function()
    local wanted = misoperation.base "Embedded"
    local cluster = operator.cluster { wanted }
    local op = cluster:operator()
    op:await_ready()
    local editor = misoperation.editor(cluster, op, wanted)
    finally(function() editor:leave() end)
    local function started() return (op:metric("process_start_time_seconds")) end
    local since = started()
    local settled = editor:revert("the base", function(status) return misoperation.state(status):find("AnalyzerFailed", 1, true) end) -- the custom one
    local leaves = sweep.leaves()
    local count = editor:sweep(leaves, misoperation.state(settled), { changed = nothing, reverted = nothing })
    assert.are.equal(since, started())
    figures.record("mis-operation", "restarts of the operator", 0)
    figures.record("mis-operation", "fields changed", #leaves)
    figures.record("mis-operation", "values tried", count.tried)
    figures.record("mis-operation", "values that the schema refused", count.refused)
  end)
end)
