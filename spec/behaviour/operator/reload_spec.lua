--- SIGHUP: the kubeconfig and the policy folders are read again.

local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local function hang_up(op) os.execute("kill -HUP " .. op.pid) end

-- Two servers at once are two embedded ones.
if os.getenv("CLUSTER") == "real" then return end

describe("after SIGHUP", function()
  local first, op, kubeconfig

  before_each(function()
    first = operator.cluster { objects.k8sgpt(), objects.image_error("here") }
    kubeconfig = program.folder() .. "/config"
    program.write(kubeconfig, program.read(first.kubeconfig))
    op = operator.start(kubeconfig)
    first.op = op
    first:await_results { "Pod default/here" }
  end)
  after_each(operator.clean)

  it("another server is watched and written to, and the one before is left alone", function()
    local second = operator.cluster { objects.k8sgpt(), objects.image_error("there"), objects.crash_loop("crash") }
    second.op = op
    program.write(kubeconfig, program.read(second.kubeconfig))
    hang_up(op)
    second:await_results { "Pod default/there", "Pod default/crash" }
    second:create(objects.image_error("later"))
    second:await_results { "Pod default/there", "Pod default/crash", "Pod default/later" }
    local version = first:version()
    second:create(objects.image_error("last"))
    second:await_result("Pod default/last")
    assert.are.equal(version, first:version())
    assert.are.equal(0, op:metric("k8sgpt_watch_restarts_total", { reason = "error" }))
  end)

  it("a kubeconfig that does not load leaves the one in use, and is told of once", function()
    program.write(kubeconfig, "clusters: [")
    hang_up(op)
    local why = op:await_line("the refusal", function(line) return line.msg == "keeping the configuration in use" and line.error end)
    assert.is_truthy(why:find(kubeconfig .. ": line", 1, true), why)
    first:create(objects.image_error("later"))
    first:await_result("Pod default/later")
    local count = 0
    for _, line in ipairs(op:lines()) do count = count + (line.level == "error" and 1 or 0) end
    assert.are.equal(1, count)
  end)

  it("the same kubeconfig changes nothing: no list, no write", function()
    local function lists() return (op:metric("k8sgpt_lists_total")) end
    local before, result = lists(), first:results()["Pod default/here"]
    hang_up(op)
    op:await_line("the reading", function(line) return line.moved == "no" end)
    first:create(objects.image_error("later"))
    first:await_result("Pod default/later")
    assert.are.equal(before, lists())
    assert.are.same(result, first:results()["Pod default/here"])
  end)
end)

describe("a leader that SIGHUP sends to another server", function()
  after_each(operator.clean)

  local LEASE <const> = {
    apiVersion = "coordination.k8s.io/v1", kind = "Lease", metadata = { name = "ea9c19f7.k8sgpt.ai", namespace = "default" },
    spec = { holderIdentity = "somebody", leaseDurationSeconds = 3600 },
  }

  local function await_leading(op, leading)
    operator.await(leading == 1 and "it leads" or "it stands by", function()
      return op:metric("leader_election_master_status", { name = LEASE.metadata.name }) == leading
    end)
  end

  it("stands by there until it gets the Lease of that server", function()
    local first = operator.cluster { objects.k8sgpt(), objects.image_error("here") }
    local second = operator.cluster { objects.k8sgpt(), objects.image_error("there"), LEASE }
    local kubeconfig = program.folder() .. "/config"
    program.write(kubeconfig, program.read(first.kubeconfig))
    local op = operator.start(kubeconfig, { "--leader-elect" })
    first.op, second.op = op, op
    await_leading(op, 1)
    first:await_results { "Pod default/here" }

    program.write(kubeconfig, program.read(second.kubeconfig))
    hang_up(op)
    await_leading(op, 0)
    op:await_log("no longer leading: standing by")
    operator.await("its verdict on what is there", function() return op:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Pod" }) >= 2 end)
    op:await_ready()
    assert.are.same({}, second:results())
    assert.are.equal("somebody", second:find(LEASE).spec.holderIdentity)
    assert.are.same({ "opened Pod default/here image" }, op:told())

    second:patch(LEASE, { spec = { holderIdentity = "" } })
    await_leading(op, 1)
    second:await_results { "Pod default/there" }
    assert.are.same({ "opened Pod default/here image", "opened Pod default/there image" }, op:told())
  end)
end)
