--- One fault, one finding: what follows from another fault says so and tells nobody.

local cjson = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

local POD <const>, DEPLOYMENT <const> = "Pod default/web-5d4-x", "Deployment default/web"
local POD_NEWS <const>, DEPLOYMENT_NEWS <const> = "opened " .. POD .. " image", "opened " .. DEPLOYMENT .. " replica-failure"

local function failing()
  return { status = { conditions = { { type = "ReplicaFailure", status = "True", reason = "FailedCreate", message = "quota exceeded" } } } }
end
local function mended() return { status = { conditions = cjson.null } } end

--- A Deployment without the second of its pods, and the first, which gets no image.
local function workload()
  local deployment = objects.deployment("web", "default", 1, 1)
  deployment.status.conditions = failing().status.conditions
  local set = objects.replica_set("web-5d4", deployment)
  return deployment, set, objects.image_error("web-5d4-x", "default", objects.owned_by(set))
end

local function await_cause(cluster, name, wanted)
  operator.await("the cause of " .. name, function()
    local result = cluster:results()[name]
    local cause = result and result.spec.cause
    local is_whole = result and result.status and result.status.lifecycle -- what the second of its two requests writes
    return is_whole and (cause and cause.kind .. " " .. cause.namespace .. "/" .. cause.name) == wanted
  end)
end

local function version(cluster, name) return cluster:results()[name].metadata.resourceVersion end

--- Whatever there was to say was said before this.
local function await_another(cluster, op, name)
  cluster:create(objects.image_error(name))
  cluster:await_result("Pod default/" .. name)
  return op:await_news("opened Pod default/" .. name .. " image")
end

describe("a pod that fails with its Deployment", function()
  local cluster, op, deployment, set, pod
  before_each(function()
    deployment, set, pod = workload()
    cluster = operator.cluster { objects.k8sgpt(), deployment, set, pod }
    op = cluster:operator()
    await_cause(cluster, POD, DEPLOYMENT)
    op:await_news(DEPLOYMENT_NEWS)
  end)
  after_each(operator.clean)

  it("is a Result with that cause, and no news", function()
    assert.is_nil(cluster:results()[DEPLOYMENT].spec.cause)
    await_another(cluster, op, "lone")
    assert.are.same({ DEPLOYMENT_NEWS, "opened Pod default/lone image" }, op:told())
  end)

  it("is told for itself when the Deployment is well again, as the same finding", function()
    local before = cluster:results()[POD]
    cluster:patch(deployment, mended(), "status")
    op:await_news(POD_NEWS)
    await_cause(cluster, POD, nil)
    local after = cluster:results()[POD]
    assert.are.equal(before.status.findings[1].id, after.status.findings[1].id)
    assert.are.equal(before.status.changed, after.status.changed)
    assert.are.same(before.spec.error, after.spec.error)
    cluster:patch(pod, objects.mended(), "status")
    op:await_news("resolved " .. POD .. " image")
  end)

  it("ends without a word, as it began", function()
    cluster:patch(pod, objects.mended(), "status")
    cluster:await_results { DEPLOYMENT }
    await_another(cluster, op, "lone")
    assert.are.same({ DEPLOYMENT_NEWS, "opened Pod default/lone image" }, op:told())
  end)

  for _, signal in ipairs { "TERM", "KILL" } do
    it("is no news after SIG" .. signal .. " and a restart either, and its Result is not touched", function()
      op:await_ready()
      op:await_runs(0)
      local before = version(cluster, POD)
      op:signal(signal)
      op = cluster:operator()
      op:await_ready()
      await_another(cluster, op, "lone")
      assert.are.equal(before, version(cluster, POD))
      assert.are.same({ "opened Pod default/lone image" }, op:told())
    end)
  end
end)

describe("a pod that was told of before its Deployment failed", function()
  after_each(operator.clean)

  it("gets the cause, and its end is told", function()
    local deployment, set, pod = workload()
    deployment.status.conditions = nil
    local cluster = operator.cluster { objects.k8sgpt(), deployment, set, pod }
    local op = cluster:operator()
    op:await_news(POD_NEWS)
    cluster:patch(deployment, failing(), "status")
    await_cause(cluster, POD, DEPLOYMENT)
    cluster:patch(pod, objects.mended(), "status")
    op:await_news("resolved " .. POD .. " image")
    assert.are.same({ POD_NEWS, DEPLOYMENT_NEWS, "resolved " .. POD .. " image" }, op:told())
  end)
end)

describe("a correlate policy", function()
  after_each(operator.clean)

  local function start(files)
    local deployment, set, pod = workload()
    local cluster, folder = operator.cluster { objects.k8sgpt(), deployment, set, pod }, policies.folder(files or {})
    return cluster, cluster:operator { "--policy-dir", folder }, folder
  end

  it("can be wrapped", function()
    local cluster, op = start {
      ["correlate.owner.lua"] = [[return { api = 1, kind = "correlate", name = "owner", mode = "wrap", cause = function(ctx, finding)
        if finding.name ~= "web-5d4-x" then return ctx.next() end
      end }]],
    }
    op:await_news(POD_NEWS)
    await_cause(cluster, POD, nil)
    cluster:create(objects.image_error("web-5d4-y", "default", objects.owned_by { apiVersion = "apps/v1", kind = "ReplicaSet",
      metadata = { name = "web-5d4", uid = cluster:find(objects.replica_set("web-5d4", objects.deployment("web"))).metadata.uid } }))
    await_cause(cluster, "Pod default/web-5d4-y", DEPLOYMENT)
  end)

  it("that fails keeps its last decision", function()
    local cluster, op, folder = start()
    await_cause(cluster, POD, DEPLOYMENT)
    policies.put(folder, "correlate.owner.lua", [[return { api = 1, kind = "correlate", name = "owner", cause = function() error("ill") end }]])
    op:await_log("ill")
    await_another(cluster, op, "lone")
    await_cause(cluster, POD, DEPLOYMENT)
    assert.are.same({ DEPLOYMENT_NEWS, "opened Pod default/lone image" }, op:told())
  end)

  it("that names what is not open fails", function()
    local _, op = start {
      ["correlate.mine.lua"] = [[return { api = 1, kind = "correlate", name = "mine", cause = function() return { id = "x", kind = "Pod" } end }]],
    }
    op:await_log("cause must return a finding that ctx.findings_of gave, or nil")
  end)
end)
