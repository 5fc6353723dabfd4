--- Kinds that come and go while the operator runs, and namespaces that it looks into.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

local CRD_PATH <const> = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

local function version(name, is_served)
  local schema = { openAPIV3Schema = { type = "object", ["x-kubernetes-preserve-unknown-fields"] = true } }
  return { name = name, served = is_served, storage = is_served, schema = schema }
end

local function widgets(versions)
  return {
    apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition", metadata = { name = "widgets.example.com" },
    spec = { group = "example.com", scope = "Namespaced", names = { kind = "Widget", plural = "widgets" }, versions = versions },
  }
end

local function widget(name)
  return { apiVersion = "example.com/v1", kind = "Widget", metadata = { name = name, namespace = "default" }, spec = { well = false } }
end

local ANALYZER <const> = [[
return {
  api = 1, kind = "analyzer", name = "Widget", description = "Widgets that are not well", watches = { "example.com/v1/Widget" }, fields = { "spec.well" },
  rules = { unwell = { severity = "high" } },
  run = function(_, widget) return widget.spec.well and {} or { { rule = "unwell", text = "it is not well" } } end,
}
]]

local function await_analyzer(cluster, cr, name, state)
  local have
  return operator.await(function() return ("analyzer %s %s; it is %s"):format(name, state, have and have.state or "not there") end, function()
    local object = cluster:find(cr)
    for _, analyzer in ipairs(object.status and object.status.analyzers or {}) do
      if analyzer.name == name then have = analyzer end
    end
    return have and have.state == state and have
  end)
end

--- A new kind is served a moment after its definition is stored.
local function create_when_served(cluster, object)
  operator.await("a kind that is served", function() return (pcall(cluster.create, cluster, object)) end)
end

--- The next test's cluster may be on the same server.
local function undefine(cluster)
  cluster:http(CRD_PATH .. "/widgets.example.com", { method = "DELETE" })
  operator.await("a CRD that is gone", function() return select(2, cluster:http(CRD_PATH .. "/widgets.example.com")) == 404 end)
end

describe("a kind that a CRD defines", function()
  local cluster, op, cr
  before_each(function()
    cr = objects.k8sgpt { filters = { "Widget", "Pod" } }
    cluster = operator.cluster { cr, objects.image_error("web") }
    op = cluster:operator { "--policy-dir", policies.folder { ["analyzers/Widget/policy.lua"] = ANALYZER } }
    cluster:await_results { "Pod default/web" }
  end)
  after_each(function()
    undefine(cluster)
    operator.clean()
  end)

  it("brings its analyzer to life when it comes; when it goes, its findings are over and the status says why", function()
    local waiting = await_analyzer(cluster, cr, "Widget", "inactive")
    assert.matches("^example.com/v1/Widget is not served by this cluster", waiting.reason)
    cluster:await_condition(cr, "Analysed", "Current") -- what a cluster has not got is no fault
    cluster:request("POST", CRD_PATH, widgets { version("v1", true) })
    create_when_served(cluster, widget("w"))
    cluster:await_results { "Pod default/web", "Widget default/w" }
    await_analyzer(cluster, cr, "Widget", "active")

    cluster:request("DELETE", CRD_PATH .. "/widgets.example.com")
    cluster:await_results { "Pod default/web" }
    assert.matches("is not served by this cluster", await_analyzer(cluster, cr, "Widget", "inactive").reason, 1, true)
    op:await_news("resolved Widget default/w unwell")
  end)

  it("is gone with the version that policies read", function()
    cluster:request("POST", CRD_PATH, widgets { version("v1", true) })
    create_when_served(cluster, widget("w"))
    cluster:await_results { "Pod default/web", "Widget default/w" }
    local other = widgets { version("v1", false), version("v2", true) }
    cluster:request("PATCH", CRD_PATH .. "/widgets.example.com", { spec = { versions = other.spec.versions } }, "application/merge-patch+json")
    cluster:await_results { "Pod default/web" }
    await_analyzer(cluster, cr, "Widget", "inactive")
  end)

  it("that went while nobody looked leaves no finding behind", function()
    cluster:request("POST", CRD_PATH, widgets { version("v1", true) })
    create_when_served(cluster, widget("w"))
    cluster:await_results { "Pod default/web", "Widget default/w" }
    op:stop()
    cluster:request("DELETE", CRD_PATH .. "/widgets.example.com")
    cluster:operator { "--policy-dir", policies.folder { ["analyzers/Widget/policy.lua"] = ANALYZER } }
    cluster:await_results { "Pod default/web" }
  end)
end)

describe("--watch-namespace", function()
  after_each(operator.clean)

  it("limits what is looked into, and what is a K8sGPT, to the namespaces that it names", function()
    local cr = objects.k8sgpt({}, "sample", "shop")
    local cluster = operator.cluster {
      cr, objects.k8sgpt({}, "other", "elsewhere"),
      objects.image_error("web", "shop"), objects.image_error("api", "billing"), objects.image_error("db", "elsewhere"),
    }
    local op = cluster:operator { "--watch-namespace", "shop,not-there-yet", "--watch-namespace", "billing" }
    op:await_ready()
    cluster:await_results({ "Pod billing/api", "Pod shop/web" }, "shop")
    assert.are.same({}, cluster:results("elsewhere"))
    cluster:await_condition(cr, "Ready", "Ready") -- a namespace that does not exist is no fault
    cluster:create(objects.image_error("late", "not-there-yet"))
    cluster:await_results({ "Pod billing/api", "Pod not-there-yet/late", "Pod shop/web" }, "shop")
    assert.are.equal(0, op:metric("k8sgpt_api_requests_total", { resource = "pods", code = "403" }))
    assert.are.equal(3, op:metric("k8sgpt_lists_total", { resource = "pods" }))
  end)
end)
