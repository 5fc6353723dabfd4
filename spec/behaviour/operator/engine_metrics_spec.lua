--- What an engine of grpcio's shows as metrics, the operator shows with its own.

local engine = require "support.engine"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local PAGE <const> = table.concat({
  "# HELP analyzer_errors Number of errors detected by analyzer",
  "# TYPE analyzer_errors gauge",
  'analyzer_errors{analyzer_name="Pod",namespace="shop",object_name="web-0",k8sgpt="forged",engine_pod="forged"} 2',
  'analyzer_errors{analyzer_name="Node",namespace="",object_name="node-\\"1\\""} 1',
  "process_cpu_seconds_total 12.5", "process_open_fds 11", "process_resident_memory_bytes 6.1644800e+07",
  "process_start_time_seconds 1.7e+09", 'go_gc_duration_seconds{quantile="0.25"} 2.4e-05', "",
}, "\n")

local WHOSE <const> = { k8sgpt_namespace = "default", k8sgpt = "sample", engine_pod = "" }

local function with(labels)
  local all = {}
  for _, part in ipairs { WHOSE, labels } do
    for name, value in pairs(part) do all[name] = value end
  end
  return all
end

describe("the metrics of an engine", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("needs grpcio, which PyPI did not give")
    return
  end

  local peer, cr, cluster, op
  --- An operator that asks an engine which shows this.
  local function start(metrics)
    peer = engine.start { Analyze = {}, metrics = metrics }
    cr = objects.k8sgpt { engine = { mode = "Deployment" }, analysis = { interval = "1s" } }
    cluster = operator.cluster { cr }
    local folder = program.folder()
    program.write(folder .. "/steps.PreAnalysis.params.yaml", ("metrics_port: %d\nmetrics_interval: 1\nmetrics_timeout: 1\n"):format(peer.metrics_port))
    op = cluster:operator { "--engine-address", "127.0.0.1:" .. peer.port, "--policy-dir", folder }
  end

  local function says(metrics) peer:says { Analyze = {}, metrics = metrics } end

  local function await_up(value)
    operator.await(function() return "k8sgpt_engine_up " .. value .. "\n" .. op:tail() end, function()
      local up, count = op:metric("k8sgpt_engine_up", WHOSE)
      return count == 1 and up == value
    end, 0.02, 30)
  end

  --- All series of engines, k8sgpt_engine_up left out.
  local function shown() return select(2, op:metric("analyzer_errors")) + select(2, op:metric("k8sgpt_engine_process_open_fds")) end

  it("are shown with the K8sGPT that it works for, and follow it", function()
    start { text = PAGE }
    await_up(1)
    assert.are.equal(2, (op:metric("analyzer_errors", with { analyzer_name = "Pod", namespace = "shop", object_name = "web-0" })))
    assert.are.equal(1, (op:metric("analyzer_errors", with { analyzer_name = "Node", namespace = "" })))
    assert.are.equal(12.5, (op:metric("k8sgpt_engine_process_cpu_seconds_total", WHOSE)))
    assert.are.equal(11, (op:metric("k8sgpt_engine_process_open_fds", WHOSE)))
    assert.are.equal(61644800, (op:metric("k8sgpt_engine_process_resident_memory_bytes", WHOSE)))
    assert.are.equal(1.7e9, (op:metric("k8sgpt_engine_process_start_time_seconds", WHOSE)))
    assert.are.equal(0, select(2, op:metric("analyzer_errors", { k8sgpt = "forged" })))
    -- Another process: its counter begins anew, and what it found is all that there is.
    says { text = "process_cpu_seconds_total 0.5\nprocess_open_fds 7\nanalyzer_errors{analyzer_name=\"Pod\",namespace=\"shop\",object_name=\"db\"} 1\n" }
    operator.await("the other process", function() return (op:metric("k8sgpt_engine_process_open_fds", WHOSE)) == 7 end, 0.02)
    assert.are.equal(0.5, (op:metric("k8sgpt_engine_process_cpu_seconds_total", WHOSE)))
    assert.are.equal(1, select(2, op:metric("analyzer_errors")))
    assert.are.equal(1, select(2, op:metric("analyzer_errors", with { object_name = "db" })))
  end)

  it("go with it, and k8sgpt_engine_up says so, whatever it gives in their place", function()
    start { text = PAGE }
    for _, case in ipairs {
      { metrics = { status = 503 }, says = "HTTP 503 instead of metrics" },
      { metrics = { text = "<html>up</html>\n" }, says = "line 1 begins with no name" },
      { metrics = { hang = true }, says = "no whole answer within 1" },
      { metrics = { text = PAGE, trickle = true }, says = "no whole answer within 1" },
      { metrics = { text = PAGE, objects = 10001 }, says = "more than 10000 series of analyzer_errors" },
      { metrics = { text = ("# %s\n"):format(("x"):rep(1024)):rep(4096) .. PAGE }, says = "4194304" },
      { metrics = { latin = 'analyzer_errors{object_name="caf\u{e9}"} 1\n' }, says = "object_name is not UTF-8" },
    } do
      says { text = PAGE }
      await_up(1)
      assert.are.equal(3, shown())
      says(case.metrics)
      await_up(0)
      assert.are.equal(0, shown())
      op:await_log(case.says)
    end
    cluster:await_condition(cr, "Ready", "Ready")
  end)

  it("of ten thousand objects are shown", function()
    start { objects = 10000 }
    await_up(1)
    assert.are.equal(10000, select(2, op:metric("analyzer_errors", WHOSE)))
  end)

  it("of several replicas are those of each", function()
    local peers = { engine.start { metrics = { text = PAGE } }, engine.start { metrics = { text = PAGE } } }
    cr = objects.k8sgpt { engine = { mode = "Deployment", scaling = { maxReplicas = 2 } } }
    cluster = operator.cluster { cr }
    local labels = { ["k8sgpts.k8sgpt.ai/name"] = "sample", ["k8sgpts.k8sgpt.ai/namespace"] = "default" }
    for i, one in ipairs(peers) do
      cluster:create {
        apiVersion = "discovery.k8s.io/v1", kind = "EndpointSlice", metadata = { name = "sample-" .. i, namespace = "default", labels = labels },
        addressType = "FQDN", -- as in engine_scaling_spec.lua
        endpoints = { { addresses = { "replica.localhost" }, targetRef = { kind = "Pod", name = "replica-" .. i } } },
        ports = { { name = "metrics", port = one.metrics_port }, { name = "grpc", port = one.port } },
      }
    end
    op = cluster:operator { "--engine", "deployment" }
    local deployment = { apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "sample", namespace = "default" } }
    operator.await("the Deployment", function() return cluster:find(deployment) end)
    cluster:patch(deployment, { status = { replicas = 2, updatedReplicas = 2, readyReplicas = 2 } }, "status")
    operator.await(function() return "both of them\n" .. op:tail() end, function()
      return (op:metric("k8sgpt_engine_up", { k8sgpt = "sample", engine_pod = { "replica-1", "replica-2" } })) == 2
    end)
    assert.are.equal(2, select(2, op:metric("analyzer_errors", { object_name = "web-0" })))
  end)

  it("go with the K8sGPT, and when it wants no such engine any more", function()
    start { text = PAGE }
    await_up(1)
    local function gone() return select(2, op:metric("k8sgpt_engine_up")) + shown() == 0 end
    cluster:patch(cr, { spec = { engine = { mode = "Embedded" } } })
    operator.await("no series of an engine that is wanted no more", gone, 0.02)
    cluster:patch(cr, { spec = { engine = { mode = "Deployment" } } })
    await_up(1)
    cluster:delete(cr)
    operator.await("no series of a K8sGPT that is gone", gone, 0.02)
  end)
end)
