--- Several K8sGPTs side by side, their beginning, their end, and what is wrong with them.

local objects = require "support.objects"
local operator = require "support.operator"

local FINALIZER <const> = "k8sgpt.ai/finalizer"

--- "CR object" of all Results of a namespace.
local function owned(cluster, namespace)
  local list = {}
  for _, result in ipairs(cluster:get(("/apis/core.k8sgpt.ai/v1alpha1/namespaces/%s/results"):format(namespace or "default")).items) do
    list[#list + 1] = result.metadata.labels["k8sgpts.k8sgpt.ai/name"] .. " " .. result.spec.kind .. " " .. result.spec.name
  end
  table.sort(list)
  return list
end

local function await_owned(cluster, wanted, namespace)
  local text, have = table.concat(wanted, ", "), nil
  operator.await(function() return ("%s; there are %s"):format(text, table.concat(have, ", ")) end, function()
    have = owned(cluster, namespace)
    return table.concat(have, ", ") == text
  end)
end

describe("several K8sGPTs", function()
  after_each(operator.clean)

  it("each report what they ask for, in Results of their own, and are told of each on its own", function()
    local cluster = operator.cluster {
      objects.k8sgpt({}, "all"), objects.k8sgpt({ filters = { "Service" } }, "services"), objects.k8sgpt({ targetNamespace = "shop" }, "shop"),
      objects.k8sgpt({ namespaces = { "team-*" }, excludeNamespaces = { "team-b" }, filters = { "-Service" } }, "teams"),
      objects.k8sgpt({ filters = { "Pod" } }, "elsewhere", "tools"),
      objects.image_error("a", "shop"), objects.image_error("b", "team-a"), objects.image_error("c", "team-b"), objects.service("s", "shop"),
    }
    local op = cluster:operator()
    await_owned(cluster, {
      "all Pod shop/a", "all Pod team-a/b", "all Pod team-b/c", "all Service shop/s", "services Service shop/s", "shop Pod shop/a", "shop Service shop/s",
      "teams Pod team-a/b",
    })
    await_owned(cluster, { "elsewhere Pod shop/a", "elsewhere Pod team-a/b", "elsewhere Pod team-b/c" }, "tools")
    local ids, count = {}, 0
    operator.await("all news", function() return #op:news() == 11 end)
    for _, item in ipairs(op:news()) do
      count = count + (ids[item.finding.id] and 0 or 1)
      ids[item.finding.id] = true
    end
    assert.are.equal(11, count) -- the same fault for another K8sGPT is another finding
    assert.are.equal(3, op:metric("k8sgpt_number_of_results", { k8sgpt = "elsewhere" }))
    assert.are.equal(1, op:metric("k8sgpt_number_of_results", { k8sgpt = "services" }))
  end)

  it("end one by one: the Results of one go with it, those of the others stay", function()
    local one, two = objects.k8sgpt({}, "one"), objects.k8sgpt({}, "two")
    local cluster = operator.cluster { one, two, objects.image_error("web") }
    local op = cluster:operator()
    await_owned(cluster, { "one Pod default/web", "two Pod default/web" })
    local kept = {}
    for _, result in ipairs(cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results").items) do
      kept[result.metadata.labels["k8sgpts.k8sgpt.ai/name"]] = result.metadata
    end
    operator.await("series of both", function() return select(2, op:metric("k8sgpt_last_analysis_timestamp_seconds")) == 2 end)
    assert.are.same({ FINALIZER }, cluster:find(one).metadata.finalizers)
    cluster:delete(one)
    operator.await("the first gone", function() return not cluster:find(one) end)
    assert.are.same({ "two Pod default/web" }, owned(cluster))
    op:await_log("K8sGPT is gone")
    local left = cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results").items[1].metadata
    assert.are.same({ kept.two.uid, kept.two.resourceVersion }, { left.uid, left.resourceVersion })
    for _, name in ipairs { "k8sgpt_number_of_results", "k8sgpt_number_of_results_by_type", "k8sgpt_reconcile_error_count" } do
      assert.are.equal(0, select(2, op:metric(name, { k8sgpt = "one" })), name)
    end
    assert.are.equal(1, select(2, op:metric("k8sgpt_last_analysis_timestamp_seconds")))
  end)

  it("come later and find what is wrong already", function()
    local cluster = operator.cluster { objects.k8sgpt({}, "one"), objects.image_error("web") }
    cluster:operator()
    await_owned(cluster, { "one Pod default/web" })
    cluster:create(objects.k8sgpt({}, "two"))
    await_owned(cluster, { "one Pod default/web", "two Pod default/web" })
  end)

  it("change their minds: what the filters no longer choose is over, what they choose now is found", function()
    local cr = objects.k8sgpt { filters = { "Pod" } }
    local cluster = operator.cluster { cr, objects.k8sgpt({ filters = { "Pod" } }, "other"), objects.image_error("web"), objects.service("s") }
    local op = cluster:operator()
    await_owned(cluster, { "other Pod default/web", "sample Pod default/web" })
    cluster:patch(cr, { spec = { filters = { "Service" } } })
    await_owned(cluster, { "other Pod default/web", "sample Service default/s" })
    cluster:patch(cr, { spec = { targetNamespace = "elsewhere" } })
    await_owned(cluster, { "other Pod default/web" })
    op:stop()
    local told = op:told()
    table.sort(told)
    assert.are.same({ "opened Pod default/web image", "opened Pod default/web image", "opened Service default/s no-endpoints",
      "resolved Pod default/web image", "resolved Service default/s no-endpoints" }, told)
  end)
end)

describe("a K8sGPT", function()
  after_each(operator.clean)

  it("keeps the finalizers of others when it goes", function()
    local cr = objects.k8sgpt()
    cr.metadata.finalizers = { "example.com/mine" }
    local cluster = operator.cluster { cr, objects.image_error("web") }
    cluster:operator()
    await_owned(cluster, { "sample Pod default/web" })
    assert.are.same({ "example.com/mine", FINALIZER }, cluster:find(cr).metadata.finalizers)
    cluster:delete(cr)
    operator.await("ours gone", function() return #cluster:find(cr).metadata.finalizers == 1 end)
    assert.are.same({ "example.com/mine" }, cluster:find(cr).metadata.finalizers)
    assert.are.same({}, owned(cluster))
  end)

  it("says in its status how it stands", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web"), objects.service("s") }
    cluster:operator()
    await_owned(cluster, { "sample Pod default/web", "sample Service default/s" })
    local function settled() return (cluster:status(cr).problems or {}).high == 2 and cluster:conditions(cr).Ready.reason == "Ready" end
    operator.await("a settled status", settled)
    local status = cluster:find(cr).status
    assert.are.same({ critical = 0, high = 2, medium = 0, low = 0 }, status.problems)
    local generation = cluster:find(cr).metadata.generation
    assert.are.same({ "Embedded", generation }, { status.engine.mode, status.observedGeneration })
    assert.are.same({ { name = "Pod", state = "active", reason = "" }, { name = "Deployment", state = "active", reason = "" },
      { name = "Service", state = "active", reason = "" } }, status.analyzers)
    assert.matches("^%x+$", status.policyBundle.hash)
    for type, reason in pairs { PoliciesLoaded = "Loaded", EngineAvailable = "Synced", Analysed = "Current", Notified = "Delivered", Ready = "Ready" } do
      local condition = cluster:conditions(cr)[type]
      assert.are.same({ "True", reason, generation }, { condition.status, condition.reason, condition.observedGeneration })
    end
    cluster:patch(cr, { spec = { targetNamespace = "elsewhere" } })
    operator.await("the next generation", function() return cluster:status(cr).observedGeneration == generation + 1 end)
  end)

  it("is told which of its filters nobody knows, and the others work", function()
    local cr = objects.k8sgpt { filters = { "Pod", "Nonsense", "Gibberish" } }
    local cluster = operator.cluster { cr, objects.image_error("web") }
    cluster:operator()
    local condition = cluster:await_condition(cr, "Ready", "UnknownFilter")
    assert.are.equal("False", condition.status)
    assert.matches("Nonsense; Gibberish", condition.message, 1, true)
    await_owned(cluster, { "sample Pod default/web" })
  end)

  it("of an interval that means nothing is refused by the schema or the condition says so", function()
    local cluster = operator.cluster { objects.image_error("web") }
    cluster:operator()
    for _, interval in ipairs { "5d", "soon", "1.5h", "-1m" } do
      local bad = objects.k8sgpt { analysis = { interval = interval } }
      assert.has_error(function() cluster:create(bad) end, nil)
      local _, status = cluster:http(operator.path_of(bad, true), { method = "POST", body = require("cjson").encode(bad) })
      assert.are.equal(422, status)
    end
    local zero = objects.k8sgpt { analysis = { interval = "0s" } }
    cluster:create(zero)
    local condition = cluster:await_condition(zero, "Ready", "InvalidSpec")
    assert.matches('spec.analysis.interval is "0s": write a time between 1s and a year', condition.message, 1, true)
    assert.are.same({}, owned(cluster))
    cluster:patch(zero, { spec = { analysis = { interval = "1m" } } })
    await_owned(cluster, { "sample Pod default/web" })
    cluster:await_condition(zero, "Ready", "Ready")
  end)

  it("of a sink that is none is told so", function()
    local cr = objects.k8sgpt { sinks = { { name = "log", type = "slack" } } }
    local cluster = operator.cluster { cr }
    cluster:operator()
    assert.matches('names a sink "log", which is taken', cluster:await_condition(cr, "Ready", "InvalidSpec").message, 1, true)
  end)
end)
