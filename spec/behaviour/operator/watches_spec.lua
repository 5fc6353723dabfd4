--- What the operator asks the API server for: each kind once, and none that nobody reads.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

--- How often each resource was asked for with a verb.
local function asked(op, verb, code)
  local counts = {}
  for _, one in ipairs(op:metrics()) do
    local labels = one.labels
    if one.name == "k8sgpt_api_requests_total" and labels.verb == verb and (not code or labels.code == code) then
      counts[labels.resource] = (counts[labels.resource] or 0) + one.value
    end
  end
  return counts
end

describe("watches", function()
  after_each(operator.clean)

  it("are one a resource, however many K8sGPTs and policies read it", function()
    local wrap = [[return { api = 1, kind = "analyzer", name = "Pod", mode = "wrap", run = function(ctx) return (ctx.next()) end }]]
    local folder = policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE, ["analyzers/Pod/policy.lua"] = wrap }
    local filters = { "Pod", "Deployment", "Service", "Probe" }
    local cluster = operator.cluster {
      objects.k8sgpt({ filters = filters }, "one"), objects.k8sgpt({ filters = filters }, "two"), objects.k8sgpt({ filters = filters }, "three", "shop"),
    }
    local op = cluster:operator { "--policy-dir", folder }
    op:await_ready()
    op:await_runs(0)
    cluster:create(objects.image_error("web"))
    operator.await("three Results", function() return #cluster:get("/apis/core.k8sgpt.ai/v1alpha1/results").items == 3 end)
    assert.are.equal(1, op:metric("k8sgpt_watch_events_total", { resource = "pods", type = "ADDED" }))

    local watches, kinds = asked(op, "watch", "200"), 0
    for _ in pairs(watches) do kinds = kinds + 1 end
    assert.are.equal(select(2, op:metric("k8sgpt_store_objects")) + 1, kinds) -- CRDs are watched, but not for policies
    assert.are.same({}, asked(op, "list")) -- a watch begins with the list
    for resource, count in pairs(watches) do assert.are.equal(1, count, resource) end
    for _, resource in ipairs { "configmaps", "deployments", "endpointslices", "events", "k8sgpts", "pods", "results", "services" } do
      assert.are.equal(1, watches[resource], resource)
    end
  end)

  it("are of K8sGPT alone while there is none", function()
    local cluster = operator.cluster { objects.image_error("web") }
    local op = cluster:operator()
    op:await_ready()
    assert.are.same({ customresourcedefinitions = 1, k8sgpts = 1 }, asked(op, "watch", "200"))
    local _, stores = op:metric("k8sgpt_store_objects")
    assert.are.equal(1, stores)

    cluster:create(objects.k8sgpt { filters = { "Deployment" } }) -- and of what it asks for when it comes
    op:await_ready()
    operator.await("the store of Deployments", function() return select(2, op:metric("k8sgpt_store_objects", { resource = "deployments" })) == 1 end)
    local watches = asked(op, "watch", "200")
    watches.namespaces = nil -- the filters may look at those
    assert.are.same({ customresourcedefinitions = 1, deployments = 1, k8sgpts = 1, results = 1 }, watches)
  end)

  it("end when nobody reads the kind any more", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_results { "Pod default/web" }
    cluster:delete(cr)
    operator.await("the one store that is left", function() return select(2, op:metric("k8sgpt_store_objects")) == 1 end)
  end)
end)
