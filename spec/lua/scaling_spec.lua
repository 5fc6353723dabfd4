package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local scaling = require "k8sgpt.scaling"

local function context(readable, definition, workloads)
  local function get(gvk, namespace, name) return workloads and workloads[("%s %s/%s"):format(gvk, namespace, name)] end
  return {
    readable = function() return readable end,
    list = function() return { definition } end,
    get = get,
    exists = function(...) return get(...) ~= nil end,
  }
end

local function workload(...)
  return { spec = { template = { spec = { containers = { ... } } } } }
end

local DAEMON <const> = "apps/v1/DaemonSet shop/web"

--- The rules that are broken: "kind target".
local function broken(ctx, api_version, kind)
  local rules = {}
  for i, failure in ipairs((scaling.failures(ctx, "HPA", "shop", { apiVersion = api_version, kind = kind, name = "web" }))) do
    rules[i] = failure.rule
  end
  return table.concat(rules, " ")
end

describe("scaling", function()
  it("looks for built-in workloads", function()
    local web = workload()
    local ctx = context(true, nil, { ["apps/v1/Deployment shop/web"] = web })
    assert.same({ {}, web }, { scaling.failures(ctx, "HPA", "shop", { kind = "Deployment", name = "web" }) })
    assert.equal("target", broken(ctx, "apps/v1", "StatefulSet"))
    assert.equal("target", broken(ctx, nil, "ReplicationController"))
  end)

  it("takes a kind for a custom one when its group has it, or nobody may look", function()
    local rollout = { spec = { group = "argoproj.io" } }
    assert.equal("", broken(context(true, rollout), "argoproj.io/v1alpha1", "Rollout"))
    assert.equal("kind target", broken(context(true, rollout), "example.com/v1", "Rollout"))
    assert.equal("kind target", broken(context(true), "argoproj.io/v1alpha1", "Rollout"))
    assert.equal("", broken(context(false), "argoproj.io/v1alpha1", "Rollout"))
  end)

  it("knows what is there, or may be, though it cannot be scaled", function()
    local ctx = context(true, nil, { [DAEMON] = workload() })
    assert.equal("kind", broken(ctx, "apps/v1", "DaemonSet"))
    assert.equal("kind", broken(ctx, nil, "DaemonSet"))
    assert.equal("kind target", broken(context(true), "apps/v1", "DaemonSet"))
    assert.equal("kind target", broken(ctx, "example.com/v1", "DaemonSet"))
    assert.equal("kind", broken(ctx, "batch/v1", "Job"))
    assert.equal("kind target", broken(ctx, "apps/v1", "Robot"))
  end)

  it("masks the name, which the evidence shows, too", function()
    for _, failure in ipairs((scaling.failures(context(true), "HPA", "shop", { kind = "DaemonSet", name = "web" }))) do
      assert.same({ "web" }, failure.sensitive)
    end
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
