--- Killed at any of its writes while it makes the K8sGPT Deployment or removes it, an operator that starts again brings both to their end
--- (crash-consistency).

local faultproxy = require "support.faultproxy"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"

local RBAC <const> = "/apis/rbac.authorization.k8s.io/v1/"

local serial = 0

--- What there is of a K8sGPT "main" and its namespace, by path; of each what does not differ from one run to the next.
local function state(cluster, namespace)
  local found, in_namespace = {}, "/namespaces/" .. namespace
  for _, path in ipairs {
    "/apis/apps/v1" .. in_namespace .. "/deployments/main", "/api/v1" .. in_namespace .. "/services/main",
    "/api/v1" .. in_namespace .. "/serviceaccounts/k8sgpt-" .. namespace, RBAC .. "clusterroles/k8sgpt-" .. namespace .. "-clusterrole",
    RBAC .. "clusterrolebindings/k8sgpt-" .. namespace .. "-clusterrole-binding",
  } do
    local text, status = cluster:http(path)
    local object = status == 200 and json.decode(text)
    if object then found[#found + 1] = ("%s by %s"):format(object.kind, object.metadata.managedFields[1].manager) end
  end
  return table.concat(found, ", ")
end

local WHOLE <const> = "Deployment by k8sgpt-operator, Service by k8sgpt-operator, ServiceAccount by k8sgpt-operator, ClusterRole by k8sgpt-operator, "
  .. "ClusterRoleBinding by k8sgpt-operator"

local function is_write(request) return request.verb == "write" end

local function is_waiting(proxy)
  local answered = {}
  for _, event in ipairs(proxy:events("answer")) do answered[event.request] = true end
  return #proxy:requests(function(r) return is_write(r) and not answered[r.request] end) > 0
end

--- Runs an operator until its nth write is held, kills it, and starts another one. False: it came to the end without such a write.
local function killed(proxy, point, nth, begin, is_over)
  proxy:rule { verb = "write", nth = nth, fault = "hold", point = point }
  local op = operator.start(proxy.kubeconfig, { "--engine", "deployment" })
  begin()
  local held = operator.await(function() return "a write is held, or the end\n" .. op:tail() end, function()
    return proxy:events("held")[1] or (is_over() and not is_waiting(proxy) and "over")
  end)
  if held == "over" then
    op:stop()
    return false
  end
  op:kill()
  proxy:clear()
  op = operator.start(proxy.kubeconfig, { "--engine", "deployment" })
  operator.await(function() return "the same end\n" .. op:tail() end, is_over)
  op:await_ready()
  local writes = #proxy:requests(is_write)
  op:heartbeat()
  assert.equal(writes, #proxy:requests(is_write))
  op:stop()
  return true
end

--- One life to its nth write, another one to the end. `point`: "request" or "answer", what of the write is held.
local function story(point, nth, is_removal)
  serial = serial + 1
  local namespace = "crash-" .. serial
  local cluster = operator.cluster {}
  local proxy = faultproxy.start(cluster)
  local cr = objects.k8sgpt({}, "main", namespace)
  local function is_made()
    local condition = cluster:conditions(cr).EngineAvailable
    return state(cluster, namespace) == WHOLE and condition and condition.reason == "NotReady"
  end
  local function is_removed() return state(cluster, namespace) == "" and not cluster:find(cr) end
  if not is_removal then
    local went_on = killed(proxy, point, nth, function() cluster:create(cr) end, is_made)
    operator.clean()
    return went_on
  end
  cluster:create(cr)
  local op = operator.start(cluster.kubeconfig, { "--engine", "deployment" })
  operator.await("the Deployment", is_made)
  op:stop()
  cluster:delete(cr)
  local went_on = killed(proxy, point, nth, function() end, is_removed)
  operator.clean()
  return went_on
end

describe("an operator that is killed", function()
  after_each(operator.clean)

  for is_removal, what in pairs { [false] = "makes", [true] = "removes" } do
    it(("when it %s a K8sGPT Deployment comes to the same end: at each write, by turns before it is sent and before its answer"):format(what), function()
      local nth = 0
      while story(nth % 2 == 0 and "request" or "answer", nth + 1, is_removal) do nth = nth + 1 end
      assert.is_true(nth >= 6, nth) -- five objects, and the finalizer
    end)
  end
end)
