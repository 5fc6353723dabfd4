package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local resource = require "k8sgpt.resource"
local rights = require "k8sgpt.rights"

local function need(gvk, verbs, by, name) return { gvk = gvk, verbs = verbs, by = by or "x", name = name } end

-- "apps: deployments, replicasets: get list"
local function lines(needs)
  local out = {}
  for i, rule in ipairs(rights.rules(needs)) do
    local names = {}
    for k, item in ipairs(rule.resources) do names[k] = item.name end
    out[i] = ("%s: %s: %s"):format(rule.apiGroup, table.concat(names, ", "), table.concat(rule.verbs, " "))
      .. (rule.name and " of " .. rule.name or "")
  end
  return out
end

describe("what a kind is called", function()
  it("follows from its name", function()
    local function plural(gvk) return resource.of(gvk).plural end
    assert.equal("pods", plural "v1/Pod")
    assert.equal("endpoints", plural "v1/Endpoints")
    assert.equal("networkpolicies", plural "networking.k8s.io/v1/NetworkPolicy")
    assert.equal("gateways", plural "gateway.networking.k8s.io/v1/Gateway")
    assert.equal("ingresses", plural "networking.k8s.io/v1/Ingress")
    assert.equal("prefixes", plural "example.org/v1/Prefix")
    assert.equal("batches", plural "example.org/v1/Batch")
    assert.equal("meshes", plural "example.org/v1/Mesh")
    assert.equal("paths", plural "example.org/v1/Path")
  end)

  it("comes with its group and its scope", function()
    assert.same({ group = "", plural = "nodes", namespaced = false }, resource.of "v1/Node")
    assert.same({ group = "apps", plural = "deployments", namespaced = true }, resource.of "apps/v1/Deployment")
    assert.is_true(resource.of("operators.coreos.com/v1alpha1/ClusterServiceVersion").namespaced)
    assert.is_false(resource.of("wgpolicyk8s.io/v1alpha2/ClusterPolicyReport").namespaced)
  end)
end)

describe("rules", function()
  it("hold what has the same verbs in one group, the core group first, in order", function()
    assert.same({ ": configmaps, pods: list watch", "apps: deployments: list watch", "apps: replicasets: get" }, lines {
      need("apps/v1/ReplicaSet", { "get" }), need("apps/v1/Deployment", { "watch", "list" }), need("v1/Pod", { "list", "watch" }),
      need("v1/ConfigMap", { "watch", "list" }),
    })
  end)

  it("hold all verbs of a resource once, and who needs them", function()
    local rules = rights.rules {
      need("v1/Event", { "list", "watch" }, "analyzers/Pod"), need("v1/Event", { "create" }, "Events"), need("v1/Event", { "list" }, "analyzers/Pod"),
    }
    assert.same({ { apiGroup = "", resources = { { name = "events", by = { "analyzers/Pod", "Events" } } }, verbs = { "list", "watch", "create" } } }, rules)
  end)

  it("keep one object apart from all of them, and subresources from what they belong to", function()
    local needs = {
      need("coordination.k8s.io/v1/Lease", { "update", "get" }, "x", "mine"), need("coordination.k8s.io/v1/Lease", { "create" }),
      { gvk = "v1/Pod", subresource = "log", verbs = { "get" }, by = "x" },
    }
    assert.same({ ": pods/log: get", "coordination.k8s.io: leases: create", "coordination.k8s.io: leases: get update of mine" }, lines(needs))
  end)

  it("name owners up to the root", function()
    local owners = {}
    rights.each_owner("v1/Pod", function(owner) owners[owner] = true end)
    assert.is_true(owners["apps/v1/Deployment"] and owners["batch/v1/CronJob"] and owners["v1/Node"])
    rights.each_owner("v1/Service", function(owner) error(owner) end)
  end)
end)
