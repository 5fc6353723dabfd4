--- spec.engine.scaling: replicas of the K8sGPT Deployment follow what there is to look at, and share the analysis. Engines are grpcio's; their
-- addresses are in EndpointSlices as the controller would make them.

local engine = require "support.engine"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local NAMES <const> = { "Pod", "Node", "Service", "Ingress" }

local function result(kind, name, text) return { kind = kind, name = name, error = { { text = text } } } end

local POD <const> = result("Pod", "default/web", "back-off restarting failed container")
local NODE <const> = result("Node", "node-1", "kubelet is silent")
local SERVICE <const> = result("Service", "default/shop", "has no endpoints")
local FOUND <const> = { Pod = { POD }, Node = { NODE }, Service = { SERVICE } }
local ALL <const> = { "Node node-1", "Pod default/web", "Service default/shop" }

local function finds(found, more)
  local behaviour = { by_filter = found }
  for key, value in pairs(more or {}) do behaviour[key] = value end
  return { AddConfig = {}, Analyze = behaviour }
end

local function k8sgpt(spec, scaling)
  local engines = { mode = "Deployment", scaling = scaling or { minReplicas = 2, maxReplicas = 4 } }
  local wanted = { analysis = { interval = "1s" }, filters = NAMES, engine = engines }
  for key, value in pairs(spec or {}) do wanted[key] = value end
  return objects.k8sgpt(wanted)
end

local DEPLOYMENT <const> = { apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "sample", namespace = "default" } }

--- What the controller says of a replica.
local function slice(peer, is_ready)
  local labels = {
    ["kubernetes.io/service-name"] = "sample", ["k8sgpts.k8sgpt.ai/name"] = "sample", ["k8sgpts.k8sgpt.ai/namespace"] = "default",
  }
  return {
    apiVersion = "discovery.k8s.io/v1", kind = "EndpointSlice", metadata = { name = "sample-" .. peer.port, namespace = "default", labels = labels },
    addressType = "FQDN", -- real API servers refuse addresses of the loopback here; what ends in .localhost is one (RFC 6761)
    endpoints = { { addresses = { "replica.localhost" }, conditions = { ready = is_ready ~= false } } },
    ports = { { name = "", port = peer.port, protocol = "TCP" } },
  }
end

local function keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  return list
end

local function sorted(list)
  table.sort(list)
  return list
end

--- The filters that it was asked for last.
local function share_of(peer)
  local last = {}
  for _, call in ipairs(peer:calls()) do
    if call.method == "Analyze" then last = call.request.filters or {} end
  end
  return sorted(last)
end

--- All filters that it was asked for since so many calls.
local function asked_since(peer, count)
  local seen = {}
  for i, call in ipairs(peer:calls()) do
    for _, name in ipairs(i > count and call.method == "Analyze" and call.request.filters or {}) do seen[name] = true end
  end
  return seen
end

describe("replicas of an engine", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("needs grpcio, which PyPI did not give")
    return
  end

  local function await_deployment(cluster)
    return operator.await("the Deployment", function() return cluster:find(DEPLOYMENT) end)
  end

  --- A cluster with this K8sGPT, an operator, and engines that are its replicas.
  local function start(peers, cr, flags)
    local cluster = operator.cluster { cr }
    for _, peer in ipairs(peers) do cluster:create(slice(peer)) end
    local op = cluster:operator { "--engine", "deployment", table.unpack(flags or {}) }
    await_deployment(cluster)
    cluster:patch(DEPLOYMENT, { status = { replicas = #peers, updatedReplicas = #peers, readyReplicas = #peers } }, "status")
    return cluster, op
  end

  local function impatient()
    local folder = program.folder()
    program.write(folder .. "/steps.PreAnalysis.params.yaml", "analysis_timeout: 1\n")
    return { "--policy-dir", folder }
  end

  local function await_message(cluster, cr, type, status, words)
    local have
    return operator.await(function() return ("%s %s %s; it is %s"):format(type, status, words, (have or {}).message) end, function()
      have = cluster:conditions(cr)[type]
      return have and have.status == status and have.message:find(words, 1, true) and have
    end)
  end

  it("are each asked for a share, and what they answer is one analysis", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt { ai = { backend = "openai", language = "german" }, noCache = true }
    local cluster = start(peers, cr)
    cluster:await_results(ALL)
    cluster:await_condition(cr, "Analysed", "Current")
    local first, second = share_of(peers[1]), share_of(peers[2])
    assert.are.same({ 2, 2 }, { #first, #second })
    local both = sorted { first[1], first[2], second[1], second[2] }
    assert.are.same(sorted { table.unpack(NAMES) }, both)
    for _, peer in ipairs(peers) do
      local request = peer:calls()[1].request
      assert.are.same({ "openai", "german", true, true }, { request.backend, request.language, request.nocache, request.anonymize })
    end
    local shown = cluster:find(cr).status.engine.shares
    assert.are.same({ 2, 2 }, { #shown, #shown[1].filters })
    -- Not asked again but by the interval: the same for the same replica.
    for _, peer in ipairs(peers) do peer:await_calls(#peer:calls() + 3) end
    assert.are.same({ first, second }, { share_of(peers[1]), share_of(peers[2]) })
    peers[1]:says(finds { Node = { NODE } })
    peers[2]:says(finds { Node = { NODE } })
    cluster:await_results { "Node node-1" }
  end)

  it("that are not ready are not asked, and one alone is asked as upstream asks it", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt()
    local cluster = start(peers, cr)
    peers[3]:await_calls(1)
    cluster:await_results(ALL)
    local going = slice(peers[3], false)
    cluster:patch(going, { endpoints = going.endpoints })
    operator.await("the share of the third with the others", function() return #share_of(peers[1]) == 2 and #share_of(peers[2]) == 2 end)
    local count = #peers[3]:calls()
    peers[1]:await_calls(#peers[1]:calls() + 3)
    assert.are.equal(count, #peers[3]:calls())
    cluster:delete(going)
    cluster:delete(slice(peers[2]))
    -- By its Service, behind which nobody is here.
    operator.await("one engine, not a share", function() return not cluster:find(cr).status.engine.shares end)
    assert.are.same(ALL, sorted(keys(cluster:results())))
  end)

  it("stand in for one that fails, dies or hangs", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt()
    local cluster, op = start(peers, cr, impatient())
    cluster:await_results(ALL)
    cluster:await_condition(cr, "Analysed", "Current")
    local before = cluster:results()
    for _, behaviour in ipairs { { status = "UNAVAILABLE", message = "going down" }, { hang = true }, { die = true } } do
      local count = #peers[2]:calls()
      peers[1]:says { AddConfig = {}, Analyze = behaviour }
      await_message(cluster, cr, "EngineAvailable", "True", "1 of 2 replicas do; another one is asked in place of the rest")
      cluster:await_condition(cr, "Analysed", "Current")
      operator.await("the other one asked for all", function()
        local asked = asked_since(peers[2], count)
        for _, name in ipairs(NAMES) do
          if not asked[name] then return false end
        end
        return true
      end)
      if not behaviour.die then
        peers[1]:says(finds(FOUND))
        await_message(cluster, cr, "EngineAvailable", "True", "the engine answers")
      end
    end
    assert.are.same(before, cluster:results())
    -- Who stands in is believed, also about what is over.
    peers[2]:says(finds { Node = { NODE } })
    cluster:await_results { "Node node-1" }
    op:await_news("resolved Pod default/web reported")
    op:await_news("resolved Service default/shop reported")
  end)

  it("of which nobody answers for a share leave what it found before, and say so; the rest goes on", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt()
    local cluster = start(peers, cr)
    cluster:await_results(ALL)
    cluster:await_condition(cr, "Analysed", "Current")
    local before = cluster:results()
    local refusal = { refuses = { "Pod" }, status = "INTERNAL", message = "out of memory" }
    for _, peer in ipairs(peers) do peer:says(finds({}, refusal)) end
    local left
    operator.await("what the share without Pod found over", function()
      left = cluster:results()
      return #keys(left) < 3 and left["Pod default/web"]
    end)
    local condition = await_message(cluster, cr, "Analysed", "False", "INTERNAL: out of memory")
    assert.matches("asked for .*Pod", condition.message)
    for _, peer in ipairs(peers) do peer:await_calls(#peer:calls() + 2) end
    for name, have in pairs(cluster:results()) do assert.are.same(before[name], have) end
    assert.is_truthy(cluster:results()["Pod default/web"])
    for _, peer in ipairs(peers) do peer:says(finds {}) end
    cluster:await_results {}
    cluster:await_condition(cr, "Analysed", "Current")
  end)

  it("are each told the configuration before they analyse", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt { remoteCache = { interplex = { endpoint = "e:1" } }, customAnalyzers = { { name = "host", connection = { url = "h", port = 1 } } } }
    local cluster = start(peers, cr)
    cluster:await_results(ALL)
    for _, peer in ipairs(peers) do
      assert.are.equal("AddConfig", peer:calls()[1].method)
      assert.are.same({ interplex_cache = { endpoint = "e:1" } }, peer:calls()[1].request.cache)
      assert.are.equal("host", peer:calls()[1].request.custom_analyzers[1].name)
    end
    local third = engine.start(finds(FOUND))
    cluster:create(slice(third))
    -- Also while it is one that replaces another: they are told apart, and nobody has to wait.
    cluster:patch(DEPLOYMENT, { status = { replicas = 3, updatedReplicas = 1 } }, "status")
    operator.await("the third's analysis", function() return #share_of(third) > 0 end)
    cluster:await_condition(cr, "EngineAvailable", "Answering")
    assert.are.equal("AddConfig", third:calls()[1].method)
  end)

  it("are told to ask AI, and where it fails are asked without, each for its share", function()
    local peers = { engine.start(finds(FOUND)), engine.start(finds(FOUND)) }
    local cr = k8sgpt { ai = { enabled = true, backend = "openai" } }
    for _, peer in ipairs(peers) do peer:says(finds(FOUND, { ai_status = "UNKNOWN", message = "exhausted API quota" })) end
    local cluster = start(peers, cr)
    cluster:await_results(ALL)
    await_message(cluster, cr, "Analysed", "False", "exhausted API quota")
    cluster:await_condition(cr, "ExplanationAvailable", "AIFailed")
    for _, peer in ipairs(peers) do peer:says(finds(FOUND)) end
    cluster:await_condition(cr, "Analysed", "Current")
    cluster:await_condition(cr, "ExplanationAvailable", "Explained")
  end)

  it("follow the number of objects, by more at once and by fewer reluctantly, within bounds", function()
    local function budget(i)
      return {
        apiVersion = "policy/v1", kind = "PodDisruptionBudget", metadata = { name = "budget-" .. i, namespace = "default" },
        spec = { minAvailable = 1, selector = { matchLabels = { app = "nobody" } } },
      }
    end
    local cr = k8sgpt({ filters = { "PodDisruptionBudget", "CronJob", "StatefulSet", "Job" }, targetNamespace = "default" },
      { minReplicas = 1, maxReplicas = 3, objectsPerReplica = 10 })
    local cluster = operator.cluster { cr }
    local have = 0
    local function there_are(count)
      while have < count do
        have = have + 1
        cluster:create(budget(have))
      end
      while have > count do
        cluster:delete(budget(have))
        have = have - 1
      end
    end
    -- Each operator counts anew, and goes on from what the Deployment has.
    for _, step in ipairs {
      { 0, 1, "1 replica for about 0 objects, 10 for each" }, { 11, 2, "2 replicas for about 11 objects" }, { 10, 2, "2 replicas for about 10 objects" },
      { 9, 1, "1 replica for about 9 objects" }, { 35, 3, "3 replicas for about 35 objects, 10 for each; they would need 4, and no more than 3" },
    } do
      local count, replicas, words = table.unpack(step)
      there_are(count)
      if cluster.op then cluster.op:stop() end
      cluster:operator { "--engine", "deployment" }
      await_message(cluster, cr, "EngineScaled", "True", words)
      operator.await(replicas .. " replicas", function() return await_deployment(cluster).spec.replicas == replicas end)
    end
    local function memory() return await_deployment(cluster).spec.template.spec.containers[1].resources.requests.memory end
    operator.await("twice the memory", function() return memory() == "512Mi" end)
    cluster:patch(cr, { spec = { engine = { scaling = { maxReplicas = 4 } } } })
    operator.await("usual memory again, and four replicas", function()
      return memory() == "256Mi" and await_deployment(cluster).spec.replicas == 4
    end)
    cluster:patch(cr, { spec = { engine = { scaling = require("cjson").null } } })
    operator.await("one replica, as upstream", function() return await_deployment(cluster).spec.replicas == 1 end)
    cluster:await_condition(cr, "EngineScaled", "NotRequested")
  end)

  it("are as many as there have to be where nobody may count, which is said", function()
    local cr = k8sgpt({}, { minReplicas = 2, maxReplicas = 4 })
    local cluster = operator.cluster({ cr }, { deny = { "v1/Node" } })
    cluster:operator { "--engine", "deployment" }
    local condition = cluster:await_condition(cr, "EngineScaled", "NotCounted")
    assert.matches("2 replicas: v1/Node cannot be counted: nodes .*is forbidden", condition.message)
    assert.are.equal(2, await_deployment(cluster).spec.replicas)
  end)
end)
