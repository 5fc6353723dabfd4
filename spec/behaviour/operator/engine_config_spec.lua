--- What an engine of grpcio's was told is what the K8sGPT says, also once it says less; and what a step asks it once.

local json = require "cjson"

local engine = require "support.engine"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local CACHE <const> = { gcs = { bucketName = "b", region = "r", projectId = "p" } }

-- A policy of somebody's own, which asks the AI of the engine something.
local STEP <const> = [[
return {
  api = 1, kind = "step", name = "Remediation",
  run = function(ctx, cr)
    local answer, message = ctx.call { target = %q, method = %q, timeout = %d, request = { backend = "openai", query = "why?" } }
    ctx.condition("Asked", "True", "Asked", answer and answer.response or "refused: " .. message)
  end,
}
]]

describe("an engine's configuration", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("needs grpcio, which PyPI did not give")
    return
  end

  local peer, cr, cluster
  local function flags() return { "--engine-address", "127.0.0.1:" .. peer.port } end

  local function start(script, spec)
    peer = engine.start(script)
    local wanted = { engine = { mode = "Deployment" }, analysis = { interval = "1s" } }
    for key, value in pairs(spec) do wanted[key] = value end
    cr = objects.k8sgpt(wanted)
    cluster = operator.cluster { cr }
    return cluster:operator(flags())
  end

  local function asked(method)
    local found = {}
    for _, call in ipairs(peer:calls()) do
      if call.method == method then found[#found + 1] = call end
    end
    return found
  end

  local function await_more(method)
    local count = #asked(method)
    operator.await("another " .. method, function() return #asked(method) > count end, 0.02)
  end

  local function cache_in_status() return (cluster:status(cr).engine or {}).remoteCache end

  local function await_cache(kind)
    operator.await("the cache " .. tostring(kind) .. " in the status", function() return cache_in_status() == kind end)
  end

  it("loses a cache that is taken away, once, and is asked on", function()
    start({ AddConfig = {}, RemoveConfig = {}, Analyze = {} }, { remoteCache = CACHE })
    await_more("Analyze")
    await_cache("gcs")
    assert.are.equal(0, #asked("RemoveConfig"))
    cluster:patch(cr, { spec = { remoteCache = json.null } })
    await_cache("")
    local told = #asked("AddConfig")
    await_more("Analyze")
    await_more("Analyze")
    assert.are.equal(1, #asked("RemoveConfig"))
    assert.are.equal(told, #asked("AddConfig"))
    cluster:await_condition(cr, "Ready", "Ready")
  end)

  it("loses one that was taken away while there was no operator", function()
    local op = start({ AddConfig = {}, RemoveConfig = {}, Analyze = {} }, { remoteCache = CACHE })
    await_cache("gcs")
    op:stop()
    cluster:patch(cr, { spec = { remoteCache = json.null } })
    cluster:operator(flags())
    await_cache("")
    assert.are.equal(1, #asked("RemoveConfig"))
  end)

  it("is not taken for right while the engine does not let go of a cache", function()
    start({ AddConfig = {}, RemoveConfig = { status = "INTERNAL", message = "the file is full" }, Analyze = {} }, { remoteCache = CACHE })
    await_cache("gcs")
    cluster:patch(cr, { spec = { remoteCache = json.null } })
    local condition = cluster:await_condition(cr, "EngineAvailable", "NotConfigured")
    assert.matches("spec.remoteCache was taken away, and the engine still has it: RemoveConfig at 127.0.0.1:", condition.message, 1, true)
    assert.matches("INTERNAL: the file is full", condition.message, 1, true)
    cluster:await_condition(cr, "Ready", "StepFailed")
    assert.are.equal("gcs", cache_in_status())
    local before = #asked("Analyze")
    await_more("RemoveConfig")
    assert.are.equal(before, #asked("Analyze"))
    peer:says { AddConfig = {}, RemoveConfig = {}, Analyze = {} }
    cluster:await_condition(cr, "Ready", "Ready")
    await_cache("")
  end)

  it("is replaced by that of another cache", function()
    start({ AddConfig = {}, Analyze = {} }, { remoteCache = CACHE })
    await_cache("gcs")
    cluster:patch(cr, { spec = { remoteCache = { gcs = json.null, interplex = { endpoint = "cache:8084" } } } })
    await_cache("interplex")
    operator.await("the other cache", function()
      local told = asked("AddConfig")
      return json.encode(told[#told].request):find("interplex", 1, true)
    end)
    cluster:await_condition(cr, "Ready", "Ready")
    assert.are.equal(0, #asked("RemoveConfig"))
  end)

  it("and a question to its AI can be a policy's own", function()
    peer = engine.start { Query = { answer = { response = "because", error = {} } }, RemoveConfig = {} }
    cr = objects.k8sgpt()
    cluster = operator.cluster { cr }
    local folder = program.folder()
    local function says(target, method, timeout)
      program.write(folder .. "/steps.Remediation.lua", STEP:format(target, method, timeout))
    end
    local url = "http://127.0.0.1:" .. peer.port
    says(url, "Query", 5)
    cluster:operator { "--policy-dir", folder }
    local function await_answer(words)
      local have
      operator.await(function() return words .. "; it is " .. json.encode(have) end, function()
        have = cluster:conditions(cr).Asked
        return have and have.message:find(words, 1, true)
      end)
    end
    await_answer("because")
    assert.are.same({ backend = "openai", query = "why?" }, peer:calls()[1].request)
    peer:says { Query = { status = "UNAVAILABLE", message = "no AI" } }
    says(url, "Query", 4)
    await_answer("UNAVAILABLE: no AI")
    peer:says { Query = { hang = true } }
    says(url, "Query", 1)
    await_answer("no whole answer within 1")
    says(url, "Analyze", 5)
    await_answer("Analyze is answered in parts: ask by ctx.poll")
    says(url, "Forget", 5)
    await_answer("there is no method Forget")
    says("nowhere", "Query", 5)
    await_answer("refused: ")
  end)
end)
