--- The whole way, from faults that controllers, scheduler and kubelet make, to Results that come and go: on a real control plane.

local control_plane = require "support.control_plane"
local lyaml = require "lyaml"
local operator = require "support.operator"
local program = require "support.program"

local CONTROLLERS_SECONDS <const> = 60 -- for what controllers, scheduler and kwok do between them

local APPLY <const> = "application/apply-patch+yaml"
local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/k8sgpt-operator-system/results"
local DEPLOYMENTS <const> = "/apis/apps/v1/namespaces/shop/deployments"

local NODE <const> = {
  apiVersion = "v1", kind = "Node",
  metadata = { name = "fake", annotations = { ["kwok.x-k8s.io/node"] = "fake" }, labels = { ["kubernetes.io/hostname"] = "fake" } },
  status = { allocatable = { cpu = "8", memory = "16Gi", pods = "110" }, capacity = { cpu = "8", memory = "16Gi", pods = "110" } },
}

---@param options? {replicas?: integer, fault?: string, cpu?: string}
local function deployment(name, options)
  options = options or {}
  local container = { name = "app", image = "registry.example.com/shop/" .. name .. ":1.0.0", resources = { requests = { cpu = options.cpu or "10m" } } }
  return {
    apiVersion = "apps/v1", kind = "Deployment", metadata = { name = name, namespace = "shop" },
    spec = {
      replicas = options.replicas or 1, selector = { matchLabels = { app = name } },
      template = {
        metadata = { labels = { app = name }, annotations = options.fault and { fault = options.fault } or nil },
        spec = { containers = { container } },
      },
    },
  }
end

local function service(name, app)
  return { apiVersion = "v1", kind = "Service", metadata = { name = name, namespace = "shop" }, spec = { selector = { app = app }, ports = { { port = 80 } } } }
end

describe("on a real control plane", function()
  local plane, op, k8sgpt

  setup(function()
    plane = control_plane.start { controllers = "*", scheduler = true, kwok = true, stages = "spec/e2e/stages.yaml" }
    plane:install_crds(operator.CRDS)
    for _, name in ipairs { "shop", "k8sgpt-operator-system" } do plane:request("POST", "/api/v1/namespaces", { metadata = { name = name } }) end
    plane:request("POST", "/api/v1/nodes", NODE)
    k8sgpt = lyaml.load(program.read("samples/valid_k8sgpt.yaml"))
    k8sgpt.metadata.namespace = "k8sgpt-operator-system"
  end)
  teardown(function()
    operator.clean()
    plane:stop()
  end)

  local function await(what, look) return program.await(what, look, 0.05, CONTROLLERS_SECONDS) end

  --- Results whose names start so, once there are so many.
  local function await_results(prefix, count)
    local have
    return await(function() return ("%d Results %s; there are %d\n%s"):format(count, prefix, #have, op:tail()) end, function()
      have = {}
      for _, result in ipairs(plane:request("GET", RESULTS).items) do
        if (result.spec.kind .. " " .. result.spec.name):find(prefix, 1, true) == 1 and result.status then have[#have + 1] = result end
      end
      return #have == count and have
    end)
  end

  local function apply(path, object) return plane:request("PATCH", ("%s/%s?fieldManager=test&force=true"):format(path, object.metadata.name), object, APPLY) end

  it("a Deployment of three becomes ready, and nothing is said of it", function()
    apply(DEPLOYMENTS, deployment("storefront", { replicas = 3 }))
    await("three ready pods", function() return (plane:request("GET", DEPLOYMENTS .. "/storefront").status or {}).readyReplicas == 3 end)
    op = operator.start(plane.kubeconfig)
    apply("/apis/core.k8sgpt.ai/v1alpha1/namespaces/k8sgpt-operator-system/k8sgpts", k8sgpt)
    op:await_ready()
    assert.are.same({}, op:told())
  end)

  it("crashing pods, a missing image, a node that is too small and a wrong selector become Results, with the Deployment as their root", function()
    apply(DEPLOYMENTS, deployment("payments", { replicas = 2, fault = "crash-loop" }))
    apply(DEPLOYMENTS, deployment("emails", { fault = "image" }))
    apply(DEPLOYMENTS, deployment("search", { cpu = "64" }))
    apply("/api/v1/namespaces/shop/services", service("orders", "order"))
    for name, rule in pairs { payments = "crash-loop", emails = "image", search = "unschedulable" } do
      for _, result in ipairs(await_results("Pod shop/" .. name, name == "payments" and 2 or 1)) do
        assert.are.same({ rule, "Deployment/shop/" .. name }, { result.spec.error[1].rule, result.spec.parentObject })
      end
    end
    local result = await_results("Service shop/orders", 1)[1]
    assert.are.equal("Service has no endpoints, expected label app=order", result.spec.error[1].text)
    assert.are.equal(1, (op:metric("k8sgpt_number_of_results_by_type", { kind = "Service", name = "shop/orders" })))
    assert.are.equal("k8sgpt-sample", result.metadata.ownerReferences[1].name)
    assert.is_true(op:metric("k8sgpt_finding_detection_seconds_count") > 0)
  end)

  it("what is mended is over, also where a rollout replaces the pods and the owner takes its pods along", function()
    apply("/api/v1/namespaces/shop/services", service("orders", "storefront"))
    apply(DEPLOYMENTS, deployment("emails"))
    apply(DEPLOYMENTS, deployment("search"))
    plane:request("DELETE", DEPLOYMENTS .. "/payments", { apiVersion = "v1", kind = "DeleteOptions", propagationPolicy = "Background" })
    for _, prefix in ipairs { "Service shop/orders", "Pod shop/emails", "Pod shop/search", "Pod shop/payments" } do await_results(prefix, 0) end
    local opened, resolved = {}, {}
    for _, line in ipairs(op:told()) do
      local change, rest = line:match("^(%a+) (.*)$")
      local list = change == "opened" and opened or resolved
      assert.is_nil(list[rest], line)
      list[rest] = true
    end
    assert.are.same(opened, resolved)
  end)

  it("the K8sGPT goes with its Results when it is deleted", function()
    apply("/api/v1/namespaces/shop/services", service("orders", "order"))
    await_results("Service shop/orders", 1)
    local path = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/k8sgpt-operator-system/k8sgpts/" .. k8sgpt.metadata.name
    plane:request("DELETE", path)
    await("the K8sGPT gone", function() return select(2, plane:http(plane.url .. path)) == 404 end)
    assert.are.equal(0, #plane:request("GET", RESULTS).items)
    op:stop()
  end)
end)
