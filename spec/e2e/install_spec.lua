--- The operator installed in a cluster as its users do it: by deploy/install.yaml and by the chart, on a real control plane whose
--- controllers and kwok run the pods. What the pods would run is started as a process, with their arguments, account and rights.

local chart = require "support.chart"
local control_plane = require "support.control_plane"
local json = require "cjson"
local lfs = require "lfs"
local lyaml = require "lyaml"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local CONTROLLERS_SECONDS <const> = 60 -- for what controllers, scheduler and kwok do between them

local NODE <const> = {
  apiVersion = "v1", kind = "Node",
  metadata = {
    name = "fake", annotations = { ["kwok.x-k8s.io/node"] = "fake" },
    labels = { ["kubernetes.io/hostname"] = "fake", ["kubernetes.io/os"] = "linux", ["kubernetes.io/arch"] = "amd64" },
  },
  status = { allocatable = { cpu = "8", memory = "16Gi", pods = "110" }, capacity = { cpu = "8", memory = "16Gi", pods = "110" } },
}

--- Values that between them take every turn of the templates.
local VARIANTS <const> = {
  {},
  { "--values", "spec/e2e/values/everything.yaml" },
  { "--set", "controllerManager.kubeRbacProxy.enabled=false,serviceMonitor.enabled=true,watchNamespaces={secure}" },
}
local SYSTEM <const>, MANAGER <const> = "k8sgpt-operator-system", "k8sgpt-operator-controller-manager"

local OTHERS <const> = { "ServiceMonitor", "PrometheusRule", "GrafanaDashboard" } -- kinds of other projects

local plane

local function await(what, look) return program.await(what, look, 0.1, CONTROLLERS_SECONDS) end

local function post(path, body) return plane:request("POST", path, body) end

local function succeeds(output, status)
  assert(status == 0, output)
  return output
end

local function kubectl(arguments, input) return succeeds(chart.kubectl(plane, arguments, input)) end
local function helm(arguments) return succeeds(chart.helm(plane, arguments)) end

local function needs_kubectl()
  if not chart.has_kubectl() then pending "kubectl is not there" end
  return chart.has_kubectl()
end

local ANYTHING <const> = { type = "object", ["x-kubernetes-preserve-unknown-fields"] = true }

--- A kind that the objects of other projects' operators have here, without a schema.
local function stand_in(group, version, kind)
  local plural = kind:lower() .. "s"
  post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition", metadata = { name = plural .. "." .. group },
    spec = {
      group = group, scope = "Namespaced", names = { kind = kind, plural = plural },
      versions = { { name = version, served = true, storage = true, schema = { openAPIV3Schema = ANYTHING } } },
    },
  })
  await(kind .. " served", function() return select(2, plane:http(("%s/apis/%s/%s/%s"):format(plane.url, group, version, plural))) == 200 end)
end

local function await_replicas(namespace, name, count)
  local path = ("/apis/apps/v1/namespaces/%s/deployments/%s"):format(namespace, name)
  await(("%d replicas of %s"):format(count, name), function() return (plane:request("GET", path).status or {}).availableReplicas == count end)
end

--- A Deployment whose image cannot be pulled.
local function faulty(namespace)
  local template = {
    metadata = { labels = { app = "web" }, annotations = { fault = "image" } },
    spec = { containers = { { name = "app", image = "registry.example.com/web:1" } } },
  }
  post(("/apis/apps/v1/namespaces/%s/deployments"):format(namespace), {
    apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "web", namespace = namespace },
    spec = { replicas = 1, selector = { matchLabels = { app = "web" } }, template = template },
  })
end

local function remove_faulty(namespace)
  plane:request("DELETE", ("/apis/apps/v1/namespaces/%s/deployments/web"):format(namespace), { propagationPolicy = "Background" })
end

--- Waits for the Result about the pod of the faulty Deployment.
local function await_result(op, cr_namespace, namespace)
  local path = ("/apis/core.k8sgpt.ai/v1alpha1/namespaces/%s/results"):format(cr_namespace)
  await(function() return "a Result\n" .. op:tail() end, function()
    for _, result in ipairs(plane:request("GET", path).items) do
      if result.status and result.spec.kind == "Pod" and result.spec.name:find(namespace .. "/web-", 1, true) == 1 then return true end
    end
  end)
end

local function all_filters()
  local names = {}
  for name in lfs.dir("policies/analyzers") do
    if not name:find("^%.") then names[#names + 1] = name end
  end
  return names
end

local function create_sample(namespace)
  local cr = lyaml.load(program.read("samples/valid_k8sgpt.yaml"))
  cr.metadata.namespace = namespace
  post(operator.path_of(cr, true), cr)
end

local function refused(op) return (op:metric("k8sgpt_api_requests_total", { code = "403" })) end

local function delete_k8sgpts()
  for _, cr in ipairs(plane:request("GET", "/apis/core.k8sgpt.ai/v1alpha1/k8sgpts").items) do
    local path = operator.path_of(cr)
    plane:request("DELETE", path)
    await(cr.metadata.name .. " gone", function() return select(2, plane:http(plane.url .. path)) == 404 end)
  end
end

--- What the cluster has of the operator, by its names: without the CRDs, and without Events, which go by themselves.
local function remains()
  local list = {}
  for _, key in ipairs(plane.etcd:keys("/registry/")) do
    local is_left_out = key:find("^/registry/events/") or key:find("customresourcedefinitions", 1, true) or key:find("^/registry/apiregistration")
    if key:find("k8sgpt", 1, true) and not is_left_out then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local function await_remains(wanted)
  local have
  await(function() return "to remain: " .. table.concat(wanted, " ") .. "; there is " .. table.concat(have, " ") end, function()
    have = remains()
    return table.concat(have, " ") == table.concat(wanted, " ")
  end)
end

setup(function()
  plane = control_plane.start { controllers = "*", scheduler = true, kwok = true, stages = "spec/e2e/stages.yaml" }
  post("/api/v1/nodes", NODE)
end)
teardown(function() plane:stop() end)
after_each(operator.clean)

describe("the manifests", function()
  it("in deploy/install.yaml are those of the chart", function()
    local output, status = chart.run { "sh", "-c", "tools/chart/install.sh | diff -u deploy/install.yaml -" }
    assert.are.equal(0, status, "make chart:\n" .. output)
  end)

  it("pass helm lint", function()
    for _, values in ipairs(VARIANTS) do helm { "lint", "--strict", chart.FOLDER, table.unpack(values) } end
  end)

  it("fit the schemas of Kubernetes", function()
    for _, values in ipairs(VARIANTS) do
      local output, status = chart.kubeconform(plane, chart.render(SYSTEM, values), OTHERS)
      assert.are.equal(0, status, output)
    end
    local output, status = chart.kubeconform(plane, (chart.render(SYSTEM):gsub("replicas: 1", "replicass: 1")))
    assert.are.equal(1, status)
    assert.matches("replicass", output, 1, true)
  end)

  it("are taken by the API server to the last field, in a namespace that enforces the Pod Security Standard restricted, without a warning", function()
    if not needs_kubectl() then return end
    stand_in("monitoring.coreos.com", "v1", "ServiceMonitor")
    stand_in("monitoring.coreos.com", "v1", "PrometheusRule")
    stand_in("grafana.integreatly.org", "v1beta1", "GrafanaDashboard")
    local labels = { ["pod-security.kubernetes.io/enforce"] = "restricted", ["pod-security.kubernetes.io/warn"] = "restricted" }
    post("/api/v1/namespaces", { metadata = { name = "secure", labels = labels } })
    local function try(manifests) return chart.kubectl(plane, { "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-" }, manifests) end
    for _, values in ipairs(VARIANTS) do
      local output = succeeds(try(chart.render("secure", values)))
      assert.is_nil(output:find("[Ww]arning"), output)
    end
    local output = try(chart.render("secure", { "--set", "controllerManager.manager.containerSecurityContext.allowPrivilegeEscalation=true" }))
    assert.matches("Warning: would violate PodSecurity", output, 1, true)
  end)

  it("let analyzers read what is in Secrets only where a value says so", function()
    assert.is_nil(chart.render("secure"):find("--secret-content", 1, true))
    assert.is_truthy(chart.render("secure", { "--set", "controllerManager.manager.secretContent=true" }):find("- --secret-content\n", 1, true))
  end)

  it("are refused before they are made when a value makes no sense, with its name", function()
    for flag, words in pairs {
      ["engine=both"] = "at '/engine': value must be one of 'embedded', 'deployment'",
      ["controllerManager.replicaz=2"] = "at '/controllerManager': additional properties 'replicaz' not allowed",
      ["controllerManager.replicas=two"] = "at '/controllerManager/replicas': got string, want integer",
      ["controllerManager.manager.sinkWebhookTimeout=30"] = "at '/controllerManager/manager/sinkWebhookTimeout': got number, want string",
      ["controllerManager.manager.secretContent=sure"] = "at '/controllerManager/manager/secretContent': got string, want boolean",
      ["controllerManager.manager.logLevel=loud"] = "at '/controllerManager/manager/logLevel': value must be one of",
      ["policies.files.Pod\\.lua=x"] = "at '/policies/files': additional properties 'Pod.lua' not allowed",
      ["watchNamespaces={Shop}"] = "at '/watchNamespaces/0': 'Shop' does not match pattern",
    } do
      local output, status = chart.helm(nil, { "template", "x", chart.FOLDER, "--set", flag })
      assert.are.equal(1, status, flag)
      assert.matches(words, output, 1, true)
    end
  end)
end)

describe("deploy/install.yaml", function()
  it("and samples/valid_k8sgpt.yaml bring Results, and no request is refused, whatever the filters", function()
    if not needs_kubectl() then return end
    local output = kubectl { "apply", "-f", "deploy/install.yaml" }
    assert.is_nil(output:find("[Ww]arning"), output)
    plane:await_crds(operator.CRDS, true)
    await_replicas(SYSTEM, MANAGER, 1)
    local op = chart.operator(plane, SYSTEM, MANAGER)
    faulty "default"
    kubectl { "apply", "-f", "samples/valid_k8sgpt.yaml" }
    await_result(op, "default", "default")
    local all = objects.k8sgpt({ filters = all_filters() }, "all")
    post(operator.path_of(all, true), all)
    local ready
    await(function() return ("all analyses; Ready is %s\n%s"):format(json.encode(ready), op:tail()) end, function()
      for _, condition in ipairs((plane:request("GET", operator.path_of(all)).status or {}).conditions or {}) do
        if condition.type == "Ready" then ready = condition end
      end
      -- Log was allowed to ask for a log; kwok's nodes have no kubelet to answer.
      return ready and (ready.message or ""):find("^Log: the log of .*: no preferred addresses found")
    end)
    op:await_ready()
    assert.are.equal(0, refused(op))
    delete_k8sgpts()
    op:stop()
  end)

  it("leaves nothing behind when it is deleted", function()
    if not needs_kubectl() then return end
    remove_faulty "default"
    kubectl { "delete", "-f", "deploy/install.yaml" }
    await_remains {}
    plane:await_crds(operator.CRDS, false)
  end)
end)

describe("the chart", function()
  local KEEP_QUIET <const> = [[
return { api = 1, kind = "filter", name = "default", mode = "wrap",
  keep = function(ctx, finding, cr)
    if finding.namespace == "quiet" then return false, "quiet" end
    return ctx.next(finding, cr)
  end }
]]

  it("runs two replicas of which one leads, with policies of one's own", function()
    local values = program.folder() .. "/values.yaml"
    program.write(values, lyaml.dump { { policies = { files = { ["filters.default.lua"] = KEEP_QUIET } }, controllerManager = { replicas = 2 } } })
    helm { "install", "tools", chart.FOLDER, "--namespace", "tools", "--create-namespace", "--values", values, "--wait", "--timeout", "60s" }
    plane:await_crds(operator.CRDS, true)
    local name = "tools-" .. MANAGER
    await_replicas("tools", name, 2)
    local budget = plane:request("GET", "/apis/policy/v1/namespaces/tools/poddisruptionbudgets/" .. name)
    assert.are.equal(1, budget.spec.maxUnavailable)
    -- A selector cannot be changed: with another one, no release of the upstream chart could be upgraded.
    assert.are.same({ ["control-plane"] = "controller-manager", ["app.kubernetes.io/name"] = "k8sgpt-operator", ["app.kubernetes.io/instance"] = "tools" },
      plane:request("GET", "/apis/apps/v1/namespaces/tools/deployments/" .. name).spec.selector.matchLabels)
    local ops = { chart.operator(plane, "tools", name), chart.operator(plane, "tools", name) }
    for _, namespace in ipairs { "quiet", "loud" } do
      post("/api/v1/namespaces", { metadata = { name = namespace } })
      faulty(namespace)
    end
    create_sample "tools"
    await_result(ops[1], "tools", "loud")
    local leads = 0
    for _, op in ipairs(ops) do
      op:await_ready()
      leads = leads + op:metric("leader_election_master_status")
      assert.are.equal(0, refused(op))
    end
    assert.are.equal(1, leads)
    for _, result in ipairs(plane:request("GET", "/apis/core.k8sgpt.ai/v1alpha1/namespaces/tools/results").items) do
      assert.is_nil(result.spec.name:find("^quiet/"), result.spec.name)
    end
    delete_k8sgpts()
  end)

  it("looks into some namespaces only, with Roles there, when it is upgraded so", function()
    helm { "upgrade", "tools", chart.FOLDER, "--namespace", "tools", "--set", "watchNamespaces={loud}", "--wait", "--timeout", "60s" }
    local op = chart.operator(plane, "tools", "tools-" .. MANAGER)
    create_sample "loud"
    await_result(op, "loud", "loud")
    op:await_ready()
    assert.are.equal(0, refused(op))
    delete_k8sgpts()
    op:stop()
  end)

  it("lets the operator run an engine in a Deployment, with the rights for that, when it is upgraded so", function()
    helm { "upgrade", "tools", chart.FOLDER, "--namespace", "tools", "--set", "engine=deployment", "--wait", "--timeout", "60s" }
    local op = chart.operator(plane, "tools", "tools-" .. MANAGER)
    create_sample "tools"
    local path = plane.url .. "/apis/apps/v1/namespaces/tools/deployments/k8sgpt-sample"
    await(function() return "the engine's Deployment\n" .. op:tail() end, function() return select(2, plane:http(path)) == 200 end)
    await_replicas("tools", "k8sgpt-sample", 1)
    assert.are.equal(0, refused(op))
    delete_k8sgpts()
    await("the engine's Deployment gone", function() return select(2, plane:http(path)) == 404 end)
    assert.are.equal(0, refused(op))
    op:stop()
  end)

  it("gives newer CRDs by the documented way, and not before", function()
    if not needs_kubectl() then return end
    local path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/results.core.k8sgpt.ai"
    local function columns() return #(plane:request("GET", path).spec.versions[1].additionalPrinterColumns or {}) end
    local now = columns()
    plane:request("PATCH", path, { { op = "remove", path = "/spec/versions/0/additionalPrinterColumns" } }, "application/json-patch+json")
    helm { "upgrade", "tools", chart.FOLDER, "--namespace", "tools" }
    assert.are.equal(0, columns())
    kubectl({ "apply", "--server-side", "--force-conflicts", "-f", "-" }, helm { "show", "crds", chart.FOLDER })
    assert.are.equal(now, columns())
  end)

  it("leaves the CRDs behind when it is uninstalled, and the Lease until its namespace goes", function()
    for _, namespace in ipairs { "quiet", "loud" } do remove_faulty(namespace) end
    helm { "uninstall", "tools", "--namespace", "tools", "--wait" }
    await_remains { "/registry/leases/tools/ea9c19f7.k8sgpt.ai" }
    plane:await_crds(operator.CRDS, true)
    plane:request("DELETE", "/api/v1/namespaces/tools")
    await_remains {}
  end)
end)
