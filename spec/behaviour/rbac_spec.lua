--- The verb rbac: the roles that it prints.

local json = require "cjson"
local objects = require "support.objects"
local oneshot = require "support.oneshot"
local policies = require "support.policies"
local program = require "support.program"

local function items(...)
  local ended = oneshot.run { "rbac", "-o", "json", ... }
  assert.are.same({ 0, "" }, { ended.status, ended.errors })
  return json.decode(ended.output).items
end

--- "ClusterRole", "Role shop" and so on.
local function name_of(item) return item.kind .. (item.metadata.namespace and " " .. item.metadata.namespace or "") end

--- Of one role: "apps/deployments" with its verbs.
---@return table<string, string>
local function rights(list, name)
  local found = {}
  for _, item in ipairs(list) do
    for _, rule in ipairs(name_of(item) == name and item.rules or {}) do
      for _, resource in ipairs(rule.resources) do
        local of = rule.resourceNames and " " .. rule.resourceNames[1] or ""
        found[rule.apiGroups[1] .. "/" .. resource .. of] = table.concat(rule.verbs, " ")
      end
    end
  end
  return found
end

describe("rbac", function()
  after_each(program.clean)

  it("names what the core set reads and what the operator itself does, and has no wildcard", function()
    local list = items("--engine", "embedded")
    assert.are.same({ "ClusterRole", "ClusterRoleBinding" }, { name_of(list[1]), name_of(list[2]) })
    local have = rights(list, "ClusterRole")
    assert.are.same({ "list watch", "list watch create", "get", nil },
      { have["/pods"], have["/events"], have["/secrets"], have["gateway.networking.k8s.io/gateways"] })
    assert.are.equal("get list watch create patch delete", have["core.k8sgpt.ai/results"])
    assert.is_nil(json.encode(list):find("*", 1, true))
  end)

  it("leaves out what the chosen analyzers do not read, and asks for owners one by one", function()
    local have = rights(items("--engine", "embedded", "--filter", "Pod"), "ClusterRole")
    assert.are.same({ nil, "get", "get" }, { have["/services"], have["apps/replicasets"], have["apps/deployments"] })
    have = rights(items("--engine", "embedded", "--filter", "+Gateway", "--filter", "-Node"), "ClusterRole")
    assert.are.same({ "list watch", "get" }, { have["gateway.networking.k8s.io/gateways"], have["/nodes"] })
  end)

  it("gives logs and Secrets to those that ask for them", function()
    local have = rights(items("--engine", "embedded", "--filter", "Log"), "ClusterRole")
    assert.are.same({ "list watch", "get" }, { have["/pods"], have["/pods/log"] })
    local yaml = oneshot.run({ "rbac", "--engine", "embedded", "--filter", "Pod", "--filter", "PrometheusConfigValidate" }).output
    assert.matches("analyzers PrometheusConfigValidate%s+%- secrets\n", yaml)
    assert.is_nil(yaml:find("pods/log", 1, true))
  end)

  it("has what the engine may read and what its Deployment consists of, where that diagnoses", function()
    local have = rights(items("--engine", "deployment"), "ClusterRole")
    assert.are.same({ "get list", "get list watch patch" }, { have["/pods"], have["core.k8sgpt.ai/k8sgpts"] })
    local write = "get list watch create patch delete"
    assert.are.same({ write, write, write }, {
      have["/serviceaccounts"], have["apps/deployments"], have["rbac.authorization.k8s.io/clusterrolebindings"],
    })
    have = rights(items("--engine", "embedded"), "ClusterRole")
    assert.are.same({ "list watch", "list watch" }, { have["/pods"], have["apps/deployments"] })
    assert.is_nil(have["rbac.authorization.k8s.io/clusterroles"])
  end)

  it("gives what an engine is granted cluster-wide, also where the operator looks into some namespaces", function()
    local list = items("--engine", "deployment", "--filter", "Deployment", "--namespace", "shop")
    assert.are.equal("list", rights(list, "ClusterRole")["apps/deployments"])
    assert.are.equal("get list watch create patch delete", rights(list, "Role shop")["apps/deployments"])
  end)

  it("gives rights in the namespaces alone, with a rest for what has none", function()
    local list = items("--engine", "embedded", "--namespace", "shop,billing", "--filter", "Node", "--filter", "Pod")
    local names = {}
    for i, item in ipairs(list) do names[i] = name_of(item) end
    assert.are.same({ "ClusterRole", "ClusterRoleBinding", "Role shop", "RoleBinding shop", "Role billing", "RoleBinding billing" }, names)
    assert.are.same({
      ["/namespaces"] = "list watch", ["/nodes"] = "list watch", ["apiextensions.k8s.io/customresourcedefinitions"] = "list watch",
    }, rights(list, "ClusterRole"))
    local have = rights(list, "Role shop")
    assert.are.same({ "list watch", nil, "patch" }, { have["/pods"], have["/nodes"], have["core.k8sgpt.ai/results/status"] })
    assert.are.same(have, rights(list, "Role billing"))
  end)

  it("gives the Lease by its name where it is, to the account that is named", function()
    local list = items("--leader-elect", "--service-account", "tools:k8sgpt")
    assert.are.same({ ["coordination.k8s.io/leases"] = "create", ["coordination.k8s.io/leases ea9c19f7.k8sgpt.ai"] = "get watch update" },
      rights(list, "Role tools"))
    assert.are.same({ { kind = "ServiceAccount", namespace = "tools", name = "k8sgpt" } }, list[2].subjects)
    assert.are.equal("RoleBinding elsewhere", name_of(items("--leader-election-namespace", "elsewhere")[4]))
  end)

  it("follows policies of one's own, and what they stand on", function()
    local folder = policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE }
    assert.are.equal("list watch", rights(items("--policy-dir", folder, "--filter", "Probe"), "ClusterRole")["/configmaps"])
    local wrapped = policies.folder { ["analyzers/Pod/policy.lua"] = [[
      return { api = 1, kind = "analyzer", name = "Pod", mode = "wrap", watches = { "v1/Pod", "example.org/v1/Quota" },
        run = function(ctx, pod) return ctx.next(pod) end }
    ]] }
    local have = rights(items("--policy-dir", wrapped, "--filter", "Pod"), "ClusterRole")
    assert.are.same({ "list watch", "list watch create" }, { have["example.org/quotas"], have["/events"] })
  end)

  it("says in YAML who needs what", function()
    local text = oneshot.run({ "rbac", "--engine", "embedded", "--filter", "Pod", "--filter", "Service" }).output
    assert.matches("\n      # analyzers Pod, Service; correlate node, service, storage, owner\n      - pods\n", text, 1, true)
    assert.matches("\n      # owners of Pod\n      - daemonsets\n", text, 1, true)
  end)

  it("says what is wrong with its flags and policies", function()
    for words, complaint in pairs {
      ["--filter Pods"] = "there is no analyzer Pods; there are ", ["--engine lua"] = "--engine is embedded or deployment, not lua",
      ["--namespace Shop"] = '--namespace: "Shop" is no name of a namespace', ["--service-account shop"] = "--service-account takes NAMESPACE:NAME, not shop",
      ["-o text"] = "-o is yaml or json, not text", ["roles"] = "unexpected argument roles",
    } do
      local flags = { "rbac" }
      for word in words:gmatch("%S+") do flags[#flags + 1] = word end
      local ended = oneshot.run(flags)
      assert.are.same({ 2, "" }, { ended.status, ended.output })
      assert.matches("rbac: " .. complaint, ended.errors, 1, true)
    end
    local broken = oneshot.run { "rbac", "--policy-dir", policies.folder { ["analyzers/Pod/policy.lua"] = "return" } }
    assert.are.equal(3, broken.status)
  end)
end)
