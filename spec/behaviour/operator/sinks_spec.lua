--- Sinks that are sent to over HTTP: told once, tried again, given up, and never in each other's way.

local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"

local function sink(name, type, url, more)
  local made = { name = name, type = type, webhook = url }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

--- A cluster with one faulty pod and a K8sGPT with these sinks.
local function faulty(spec, more)
  local cluster = operator.cluster { objects.image_error("web"), objects.k8sgpt(spec), table.unpack(more or {}) }
  return cluster, cluster:operator()
end

local function notifications(result, name)
  local count = 0
  for _, sent in ipairs(result.status.notifications or {}) do count = count + (sent.sink == name and 1 or 0) end
  return count
end

local function await_told(cluster, name)
  return cluster:await_result("Pod default/web", function(result) return notifications(result, name) == 1 end)
end

describe("a sink", function()
  after_each(operator.clean)

  it("of spec.sink is told what opens and what resolves, once each, in upstream's words", function()
    local chat = receiver.start()
    local cluster = faulty { sink = { type = "slack", webhook = chat.url .. "/hook" } }
    await_told(cluster, "default")
    cluster:patch(objects.image_error("web"), objects.mended(), "status")
    cluster:await_results {}
    local requests = chat:await_requests(2)
    assert.equal(2, #requests)
    assert.equal("POST /hook", requests[1].method .. " " .. requests[1].path)
    assert.equal("application/json", requests[1].headers["content-type"])
    assert.equal(">*[sample] K8sGPT analysis of the Pod default/web*", requests[1].json.text)
    assert.matches("Back%-off pulling image", requests[1].json.attachments[1].text)
    assert.equal("danger", requests[1].json.attachments[1].color)
    assert.equal("good", requests[2].json.attachments[1].color)
  end)

  it("is told nothing again after a restart, and what it missed", function()
    local chat, late = receiver.start(), receiver.start()
    local cluster, op = faulty { sinks = { sink("chat", "webhook", chat.url) } }
    await_told(cluster, "chat")
    op:stop()
    cluster:patch(objects.k8sgpt(), { spec = { sinks = { sink("chat", "webhook", chat.url), sink("late", "webhook", late.url) } } })
    cluster:operator():await_ready()
    await_told(cluster, "late")
    assert.equal(1, #late:requests())
    assert.equal("opened", late:requests()[1].json.change) -- others know of it, but to this one it is new
    assert.equal(1, #chat:requests())
  end)

  it("that answers 500 is tried again; what it refuses is given up and shown", function()
    local busy, closed = receiver.start { 500, 200 }, receiver.start { 404 }
    local spec = { sinks = { sink("busy", "webhook", busy.url), sink("closed", "webhook", closed.url) } }
    local cluster = faulty(spec)
    await_told(cluster, "busy")
    assert.equal(2, #busy:requests())
    local condition = cluster:await_condition(objects.k8sgpt(spec), "Notified", "SinkFailing")
    assert.matches("closed: the sink answered 404", condition.message)
    assert.equal(1, #closed:requests())
  end)

  it("that says when to come back is left alone until then", function()
    local busy = receiver.start { "429;Retry-After: 2", 204 }
    local cluster = faulty { sinks = { sink("busy", "webhook", busy.url) } }
    busy:await_requests(1)
    local from = require("system").monotime()
    busy:await_requests(2)
    assert.is_true(require("system").monotime() - from > 1.5)
    await_told(cluster, "busy")
  end)

  it("that hangs holds up nobody", function()
    local hung, chat = receiver.start { 0 }, receiver.start()
    local cluster, op = faulty { sinks = { sink("hung", "webhook", hung.url), sink("chat", "webhook", chat.url) } }
    hung:await_requests(1)
    await_told(cluster, "chat")
    for i = 1, 5 do cluster:create(objects.image_error("more-" .. i)) end
    chat:await_requests(6)
    assert.is_true(op:heartbeat() < 1)
    op:stop()
  end)

  it("has its URL from a Secret, which nobody sees", function()
    local chat = receiver.start()
    local canary = "/services/T0CANARY"
    local spec = { sink = { type = "mattermost", secret = { name = "hooks", key = "url" } } }
    local cluster, op = faulty(spec)
    local condition = cluster:await_condition(objects.k8sgpt(spec), "Notified", "SecretMissing")
    assert.matches("hooks", condition.message)
    local mime = require "mime"
    cluster:create {
      apiVersion = "v1", kind = "Secret", metadata = { name = "hooks", namespace = "default" }, data = { url = (mime.b64(chat.url .. canary .. "\n")) },
    }
    assert.equal(canary, chat:await_requests(1)[1].path)
    local result = await_told(cluster, "default")
    op:stop()
    local everything = program.read(op.log) .. require("cjson").encode { result, cluster:find(objects.k8sgpt(spec)) }
    assert.is_nil(everything:find("T0CANARY", 1, true))
  end)

  it("of kind CloudEvents gets an event with the same id when it is tried again", function()
    local bus = receiver.start { 503, 202 }
    local cluster = faulty { sinks = { sink("bus", "cloudevents", bus.url) } }
    await_told(cluster, "bus")
    local first, second = table.unpack(bus:requests())
    assert.equal("application/cloudevents+json", first.headers["content-type"])
    assert.equal("1.0", first.json.specversion)
    assert.equal(first.json.id, second.json.id)
  end)
end)
