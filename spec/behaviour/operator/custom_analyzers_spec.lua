--- Custom analyzers by gRPC beside the embedded engine: a service of grpcio's is asked, and what it finds is found.

local json = require "cjson"

local engine = require "support.engine"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local HEALTH <const> = "host-health"

local function health(name, ...)
  local errors = {}
  for i, text in ipairs { ... } do errors[i] = { text = text } end
  return { Run = { answer = { result = { name = name, error = errors, details = "call the owner of " .. name } } } }
end

local function analyzer(name, port) return { name = name, connection = { url = "127.0.0.1", port = port } } end

local function k8sgpt(interval, ...)
  return objects.k8sgpt { analysis = { interval = interval }, customAnalyzers = { ... } }
end

--- As the status has it.
local function await_state(cluster, cr, name, state)
  local have
  return operator.await(function() return ("%s %s; it is %s"):format(name, state, have and have.state) end, function()
    for _, one in ipairs(cluster:status(cr).analyzers or {}) do
      if one.name == name then have = one end
    end
    return have and have.state == state and have
  end, 0.05)
end

describe("custom analyzers", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("need grpcio, which PyPI did not give")
    return
  end

  it("are asked, and what they find becomes a Result", function()
    local peer = engine.start {
      Run = { answer = { result = { kind = "Host", name = "node-1", parentObject = "Rack/7", details = "swap it", error = {
        { text = "disk is 91 % full", sensitive = { { unmasked = "disk", masked = "X" } } },
      } } } },
    }
    local cluster = operator.cluster { k8sgpt("1h", analyzer(HEALTH, peer.port)), objects.crash_loop("web") }
    local op = cluster:operator()
    local spec = cluster:await_results({ "Host node-1", "Pod default/web" })["Host node-1"].spec
    assert.are.equal(HEALTH, spec.analyzer)
    assert.are.equal("Rack/7", spec.parentObject)
    assert.are.equal("swap it", spec.details)
    assert.are.equal("medium", spec.severity)
    assert.are.same({ { text = "disk is 91 % full", rule = "reported", key = "disk is # % full", severity = "medium",
      sensitive = { { unmasked = "disk", masked = "X" } } } }, spec.error)
    op:await_news("opened Host /node-1 reported")
    local call = peer:calls()[1]
    assert.are.equal("Run", call.method)
    assert.is_true(call.timeout_s > 0 and call.timeout_s <= 10)
    assert.are.equal(1, (op:metric("k8sgpt_grpc_requests_total", { method = "Run", peer = HEALTH, result = "OK" })))
    cluster:await_condition(k8sgpt(), "Analysed", "Current")
  end)

  it("are asked again after the interval; the same failure in other numbers is the same finding, and none is none any more", function()
    local peer = engine.start(health("node-1", "disk is 91 % full"))
    local cluster = operator.cluster { k8sgpt("1s", analyzer(HEALTH, peer.port)) }
    local op = cluster:operator()
    local name = HEALTH .. " node-1"
    local before = cluster:await_result(name)
    peer:says(health("node-1", "disk is 97 % full"))
    peer:await_calls(#peer:calls() + 2)
    op:await_runs(1)
    assert.are.same(before.status.findings, cluster:results()[name].status.findings)
    peer:says(health("node-1", "disk is 97 % full", "fan stands still"))
    op:await_news("opened " .. HEALTH .. " /node-1 reported")
    cluster:await_result(name, function(result) return #result.spec.error == 2 end)
    peer:says { Run = {} }
    cluster:await_results {}
    op:await_news("resolved " .. HEALTH .. " /node-1 reported")
    assert.are.same(4, #op:news()) -- two findings, opened and resolved once
  end)

  it("that fail take nothing back, say so, and hold up nobody", function()
    local peer = engine.start(health("node-1", "disk is full"))
    local other = engine.start { Run = { hang = true } }
    local cr = k8sgpt("1s", analyzer("hanging", other.port), analyzer(HEALTH, peer.port))
    local cluster = operator.cluster { cr }
    local impatient = program.folder()
    program.write(impatient .. "/steps.PreAnalysis.params.yaml", "custom_timeout: 1\n")
    local op = cluster:operator { "--policy-dir", impatient }
    local name = HEALTH .. " node-1"
    local before = cluster:await_result(name)
    local state = await_state(cluster, cr, "hanging", "failing")
    assert.is_truthy(state.reason:find("Run at 127.0.0.1:" .. other.port .. ": no whole answer within", 1, true), state.reason)
    assert.are.equal("active", await_state(cluster, cr, HEALTH, "active").state)
    peer:stop()
    state = await_state(cluster, cr, HEALTH, "failing")
    assert.are.equal(("Run at 127.0.0.1:%d: connection refused"):format(peer.port), state.reason)
    local condition = cluster:await_condition(cr, "Analysed", "AnalyzerFailed")
    assert.is_truthy(condition.message:find("What they found before stays as it is.", 1, true))
    assert.are.same(before.spec, cluster:results()[name].spec)
    assert.is_true((op:metric("k8sgpt_grpc_requests_total", { peer = "hanging", result = "Timeout" })) > 0)
    cluster:create(objects.crash_loop("web"))
    cluster:await_results { name, "Pod default/web" }
    engine.start(health("node-1", "disk is full"), peer.port) -- it comes back
    await_state(cluster, cr, HEALTH, "active")
    assert.are.same(before.status, cluster:results()[name].status)
    assert.are.equal(2, #op:news())
  end)

  it("that are no gRPC servers, or have no such service, are named as that", function()
    local old = engine.start {}
    local cluster = operator.cluster { k8sgpt("1s", analyzer("old", old.port)) }
    cluster:operator()
    local state = await_state(cluster, k8sgpt(), "old", "failing")
    assert.is_truthy(state.reason:find("is it older than the services of schema.v1", 1, true), state.reason)
    cluster:patch(k8sgpt(), { spec = { customAnalyzers = { analyzer("web", cluster.url:match(":(%d+)") + 0) } } })
    await_state(cluster, k8sgpt(), "web", "failing")
  end)

  it("keep what they found over a restart, also while they do not answer", function()
    local peer = engine.start(health("node-1", "disk is full"))
    local cr = k8sgpt("1s", analyzer(HEALTH, peer.port))
    local cluster = operator.cluster { cr }
    cluster:operator()
    local name = HEALTH .. " node-1"
    local before = cluster:await_result(name)
    cluster.op:stop()
    peer:says { Run = { status = "UNAVAILABLE", message = "starting" } }
    local op = cluster:operator()
    local state = await_state(cluster, cr, HEALTH, "failing")
    assert.is_truthy(state.reason:find("UNAVAILABLE: starting", 1, true))
    assert.are.same(before, cluster:results()[name])
    peer:says { Run = {} }
    cluster:await_results {}
    assert.are.same({ "resolved" }, { op:news()[1].change })
  end)

  it("that are taken out of the spec take their findings along", function()
    local peer = engine.start(health("node-1", "disk is full"))
    local cluster = operator.cluster { k8sgpt("1h", analyzer(HEALTH, peer.port)) }
    local op = cluster:operator()
    cluster:await_results { HEALTH .. " node-1" }
    cluster:patch(k8sgpt(), { spec = { customAnalyzers = json.null } })
    cluster:await_results {}
    op:await_news("resolved " .. HEALTH .. " /node-1 reported")
  end)
end)
