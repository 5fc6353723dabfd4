--- Probes and metrics.

local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

--- Upstream's and controller-runtime's own names, which promtool would have otherwise; dashboards rely on them.
local UPSTREAMS <const> = { k8sgpt_reconcile_error_count = true, k8sgpt_number_of_results = true, k8sgpt_number_of_results_by_type = true }

describe("probes", function()
  local cluster, op
  before_each(function()
    cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    op = cluster:operator()
    op:await_ready()
  end)
  after_each(operator.clean)

  it("answer ok when all is well, and 404 where there is none", function()
    for _, path in ipairs { "/healthz", "/readyz" } do
      local body, status = op:probe(path)
      assert.are.same({ "ok", 200 }, { body, status })
    end
    assert.are.equal(404, select(2, op:probe("/")))
    assert.are.equal(404, select(2, operator.http((op.metrics_url:gsub("/metrics$", "/")))))
  end)

  it("take nothing but GET", function()
    for _, url in ipairs { op.metrics_url, op.health_url .. "/healthz", op.health_url .. "/readyz" } do
      for _, method in ipairs { "POST", "PUT", "DELETE" } do
        local _, status = operator.http(url, { method = method, body = "x" })
        assert.are.equal(405, status, method .. " " .. url)
      end
    end
  end)

  it("show what happened, in the text format", function()
    local body, status, headers = operator.http(op.metrics_url)
    assert.are.equal(200, status)
    assert.matches("\n[Cc]ontent%-[Tt]ype: text/plain; version=0%.0%.4; charset=utf%-8\n", headers)
    for _, name in ipairs {
      "k8sgpt_reconcile_error_count", "k8sgpt_number_of_results", "k8sgpt_number_of_results_by_type", "k8sgpt_findings", "k8sgpt_finding_detection_seconds",
      "k8sgpt_policy_runs_total", "k8sgpt_policy_duration_seconds", "k8sgpt_policy_fuel_total", "k8sgpt_policy_bundle_info",
      "k8sgpt_store_objects", "k8sgpt_store_bytes",
      "k8sgpt_watch_events_total", "k8sgpt_api_requests_total", "k8sgpt_api_request_duration_seconds", "k8sgpt_notifications_total",
      "k8sgpt_last_analysis_timestamp_seconds", "k8sgpt_queue_depth", "k8sgpt_reconcile_duration_seconds", "k8sgpt_build_info", "process_resident_memory_bytes",
    } do
      assert.matches("\n# TYPE " .. name .. " ", "\n" .. body, 1, true)
    end
    assert.are.equal(1, op:metric("k8sgpt_notifications_total", { sink = "log", outcome = "delivered" }))
    assert.are.equal(1, op:metric("k8sgpt_build_info"))
    assert.is_true(math.abs(op:metric("k8sgpt_last_analysis_timestamp_seconds", { namespace = "default", k8sgpt = "sample" }) - os.time()) < 60)
  end)

  it("are what promtool wants, but for upstream's names", function()
    if not os.execute("command -v promtool >/dev/null") then return pending("promtool is not installed") end
    local path = program.folder() .. "/metrics"
    program.write(path, (operator.http(op.metrics_url)))
    local pipe = io.popen(("promtool check metrics <%s 2>&1"):format(program.quote(path)))
    for line in pipe:lines() do
      assert.is_true(UPSTREAMS[line:match("^[%w_]+")] or line:match("^controller_runtime_") or line:match("^workqueue_") or false, line)
    end
    pipe:close()
  end)
end)

describe("/readyz", function()
  after_each(operator.clean)

  it("is 503 with the reason until everything was looked at, and 200 then for good", function()
    local pods = { objects.k8sgpt() }
    for i = 1, 300 do pods[#pods + 1] = objects.image_error("web-" .. i, "shop") end
    local cluster = operator.cluster(pods)
    local op = cluster:operator()
    local done = false
    operator.await("ready", function()
      local body, status = op:probe("/readyz")
      assert.is_true(status == 200 or status == 503 and #body > 0)
      done = done or status == 200
      return done
    end)
    local _, findings = op:metric("k8sgpt_number_of_results_by_type")
    assert.are.equal(300, findings)
    cluster:stop() -- caches stay what they are
    assert.are.equal(200, select(2, op:probe("/readyz")))
  end)
end)

describe("the log", function()
  after_each(operator.clean)

  it("can be for people", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_result("Pod default/web")
    op:stop()
    local other = program.start { operator.BINARY, "run", "--engine", "embedded", "--kubeconfig", cluster.kubeconfig, "--metrics-bind-address", "0",
      "--health-probe-bind-address", "0", "--log-format", "console", "--zap-log-level", "info", "--leader-elect" }
    local line = other:await_line("its start", function(entry) return entry.text and entry.text:find("started", 1, true) and entry.text end)
    assert.is_nil(line:find("^{"))
    other:stop()
  end)

  it("holds each Result as it is written with --enable-result-logging, names masked", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.crash_loop("canary-4711") }
    local op = cluster:operator { "--enable-result-logging" }
    local text = op:await_line("the Result", function(entry) return (entry.text or ""):find('{"Name":', 1, true) and entry.text end)
    assert.matches('"Kind":"Pod"', text, 1, true)
    assert.matches("the last termination reason is Error container=masked", text, 1, true)
    cluster:await_result("Pod default/canary-4711")
  end)
end)
