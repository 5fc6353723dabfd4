--- Mis-operation: whatever somebody writes into a K8sGPT, the operator says what is wrong with it or does it, and going back brings
--- back what was.

local figures = require "support.figures"
local json = require "cjson"
local lyaml = require "lyaml"
local operator = require "support.operator"
local program = require "support.program"
local sweep = require "support.crd_sweep"

local PATCH <const> = "application/json-patch+json"

--- All fields that there are, for an engine that works here, and receivers that are not there.
local function base()
  local k8sgpt = lyaml.load(program.read("samples/all_fields.yaml"))
  local spec = k8sgpt.spec
  spec.engine.mode, spec.kubeconfig = "Embedded", nil
  spec.sink.webhook, spec.sinks[1].webhook = "http://127.0.0.1:9/", "http://127.0.0.1:9/"
  spec.customAnalyzers[1].connection = { url = "127.0.0.1", port = 9 }
  k8sgpt.metadata.namespace = "default"
  return k8sgpt
end

describe("mis-operation", function()
  after_each(operator.clean)

  local cluster, op, path, watch

  --- The first status about this generation that is accepted.
  local function await_status(what, generation, accept)
    local function look(event)
      local status = event.object and event.object.status or {}
      return status.observedGeneration == generation and accept(status) and status
    end
    return watch:await_line(what .. " is answered\n" .. op:tail(), look)
  end

  local function is_judged(status)
    for _, condition in ipairs(status.conditions or {}) do
      if condition.type == "Ready" then return true end
    end
  end

  local function change(k8sgpt)
    local text, code = cluster:http(path, { method = "PATCH", body = sweep.patch(k8sgpt), type = PATCH })
    return json.decode(text), code
  end

  --- What must be as before once the spec is, in lines.
  local function state(status)
    local out = { ("engine %s %s"):format(status.engine and status.engine.mode, status.engine and status.engine.endpoint) }
    for _, analyzer in ipairs(status.analyzers or {}) do out[#out + 1] = ("%s %s"):format(analyzer.name, analyzer.state) end
    for _, condition in ipairs(status.conditions or {}) do
      if condition.reason ~= "NotRequested" then out[#out + 1] = ("%s %s %s"):format(condition.type, condition.status, condition.reason) end
    end
    table.sort(out)
    return table.concat(out, "\n")
  end

  --- Either Ready, or a reason with a message in one line that a person can act upon.
  local function judge(what, status)
    for _, condition in ipairs(status.conditions) do
      if condition.type == "Ready" and condition.status ~= "True" then
        assert.matches("^%u%a+$", condition.reason, what)
        assert.is_true(#condition.message > 10, what .. ": " .. condition.message)
      end
    end
  end

  it("of every field ends in what was asked for or in a condition, and reverting it restores", function()
    local wanted = base()
    cluster = operator.cluster { wanted }
    path = operator.path_of(wanted)
    op = cluster:operator()
    op:await_ready()
    watch = cluster:watch(wanted)
    finally(function() watch:kill() end)
    local function started() return (op:metric("process_start_time_seconds")) end
    local since, tried, refused = started(), 0, 0
    local function revert(what, accept)
      local object, code = change(wanted)
      assert.are.equal(200, code)
      return state(await_status(what, object.metadata.generation, accept))
    end
    local before = revert("the base", function(status) return state(status):find("AnalyzerFailed", 1, true) end) -- the custom one
    local function is_as_before(status) return state(status) == before end
    local leaves = sweep.leaves("crd/core.k8sgpt.ai_k8sgpts.yaml")
    for _, leaf in ipairs(leaves) do
      local accepted = false
      for name, value in pairs(leaf.values) do
        local what = ("%s %s"):format(leaf.path, name)
        local ok, changed = pcall(sweep.with, wanted, leaf.path, value)
        if ok then
          local object, code = change(changed)
          tried = tried + 1
          if code == 200 then
            accepted = true
            judge(what, await_status(what, object.metadata.generation, is_judged))
          else
            refused = refused + 1
            assert.are.equal(422, code, what .. ": " .. object.message) -- by the API server, which names the field
            assert.matches(leaf.path:match("[^.]+$"), object.message, 1, true, what)
          end
        else
          assert.are.equal("spec.kubeconfig", leaf.path:match("^spec%.kubeconfig"), tostring(changed)) -- left out of the base
        end
      end
      if accepted then revert(("what was before %s:\n%s\n"):format(leaf.path, before), is_as_before) end
    end
    assert.are.equal(since, started())
    figures.record("mis-operation", "restarts of the operator", 0)
    figures.record("mis-operation", "fields changed", #leaves)
    figures.record("mis-operation", "values tried", tried)
    figures.record("mis-operation", "values that the schema refused", refused)
  end)
end)
