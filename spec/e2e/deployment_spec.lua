--- The K8sGPT Deployment on a real control plane: controllers and kwok run its pods, and the operator has the rights that the verb rbac prints.

local control_plane = require "support.control_plane"
local json = require "cjson"
local objects = require "support.objects"
local oneshot = require "support.oneshot"
local operator = require "support.operator"
local program = require "support.program"

local CONTROLLERS_SECONDS <const> = 60 -- for what controllers, scheduler and kwok do between them

local NODE <const> = {
  apiVersion = "v1", kind = "Node",
  metadata = { name = "fake", annotations = { ["kwok.x-k8s.io/node"] = "fake" }, labels = { ["kubernetes.io/hostname"] = "fake" } },
  status = { allocatable = { cpu = "8", memory = "16Gi", pods = "110" }, capacity = { cpu = "8", memory = "16Gi", pods = "110" } },
}

local DEPLOYMENT <const> = "/apis/apps/v1/namespaces/ops/deployments/"
local PATCH <const> = "application/merge-patch+json"

describe("the K8sGPT Deployment on a real control plane", function()
  local plane, op
  local cr = objects.k8sgpt({ filters = { "Pod", "Deployment", "Ingress" }, version = "v0.4.1" }, "main", "ops")

  local function await(what, look) return program.await(what, look, 0.05, CONTROLLERS_SECONDS) end
  local function find(path)
    local text, status = plane:http(plane.url .. path)
    return status == 200 and json.decode(text) or nil
  end

  local function condition_of(k8sgpt, type)
    for _, condition in ipairs(((find(operator.path_of(k8sgpt)) or {}).status or {}).conditions or {}) do
      if condition.type == type then return condition end
    end
  end

  local function await_condition(k8sgpt, type, what, holds)
    local have
    return await(function() return ("%s; it is %s\n%s"):format(what, json.encode(have), op:tail()) end, function()
      have = condition_of(k8sgpt, type)
      return have and holds(have) and have
    end)
  end

  local function await_engine(k8sgpt)
    return await_condition(k8sgpt, "EngineAvailable", "the engine ready", function(have) return have.reason ~= "NotReady" end)
  end

  local function await_configured(k8sgpt, status)
    return await_condition(k8sgpt, "EngineConfigured", status, function(have) return have.status == status end)
  end

  --- What the ServiceAccount of the engines may do.
  local function may(verb, group, resource)
    local review = plane:request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      apiVersion = "authorization.k8s.io/v1", kind = "SubjectAccessReview",
      spec = { user = "system:serviceaccount:ops:k8sgpt-ops", resourceAttributes = { verb = verb, group = group, resource = resource, namespace = "shop" } },
    })
    return review.status.allowed
  end

  setup(function()
    plane = control_plane.start { controllers = "*", scheduler = true, kwok = true, stages = "spec/e2e/stages.yaml" }
    plane:install_crds(operator.CRDS)
    plane:request("POST", "/api/v1/namespaces", { metadata = { name = "ops" } })
    plane:request("POST", "/api/v1/nodes", NODE)
    local roles = json.decode(oneshot.run({ "rbac", "--engine", "deployment", "-o", "json", "--service-account", "ops:operator" }).output)
    for _, item in ipairs(roles.items) do
      plane:request("POST", ("/apis/rbac.authorization.k8s.io/v1/%ss"):format(item.kind:lower()), item)
    end
    local token = plane:token("ops", "operator", 3600)
    op = operator.start(plane:write_kubeconfig("operator", "token: " .. token), { "--engine", "deployment" })
    plane:request("POST", operator.path_of(cr, true), cr)
  end)
  teardown(function()
    operator.clean()
    plane:stop()
  end)

  it("becomes ready, which is seen", function()
    await("a ready replica", function() return ((find(DEPLOYMENT .. "main") or {}).status or {}).readyReplicas == 1 end)
    await_engine(cr)
    local pods = plane:request("GET", "/api/v1/namespaces/ops/pods?labelSelector=app%3Dmain").items
    assert.are.same({ "k8sgpt-ops", "ghcr.io/k8sgpt-ai/k8sgpt:v0.4.1" }, { pods[1].spec.serviceAccountName, pods[1].spec.containers[1].image })
    op:await_ready()
  end)

  it("may read what its analyzers read, and nothing else", function()
    assert.are.same({ true, true, true, true }, {
      may("list", "", "pods"), may("get", "apps", "replicasets"), may("list", "networking.k8s.io", "ingresses"), may("get", "", "secrets"),
    })
    assert.are.same({ false, false, false, false }, {
      may("list", "", "secrets"), may("watch", "", "pods"), may("list", "", "configmaps"), may("delete", "", "pods"),
    })
  end)

  it("rolls out another version", function()
    plane:request("PATCH", operator.path_of(cr), { spec = { version = "v0.4.2" } }, PATCH)
    await("the pod of the new version alone", function()
      local pods = plane:request("GET", "/api/v1/namespaces/ops/pods?labelSelector=app%3Dmain").items
      return #pods == 1 and pods[1].spec.containers[1].image:match("v0.4.2$") and pods[1].status.phase == "Running"
    end)
    await_engine(cr)
    assert.are.equal(0, (op:metric("k8sgpt_api_requests_total", { code = "403" })))
  end)

  it("is granted no right that the operator does not hold, and the condition names it", function()
    local greedy = objects.k8sgpt({ filters = { "NetworkPolicy" } }, "greedy", "ops")
    plane:request("POST", operator.path_of(greedy, true), greedy)
    local condition = await_configured(greedy, "False")
    assert.matches("ClusterRole k8sgpt%-ops%-clusterrole: .*not currently held", condition.message)
    assert.matches("networkpolicies", condition.message, 1, true)
    await("its engine all the same", function() return ((find(DEPLOYMENT .. "greedy") or {}).status or {}).readyReplicas == 1 end)
    await_engine(greedy)
    await_engine(cr)
    assert.is_true(may("list", "", "pods"))
    plane:request("PATCH", operator.path_of(greedy), { spec = { filters = { "Node" } } }, PATCH)
    await_configured(greedy, "True")
    assert.is_true(may("list", "", "nodes"))
    plane:request("DELETE", operator.path_of(greedy))
    await("the K8sGPT gone", function() return not find(operator.path_of(greedy)) end)
    await("its rights gone", function() return not may("list", "", "nodes") end)
    await_configured(cr, "True")
  end)

  it("has as many replicas as there is to look at, and asks each of them by the address that its EndpointSlices have", function()
    local denied = op:metric("k8sgpt_api_requests_total", { code = "403" })
    for i = 1, 12 do plane:request("POST", DEPLOYMENT, objects.deployment("idle-" .. i, "ops", 0, 0)) end
    plane:request("PATCH", operator.path_of(cr), { spec = { engine = { scaling = { maxReplicas = 3, objectsPerReplica = 5 } } } }, PATCH)
    await_condition(cr, "EngineScaled", "three replicas", function(have) return have.message:find("^3 replicas for about 1%d objects, 5 for each$") end)
    await("three ready replicas", function() return ((find(DEPLOYMENT .. "main") or {}).status or {}).readyReplicas == 3 end)
    local pods, shares
    await(function() return "a share for each pod\n" .. json.encode { shares, op:tail() } end, function()
      shares, pods = {}, {}
      for i, share in ipairs(find(operator.path_of(cr)).status.engine.shares or {}) do shares[i] = share.endpoint end
      for i, pod in ipairs(find("/api/v1/namespaces/ops/pods?labelSelector=app%3Dmain").items) do pods[i] = (pod.status.podIP or "") .. ":8080" end
      table.sort(shares)
      table.sort(pods)
      return #pods == 3 and table.concat(pods, " ") == table.concat(shares, " ")
    end)
    plane:request("PATCH", operator.path_of(cr), { spec = { engine = { scaling = json.null } } }, PATCH)
    await("one replica", function() return #find("/api/v1/namespaces/ops/pods?labelSelector=app%3Dmain").items == 1 end)
    await("no shares", function() return not find(operator.path_of(cr)).status.engine.shares end)
    assert.are.equal(denied, (op:metric("k8sgpt_api_requests_total", { code = "403" })))
    for i = 1, 12 do plane:request("DELETE", DEPLOYMENT .. "idle-" .. i) end
  end)

  it("leaves nothing behind", function()
    plane:request("DELETE", operator.path_of(cr))
    await("the K8sGPT gone", function() return not find(operator.path_of(cr)) end)
    local left
    await(function() return "nothing left; there is " .. table.concat(left, " ") end, function()
      left = {}
      for _, key in ipairs(plane.etcd:keys("/registry/")) do
        local is_its = key:find("k8sgpt%-ops") or key:find("/ops/main")
        if is_its and not key:find("^/registry/events/") then left[#left + 1] = key end
      end
      return #left == 0
    end)
    op:stop()
  end)
end)
