--- From a fault to a Result, a metric and a notification, and back.

local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"

local LABELS <const> = { ["k8sgpts.k8sgpt.ai/name"] = "sample", ["k8sgpts.k8sgpt.ai/namespace"] = "default", ["k8sgpts.k8sgpt.ai/backend"] = "" }

describe("a fault", function()
  after_each(operator.clean)

  it("becomes a Result that says what, where, how bad and since when", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web", "shop"), objects.healthy_pod("db", "shop") }
    cluster:operator()
    local result = cluster:await_results({ "Pod shop/web" })["Pod shop/web"]

    assert.are.same(LABELS, result.metadata.labels)
    assert.matches("^pod%-shop%-web%-%x%x%x%x%x%x%x%x$", result.metadata.name)
    local owner = result.metadata.ownerReferences[1]
    assert.are.same({ "K8sGPT", "sample", cluster:find(cr).metadata.uid, true }, { owner.kind, owner.name, owner.uid, owner.controller })

    local spec = result.spec
    assert.are.same({ "Pod", "shop/web", "Pod", "high", "", "", "" },
      { spec.kind, spec.name, spec.analyzer, spec.severity, spec.details, spec.parentObject, spec.backend })
    assert.are.equal(1, #spec.error)
    assert.are.same({ 'Back-off pulling image "registry.example.com/app:1"', "image", "app", "high" },
      { spec.error[1].text, spec.error[1].rule, spec.error[1].key, spec.error[1].severity })

    local status = result.status
    assert.are.same({ "created", 1, "open" }, { status.lifecycle, #status.findings, status.findings[1].state })
    assert.matches("^%d+%-%d+%-%d+T", status.firstSeen)
    assert.are.same({ "log", status.findings[1].id }, { status.notifications[1].sink, status.notifications[1].finding })
  end)

  it("shows the fields that it rests on", function()
    local pod = objects.image_error("web", "shop")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    cluster:operator()
    local path, waiting = "status.containerStatuses[name=app].state.waiting", pod.status.containerStatuses[1].state.waiting
    local evidence = cluster:await_result("Pod shop/web").spec.error[1].evidence
    assert.are.same({ 1, path }, { #evidence, evidence[1].path })
    assert.are.same(waiting, json.decode(evidence[1].value))
  end)

  it("has the name that the rule gives it", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web", "shop") }
    cluster:operator()
    local parts = {} -- each with its length in front, so that no two lists of parts are the same bytes
    for i, part in ipairs { "default/sample", "Pod", "Pod", "shop", "web" } do parts[i] = ([[\0\0\0\0\0\0\0\%03o%s]]):format(#part, part) end
    local pipe = io.popen(("printf '%s' | sha256sum"):format(table.concat(parts)))
    local hash = pipe:read("a"):sub(1, 8)
    pipe:close()
    assert.are.equal("pod-shop-web-" .. hash, cluster:await_result("Pod shop/web").metadata.name)
  end)

  it("is a row with the columns of kubectl get results", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web", "shop") }
    cluster:operator()
    cluster:await_result("Pod shop/web")
    local rows = cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results", "application/json;as=Table;v=v1;g=meta.k8s.io")
    local columns = {}
    for i, column in ipairs(rows.columnDefinitions) do columns[i] = column.name end
    assert.are.same({ "Name", "Kind", "Object", "Severity", "Cause", "Backend", "Age" }, columns)
    assert.are.same({ "Pod", "shop/web", "high" }, { rows.rows[1].cells[2], rows.rows[1].cells[3], rows.rows[1].cells[4] })
  end)

  it("becomes series of upstream's names and ours, which go with it", function()
    local pod = objects.image_error("web", "shop")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator()
    cluster:await_result("Pod shop/web")
    local function series()
      local by_type, types = op:metric("k8sgpt_number_of_results_by_type", { object_namespace = "shop", kind = "Pod", name = "shop/web", k8sgpt = "sample" })
      local results, namespaces = op:metric("k8sgpt_number_of_results", { object_namespace = "shop", k8sgpt = "sample" })
      local findings, kinds = op:metric("k8sgpt_findings", { analyzer = "Pod", severity = "high", namespace = "shop" })
      return { by_type, types, results, namespaces, findings, kinds }
    end
    assert.are.same({ 1, 1, 1, 1, 1, 1 }, series())
    assert.is_true(op:metric("k8sgpt_finding_detection_seconds_count") <= 1)

    cluster:patch(pod, objects.mended(), "status")
    cluster:await_results({})
    assert.are.same({ 0, 0, 0, 0, 0, 0 }, series())
  end)

  it("is told once when it opens and once when it is over, with its identity and who decided", function()
    local pod = objects.image_error("web")
    local cluster = operator.cluster { objects.k8sgpt() }
    local op = cluster:operator()
    op:await_ready()
    cluster:create(pod)
    local finding = op:await_news("opened Pod default/web image")
    local result = cluster:await_result("Pod default/web")
    assert.are.same({ result.status.findings[1].id, "Pod", "builtin", "Pod", "high", "app", "opened", "default", "sample" },
      { finding.id, finding.policy, finding.layer, finding.analyzer, finding.severity, finding.key, finding.change, finding.cr.namespace, finding.cr.name })
    assert.matches("^%x+$", finding.id)
    assert.are.equal(64, #finding.id)

    cluster:patch(pod, objects.mended(), "status")
    assert.are.equal(finding.id, op:await_news("resolved Pod default/web image").id)
    cluster:await_results({})
    op:stop()
    assert.are.same({ "opened Pod default/web image", "resolved Pod default/web image" }, op:told())
  end)

  it("that comes back is a new piece of news with the same identity", function()
    local pod = objects.image_error("web", "shop")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator()
    local first = op:await_news("opened Pod shop/web image")
    cluster:patch(pod, objects.mended(), "status")
    cluster:await_results({})
    cluster:patch(pod, { status = pod.status }, "status")
    cluster:await_results({ "Pod shop/web" })
    op:stop()
    assert.are.same({ "opened Pod shop/web image", "resolved Pod shop/web image", "opened Pod shop/web image" }, op:told())
    assert.are.equal(first.id, op:news()[3].finding.id)
  end)

  it("of an object that goes is over at once, however long its rule settles", function()
    local pod = objects.crash_loop("web", "shop")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator()
    cluster:await_results({ "Pod shop/web" })
    cluster:delete(pod)
    cluster:await_results({})
    op:stop()
    assert.are.same({ "opened Pod shop/web crash-loop", "resolved Pod shop/web crash-loop" }, op:told())
  end)
end)

describe("a change of a fault", function()
  local cluster, op, map

  before_each(function()
    map = objects.config("map", { rule = "plain", text = "back-off 10s", severity = "medium" })
    local folder = require("support.policies").folder { ["analyzers/Probe/policy.lua"] = objects.PROBE }
    cluster = operator.cluster { objects.probing(), map }
    op = cluster:operator { "--policy-dir", folder }
    cluster:await_result("ConfigMap default/map")
  end)
  after_each(operator.clean)

  it("that is a counter in its text is told to nobody and leaves the Result alone", function()
    local before = cluster:await_result("ConfigMap default/map")
    local runs = op:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Probe" })
    cluster:patch(map, { data = { text = "back-off 20s" } })
    operator.await("the analysis", function() return op:metric("k8sgpt_policy_runs_total", { kind = "analyzer", policy = "Probe" }) > runs end)
    cluster:create(objects.config("other", { rule = "plain" })) -- what comes later was dealt with later
    cluster:await_result("ConfigMap default/other")
    assert.are.equal(before.metadata.resourceVersion, cluster:results()["ConfigMap default/map"].metadata.resourceVersion)
    op:stop()
    assert.are.same({ "opened ConfigMap default/map plain", "opened ConfigMap default/other plain" }, op:told())
  end)

  it("that is its severity is told as a change, and is in the Result", function()
    cluster:patch(map, { data = { severity = "critical" } })
    assert.are.equal("critical", op:await_news("changed ConfigMap default/map plain").severity)
    local result = cluster:await_result("ConfigMap default/map", function(r) return r.spec.severity == "critical" end)
    assert.are.equal("critical", result.spec.error[1].severity)
    op:stop()
    assert.are.same({ "opened ConfigMap default/map plain", "changed ConfigMap default/map plain" }, op:told())
  end)

  it("that is another key is one fault over and one opened, in the same Result", function()
    local uid = cluster:await_result("ConfigMap default/map").metadata.uid
    cluster:patch(map, { data = { key = "second" } })
    op:await_news("resolved ConfigMap default/map plain")
    local result = cluster:await_result("ConfigMap default/map", function(r) return r.spec.error[1].key == "second" end)
    assert.are.equal(uid, result.metadata.uid)
    op:stop()
    assert.are.equal(3, #op:told())
  end)
end)
