--- An operator that ends and begins again is, for everybody else, the same operator.

local objects = require "support.objects"
local operator = require "support.operator"

--- What a restart must not touch: names, uids and versions of all Results.
local function identities(cluster)
  local ids = {}
  for name, result in pairs(cluster:results()) do ids[name] = { result.metadata.uid, result.metadata.resourceVersion } end
  return ids
end

for _, signal in ipairs { "TERM", "KILL" } do
  describe("after SIG" .. signal, function()
    local cluster, image, crash

    before_each(function()
      image, crash = objects.image_error("image"), objects.crash_loop("crash")
      cluster = operator.cluster { objects.k8sgpt(), image, crash, objects.healthy_pod("well") }
      local op = cluster:operator()
      cluster:await_results { "Pod default/image", "Pod default/crash" }
      op:await_ready()
      op:await_runs(0)
      op:signal(signal)
    end)
    after_each(operator.clean)

    it("nobody is told anything again and no Result is touched", function()
      local before = identities(cluster)
      local op = cluster:operator()
      op:await_ready()
      cluster:create(objects.image_error("later")) -- whatever the start had to say was said before this
      op:await_news("opened Pod default/later image")
      cluster:await_result("Pod default/later")
      local after = identities(cluster)
      after["Pod default/later"] = nil
      assert.are.same(before, after)
      assert.are.same({ "opened Pod default/later image" }, op:told())
    end)

    it("what was mended meanwhile is over, what went away too, and what broke is found", function()
      cluster:patch(image, objects.mended(), "status")
      cluster:delete(crash)
      cluster:create(objects.image_error("later"))
      local op = cluster:operator()
      cluster:await_results { "Pod default/later" }
      op:stop()
      local told = op:told()
      table.sort(told)
      assert.are.same({ "opened Pod default/later image", "resolved Pod default/crash crash-loop", "resolved Pod default/image image" }, told)
    end)

    it("a fault keeps the time when it was first seen", function()
      local before = cluster:results()["Pod default/crash"]
      local op = cluster:operator()
      op:await_ready()
      cluster:create(objects.image_error("later"))
      cluster:await_result("Pod default/later")
      local after = cluster:results()["Pod default/crash"]
      assert.are.equal(before.status.firstSeen, after.status.firstSeen)
      assert.are.equal(before.status.findings[1].id, after.status.findings[1].id)
    end)
  end)
end

describe("after a restart", function()
  after_each(operator.clean)

  it("a crash loop that was mended before is still within its settle time", function()
    local crash = objects.crash_loop("crash")
    local cluster = operator.cluster { objects.k8sgpt(), crash }
    local op = cluster:operator()
    cluster:await_results { "Pod default/crash" }
    cluster:patch(crash, objects.mended(), "status")
    cluster:create(objects.image_error("later"))
    cluster:await_result("Pod default/later")
    op:stop()

    op = cluster:operator()
    op:await_ready()
    cluster:create(objects.image_error("last"))
    cluster:await_result("Pod default/last")
    assert.is_not_nil(cluster:results()["Pod default/crash"])
    assert.are.same({ "opened Pod default/last image" }, op:told())
  end)

  it("what was mended before keeps its masks and evidence, while its Result tells of something else", function()
    local crash = objects.crash_loop("canary-4711")
    crash.spec.containers[2] = { name = "second", image = crash.spec.containers[1].image }
    local cluster = operator.cluster { objects.k8sgpt(), crash }
    local op = cluster:operator()
    local before = cluster:await_result("Pod default/canary-4711").spec.error[1]
    assert.is_true(#before.sensitive > 0 and #before.evidence > 0)
    op:stop()

    local status = objects.mended().status
    status.containerStatuses[2] = objects.image_error("x").status.containerStatuses[1]
    status.containerStatuses[2].name = "second"
    cluster:patch(crash, { status = status }, "status")
    op = cluster:operator { "--enable-result-logging" }
    local after = cluster:await_result("Pod default/canary-4711", function(result) return #result.spec.error == 2 end)
    assert.are.same(before, after.spec.error[1])
    local line = op:await_line("the Result", function(entry) return (entry.text or ""):find('{"Name":', 1, true) and entry.text end)
    local said = line:match('"Error":(.*)')
    assert.matches("container=masked", said, 1, true)
    assert.not_matches("4711", said, 1, true)
  end)

  it("the end of a fault is told with all that its news had", function()
    local image = objects.image_error("image")
    local cluster = operator.cluster { objects.k8sgpt(), image }
    local op = cluster:operator()
    cluster:await_result("Pod default/image")
    local opened = op:await_line("the news", function(entry) return entry.msg == "finding opened" and entry.finding end)
    op:stop()
    cluster:delete(image)
    op = cluster:operator()
    local resolved = op:await_line("its end", function(entry) return entry.msg == "finding resolved" and entry.finding end)
    for _, field in ipairs { "id", "rule", "key", "severity", "text", "evidence", "parentObject" } do
      assert.are.same(opened[field], resolved[field], field)
    end
  end)

  it("the Results of a K8sGPT that was deleted meanwhile go, and with them the K8sGPT", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("image") }
    local op = cluster:operator()
    cluster:await_results { "Pod default/image" }
    op:kill()
    cluster:delete(cr)
    assert.is_not_nil(cluster:find(cr)) -- the finalizer holds it
    cluster:operator()
    cluster:await_results {}
    operator.await("the K8sGPT gone", function() return not cluster:find(cr) end)
  end)
end)
