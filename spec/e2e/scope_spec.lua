--- Rights by namespace, and kinds that come and go, on a real API server with RBAC.
-- Timed: it runs where nothing is busy.

local control_plane = require "support.control_plane"
local json = require "cjson"
local figures = require "support.figures"
local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"
local socket = require "socket"

local RBAC <const> = "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/%s"
local CRD_PATH <const> = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/%s/results"

local plane

local function post(path, body) return plane:request("POST", path, body) end

local function namespace(name) post("/api/v1/namespaces", { apiVersion = "v1", kind = "Namespace", metadata = { name = name } }) end

--- All rights in one namespace, and none elsewhere.
---@param resources? string[] of these only
local function grant(user, name, resources)
  local group = "rbac.authorization.k8s.io"
  post(RBAC:format(name, "roles"), {
    apiVersion = group .. "/v1", kind = "Role", metadata = { name = user },
    rules = { { apiGroups = { "*" }, resources = resources or { "*" }, verbs = { "*" } } },
  })
  post(RBAC:format(name, "rolebindings"), {
    apiVersion = group .. "/v1", kind = "RoleBinding", metadata = { name = user }, roleRef = { apiGroup = group, kind = "Role", name = user },
    subjects = { { kind = "User", name = user, apiGroup = group } },
  })
end

local function revoke(user, name)
  for _, plural in ipairs { "rolebindings", "roles" } do plane:request("DELETE", RBAC:format(name, plural) .. "/" .. user) end
end

--- As a controller and a kubelet make it: the status is a write of its own.
local function create(object)
  local path = operator.path_of(object, true)
  local body = { apiVersion = object.apiVersion, kind = object.kind, metadata = { name = object.metadata.name }, spec = object.spec }
  post(path, body)
  if not object.status then return end
  plane:request("PATCH", operator.path_of(object) .. "/status", { status = object.status }, "application/merge-patch+json")
end

local function mend(pod)
  local status = objects.mended().status
  plane:request("PATCH", operator.path_of(pod) .. "/status", { status = status }, "application/merge-patch+json")
end

local function results(ns)
  local names = {}
  for _, result in ipairs(plane:request("GET", RESULTS:format(ns)).items) do
    if result.status then names[#names + 1] = result.spec.kind .. " " .. result.spec.name end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function await_results(ns, wanted, op)
  local have
  program.await(function() return ("Results %s; there are %s\n%s"):format(wanted, have, op:tail()) end, function()
    have = results(ns)
    return have == wanted
  end, 0.05, 60)
end

--- Waits for a K8sGPT whose status is as wanted.
local function await_status(cr, what, accept, op)
  local status
  return program.await(function() return ("%s; it is %s\n%s"):format(what, json.encode(status), op:tail()) end, function()
    status = plane:request("GET", operator.path_of(cr)).status
    return status and status.conditions and accept(status)
  end, 0.02, 60)
end

local function analyzer(status, name)
  for _, item in ipairs(status.analyzers or {}) do
    if item.name == name then return item end
  end
  return {}
end

local function condition(status, type)
  for _, item in ipairs(status.conditions) do
    if item.type == type then return item end
  end
  return {}
end

local function await_analyzer(cr, name, state, words, op)
  return await_status(cr, ("%s %s: %s"):format(name, state, words), function(status)
    local item = analyzer(status, name)
    return item.state == state and item.reason:find(words, 1, true) and status
  end, op)
end

local function denied(op, resource) return (op:metric("k8sgpt_api_requests_total", { resource = resource, code = "403" })) end

local function await_served(path)
  program.await(path .. " served", function() return select(2, plane:http(plane.url .. path)) == 200 end, 0.01, 30)
end

--- A process that was killed keeps its port for as long as the kernel needs to take it down.
local function restart()
  plane:kill("kube-apiserver")
  program.await("a port that is free", function() return plane:http(plane.url .. "/readyz"):find("Couldn't connect", 1, true) end)
  plane:start_apiserver("kube-apiserver", { port = plane.port })
end

setup(function()
  plane = control_plane.start()
  for _, file in ipairs(operator.CRDS) do
    local text = program.read(file)
    local plural, group = text:match("\n  name: (%w+)%.([%w.]+)")
    local path = ("%s%s/%s.%s?fieldManager=test"):format(plane.url, CRD_PATH, plural, group)
    assert.are.equal(201, select(2, plane:http(path, { method = "PATCH", type = "application/apply-patch+yaml", body = text })))
    await_served(("/apis/%s/v1alpha1/%s"):format(group, plural))
  end
end)
teardown(function() plane:stop() end)
after_each(operator.clean)

describe("an operator with Roles in two namespaces alone", function()
  it("works there, names what it may not read, and asks for nothing cluster-wide that has namespaces", function()
    namespace "shop"
    namespace "billing"
    local kubeconfig = plane:user("clerk", {})
    grant("clerk", "shop")
    grant("clerk", "billing")
    local cr = objects.k8sgpt({ filters = { "Pod", "Deployment", "Node" } }, "sample", "shop")
    local web, api = objects.image_error("web", "shop"), objects.image_error("api", "billing")
    create(cr)
    create(web)
    create(api)
    create(objects.image_error("beyond"))

    local op = operator.start(kubeconfig, { "--watch-namespace", "shop,billing" })
    await_results("shop", "Pod billing/api, Pod shop/web", op)
    local status = await_analyzer(cr, "Node", "inactive", "v1/Node may not be read: ", op)
    assert.are.same({ "active", "" }, { analyzer(status, "Pod").state, analyzer(status, "Pod").reason })
    status = await_status(cr, "PartialAccess", function(now) return condition(now, "Analysed").reason == "PartialAccess" and now end, op)
    assert.matches("v1/Node", condition(status, "Analysed").message, 1, true)
    assert.are.equal(0, denied(op, "pods"))
    assert.are.equal(2, op:metric("k8sgpt_lists_total", { resource = "pods" }))
    mend(api)
    await_results("shop", "Pod shop/web", op)
    op:await_ready()
  end)

  it("says without --watch-namespace what to do", function()
    local op = operator.start(plane:user("clerk", {}))
    local line = op:await_log("--watch-namespace")
    assert.are.equal("core.k8sgpt.ai/v1alpha1/K8sGPT", line.kind)
    assert.matches("k8sgpts.core.k8sgpt.ai is forbidden", line.error, 1, true)
  end)
end)

describe("a right in one of several namespaces", function()
  it("brings it to life when it is granted; when it is lost, nothing there is found or resolved", function()
    namespace "front"
    namespace "lab"
    local kubeconfig = plane:user("guest", {})
    grant("guest", "front")
    local cr = objects.k8sgpt({ filters = { "Pod" } }, "sample", "front")
    local probe, ghost = objects.image_error("probe", "lab"), objects.image_error("ghost", "lab")
    create(cr)
    create(objects.image_error("desk", "front"))
    create(probe)
    create(ghost)
    local op = operator.start(kubeconfig, { "--watch-namespace", "front,lab" })
    await_results("front", "Pod front/desk", op)
    await_analyzer(cr, "Pod", "active", "v1/Pod may not be read in namespace lab: ", op)

    local from = socket.gettime()
    grant("guest", "lab")
    await_results("front", "Pod front/desk, Pod lab/ghost, Pod lab/probe", op)
    figures.record("scope", "a right granted until what it shows is a Result", socket.gettime() - from, "s")
    await_status(cr, "Current", function(status) return condition(status, "Analysed").reason == "Current" end, op)

    revoke("guest", "lab")
    restart() -- rights are looked at when a watch begins
    await_status(cr, "PartialAccess", function(status)
      return condition(status, "Analysed").reason == "PartialAccess"
        and analyzer(status, "Pod").reason:find("v1/Pod may not be read in namespace lab: ", 1, true)
    end, op)
    mend(probe)
    plane:request("DELETE", operator.path_of(ghost) .. "?gracePeriodSeconds=0")
    create(objects.image_error("other", "lab"))
    create(objects.image_error("late", "front"))
    await_results("front", "Pod front/desk, Pod front/late, Pod lab/ghost, Pod lab/probe", op)
    local wider = { spec = { filters = { "Pod", "Service" } } } -- whose stores begin without lab
    plane:request("PATCH", operator.path_of(cr), wider, "application/merge-patch+json")
    await_status(cr, "Service", function(status) return analyzer(status, "Service").state == "active" end, op)
    create(objects.image_error("last", "front"))
    await_results("front", "Pod front/desk, Pod front/last, Pod front/late, Pod lab/ghost, Pod lab/probe", op)

    grant("guest", "lab")
    await_results("front", "Pod front/desk, Pod front/last, Pod front/late, Pod lab/other", op)
  end)

  it("counts for Secrets too, which nobody lists", function()
    namespace "safe"
    local kubeconfig = plane:user("porter", {})
    local kinds = { "k8sgpts", "k8sgpts/status", "results", "results/status", "ingresses", "services", "events" }
    grant("porter", "safe", kinds)
    local cr = objects.k8sgpt({ filters = { "Ingress" } }, "sample", "safe")
    create(cr)
    create(objects.service("web", "safe"))
    create {
      apiVersion = "networking.k8s.io/v1", kind = "Ingress", metadata = { name = "door", namespace = "safe" },
      spec = { ingressClassName = "nginx", defaultBackend = { service = { name = "web", port = { number = 80 } } }, tls = { { secretName = "gone" } } },
    }
    local op = operator.start(kubeconfig, { "--watch-namespace", "safe", "--grace", "0" })
    op:await_ready()
    program.await("a look-up that is denied", function() return denied(op, "secrets") > 0 end)
    assert.are.equal("", results("safe"))

    local role = RBAC:format("safe", "roles") .. "/porter"
    kinds[#kinds + 1] = "secrets"
    plane:request("PATCH", role, { rules = { { apiGroups = { "*" }, resources = kinds, verbs = { "*" } } } }, "application/merge-patch+json")
    await_results("safe", "Ingress safe/door", op)
  end)
end)

local ANALYZER <const> = [[
return {
  api = 1, kind = "analyzer", name = "%s", description = "Things that are not well", watches = { "%s" }, fields = { "spec.well" },
  rules = { unwell = { severity = "high" } },
  run = function(_, thing) return thing.spec.well and {} or { { rule = "unwell", text = "it is not well" } } end,
}
]]

local function analyzers(kinds)
  local files = {}
  for name, gvk in pairs(kinds) do files[("analyzers/%s/policy.lua"):format(name)] = ANALYZER:format(name, gvk) end
  return policies.folder(files)
end

describe("a group whose API server is gone", function()
  it("stops nothing but what is read of it", function()
    post("/apis/apiregistration.k8s.io/v1/apiservices", {
      apiVersion = "apiregistration.k8s.io/v1", kind = "APIService", metadata = { name = "v1.broken.example.com" },
      spec = {
        group = "broken.example.com", version = "v1", groupPriorityMinimum = 1000, versionPriority = 10, insecureSkipTLSVerify = true,
        service = { name = "nowhere", namespace = "default" },
      },
    })
    program.await("an API that is not available", function() return select(2, plane:http(plane.url .. "/apis/broken.example.com/v1")) == 503 end, 0.05, 30)
    namespace "mixed"
    local cr = objects.k8sgpt({ filters = { "Broken", "Pod" } }, "sample", "mixed")
    create(cr)
    create(objects.image_error("web", "mixed"))
    local folder = analyzers { Broken = "broken.example.com/v1/Thing" }
    local op = operator.start(plane.kubeconfig, { "--policy-dir", folder, "--watch-namespace", "mixed" })
    await_results("mixed", "Pod mixed/web", op)
    op:await_ready()
    local status = await_status(cr, "Syncing", function(now) return condition(now, "EngineAvailable").reason == "Syncing" and now end, op)
    assert.matches("broken.example.com/v1/Thing is not synced yet: ", condition(status, "EngineAvailable").message, 1, true)
    local from = socket.gettime()
    create(objects.image_error("late", "mixed"))
    await_results("mixed", "Pod mixed/late, Pod mixed/web", op)
    figures.record("scope", "a fault beside a broken API group until its Result", socket.gettime() - from, "s")
    plane:request("DELETE", "/apis/apiregistration.k8s.io/v1/apiservices/v1.broken.example.com")
  end)
end)

local function gadgets()
  local schema = { openAPIV3Schema = { type = "object", ["x-kubernetes-preserve-unknown-fields"] = true } }
  return {
    apiVersion = "apiextensions.k8s.io/v1", kind = "CustomResourceDefinition", metadata = { name = "gadgets.example.com" },
    spec = {
      group = "example.com", scope = "Namespaced", names = { kind = "Gadget", plural = "gadgets" },
      versions = { { name = "v1", served = true, storage = true, schema = schema } },
    },
  }
end

describe("a kind whose CRD is installed later", function()
  it("is read within a second, and is gone with it", function()
    namespace "works"
    local cr = objects.k8sgpt({ filters = { "Gadget", "Pod" } }, "sample", "works")
    create(cr)
    create(objects.image_error("web", "works"))
    local op = operator.start(plane.kubeconfig, { "--policy-dir", analyzers { Gadget = "example.com/v1/Gadget" }, "--watch-namespace", "works" })
    await_analyzer(cr, "Gadget", "inactive", "example.com/v1/Gadget is not served by this cluster", op)
    program.await("a back-off of seconds", function() return op:metric("k8sgpt_api_requests_total", { code = "404" }) >= 4 end, 0.1, 60)
    post(CRD_PATH, gadgets())
    await_served("/apis/example.com/v1/gadgets")
    local from = socket.gettime()
    await_analyzer(cr, "Gadget", "active", "", op)
    local took = socket.gettime() - from
    figures.record("scope", "a new kind served until its analyzer works", took, "s")
    assert.is_true(took < 2, took .. " s")
    create { apiVersion = "example.com/v1", kind = "Gadget", metadata = { name = "g", namespace = "works" }, spec = { well = false } }
    await_results("works", "Gadget works/g, Pod works/web", op)

    plane:request("DELETE", CRD_PATH .. "/gadgets.example.com")
    await_results("works", "Pod works/web", op)
    await_analyzer(cr, "Gadget", "inactive", "is not served by this cluster", op)
  end)
end)
