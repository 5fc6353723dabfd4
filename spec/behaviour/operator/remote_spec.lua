--- Analyzers that ask the world: logs of pods, and what is in Secrets. A proxy gives the logs, as there is no kubelet.

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

--------------------------------------------------------------------------------------------------------------------------------
-- Logs
--------------------------------------------------------------------------------------------------------------------------------

--- From now on the log of a pod is this.
local function log_of(proxy, pod, text)
  local path = ("%s/%s.log"):format(program.folder(), pod)
  program.write(path, text)
  proxy:rule { path = ("*/pods/%s/log"):format(pod), fault = "answer", status = 200, file = path, times = 0 }
  return function(other) program.write(path, other) end
end

local function asked(proxy, pod)
  return proxy:requests(function(r) return r.path:find(("/pods/%s/log"):format(pod), 1, true) end)
end

--- A cluster with these pods, which run, and an operator that reads their logs through a proxy.
local function site(pods, interval)
  local cr = objects.k8sgpt { filters = { "Log" }, analysis = { interval = interval or "1h" } }
  local list = { cr }
  for _, pod in ipairs(pods) do list[#list + 1] = objects.healthy_pod(pod) end
  local cluster = operator.cluster(list)
  local proxy = faultproxy.start(cluster)
  return cluster, proxy, cr
end

local function start(proxy, ...) return operator.start(proxy.kubeconfig, { "--grace", "0", ... }) end

describe("logs of pods", function()
  after_each(operator.clean)

  it("are asked for, their end and no more, and again after the interval", function()
    local cluster, proxy = site({ "web" }, "1s")
    local write = log_of(proxy, "web", "ready\nERROR cannot reach db: refused\nbye\n")
    local op = start(proxy)
    local finding = op:await_news "opened Pod default/web log"
    assert.are.equal("ERROR cannot reach db: refused", finding.text)
    local result = cluster:await_results({ "Pod default/web/app" })["Pod default/web/app"]
    assert.are.equal("Log", result.spec.analyzer)
    local query = asked(proxy, "web")[1].query
    for _, part in ipairs { "tailLines=100", "limitBytes=131072", "container=app" } do assert.matches(part, query, 1, true) end
    write("ready\n")
    op:await_news "resolved Pod default/web log"
  end)

  it("are asked for once while nothing happens, and at once when the container starts again", function()
    local cluster, proxy = site { "web" }
    log_of(proxy, "web", "fine\n")
    local op = start(proxy)
    op:await_ready()
    proxy:await_request("the log", function(r) return r.path:find("/log$") end)
    local pod = objects.healthy_pod("web")
    local status = pod.status.containerStatuses[1]
    status.restartCount = status.restartCount + 1
    status.lastState = { terminated = { exitCode = 1, reason = "Error", finishedAt = objects.ago(5), startedAt = objects.ago(60), containerID = "" } }
    cluster:patch(pod, { status = { containerStatuses = pod.status.containerStatuses } }, "status")
    proxy:await_request("the log of the run before", function(r) return r.path:find("/log$") and r.query:find("previous=true", 1, true) end)
    assert.are.equal(3, #asked(proxy, "web"))
  end)

  it("that cannot be read leave what was found, are no fault, and show in status and metrics", function()
    local cluster, proxy, cr = site({ "web", "other" }, "1s")
    log_of(proxy, "web", "error in web\n")
    log_of(proxy, "other", "fine\n")
    local op = start(proxy)
    op:await_news "opened Pod default/web log"
    proxy:clear()
    proxy:rule { path = "*/log", fault = "answer", status = 403, times = 0 }
    await_state(cluster, cr, "Log", "failing", "the log of default/")
    cluster:await_condition(cr, "Analysed", "AnalyzerFailed")
    operator.await("runs without an answer", function() return op:metric("k8sgpt_policy_runs_total", { policy = "Log", result = "unanswered" }) > 0 end)
    assert.is_true(op:metric("k8sgpt_api_requests_total", { resource = "pods/log", code = "403" }) > 0)
    assert.are.same({ "opened Pod default/web log" }, op:told())
    cluster:await_results { "Pod default/web/app" }
    local before = cluster:version()
    op:await_runs(3) -- with attempts in between, each of which fails with another text
    assert.are.equal(before, cluster:version())
  end)

  it("that do not come hold up no other, and are given up", function()
    local pods = { "web" }
    for i = 1, 6 do pods[#pods + 1] = "hangs-" .. i end
    local cluster, proxy, cr = site(pods)
    proxy:rule { path = "*/pods/hangs-*/log", fault = "black_hole", times = 0 }
    log_of(proxy, "web", "error in web\n")
    local op = start(proxy)
    op:await_ready() -- does not wait for them
    local function is_told() return table.concat(op:told(), "\n"):find("opened Pod default/web log", 1, true) end
    operator.await("the news of web", is_told, nil, 40) -- four ask at the same time, and each answer has 10 s
    await_state(cluster, cr, "Log", "failing", "did not answer", 40)
  end)

  it("of any size and of any bytes are read to the end of what was asked for", function()
    local cluster, proxy, cr = site { "huge", "binary", "words", "dashes" }
    log_of(proxy, "words", ("0 errors "):rep(20000))
    log_of(proxy, "dashes", (("-"):rep(190) .. " 0 errors\n"):rep(600))
    log_of(proxy, "huge", ("x"):rep(1000) .. "\n" .. ("GET / 200\n"):rep(400000) .. "error at the end\n")
    log_of(proxy, "binary", "\0\255\254 error \27[31m\200 in bytes\r\n\0")
    local op = start(proxy)
    local finding = op:await_news "opened Pod default/binary log"
    assert.matches("error", finding.text, 1, true)
    op:await_ready()
    proxy:await_request("the huge log", function(r) return r.path:find("/huge/log$") end)
    assert.are.same({ "opened Pod default/binary log" }, op:told())
    await_state(cluster, cr, "Log", "active", "")
    assert.are.equal(0, op:metric("k8sgpt_policy_runs_total", { policy = "Log", result = { "fuel", "error", "memory" } }))
  end)
end)

describe("analyze", function()
  after_each(operator.clean)

  it("reads logs of a cluster, and says that a snapshot has none", function()
    local _, proxy = site { "web" }
    log_of(proxy, "web", "error in web\n")
    local output, status = program.run { operator.BINARY, "analyze", "--kubeconfig", proxy.kubeconfig, "--filter", "Log" }
    assert.matches("error in web", output, 1, true)
    assert.are.equal(1, status)
    local path = program.folder() .. "/snapshot.jsonl"
    program.run { operator.BINARY, "snapshot", "--kubeconfig", proxy.kubeconfig, "--filter", "Log", "-o", path }
    output, status = program.run { operator.BINARY, "analyze", "--from", path, "--filter", "Log", "-o", "junit" }
    assert.matches("logs of pods are not in a snapshot", output, 1, true)
    assert.are.equal(0, status)
  end)
end)
