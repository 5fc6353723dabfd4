--- A cluster in which nothing happens sees nothing of the operator; what somebody else changes is put right.

local cjson = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"

local WRITES <const> = { "create", "apply", "patch", "update", "delete", "merge-patch", "merge_patch" }

local function settled(op)
  op:await_ready()
  op:await_runs(1)
end

describe("a steady cluster", function()
  after_each(operator.clean)

  it("sees no write, no list and no run of an analyzer, whatever interval comes round", function()
    local service = objects.service("db")
    local cluster = operator.cluster {
      objects.k8sgpt { analysis = { interval = "1s" }, ai = { enabled = true, backend = "openai", model = "m" } },
      objects.image_error("web"), objects.crash_loop("job"), objects.deployment("web", "default", 2, 2),
      service, objects.slice(service, true), objects.service("gone"),
    }
    local op = cluster:operator()
    cluster:await_results { "Pod default/web", "Pod default/job", "Service default/gone" }
    settled(op)

    local version, requests = cluster:version(), op:metric("k8sgpt_api_requests_total")
    local writes, lists = op:metric("k8sgpt_api_requests_total", { verb = WRITES }), op:metric("k8sgpt_lists_total")
    local runs = op:metric("k8sgpt_policy_runs_total", { kind = "analyzer" })
    assert.is_true(writes > 0) -- that there are such series
    assert.is_true(lists > 0)
    op:await_runs(3)
    assert.are.equal(version, cluster:version())
    assert.are.equal(writes, op:metric("k8sgpt_api_requests_total", { verb = WRITES }))
    assert.are.equal(lists, op:metric("k8sgpt_lists_total"))
    assert.are.equal(requests, op:metric("k8sgpt_api_requests_total"))
    assert.are.equal(runs, op:metric("k8sgpt_policy_runs_total", { kind = "analyzer" }))
  end)
end)

describe("what somebody else changes is put right:", function()
  local cluster, op, cr
  before_each(function()
    cr = objects.k8sgpt()
    cluster = operator.cluster { cr, objects.image_error("web") }
    op = cluster:operator()
    cluster:await_result("Pod default/web")
    op:await_ready()
    cluster:await_condition(cr, "Ready", "Ready")
  end)
  after_each(function()
    local told = op:told()
    operator.clean()
    assert.are.same({ "opened Pod default/web image" }, told) -- none of this is news
  end)

  it("the spec of a Result", function()
    local result = cluster:results()["Pod default/web"]
    cluster:patch(result, { spec = { severity = "low", error = { { text = "all is well" } } } })
    local mended = cluster:await_result("Pod default/web", function(r) return r.spec.severity == "high" end)
    assert.are.same({ result.metadata.uid, result.spec }, { mended.metadata.uid, mended.spec })
  end)

  it("the labels of a Result", function()
    local result = cluster:results()["Pod default/web"]
    cluster:patch(result, { metadata = { labels = { ["k8sgpts.k8sgpt.ai/backend"] = "mine", mine = "yes" } } })
    local mended = cluster:await_result("Pod default/web", function(r) return r.metadata.labels["k8sgpts.k8sgpt.ai/backend"] == "" end)
    assert.are.equal("yes", mended.metadata.labels.mine) -- that is not ours
  end)

  it("the status of a Result", function()
    local result = cluster:results()["Pod default/web"]
    cluster:patch(result, { status = { lifecycle = "historical", findings = cjson.null } }, "status")
    local mended = cluster:await_result("Pod default/web", function(r) return #(r.status.findings or {}) == 1 end)
    assert.are.equal(result.status.findings[1].id, mended.status.findings[1].id)
  end)

  it("a Result that was deleted", function()
    local result = cluster:results()["Pod default/web"]
    cluster:delete(result)
    local again = cluster:await_result("Pod default/web", function(r) return r.metadata.uid ~= result.metadata.uid and r.status end)
    assert.are.same({ result.metadata.name, result.spec }, { again.metadata.name, again.spec })
  end)

  it("a condition", function()
    local status = cluster:find(cr).status
    for _, condition in ipairs(status.conditions) do
      if condition.type == "Ready" then condition.status, condition.reason = "False", "SomebodySaysSo" end
    end
    cluster:patch(cr, { status = { conditions = status.conditions } }, "status")
    cluster:await_condition(cr, "Ready", "Ready")
  end)

  it("the whole status", function()
    cluster:patch(cr, { status = { problems = cjson.null, analyzers = cjson.null, conditions = cjson.null } }, "status")
    cluster:await_condition(cr, "Ready", "Ready")
    assert.are.equal(1, cluster:find(cr).status.problems.high)
  end)

  it("the finalizer", function()
    cluster:patch(cr, { metadata = { finalizers = cjson.null } })
    operator.await("the finalizer again", function() return (cluster:find(cr).metadata.finalizers or {})[1] == "k8sgpt.ai/finalizer" end)
  end)
end)
