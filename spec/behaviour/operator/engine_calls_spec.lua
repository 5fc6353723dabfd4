--- Engine mode Deployment: an engine of grpcio's at --engine-address is asked, and what it reports becomes Results.

local json = require "cjson"

local engine = require "support.engine"
local figures = require "support.figures"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local function result(kind, name, text, details)
  return { kind = kind, name = name, error = { { text = text } }, details = details }
end

local function analysis(...)
  return { Analyze = { answer = { status = "ProblemDetected", results = { ... } } } }
end

local POD <const> = result("Pod", "default/web", "back-off restarting failed container")
local NODE <const> = result("Node", "node-1", "kubelet is silent")

local function k8sgpt(spec)
  local wanted = { engine = { mode = "Deployment" }, analysis = { interval = "1s" }, filters = { "Pod", "Node" } }
  for key, value in pairs(spec or {}) do wanted[key] = value end
  return objects.k8sgpt(wanted)
end

--- Waits for the condition of a case, with its words.
local function await_condition(cluster, cr, case)
  local have
  return operator.await(function() return ("%s: %s; it is %s"):format(case.reason, case.says, json.encode(have)) end, function()
    have = cluster:conditions(cr)[case.type]
    return have and have.reason == case.reason and have.message:find(case.says, 1, true) and have
  end, 0.05)
end

--- Only what was asked with or without explanations.
local function asked(peer, explain)
  local found = {}
  for _, call in ipairs(peer:calls()) do
    if call.method == "Analyze" and (call.request.explain or false) == explain then found[#found + 1] = call end
  end
  return found
end

describe("an engine", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("needs grpcio, which PyPI did not give")
    return
  end

  --- A cluster with this K8sGPT, and an operator that asks this engine.
  local function start(peer, cr, flags)
    local cluster = operator.cluster { cr }
    local arguments = { "--engine-address", "127.0.0.1:" .. peer.port }
    for _, flag in ipairs(flags or {}) do arguments[#arguments + 1] = flag end
    return cluster, cluster:operator(arguments)
  end

  it("is asked as upstream asks it, and its results become Results", function()
    local peer = engine.start(analysis(POD, NODE))
    local cr = k8sgpt { targetNamespace = "default", noCache = true, ai = { enabled = false, backend = "openai", language = "german" } }
    local cluster, op = start(peer, cr)
    local results = cluster:await_results { "Node node-1", "Pod default/web" }
    assert.are.equal("Pod", results["Pod default/web"].spec.analyzer)
    assert.are.equal("openai", results["Pod default/web"].spec.backend)
    assert.are.same({ backend = "openai", namespace = "default", anonymize = true, nocache = true, language = "german", filters = { "Pod", "Node" } },
      peer:calls()[1].request)
    cluster:await_condition(cr, "EngineAvailable", "Answering")
    cluster:await_condition(cr, "Analysed", "Current")
    cluster:await_condition(cr, "Ready", "Ready")
    assert.are.equal("127.0.0.1:" .. peer.port, cluster:find(cr).status.engine.endpoint)
    peer:says(analysis(NODE))
    cluster:await_results { "Node node-1" }
    op:await_news("resolved Pod default/web reported")
  end)

  it("that fails, hangs or dies loses no Result, is named in the conditions, and holds up no other K8sGPT", function()
    local peer = engine.start(analysis(POD))
    local cr, other = k8sgpt(), objects.k8sgpt({ engine = { mode = "Embedded" } }, "other")
    local impatient = program.folder()
    program.write(impatient .. "/steps.PreAnalysis.params.yaml", "analysis_timeout: 1\n")
    local cluster, op = start(peer, cr, { "--policy-dir", impatient })
    cluster:create(other)
    local before = cluster:await_result("Pod default/web")
    for _, case in ipairs {
      { script = { Analyze = { status = "INTERNAL", message = "no" } }, type = "Analysed", reason = "AnalyzerFailed", says = "INTERNAL: no" },
      { script = { Analyze = { hang = true } }, type = "EngineAvailable", reason = "Unreachable", says = "no whole answer within" },
      { script = {}, type = "EngineAvailable", reason = "VersionSkew", says = "is it older than the services of schema.v1" },
      { script = { Analyze = { die = true } }, type = "EngineAvailable", reason = "Unreachable", says = "Analyze at 127.0.0.1" },
    } do
      peer:says(case.script)
      await_condition(cluster, cr, case)
      assert.are.same(before.spec, cluster:results()["Pod default/web"].spec)
    end
    cluster:create(objects.crash_loop("shop"))
    cluster:await_result("Pod default/shop")
    engine.start(analysis(POD), peer.port)
    cluster:await_condition(cr, "Analysed", "Current")
    assert.are.equal(before.metadata.uid, cluster:results()["Pod default/web"].metadata.uid)
    assert.are.same({ "opened Pod default/web reported" }, { op:told()[1] })
  end)

  -- Row grpc-faults. "goes" is what a network does, the others what comes of a proxy or of a broken engine.
  it("whose answers are cut, reset, without a status or no gRPC loses no Result, and is named in the conditions", function()
    local peer = engine.start(analysis(POD))
    local port, cr = peer.port, k8sgpt()
    local cluster, op = start(peer, cr)
    local before = cluster:await_result("Pod default/web")
    local faults = 0
    for _, case in ipairs {
      { fault = "reset_socket", type = "EngineAvailable", reason = "Unreachable", says = "Analyze at 127.0.0.1" },
      { fault = "reset_stream", type = "EngineAvailable", reason = "Unreachable", says = "Analyze at 127.0.0.1" },
      { fault = "cut_message", type = "Analysed", reason = "AnalyzerFailed", says = "the answer was cut: 1 of 100 bytes of its message came" },
      { fault = "closed", type = "EngineAvailable", reason = "Unreachable", says = "Analyze at 127.0.0.1" },
      { fault = "no_status", type = "Analysed", reason = "AnalyzerFailed", says = "the answer ends without a status" },
      { fault = "odd_status", type = "Analysed", reason = "AnalyzerFailed", says = "UNKNOWN" },
      { fault = "unavailable", type = "EngineAvailable", reason = "Unreachable", says = "UNAVAILABLE: shutting down" },
      { fault = "web_page", type = "EngineAvailable", reason = "VersionSkew", says = "no gRPC server: it answers with text/html" },
    } do
      peer:stop()
      peer = engine.broken(case.fault, port)
      local condition = await_condition(cluster, cr, case)
      assert.are.equal("False", condition.status)
      assert.are.equal("False", cluster:conditions(cr).Ready.status, case.fault)
      assert.are.same(before, cluster:results()["Pod default/web"], case.fault)
      faults = faults + 1
    end
    peer:stop()
    engine.start(analysis(POD), port)
    cluster:await_condition(cr, "Analysed", "Current")
    assert.are.same(before, cluster:results()["Pod default/web"])
    assert.are.same({ "opened Pod default/web reported" }, op:told())
    figures.record("grpc-faults", "ways to break an answer", faults)
    figures.record("grpc-faults", "Results lost or changed", 0)
  end)

  it("keeps what an analyzer of it found that fails now", function()
    local peer = engine.start(analysis(POD, NODE))
    local cr = k8sgpt()
    local cluster = start(peer, cr)
    cluster:await_results { "Node node-1", "Pod default/web" }
    peer:says { Analyze = { answer = { errors = { "[Pod] pods is forbidden" }, results = json.empty_array } } }
    cluster:await_results { "Pod default/web" }
    local condition = cluster:await_condition(cr, "Analysed", "AnalyzerFailed")
    assert.are.equal("[Pod] pods is forbidden. What they found before stays as it is.", condition.message)
    peer:says { Analyze = { answer = { errors = { "no kubeconfig" }, results = json.empty_array } } }
    cluster:await_condition(cr, "Analysed", "AnalyzerFailed")
    peer:await_calls(#peer:calls() + 2)
    assert.is_truthy(cluster:results()["Pod default/web"])
    -- Some analyzers have kinds of their own below their name.
    local volume = result("Storage/PersistentVolume", "data", "is not bound")
    peer:says(analysis(POD, volume))
    cluster:await_results { "Pod default/web", "Storage/PersistentVolume data" }
    peer:says { Analyze = { answer = { errors = { "[Storage] no" }, results = { NODE } } } }
    cluster:await_results { "Node node-1", "Storage/PersistentVolume data" }
  end)

  it("that speaks of an object twice is heard twice", function()
    local peer = engine.start(analysis(POD, result("Pod", "default/web", "is too expensive")))
    local cluster, op = start(peer, k8sgpt())
    cluster:await_result("Pod default/web", function(r) return #r.spec.error == 2 end)
    peer:await_calls(#peer:calls() + 2)
    op:await_runs(1)
    assert.are.equal(2, #cluster:results()["Pod default/web"].spec.error)
    assert.are.equal(2, #op:news())
  end)

  it("whose AI fails is asked again without, keeps explanations, and asks AI ever more rarely, until it works", function()
    local explained = result("Pod", "default/web", "back-off restarting failed container", "restart it")
    local peer = engine.start(analysis(explained))
    local cr = k8sgpt { ai = { enabled = true, backend = "openai", backOff = { enabled = true, maxRetries = 2 } } }
    local cluster = start(peer, cr)
    local before = cluster:await_result("Pod default/web", function(r) return r.spec.details == "restart it" end)
    cluster:await_condition(cr, "ExplanationAvailable", "Explained")
    peer:says { Analyze = { ai_status = "UNKNOWN", message = "exhausted API quota for AI provider openai", answer = analysis(POD, NODE).Analyze.answer } }
    cluster:await_results { "Node node-1", "Pod default/web" }
    assert.are.same(before.spec, cluster:results()["Pod default/web"].spec)
    local condition = cluster:await_condition(cr, "Analysed", "AIFailed")
    assert.is_truthy(condition.message:find("exhausted API quota for AI provider openai. Findings are current, explanations are not", 1, true))
    cluster:await_condition(cr, "ExplanationAvailable", "AIFailed")
    local plain, with_ai = #asked(peer, false), #asked(peer, true)
    operator.await("six questions without AI", function() return #asked(peer, false) >= plain + 6 end, 0.05)
    assert.is_true(#asked(peer, true) <= with_ai + 3, "AI is asked as often as before")
    peer:says(analysis(explained))
    cluster:await_condition(cr, "Analysed", "Current")
    cluster:await_results { "Pod default/web" }
  end)

  it("is told of caches and custom analyzers before it analyses", function()
    local peer = engine.start { AddConfig = { status = "INVALID_ARGUMENT", message = "Invalid cache configuration" }, Analyze = {} }
    local cr = k8sgpt {
      remoteCache = { credentials = { name = "c" }, s3 = { bucketName = "b", region = "r" } },
      customAnalyzers = { { name = "host-health", connection = { url = "h", port = 8085 } } },
    }
    local cluster = start(peer, cr)
    local condition = operator.await("the refusal", function()
      local found = cluster:conditions(cr).Ready
      return found and found.status == "False" and found.message:find("Invalid cache configuration", 1, true) and found
    end, 0.05)
    assert.is_truthy(condition)
    for _, call in ipairs(peer:calls()) do assert.are.equal("AddConfig", call.method) end
    assert.are.same({
      cache = { s3_cache = { bucket_name = "b", region = "r" } },
      custom_analyzers = { { name = "host-health", connection = { url = "h", port = "8085" } } },
    }, peer:calls()[1].request)
    peer:says { AddConfig = {}, Analyze = analysis(POD).Analyze }
    cluster:await_results { "Pod default/web" }
  end)

  it("may leave for the operator, and come back", function()
    local peer = engine.start(analysis(POD, NODE))
    local cr = k8sgpt()
    local cluster = start(peer, cr)
    cluster:create(objects.crash_loop("shop"))
    cluster:await_results { "Node node-1", "Pod default/web" }
    cluster:patch(cr, { spec = { engine = { mode = "Embedded" } } })
    cluster:await_results { "Pod default/shop" }
    cluster:patch(cr, { spec = { engine = { mode = "Deployment" } } })
    cluster:await_results { "Node node-1", "Pod default/web" }
  end)

  it("keeps what it found over a restart of the operator, also while it does not answer", function()
    local peer = engine.start(analysis(POD))
    local cr = k8sgpt()
    local cluster = start(peer, cr)
    local before = cluster:await_result("Pod default/web")
    cluster.op:stop()
    peer:says { Analyze = { status = "UNAVAILABLE", message = "starting" } }
    local op = cluster:operator { "--engine-address", "127.0.0.1:" .. peer.port }
    cluster:await_condition(cr, "EngineAvailable", "Unreachable")
    assert.are.same(before, cluster:results()["Pod default/web"])
    peer:says { Analyze = {} }
    cluster:await_results {}
    assert.are.same({ "resolved Pod default/web reported" }, op:told())
  end)
end)
