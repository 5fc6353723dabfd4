--- What analyzers and the filter rest on beside the object itself: objects without a namespace, Secrets that nobody watches, labels.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

local function node(name, ready, more)
  local meta = { name = name, uid = "node-" .. name, creationTimestamp = objects.ago(86400) }
  for key, value in pairs(more or {}) do meta[key] = value end
  local condition = { type = "Ready", status = ready, reason = "KubeletNotReady", message = "runtime is down" }
  condition.lastTransitionTime, condition.lastHeartbeatTime = objects.ago(3600), objects.ago(1)
  return { apiVersion = "v1", kind = "Node", metadata = meta, spec = {}, status = { conditions = { condition } } }
end

local function ingress(secret)
  return {
    apiVersion = "networking.k8s.io/v1", kind = "Ingress",
    metadata = { name = "web", namespace = "default", uid = "ingress-web", creationTimestamp = objects.ago(86400) },
    spec = { ingressClassName = "nginx", defaultBackend = { service = { name = "web", port = { number = 80 } } }, tls = { { secretName = secret } } },
  }
end

local CLASS <const> = { apiVersion = "networking.k8s.io/v1", kind = "IngressClass", metadata = { name = "nginx" }, spec = { controller = "example.com/nginx" } }

local function config_map(name, data)
  local meta = { name = name, namespace = "default", uid = "map-" .. name, creationTimestamp = objects.ago(86400) }
  return { apiVersion = "v1", kind = "ConfigMap", metadata = meta, data = data }
end

-- Reads what the analyzer ConfigMap only measures.
local READER <const> = [[return {
  api = 1, kind = "analyzer", name = "Reader", description = "ConfigMaps that say so", watches = { "v1/ConfigMap" }, fields = { "data" },
  rules = { bad = { severity = "low" } },
  run = function(_, map) return map.data and map.data.mode == "bad" and { { rule = "bad", text = "mode is " .. map.data.mode } } or {} end,
}]]

describe("analyzers", function()
  after_each(operator.clean)

  it("report an object without a namespace by its name alone", function()
    local cluster = operator.cluster { objects.k8sgpt { filters = { "Node" } }, node("n1", "False"), node("n2", "True") }
    cluster:operator()
    local result = cluster:await_results({ "Node n1" })["Node n1"]
    assert.matches("^node%-n1%-%x+$", result.metadata.name)
    assert.are.equal("n1 has condition of type Ready, reason KubeletNotReady: runtime is down", result.spec.error[1].text)
  end)

  it("of the core set all work, and ask for nothing that a cluster has not", function()
    local cr = objects.k8sgpt { filters = false }
    local cluster = operator.cluster { cr, node("n1", "False"), objects.image_error("web") }
    cluster:operator()
    cluster:await_results { "Node n1", "Pod default/web" }
    assert.are.equal("14 analyzers up to date", cluster:await_condition(cr, "Analysed", "Current").message)
  end)

  it("show what they find under upstream's kinds and names, and know it again after a restart", function()
    local function hook(name)
      return {
        name = name .. ".guard.example.org", sideEffects = "None", admissionReviewVersions = { "v1" },
        clientConfig = { caBundle = "Y2E=", service = { name = "none", namespace = "default" } },
      }
    end
    local guard = {
      apiVersion = "admissionregistration.k8s.io/v1", kind = "ValidatingWebhookConfiguration",
      metadata = { name = "guard", uid = "guard", creationTimestamp = objects.ago(86400) }, webhooks = { hook "a", hook "b" },
    }
    local tuner = objects.healthy_pod("tuner")
    tuner.spec.containers[1].securityContext = { privileged = true }
    local cr = objects.k8sgpt { filters = { "Security", "ValidatingWebhookConfiguration" } }
    local cluster = operator.cluster { cr, guard, tuner }
    local op = cluster:operator { "--grace", "0" }
    local a, b, pod = "ValidatingWebhookConfiguration /a.guard.example.org", "ValidatingWebhookConfiguration /b.guard.example.org", "Security/Pod default/tuner"
    local before = cluster:await_results({ a, b, pod })[a]
    assert.are.equal("Service none not found as mapped to by Validating Webhook a.guard.example.org", before.spec.error[1].text)
    op:await_ready()
    op:await_runs(0)
    op:signal "TERM"
    cluster:request("PATCH", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/guard", { webhooks = { hook "a" } },
      "application/merge-patch+json")
    cluster:delete(tuner)
    op = cluster:operator { "--grace", "0" }
    assert.are.same(before.metadata, cluster:await_results({ a })[a].metadata)
    op:stop()
    local told = op:told()
    table.sort(told)
    assert.are.same({ "resolved Pod default/tuner privileged", "resolved ValidatingWebhookConfiguration /guard service" }, told)
  end)

  it("measure texts, whether somebody reads them or not", function()
    for _, filters in ipairs { { "ConfigMap" }, { "ConfigMap", "Reader" } } do
      local folder = policies.folder { ["analyzers.Reader.lua"] = READER, ["analyzers.ConfigMap.params.yaml"] = "max_bytes: 20" }
      local cluster = operator.cluster {
        objects.k8sgpt { filters = filters }, config_map("empty"), config_map("large", { mode = ("z"):rep(21) }), config_map("mode", { mode = "bad" }),
      }
      cluster:operator { "--grace", "0", "--policy-dir", folder }
      local results = cluster:await_results { "ConfigMap default/empty", "ConfigMap default/large", "ConfigMap default/mode" }
      local function texts(name)
        local list = {}
        for i, failure in ipairs(results["ConfigMap default/" .. name].spec.error) do list[i] = failure.text end
        return table.concat(list, "; ")
      end
      assert.matches("ConfigMap empty is empty$", texts "empty")
      assert.matches("ConfigMap large is larger than 1MB %(21 bytes%)$", texts "large")
      operator.clean()
    end
  end)

  it("find out about a Secret by its name, and never list Secrets", function()
    local secret = { apiVersion = "v1", kind = "Secret", metadata = { name = "there", namespace = "default" }, type = "Opaque" }
    local cr = objects.k8sgpt { filters = { "Ingress" } }
    local cluster = operator.cluster { cr, CLASS, objects.service("web"), secret, ingress("gone") }
    local op = cluster:operator { "--grace", "0" }
    local result = cluster:await_results({ "Ingress default/web" })["Ingress default/web"]
    assert.are.equal("Ingress uses the secret default/gone as a TLS certificate which does not exist.", result.spec.error[1].text)
    cluster:patch(ingress("gone"), { spec = { tls = { { secretName = "there" } } } })
    op:await_news "resolved Ingress default/web tls"
    assert.is_nil(require("support.program").read(op.log):find('"resource":"secrets"', 1, true))
  end)

  it("are silenced by annotations, by selectors of namespaces and of objects, at once and each time anew", function()
    local cr = objects.k8sgpt { filters = { "Pod" }, objectSelector = { matchExpressions = { { key = "canary", operator = "DoesNotExist" } } } }
    local namespace = { apiVersion = "v1", kind = "Namespace", metadata = { name = "shop", labels = { env = "prod" } } }
    local cluster = operator.cluster {
      namespace, cr, objects.image_error("a", "shop"), objects.image_error("b", "shop", { labels = { canary = "yes" } }),
      objects.image_error("c", "shop", { annotations = { ["k8sgpt.ai/ignore"] = "Pod/image" } }),
    }
    cluster:operator()
    cluster:await_results { "Pod shop/a" }
    cluster:patch(namespace, { metadata = { annotations = { ["k8sgpt.ai/ignore"] = "true" } } })
    cluster:await_results {}
    cluster:patch(namespace, { metadata = { annotations = { ["k8sgpt.ai/ignore"] = "Service" } } })
    cluster:await_results { "Pod shop/a" }
    cluster:patch(cr, { spec = { namespaceSelector = { matchLabels = { env = "test" } } } })
    cluster:await_results {}
    cluster:patch(namespace, { metadata = { labels = { env = "test" } } })
    cluster:await_results { "Pod shop/a" }
  end)
end)
