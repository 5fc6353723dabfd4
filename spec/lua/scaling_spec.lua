package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local scaling = require "k8sgpt.scaling"

local function context(readable, definition, workloads)
  return {
    readable = function() return readable end,
    list = function() return { definition } end,
    get = function(gvk, namespace, name) return workloads and workloads[("%s %s/%s"):format(gvk, namespace, name)] end,
  }
end

local function workload(...)
  return { spec = { template = { spec = { containers = { ... } } } } }
end

local function state(ctx, api_version, kind) return (scaling.target(ctx, "shop", { apiVersion = api_version, kind = kind, name = "web" })) end

describe("scaling", function()
  it("looks for built-in workloads", function()
    local web = workload()
    local ctx = context(true, nil, { ["apps/v1/Deployment shop/web"] = web })
    assert.same({ "there", web }, { scaling.target(ctx, "shop", { kind = "Deployment", name = "web" }) })
    assert.equal("missing", state(ctx, "apps/v1", "StatefulSet"))
    assert.equal("missing", state(ctx, nil, "ReplicationController"))
  end)

  it("takes a kind for a custom one when its group has it, or nobody may look", function()
    local rollout = { spec = { group = "argoproj.io" } }
    assert.equal("custom", state(context(true, rollout), "argoproj.io/v1alpha1", "Rollout"))
    assert.equal("impossible", state(context(true, rollout), "example.com/v1", "Rollout"))
    assert.equal("impossible", state(context(true), "argoproj.io/v1alpha1", "Rollout"))
    assert.equal("custom", state(context(false), "argoproj.io/v1alpha1", "Rollout"))
    assert.equal("impossible", state(context(true), nil, "DaemonSet"))
  end)

  it("knows what may be there though it cannot be scaled", function()
    assert.is_true(scaling.may_exist { kind = "DaemonSet", apiVersion = "apps/v1" })
    assert.is_true(scaling.may_exist { kind = "DaemonSet" })
    assert.is_false(scaling.may_exist { kind = "DaemonSet", apiVersion = "example.com/v1" })
    assert.is_false(scaling.may_exist { kind = "Robot", apiVersion = "apps/v1" })
  end)

  it("wants requests or limits of every container that counts", function()
    local said, limited, bare = { name = "a", resources = { requests = { cpu = "1" } } }, { name = "b", resources = { limits = { cpu = "1" } } }, { name = "c" }
    assert.is_false(scaling.lacks(workload(said, limited), "cpu"))
    assert.is_true(scaling.lacks(workload(said, bare), "cpu"))
    assert.is_true(scaling.lacks(workload(said), "memory"))
    assert.is_false(scaling.lacks(workload(said, bare), "cpu", "a"))
    assert.is_true(scaling.lacks(workload(said, bare), "cpu", "c"))
  end)
end)
