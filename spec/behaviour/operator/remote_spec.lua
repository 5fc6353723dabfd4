--- Analyzers that ask the world: what is in Secrets.

local certificates = require "support.certificates"
local faultproxy = require "support.faultproxy"
local mime = require "mime"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local function status_of(cluster, cr, analyzer)
  for _, entry in ipairs(((cluster:find(cr) or {}).status or {}).analyzers or {}) do
    if entry.name == analyzer then return entry end
  end
  return {}
end

--- Waits until the status says so of an analyzer, and somewhere in its reason these words.
local function await_state(cluster, cr, analyzer, state, words, limit)
  return operator.await(("%s %s: %s"):format(analyzer, state, words), function()
    local entry = status_of(cluster, cr, analyzer)
    return entry.state == state and (entry.reason or ""):find(words, 1, true) and entry
  end, nil, limit)
end

--------------------------------------------------------------------------------------------------------------------------------
-- Secrets
--------------------------------------------------------------------------------------------------------------------------------

local CANARY <const> = "canary-7f3a9c"

local CLASS <const> = { apiVersion = "networking.k8s.io/v1", kind = "IngressClass", metadata = { name = "nginx" }, spec = { controller = "example.com/nginx" } }

local function ingress()
  return {
    apiVersion = "networking.k8s.io/v1", kind = "Ingress", metadata = { name = "web", namespace = "default", creationTimestamp = objects.ago(86400) },
    spec = {
      ingressClassName = "nginx", defaultBackend = { service = { name = "web", port = { number = 80 } } },
      tls = { { secretName = "cert", hosts = { "web.example.org" } } },
    },
  }
end

local function secret(certificate)
  local data = { ["tls.crt"] = mime.b64(certificate), password = mime.b64(CANARY) }
  return { apiVersion = "v1", kind = "Secret", metadata = { name = "cert", namespace = "default" }, type = "Opaque", data = data }
end

local function certificate_for(host)
  return program.read((certificates.authority(program.folder()):issue("web", { san = "DNS:" .. host })))
end

describe("what is in Secrets", function()
  after_each(operator.clean)

  it("is read where that is permitted, one key of it, and again after the interval", function()
    local cr = objects.k8sgpt { filters = { "Ingress" }, analysis = { interval = "1s" } }
    local cluster = operator.cluster { cr, CLASS, objects.service("web"), secret(certificate_for "other.example.org"), ingress() }
    local op = cluster:operator { "--grace", "0", "--secret-content" }
    local finding = op:await_news "opened Ingress default/web other-host"
    assert.are.equal("Ingress uses the secret default/cert as a TLS certificate which is not for web.example.org.", finding.text)
    cluster:patch(secret(""), { data = { ["tls.crt"] = mime.b64(certificate_for "web.example.org") } })
    op:await_news "resolved Ingress default/web other-host"
    assert.are.equal("", status_of(cluster, cr, "Ingress").reason)
  end)

  it("is left alone where it is not permitted, which is said and no fault", function()
    local cr = objects.k8sgpt { filters = { "Ingress" } }
    local cluster = operator.cluster { cr, CLASS, objects.service("web"), secret("no certificate"), ingress() }
    local proxy = faultproxy.start(cluster)
    operator.start(proxy.kubeconfig, { "--grace", "0" })
    await_state(cluster, cr, "Ingress", "active", "what is in Secrets is not read: --secret-content permits it")
    assert.are.equal("1 analyzer up to date", cluster:await_condition(cr, "Analysed", "Current").message)
    assert.are.same({}, cluster:results())
    assert.are.equal(1, #proxy:requests(function(r) return r.path:find("/secrets/cert$") end)) -- whether it is there
  end)

  it("is shown nowhere", function()
    local cr = objects.k8sgpt { filters = { "Ingress" } }
    local cluster = operator.cluster { cr, CLASS, objects.service("web"), secret("-----BEGIN " .. CANARY), ingress() }
    local op = cluster:operator { "--grace", "0", "--secret-content", "--log-level", "debug", "--enable-result-logging" }
    op:await_news "opened Ingress default/web no-certificate"
    local results = cluster:http("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results")
    local events = cluster:http("/api/v1/namespaces/default/events")
    for _, text in ipairs { program.read(op.log), results, events, (operator.http(op.metrics_url)) } do
      assert.is_nil(text:find(CANARY, 1, true))
      assert.is_nil(text:find(mime.b64(CANARY), 1, true))
    end
  end)

  it("that may not be read leaves what was found, and is shown as what it is", function()
    local cr = objects.k8sgpt { filters = { "Ingress" }, analysis = { interval = "1s" } }
    local cluster = operator.cluster { cr, CLASS, objects.service("web"), secret("no certificate"), ingress() }
    local proxy = faultproxy.start(cluster)
    local op = operator.start(proxy.kubeconfig, { "--grace", "0", "--secret-content" })
    op:await_news "opened Ingress default/web no-certificate"
    proxy:rule { path = "*/secrets/cert", fault = "answer", status = 500, times = 0 }
    cluster:delete(objects.service("web"))
    op:await_news "opened Ingress default/web service" -- what needs no Secret goes on
    await_state(cluster, cr, "Ingress", "failing", "v1/Secret default/cert")
    assert.are.same({ "opened Ingress default/web no-certificate", "opened Ingress default/web service" }, op:told())
    proxy:clear()
    await_state(cluster, cr, "Ingress", "active", "")
  end)
end)
