--- Grace, settle and the clock.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"
local system = require "system"

local function seconds(time)
  local y, mo, d, h, mi, s = time:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z$")
  return os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = s, isdst = false }
end

describe("time", function()
  after_each(operator.clean)

  local function probing(map, flags)
    local arguments = { "--policy-dir", policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE } }
    table.move(flags or {}, 1, #(flags or {}), 3, arguments)
    local cluster = operator.cluster { objects.probing(), map }
    return cluster, cluster:operator(arguments)
  end

  it("of grace: a fault opens when it has lasted for so long, not before", function()
    local begin = system.monotime()
    local cluster, op = probing(objects.config("map", { rule = "slow" }))
    op:await_ready()
    cluster:create(objects.config("other", { rule = "plain" }))
    cluster:await_result("ConfigMap default/other")
    assert.is_nil(cluster:results()["ConfigMap default/map"])
    cluster:await_result("ConfigMap default/map")
    assert.is_true(system.monotime() - begin >= 1)
    op:stop()
    assert.are.same({ "opened ConfigMap default/other plain", "opened ConfigMap default/map slow" }, op:told())
  end)

  it("of grace counts from the failure's own since", function()
    local since = objects.ago(100)
    local cluster, op = probing(objects.config("map", { rule = "slow", since = since }), { "--now", objects.ago(0) }) -- a clock that stands still
    assert.are.equal(since, cluster:await_result("ConfigMap default/map").status.firstSeen)
    assert.are.equal(since, op:await_news("opened ConfigMap default/map slow").firstSeen)
  end)

  it("of grace: a fault that is gone before is told to nobody", function()
    local map = objects.config("map", { rule = "slow" })
    local cluster, op = probing(map)
    op:await_ready()
    cluster:patch(map, { data = { rule = "none" } }) -- an undeclared rule would fail; `well` has none
    cluster:patch(map, { data = require("cjson").decode('{"rule": null}') })
    cluster:create(objects.config("other", { rule = "slow" }))
    cluster:await_results { "ConfigMap default/other" }
    op:stop()
    assert.are.same({ "opened ConfigMap default/other slow" }, op:told())
  end)

  it("of settle: a fault that was mended is over when it has been gone for so long, not before", function()
    local map = objects.config("map", { rule = "sticky" })
    local cluster, op = probing(map)
    local finding = op:await_news("opened ConfigMap default/map sticky")
    cluster:await_result("ConfigMap default/map")
    local begin = system.monotime()
    cluster:patch(map, { data = require("cjson").decode('{"rule": null}') })
    cluster:create(objects.config("other", { rule = "plain" }))
    cluster:await_result("ConfigMap default/other")
    assert.are.equal("open", cluster:results()["ConfigMap default/map"].status.findings[1].state)
    assert.are.equal(finding.id, op:await_news("resolved ConfigMap default/map sticky").id)
    assert.is_true(system.monotime() - begin >= 0.9)
    cluster:await_results { "ConfigMap default/other" }
  end)

  it("of settle: a fault that flaps is one fault", function()
    local map = objects.config("map", { rule = "sticky" })
    local cluster, op = probing(map)
    local uid = cluster:await_result("ConfigMap default/map").metadata.uid
    for i = 1, 3 do
      cluster:patch(map, { data = require("cjson").decode('{"rule": null}') })
      cluster:patch(map, { data = { rule = "sticky" } })
      cluster:create(objects.config("other" .. i, { rule = "plain" }))
      cluster:await_result("ConfigMap default/other" .. i)
    end
    op:stop()
    assert.are.equal(uid, cluster:results()["ConfigMap default/map"].metadata.uid)
    assert.are.equal(4, #op:told())
  end)

  it("of settle: a crash loop that pauses is not over", function()
    local pod = objects.crash_loop("web")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator()
    cluster:await_result("Pod default/web")
    cluster:patch(pod, objects.mended(), "status")
    cluster:create(objects.image_error("other"))
    cluster:await_result("Pod default/other")
    assert.is_not_nil(cluster:results()["Pod default/web"])
    op:stop()
    assert.are.equal(2, #op:told())
  end)

  describe("of a Deployment's grace", function()
    local function short_of_replicas(flags)
      local cluster = operator.cluster { objects.k8sgpt(), objects.deployment("web", "default", 3, 1), objects.image_error("other") }
      local op = cluster:operator(flags)
      cluster:await_result("Pod default/other")
      op:await_ready()
      return cluster, op
    end

    it("lets it be short of replicas for a minute", function()
      local cluster, op = short_of_replicas()
      assert.is_nil(cluster:results()["Deployment default/web"])
      op:stop()
      assert.are.same({ "opened Pod default/other image" }, op:told())
    end)

    it("is off with --grace 0", function()
      local cluster = short_of_replicas { "--grace", "0" }
      assert.are.equal("unavailable", cluster:await_result("Deployment default/web").spec.error[1].rule)
    end)
  end)

  it("of settle is off with --grace 0", function()
    local pod = objects.crash_loop("web")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator { "--grace", "0" }
    cluster:await_result("Pod default/web")
    cluster:patch(pod, objects.mended(), "status")
    cluster:await_results {}
    op:await_news("resolved Pod default/web crash-loop")
  end)

  it("is what --now says", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local op = cluster:operator { "--now", "2031-05-06T07:08:09Z" }
    local result = cluster:await_result("Pod default/web")
    assert.are.equal("2031-05-06T07:08:09Z", result.status.firstSeen)
    assert.are.equal(seconds("2031-05-06T07:08:09Z"), seconds(op:news()[1].finding.time))
  end)
end)
