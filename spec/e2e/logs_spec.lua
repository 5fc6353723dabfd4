--- Logs of pods through a real kube-apiserver, from a kubelet that answers as a test says, with the rights that the verb rbac prints.

local control_plane = require "support.control_plane"
local faultproxy = require "support.faultproxy"
local json = require "cjson"
local objects = require "support.objects"
local oneshot = require "support.oneshot"
local operator = require "support.operator"
local program = require "support.program"

local RBAC <const> = "/apis/rbac.authorization.k8s.io/v1"
local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results"
local K8SGPT <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/k8sgpts/sample"

describe("logs of a real API server", function()
  local plane, kubelet

  --- A node whose kubelet is the proxy. The API server takes whatever certificate a kubelet has, unless it is given an authority for them.
  local function add_node()
    kubelet = faultproxy.start(plane, { tls = true })
    plane:request("POST", "/api/v1/nodes", { apiVersion = "v1", kind = "Node", metadata = { name = "n1" } })
    plane:request("PATCH", "/api/v1/nodes/n1/status", {
      status = { addresses = { { type = "InternalIP", address = "127.0.0.1" } }, daemonEndpoints = { kubeletEndpoint = { Port = kubelet.port } } },
    }, "application/merge-patch+json")
  end

  local function add_pod(name)
    local pod = objects.healthy_pod(name)
    pod.spec.nodeName = "n1"
    plane:request("POST", operator.path_of(pod, true), pod)
    plane:request("PATCH", operator.path_of(pod) .. "/status", { status = pod.status }, "application/merge-patch+json")
  end

  --- Roles and bindings for an account, and its kubeconfig.
  local function account_with_rights(name)
    local ended = oneshot.run { "rbac", "-o", "json", "--engine", "embedded", "--filter", "Log", "--service-account", "default:" .. name }
    for _, item in ipairs(json.decode(ended.output).items) do plane:request("POST", ("%s/%ss"):format(RBAC, item.kind:lower()), item) end
    return plane:write_kubeconfig(name, "token: " .. plane:token("default", name, 3600))
  end

  before_each(function()
    plane = control_plane.start()
    plane:install_crds(operator.CRDS)
    add_node()
    plane:request("POST", K8SGPT:match("^(.*)/"), objects.k8sgpt { filters = { "Log" }, analysis = { interval = "1s" } })
  end)
  after_each(function()
    operator.clean()
    plane:stop()
  end)

  it("are read to their end, bytes as they are, under the rights that rbac prints and no others", function()
    local path = program.folder() .. "/log"
    program.write(path, "ready\nERROR disk full \200\nbye\n")
    kubelet:rule { path = "/containerLogs/default/web/app", fault = "answer", status = 200, file = path, times = 0 }
    add_pod "web"
    local op = operator.start(account_with_rights "logreader", { "--grace", "0" })
    assert.matches("^ERROR disk full", op:await_news("opened Pod default/web log").text)
    assert.matches("tailLines=100", kubelet:requests(function(r) return r.path:find("containerLogs", 1, true) end)[1].query, 1, true)
    program.await("its Result", function() return #plane:request("GET", RESULTS).items == 1 end)

    local role = RBAC .. "/clusterroles/k8sgpt-operator-manager-role"
    local rules = plane:request("GET", role).rules
    for _, rule in ipairs(rules) do
      for i = #rule.resources, 1, -1 do
        if rule.resources[i] == "pods/log" then table.remove(rule.resources, i) end
      end
    end
    plane:request("PATCH", role, { rules = rules }, "application/merge-patch+json")
    program.await("the right is missed", function()
      for _, condition in ipairs((plane:request("GET", K8SGPT).status or {}).conditions or {}) do
        if condition.type == "Analysed" then return condition.reason == "PartialAccess" and condition.message:find("pods/log", 1, true) end
      end
    end)
    assert.are.same({ "opened Pod default/web log" }, op:told())
  end)

  it("that a kubelet refuses or has not are no fault of the pod", function()
    kubelet:rule { path = "/containerLogs/default/broken/*", fault = "refuse", times = 0 }
    kubelet:rule { path = "/containerLogs/default/none/*", fault = "answer", status = 404, times = 0 }
    add_pod "broken"
    add_pod "none"
    local op = operator.start(plane.kubeconfig, { "--grace", "0" })
    program.await("a failing analyzer", function()
      for _, analyzer in ipairs((plane:request("GET", K8SGPT).status or {}).analyzers or {}) do
        if analyzer.state == "failing" then return analyzer.reason:find("the log of default/broken", 1, true) end
      end
    end)
    assert.are.same({}, op:told())
  end)
end)
