--- Several replicas: one acts, the others stand by.
-- Timed: it runs where nothing is busy.

local figures = require "support.figures"
local objects = require "support.objects"
local operator = require "support.operator"
local system = require "system"

local LEASE <const> = { apiVersion = "coordination.k8s.io/v1", kind = "Lease", metadata = { name = "ea9c19f7.k8sgpt.ai", namespace = "default" } }
local MASTER <const> = "leader_election_master_status"
local WRITES <const> = { "create", "apply", "patch", "update", "delete" }

local function lease(cluster) return (cluster:find(LEASE) or {}).spec end

local function leads(op) return op:metric(MASTER, { name = LEASE.metadata.name }) == 1 end

local function await_leading(op, leading)
  operator.await(function() return (leading == false and "it stands by\n" or "it leads\n") .. op:tail() end, function()
    return leads(op) == (leading ~= false)
  end)
end

local function writes_of(op) return op:metric("k8sgpt_api_requests_total", { verb = WRITES, resource = { "results", "k8sgpts", "events" } }) end

--- What a write of a Result changes, whoever does it.
local function versions(cluster)
  local list = {}
  for name, result in pairs(cluster:results()) do list[name] = result.metadata.uid .. " " .. result.metadata.resourceVersion end
  return list
end

--- A leader and a warm standby.
local function pair(list)
  local cluster = operator.cluster(list)
  local first = cluster:operator { "--leader-elect" }
  await_leading(first)
  first:await_ready()
  local second = operator.start(cluster.kubeconfig, { "--leader-elect" })
  second:await_ready()
  return cluster, first, second
end

describe("of several replicas", function()
  after_each(operator.clean)

  it("one acts; a standby knows all and says nothing", function()
    local cluster, first, second = pair { objects.k8sgpt(), objects.image_error("web") }
    cluster:await_results { "Pod default/web" }
    cluster:create(objects.crash_loop("job"))
    cluster:await_results { "Pod default/web", "Pod default/job" }
    operator.await("the standby's verdict", function()
      return second:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Pod" }) >= 2
    end)
    assert.is_true(leads(first))
    assert.is_false(leads(second))
    assert.equal(2, #first:told())
    assert.are.same({}, second:told())
    assert.equal(0, writes_of(second))
    local _, series = second:metric("k8sgpt_number_of_results")
    assert.equal(0, series) -- the leader has it; a sum over both would count it twice
    assert.matches("^[%w.-]+_%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", lease(cluster).holderIdentity)
  end)

  -- Row lease.
  it("the next takes over at once when the leader ends, and tells only what is news", function()
    local cluster, first, second = pair { objects.k8sgpt(), objects.image_error("web"), objects.crash_loop("job") }
    cluster:await_results { "Pod default/web", "Pod default/job" }
    first:await_runs(0)
    local before, from = versions(cluster), system.monotime()
    first:stop()
    await_leading(second)
    local took = system.monotime() - from
    figures.record("lease", "from SIGTERM of the leader until another leads", took, "s")
    assert.is_true(took <= 3)
    cluster:create(objects.image_error("late"))
    cluster:await_results { "Pod default/web", "Pod default/job", "Pod default/late" }
    second:stop()
    local after = versions(cluster)
    after["Pod default/late"] = nil
    assert.are.same(before, after)
    assert.are.same({ "opened Pod default/late image" }, second:told())
    assert.equal("", lease(cluster).holderIdentity)
    assert.equal(1, lease(cluster).leaseTransitions)
  end)

  it("the next publishes what changed while nobody led", function()
    local web, job = objects.image_error("web"), objects.image_error("job")
    local cluster, first, second = pair { objects.k8sgpt(), web, job }
    cluster:await_results { "Pod default/web", "Pod default/job" }
    cluster:patch(LEASE, { spec = { holderIdentity = "somebody" } })
    await_leading(first, false)
    first:stop()
    cluster:patch(web, objects.mended(), "status")
    cluster:delete(job)
    cluster:create(objects.image_error("late"))
    operator.await("the standby's verdict", function()
      return second:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Pod" }) >= 4
    end)
    assert.are.same({}, second:told())
    cluster:patch(LEASE, { spec = { holderIdentity = "" } })
    await_leading(second)
    cluster:await_results { "Pod default/late" }
    local told = second:told()
    table.sort(told)
    assert.are.same({ "opened Pod default/late image", "resolved Pod default/job image", "resolved Pod default/web image" }, told)
  end)

  it("one that loses the Lease stands by, and leads again when it may", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local op = cluster:operator { "--leader-elect" }
    cluster:await_results { "Pod default/web" }
    op:await_ready()
    cluster:patch(LEASE, { spec = { holderIdentity = "thief", leaseDurationSeconds = 3600 } })
    await_leading(op, false)
    op:await_log("no longer leading")
    local before, writes = versions(cluster), writes_of(op)
    cluster:create(objects.image_error("late"))
    operator.await("its verdict", function() return op:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Pod" }) >= 2 end)
    op:await_ready()
    assert.are.same({ "opened Pod default/web image" }, op:told())
    assert.equal(writes, writes_of(op))
    cluster:patch(LEASE, { spec = { holderIdentity = "" } })
    await_leading(op)
    cluster:await_results { "Pod default/late", "Pod default/web" }
    local after = versions(cluster)
    after["Pod default/late"] = nil
    assert.are.same(before, after)
    assert.are.same({ "opened Pod default/web image", "opened Pod default/late image" }, op:told())
  end)

  it("what one did while another stood by is done, also when it comes back to that one", function()
    local web = objects.image_error("web")
    local cr = objects.k8sgpt()
    local cluster, first, second = pair { cr, web }
    cluster:await_results { "Pod default/web" }
    local function identity(op) return op:await_line("its identity", function(line) return line.logger == "operator.leader" and line.identity end) end
    local function hand_over(from, to)
      cluster:patch(LEASE, { spec = { holderIdentity = identity(to) } })
      await_leading(from, false)
      await_leading(to)
    end
    hand_over(first, second)
    cluster:patch(web, objects.mended(), "status")
    cluster:await_results {}
    cluster:create(objects.image_error("late"))
    cluster:await_results { "Pod default/late" }
    cluster:patch(cr, { spec = { filters = { "Pod", "Nobody" } } })
    local condition = cluster:await_condition(cr, "Ready", "UnknownFilter")
    system.sleep(1.1) -- times of conditions are whole seconds
    local before = versions(cluster)
    hand_over(second, first)
    first:await_runs(0)
    cluster:create(objects.image_error("last"))
    cluster:await_results { "Pod default/late", "Pod default/last" }
    local after = versions(cluster)
    after["Pod default/last"] = nil
    assert.are.same(before, after)
    assert.equal(condition.lastTransitionTime, cluster:await_condition(cr, "Ready", "UnknownFilter").lastTransitionTime)
    assert.are.same({ "opened Pod default/web image", "opened Pod default/last image" }, first:told())
    assert.are.same({ "resolved Pod default/web image", "opened Pod default/late image" }, second:told())
  end)

  it("one that may not read what the leader before found says so, and tells nobody anything", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster({ cr, objects.image_error("web") }, { deny = { "core.k8sgpt.ai/v1alpha1/Result" } })
    local op = cluster:operator { "--leader-elect" }
    local condition = cluster:await_condition(cr, "Ready", "TakeoverFailed")
    assert.equal("False", condition.status)
    assert.matches("cannot read the Results of the leader before: .*results.* forbidden", condition.message)
    assert.are.same({}, op:told())
  end)

  it("all are told where the Lease is to be", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    cluster:request("POST", "/api/v1/namespaces", { metadata = { name = "ops" } })
    cluster:operator { "--leader-elect", "--leader-election-namespace", "ops" }
    cluster:await_results { "Pod default/web" }
    assert.is_nil(lease(cluster))
    local there = cluster:find { apiVersion = LEASE.apiVersion, kind = "Lease", metadata = { name = LEASE.metadata.name, namespace = "ops" } }
    assert.equal(15, there.spec.leaseDurationSeconds)
    assert.matches("^%d+%-%d+%-%d+T%d+:%d+:%d+%.%d%d%d%d%d%dZ$", there.spec.renewTime)
  end)
end)
