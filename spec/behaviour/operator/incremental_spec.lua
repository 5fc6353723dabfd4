--- An analysis runs again when something that it read changes, and for nothing else; owners of kinds that nobody watches.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

local SERVICE <const> = { kind = "analyzer", policy = "Service" }

describe("an analysis", function()
  local cluster, op
  after_each(operator.clean)

  local function start(list)
    table.insert(list, objects.k8sgpt())
    cluster = operator.cluster(list)
    op = cluster:operator()
    op:await_ready()
  end
  local function runs() return (op:metric("k8sgpt_policy_runs_total", SERVICE)) end
  --- What was asked for before is over when this is in.
  local function pass(name)
    cluster:create(objects.image_error(name))
    cluster:await_result("Pod default/" .. name)
  end

  it("runs again when what it read changes", function()
    local service = objects.service("db")
    local slice = objects.slice(service, true)
    start { service, slice }
    local before = runs()
    cluster:patch(slice, { endpoints = require("cjson").null })
    cluster:await_result("Service default/db")
    assert.are.equal(before + 1, runs())
    cluster:patch(slice, { endpoints = slice.endpoints })
    cluster:await_results {}
    assert.are.equal(before + 2, runs())
  end)

  it("runs again when what it looked for and did not find comes", function()
    local service = objects.service("db")
    start { service }
    cluster:await_result("Service default/db")
    local slice = objects.slice(service, true)
    cluster:create(slice)
    cluster:await_results {}
    cluster:delete(slice)
    cluster:await_results { "Service default/db" }
  end)

  it("runs again when a ConfigMap that a pod wants is there at last", function()
    local pod = objects.healthy_pod("web")
    pod.spec.containers[1].envFrom = { { configMapRef = { name = "settings" } } }
    start { pod }
    assert.are.equal("config-missing", cluster:await_result("Pod default/web").spec.error[1].rule)
    cluster:create(objects.config("settings"))
    cluster:await_results {}
  end)

  it("does not run for what it did not read, nor for fields that nobody reads", function()
    local service, other = objects.service("db"), objects.service("other")
    local slice = objects.slice(service, true)
    slice.metadata.annotations = { ["example.com/seen"] = "before" }
    start { service, slice, other, objects.slice(other, true), objects.config("settings") }
    local before = runs()
    cluster:create(objects.config("unrelated"))
    cluster:patch(objects.config("settings"), { data = { more = "yes" } })
    cluster:patch(slice, { metadata = { annotations = { ["example.com/seen"] = "now" } } })
    local condition = { type = "example.com/Seen", status = "True", reason = "Seen", message = "", lastTransitionTime = objects.ago() }
    cluster:patch(service, { status = { conditions = { condition } } }, "status")
    pass("web")
    assert.are.equal(before, runs())
    cluster:patch(objects.slice(other), { endpoints = require("cjson").null })
    cluster:await_result("Service default/other")
    assert.are.equal(before + 1, runs()) -- that one alone
  end)

  it("of a filter runs again when what the filter read changes", function()
    local filter = [[return { api = 1, kind = "filter", name = "quiet", watches = { { "v1/ConfigMap", fields = { "data" } } },
      keep = function(ctx, f)
        local map = ctx.get("v1/ConfigMap", f.namespace, "quiet")
        return not (map and map.data[f.name]), "quiet"
      end }]]
    cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web"), objects.image_error("db") }
    op = cluster:operator { "--policy-dir", policies.folder { ["filters.quiet.lua"] = filter } }
    cluster:await_results { "Pod default/db", "Pod default/web" }
    local quiet = objects.config("quiet", { web = "yes" })
    cluster:create(quiet)
    cluster:await_results { "Pod default/db" }
    cluster:patch(quiet, { data = { db = "yes" } })
    cluster:await_results {}
    cluster:delete(quiet)
    cluster:await_results { "Pod default/db", "Pod default/web" }
  end)
end)

describe("the root owner of an object", function()
  after_each(operator.clean)

  local function chain()
    local deployment = objects.deployment("web", "shop", 1, 1)
    local set = objects.replica_set("web-1", deployment)
    local one, two = objects.image_error("web-1-a", "shop", objects.owned_by(set)), objects.image_error("web-1-b", "shop", objects.owned_by(set))
    return objects.k8sgpt { filters = { "Pod" } }, deployment, set, one, two
  end

  it("is found through kinds that nobody watches, one read of metadata for all that share it", function()
    local cluster = operator.cluster { chain() }
    local op = cluster:operator()
    local results = cluster:await_results { "Pod shop/web-1-a", "Pod shop/web-1-b" }
    assert.are.equal("Deployment/shop/web", results["Pod shop/web-1-a"].spec.parentObject)
    assert.are.equal("Deployment/shop/web", results["Pod shop/web-1-b"].spec.parentObject)
    assert.are.equal("Deployment/shop/web", op:news()[1].finding.parentObject)
    assert.are.equal(1, op:metric("k8sgpt_api_requests_total", { resource = "replicasets" }))
    assert.are.equal(1, op:metric("k8sgpt_api_requests_total", { resource = "replicasets", verb = "get", code = "200" }))
    assert.are.equal(0, select(2, op:metric("k8sgpt_store_objects", { resource = "replicasets" })))
  end)

  it("is what the reference says where reading on is denied", function()
    local cluster = operator.cluster({ chain() }, { deny = { "apps/v1/ReplicaSet" } })
    cluster:operator()
    local results = cluster:await_results { "Pod shop/web-1-a", "Pod shop/web-1-b" }
    assert.are.equal("ReplicaSet/shop/web-1", results["Pod shop/web-1-a"].spec.parentObject)
  end)
end)

describe("a kind that may not be read", function()
  after_each(operator.clean)

  it("makes its analyzers inactive, says why and what to do, and neither finds nor resolves anything; the others work", function()
    local cr, other = objects.k8sgpt { filters = { "Pod", "Deployment" } }, objects.k8sgpt({ filters = { "Service" } }, "services")
    local cluster = operator.cluster { cr, other, objects.image_error("web"), objects.service("db") }
    local op = cluster:operator()
    local kept = cluster:await_results { "Pod default/web", "Service default/db" }
    op:stop()
    local state = {} -- the same cluster, where the operator has lost its access to pods
    for _, result in pairs(kept) do state[#state + 1] = result end
    state[#state + 1], state[#state + 2] = cluster:find(cr), objects.deployment("api", "default", 2, 1)
    state[#state + 1], state[#state + 2], state[#state + 3] = objects.image_error("web"), objects.service("db"), cluster:find(other)

    cluster = operator.cluster(state, { deny = { "v1/Pod" } })
    op = cluster:operator { "--grace", "0" }
    cluster:await_results { "Deployment default/api", "Pod default/web", "Service default/db" }
    local analysed = cluster:await_condition(cr, "Analysed", "PartialAccess")
    assert.are.equal("False", analysed.status)
    assert.matches("v1/Pod", analysed.message, 1, true)
    assert.matches("Grant the access", analysed.message, 1, true)
    local pod = cluster:find(cr).status.analyzers[1]
    assert.are.same({ "Pod", "inactive" }, { pod.name, pod.state })
    assert.matches("^v1/Pod may not be read: ", pod.reason)
    assert.are.equal(kept["Pod default/web"].metadata.uid, cluster:results()["Pod default/web"].metadata.uid)
    op:await_ready()
    op:await_log("pods is forbidden")
    op:stop()
    assert.are.same({ "opened Deployment default/api unavailable" }, op:told())

    assert.matches("v1/Pod: .*forbidden", cluster:await_condition(other, "Analysed", "PartialAccess").message) -- Service looks at pods too
    state = { cluster:find(cr), cluster:find(other), objects.healthy_pod("web") } -- and has it again
    for _, result in pairs(cluster:results()) do state[#state + 1] = result end
    cluster = operator.cluster(state)
    op = cluster:operator { "--grace", "0" }
    cluster:await_results {}
    cluster:await_condition(cr, "Analysed", "Current")
    op:stop()
    assert.are.equal(3, #op:told())
  end)
end)
