--- Somebody who keeps changing what is ours: it is put right, but nobody gets a war of writes.

local figures = require "support.figures"
local objects = require "support.objects"
local operator = require "support.operator"
local system = require "system"

local SECONDS <const> = 2.5 -- the next pause is about as long as all before it together

local function writes_to(op, resource) return op:metric("k8sgpt_api_requests_total", { verb = "apply", resource = resource }) end

local function contested(cluster)
  local found = {}
  for _, event in ipairs(cluster:get("/api/v1/namespaces/default/events").items) do
    if event.reason == "Contested" then found[#found + 1] = event.message end
  end
  return found
end

--- As a rival that writes as soon as it sees that somebody undid it.
local function rival(cluster, object, patch, subresource)
  local path = operator.path_of(object) .. (subresource and "/" .. subresource or "") .. "?fieldManager=rival"
  local from = system.monotime()
  repeat cluster:request("PATCH", path, patch, "application/merge-patch+json") until system.monotime() - from > SECONDS
end

describe("a field of ours that somebody else keeps writing", function()
  local cluster, op, cr
  before_each(function()
    cr = objects.k8sgpt()
    cluster = operator.cluster { cr, objects.image_error("web") }
    op = cluster:operator()
    cluster:await_result("Pod default/web")
    op:await_ready()
    cluster:await_condition(cr, "Ready", "Ready")
  end)
  after_each(operator.clean)

  -- Row server-side-apply.
  it("is written ever more rarely, and is right in the end: the spec of a Result", function()
    local before = writes_to(op, "results")
    rival(cluster, cluster:results()["Pod default/web"], { spec = { severity = "low" } })
    local writes = writes_to(op, "results") - before
    figures.record("server-side-apply", "writes against a rival that writes at once, in 2.5 s", writes)
    assert.is_true(writes >= 3 and writes <= 9, "writes: " .. writes)
    cluster:await_result("Pod default/web", function(result) return result.spec.severity == "high" end)
    assert.are.same({ "opened Pod default/web image" }, op:told())
    local events = contested(cluster)
    assert.equal(1, #events)
    assert.matches("field manager rival keeps changing fields of Result default/pod%-default%-web", events[1])
    op:await_log("the field manager rival")
  end)

  it("does not hold up what is news elsewhere", function()
    rival(cluster, cluster:results()["Pod default/web"], { spec = { severity = "low" } })
    cluster:create(objects.image_error("late"))
    local from = system.monotime()
    cluster:await_result("Pod default/late")
    assert.is_true(system.monotime() - from < 1)
  end)

  it("the same of the status of a K8sGPT", function()
    local before = writes_to(op, "k8sgpts")
    rival(cluster, cr, { status = { problems = { high = 77 } } }, "status")
    local writes = writes_to(op, "k8sgpts") - before
    assert.is_true(writes >= 3 and writes <= 9, "writes: " .. writes)
    operator.await("the right number", function() return cluster:find(cr).status.problems.high == 1 end)
    assert.matches("field manager rival keeps changing fields of K8sGPT default/sample", contested(cluster)[1])
  end)

  it("and a field that is not ours is nobody's business", function()
    local before = writes_to(op, "results")
    local result = cluster:results()["Pod default/web"]
    for i = 1, 30 do cluster:patch(result, { metadata = { labels = { mine = tostring(i) } } }) end
    cluster:create(objects.image_error("late"))
    cluster:await_result("Pod default/late")
    assert.equal(2, writes_to(op, "results") - before) -- those of the other Result
    assert.equal("30", cluster:results()["Pod default/web"].metadata.labels.mine)
    assert.are.same({}, contested(cluster))
  end)
end)
