--- A leader that stands still, and ends of a process in bad company: what leaves it, and when, seen from between it and the API server.
-- Timed: it runs where nothing is busy.

local faultproxy = require "support.faultproxy"
local figures = require "support.figures"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"
local system = require "system"

local PODS <const> = 40
local AT_ONCE <const> = 16 -- writes of Results (MAX_WRITES of publish.c)
local LEADS <const> = "leader_election_master_status"
local STILL_SECONDS <const> = 20 -- longer than the 15 s of the Lease and the 10 s of the leader; this is the one test that takes the real times
local OURS <const> = "/apis/core.k8sgpt.ai/*"

local function send(signal, one) assert(os.execute(("kill -%s %s"):format(signal, one.pid))) end

--- A proxy that lets every answer to a write of K8sGPTs and Results wait.
local function slow(cluster, ms)
  local proxy = faultproxy.start(cluster)
  proxy:rule { verb = "write", path = OURS, fault = "delay", ms = ms, times = 0 }
  return proxy
end

local function writes(proxy)
  return #proxy:requests(function(request) return request.verb == "write" and request.path:find("/core.k8sgpt.ai/", 1, true) end)
end

local function await_writes(proxy, count) operator.await(count .. " writes", function() return writes(proxy) >= count end) end

--- Seconds that it takes to end in good order.
local function seconds_to_end(op)
  local from = system.monotime()
  op:stop()
  return system.monotime() - from
end

describe("a leader that stands still in the middle of its writes", function()
  after_each(operator.clean)

  -- Row lease.
  it("writes nothing when it goes on, and another has taken over", function()
    local list = { objects.k8sgpt() }
    for i = 1, PODS do list[#list + 1] = objects.image_error("pod-" .. i) end
    local cluster = operator.cluster(list)
    local proxy = faultproxy.start(cluster)
    proxy:rule { verb = "write", path = "*/results/*", fault = "hold", point = "answer", times = 0 }
    local first = operator.start(proxy.kubeconfig, { "--leader-elect" })
    local held = {}
    for i = 1, AT_ONCE do held[i] = proxy:await_held("a write of a Result") end
    send("STOP", first)
    local stopped = system.monotime()
    proxy:clear()
    for _, write in ipairs(held) do proxy:go(write.request) end -- the answers are there when it goes on, and more is to be written

    local second = operator.start(cluster.kubeconfig, { "--leader-elect" })
    program.await(function() return "another leads\n" .. second:tail() end, function() return second:metric(LEADS) == 1 end, 0.05, STILL_SECONDS)
    local took = system.monotime() - stopped
    system.sleep(math.max(0, STILL_SECONDS - took))
    local written, told = writes(proxy), #first:told()
    assert.is_true(written < 2 * PODS) -- it is in the middle: a Result is two writes
    send("CONT", first)
    first:await_log("no longer leading")
    operator.await("it stands by", function() return first:metric(LEADS) == 0 end)
    system.sleep(0.5) -- what must not come has its chance to come

    local late = writes(proxy) - written
    figures.record("lease", "from SIGSTOP of the leader until another leads", took, "s")
    figures.record("lease", "writes of a leader that was stopped, after it went on", late)
    assert.equal(0, late)
    assert.equal(told, #first:told())
    assert.is_true(took <= 18)
    operator.await("all Results", function()
      local count = 0
      for _ in pairs(cluster:results()) do count = count + 1 end
      return count == PODS
    end)
  end)
end)

describe("an operator that is asked to end", function()
  after_each(operator.clean)

  local function record(took)
    figures.record("shutdown", "from SIGTERM to the end", took, "s")
    assert.is_true(took < 3)
  end

  -- Row shutdown.
  it("does so in time while the API server hangs", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local proxy = faultproxy.start(cluster)
    local op = operator.start(proxy.kubeconfig, { "--leader-elect" })
    cluster:await_results { "Pod default/web" }
    proxy:freeze()
    record(seconds_to_end(op))
  end)

  it("does so in time while a write hangs", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local proxy = slow(cluster, 60 * 1000)
    local op = operator.start(proxy.kubeconfig)
    await_writes(proxy, 1)
    record(seconds_to_end(op))
  end)

  it("does so in time while a sink hangs", function()
    local hung = receiver.start { 0 }
    local cluster = operator.cluster { objects.k8sgpt { sinks = { { name = "hung", type = "webhook", webhook = hung.url } } }, objects.image_error("web") }
    local op = cluster:operator()
    hung:await_requests(1)
    record(seconds_to_end(op))
  end)

  it("at once the second time", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local proxy = slow(cluster, 60 * 1000)
    local op = operator.start(proxy.kubeconfig)
    await_writes(proxy, 1)
    send("TERM", op)
    op:await_log("stopping")
    assert.is_true(seconds_to_end(op) < 1)
  end)

  --- Where a sink is reached that takes so long to answer.
  local function slow_sink(chat, ms)
    local path = program.folder() .. "/kubeconfig"
    program.write(path, json.encode {
      ["current-context"] = "c",
      clusters = { { name = "c", cluster = { server = chat.url } } }, contexts = { { name = "c", context = { cluster = "c" } } }, users = {},
    })
    local proxy = faultproxy.start { kubeconfig = path }
    proxy:rule { method = "POST", fault = "delay", ms = ms, times = 0 }
    return proxy.url
  end

  local function chat_sink(url) return objects.k8sgpt { sinks = { { name = "chat", type = "webhook", webhook = url } } } end

  local function told_of_web(cluster)
    local result, sinks = cluster:results()["Pod default/web"], {}
    for i, sent in ipairs(result and result.status.notifications or {}) do sinks[i] = sent.sink end
    table.sort(sinks)
    return sinks
  end

  it("finishes the writes that are under way", function()
    local chat = receiver.start()
    local cluster = operator.cluster { chat_sink(chat.url), objects.image_error("web") }
    local op = operator.start(slow(cluster, 200).kubeconfig)
    op:await_news("opened Pod default/web image")
    op:stop()
    assert.are.same({ "chat", "log" }, told_of_web(cluster))
    local again = cluster:operator()
    again:await_ready()
    again:await_runs(0)
    again:stop()
    assert.are.same({}, again:told())
    assert.equal(1, #chat:requests())
  end)

  it("records whom it told while it ended", function()
    local cluster = operator.cluster { chat_sink(slow_sink(receiver.start(), 500)), objects.image_error("web") }
    local op = cluster:operator()
    op:await_ready()
    assert.are.same({ "log" }, told_of_web(cluster))
    op:stop()
    assert.are.same({ "chat", "log" }, told_of_web(cluster))
  end)
end)
