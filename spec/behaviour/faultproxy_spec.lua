--- Each fault of the proxy that stands between the operator and an API server in other tests does what its name says.

local faultproxy = require "support.faultproxy"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local system = require "system"

local PODS <const> = "/api/v1/namespaces/default/pods"
local RESET <const> = { [7] = true, [35] = true, [52] = true, [55] = true, [56] = true } -- what curl says of it, by where it was just then

--- One request by curl.
---@return string body
---@return integer exit curl's exit code: 0 whole, 7 refused, 18 cut off, 28 too late, 52 nothing came, 56 reset
---@return integer status
local function curl(url, arguments)
  local output, exit = program.run { "curl", "-s", "--max-time", "5", "-w", "\n%{http_code}", url, table.unpack(arguments or {}) }
  local body, status = output:match("^(.*)\n(%d+)$")
  return body or output, exit, math.tointeger(status or 0)
end

--- The lines that a watch brings, as they come.
local function watch(url) return program.start { "curl", "-sN", "--max-time", "20", url .. PODS .. "?watch=true&resourceVersion=0" } end

describe("the fault proxy", function()
  local cluster, proxy

  before_each(function() cluster = operator.cluster { objects.healthy_pod("a"), objects.healthy_pod("b"), objects.healthy_pod("c") } end)
  after_each(operator.clean)

  local function start(options) proxy = faultproxy.start(cluster, options) end
  local function list() return curl(proxy.url .. PODS) end

  for title, options in pairs { ["in the clear"] = {}, ["by TLS"] = { tls = true }, ["as bytes"] = { raw = true } } do
    describe(title, function()
      local trust
      before_each(function()
        start(options)
        trust = options.tls and { "--cacert", (proxy.kubeconfig:gsub("kubeconfig$", "proxy.pem")) } or {}
      end)

      it("passes everything unchanged", function()
        local direct = curl(cluster.url .. PODS)
        assert.are.same({ direct, 0, 200 }, { curl(proxy.url .. PODS, trust) })
        local big = ("x"):rep(300000)
        local sent = json.encode { metadata = { name = "big" }, data = { big = big } }
        local path = program.folder() .. "/body"
        program.write(path, sent)
        local arguments = { "-H", "Content-Type: application/json", "--data-binary", "@" .. path, table.unpack(trust) }
        local body, _, status = curl(proxy.url .. "/api/v1/namespaces/default/configmaps", arguments)
        assert.are.same({ 201, big }, { status, json.decode(body).data.big })
      end)

      it("cuts an answer after so many bytes", function()
        proxy:rule { fault = "cut", after = 400 }
        local body, exit = curl(proxy.url .. PODS, { "-i", table.unpack(trust) })
        assert.are.same({ 18, 400 }, { exit, #body:gsub("\n000$", "") })
        assert.equal(0, select(2, curl(proxy.url .. PODS, trust))) -- once is once
      end)

      it("resets a connection before anything is sent on", function()
        proxy:rule { fault = "refuse", times = 2 }
        for _ = 1, 2 do assert.is_truthy(RESET[select(2, curl(proxy.url .. PODS, trust))]) end
        assert.equal(0, select(2, curl(proxy.url .. PODS, trust)))
      end)

      it("lets an answer come late", function()
        proxy:rule { fault = "delay", ms = 300 }
        local from = system.monotime()
        assert.equal(0, select(2, curl(proxy.url .. PODS, trust)))
        assert.is_true(system.monotime() - from >= 0.3)
      end)
    end)
  end

  it("lets an answer trickle", function()
    start()
    proxy:rule { fault = "trickle", rate = 4000 }
    local from = system.monotime()
    local body, exit = list()
    assert.are.same({ 0, (curl(cluster.url .. PODS)) }, { exit, body })
    assert.is_true(system.monotime() - from > #body / 4000 * 0.5)
  end)

  it("half-closes, or loses the rest without a word", function()
    start()
    proxy:rule { fault = "half_close", after = 300 }
    assert.equal(18, select(2, list()))
    proxy:rule { fault = "black_hole", after = 300 }
    local _, exit = curl(proxy.url .. PODS, { "--max-time", "0.4" })
    assert.equal(28, exit)
  end)

  it("loses what the client sends", function()
    start()
    proxy:rule { fault = "black_hole", side = "up", after = 20 }
    local _, exit = curl(proxy.url .. PODS, { "--max-time", "0.4" })
    assert.equal(28, exit)
  end)

  it("answers for the server, before it was asked or after", function()
    start()
    proxy:rule { fault = "answer", status = 429, retry_after = 7 }
    local body, _, status = curl(proxy.url .. PODS, { "-i" })
    assert.equal(429, status)
    assert.matches("\r\nRetry%-After: 7\r\n", body)
    assert.matches('"reason":"TooManyRequests"', body)

    local create = { "-H", "Content-Type: application/json", "-d" }
    local function make(name) return { create[1], create[2], create[3], json.encode { metadata = { name = name } } } end
    local maps = "/api/v1/namespaces/default/configmaps"
    proxy:rule { verb = "write", fault = "answer", status = 500 }
    proxy:rule { verb = "write", fault = "answer", status = 500, applied = true }
    assert.equal(500, select(3, curl(proxy.url .. maps, make("lost"))))
    assert.equal(500, select(3, curl(proxy.url .. maps, make("stored"))))
    assert.equal(404, select(3, curl(cluster.url .. maps .. "/lost")))
    assert.equal(200, select(3, curl(cluster.url .. maps .. "/stored")))
    proxy:rule { verb = "watch", fault = "answer", status = 410, in_stream = true }
    body, _, status = curl(proxy.url .. PODS .. "?watch=true")
    local event = json.decode(body)
    assert.are.same({ 200, "ERROR", 410, "Expired" }, { status, event.type, event.object.code, event.object.reason })
  end)

  it("lets an event come twice", function()
    start()
    proxy:rule { verb = "watch", fault = "duplicate", event = 2 }
    local client = watch(proxy.url)
    local names = program.await("four events", function()
      local seen = {}
      for i, line in ipairs(client:lines()) do seen[i] = line.object.metadata.name end
      return #seen >= 4 and seen
    end)
    client:kill()
    assert.are.same({ "a", "b", "b", "c" }, names)
  end)

  it("holds a request before it is sent on, and an answer before it is passed down", function()
    start()
    proxy:rule { verb = "write", fault = "hold", point = "request" }
    proxy:rule { verb = "write", fault = "hold", point = "answer" }
    local maps = "/api/v1/namespaces/default/configmaps"
    local function create(name)
      return program.start { "curl", "-s", "-H", "Content-Type: application/json", "-d", json.encode { metadata = { name = name } }, proxy.url .. maps }
    end
    local first, held = create("first"), proxy:await_held()
    assert.equal("request", held.point)
    assert.equal(404, select(3, curl(cluster.url .. maps .. "/first")))
    local second, answer = create("second"), proxy:await_held()
    assert.are.same({ "answer", 201 }, { answer.point, answer.status })
    assert.equal(200, select(3, curl(cluster.url .. maps .. "/second")))
    assert.is_nil(second:status())
    proxy:go(held.request)
    proxy:go(answer.request)
    for _, one in ipairs { first, second } do
      assert.equal(0, program.await("the client has its answer", function() return one:status() end))
    end
    assert.has_error(function() proxy:go(answer.request) end, "nothing of that number is held")
  end)

  it("never sends on what it holds for a client that goes away", function()
    start()
    proxy:rule { method = "POST", fault = "hold", point = "request" }
    local maps = "/api/v1/namespaces/default/configmaps"
    local client = program.start { "curl", "-s", "-H", "Content-Type: application/json", "-d", '{"metadata":{"name":"lost"}}', proxy.url .. maps }
    local held = proxy:await_held()
    client:kill()
    proxy:await_event("end", "the connection ends", function(e) return e.request == held.request end)
    assert.equal(404, select(3, curl(cluster.url .. maps .. "/lost")))
  end)

  it("freezes and thaws without losing a byte", function()
    start()
    local client = watch(proxy.url)
    program.await("three events", function() return #client:lines() == 3 end)
    proxy:freeze()
    local late = program.start { "curl", "-s", "--max-time", "20", proxy.url .. PODS }
    cluster:create(objects.healthy_pod("d"))
    local _, exit = curl(proxy.url .. PODS, { "--max-time", "0.3" })
    assert.are.same({ 28, 3, nil }, { exit, #client:lines(), late:status() })
    proxy:thaw()
    assert.equal(0, program.await("the client has its answer", function() return late:status() end))
    program.await("its events", function() return #client:lines() > 3 end)
    client:kill()
  end)

  it("refuses connections and accepts them again, and cuts all that stand", function()
    start()
    local client = watch(proxy.url)
    program.await("three events", function() return #client:lines() == 3 end)
    proxy:refuse()
    assert.equal(7, select(2, list()))
    assert.is_nil(client:status())
    proxy:cut()
    assert.equal(56, program.await("the watch ends", function() return client:status() end))
    client:kill()
    proxy:accept()
    assert.equal(0, select(2, list()))
    assert.equal(0, proxy:counts().open)
  end)

  it("chooses by verb, path and number", function()
    start()
    local rule = proxy:rule { verb = "list", path = "*/pods", nth = 2, times = 1, fault = "answer", status = 503 }
    curl(proxy.url .. PODS .. "/a")
    curl(proxy.url .. "/api/v1/namespaces")
    curl(proxy.url .. "/api")
    local statuses = {}
    for i = 1, 3 do statuses[i] = select(3, list()) end
    assert.are.same({ 200, 503, 200 }, statuses)
    local verbs = {}
    for i, request in ipairs(proxy:requests()) do verbs[i] = request.verb .. (request.rule == rule and "!" or "") end
    assert.are.same({ "get", "list", "other", "list", "list!", "list" }, verbs)
    proxy:clear()
    assert.has_error(function() proxy:rule { fault = "cut", verbs = "list" } end, 'a rule has no member "verbs"')
    assert.has_error(function() proxy:rule { fault = "slow" } end, 'there is no fault "slow"')
  end)

  it("goes on to another server, and says when there is none", function()
    start()
    local other = operator.cluster { objects.healthy_pod("only") }
    proxy:set_upstream(other.url)
    assert.equal(1, #json.decode((list())).items)
    other:stop()
    assert.is_truthy(RESET[select(2, list())])
    assert.equal("connection refused", proxy:await_event("end", "no server", function(e) return e.request end).why)
  end)
end)
