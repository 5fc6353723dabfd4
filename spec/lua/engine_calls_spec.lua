package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local calls = require "k8sgpt.engine_calls"

local TIMEOUTS <const> = { config_timeout = 10, analysis_timeout = 300 }

local function cr(spec) return { spec = spec } end

local function polls(spec, known) return calls.polls(cr(spec), calls.whole(cr(spec), "h:1"), known or {}, TIMEOUTS) end

local function names_of(list)
  local names = {}
  for i, poll in ipairs(list) do names[i] = poll.name end
  return names
end

describe("calls of an engine", function()
  it("go to the first port of its Service", function()
    local function address(ip, ...) return calls.address { spec = { clusterIP = ip, ports = { ... } } } end
    assert.are.equal("10.0.0.1:8080", address("10.0.0.1", { port = 8080 }, { port = 1 }))
    assert.are.equal("[fd00::1]:8080", address("fd00::1", { port = 8080 }))
    for _, ip in ipairs { "", "None" } do assert.is_nil(address(ip, { port = 8080 })) end
    assert.is_nil(address("10.0.0.1"))
  end)

  it("name filters as they are, but none where they change a set that only the engine has", function()
    assert.are.same({ "Pod", "Node" }, polls({ filters = { "Pod", "Node" } })[1].request.filters)
    assert.are.same({}, polls({ filters = { "+Log", "-Pod" } })[1].request.filters)
  end)

  it("use the first cache of upstream's order", function()
    local cache = { interplex = { endpoint = "e" }, azure = { storageAccount = "a", containerName = "c" }, credentials = { name = "x" } }
    assert.are.same({ azureCache = { storageAccount = "a", containerName = "c" } }, polls({ remoteCache = cache })[1].request.cache)
  end)

  it("go on to analyse while a configuration that was taken once is refused", function()
    local spec = { remoteCache = { interplex = { endpoint = "e" } } }
    assert.are.same({ calls.CONFIG }, names_of(polls(spec)))
    assert.are.same({ calls.CONFIG, calls.ANALYSIS }, names_of(polls(spec, { [calls.CONFIG] = { state = "answered", target = "http://h:1" } })))
    local known = { [calls.CONFIG] = { state = "failing" }, [calls.ANALYSIS] = { state = "answered", target = "http://h:1" } }
    assert.are.same({ calls.CONFIG, calls.ANALYSIS }, names_of(polls(spec, known)))
  end)

  it("leave AI out only where AI is what fails", function()
    local function asked(reason, ai) return #polls({ ai = ai }, { [calls.ANALYSIS] = { state = "failing", reason = reason } }) end
    for _, reason in ipairs { "ServerError", "Timeout", "TooManyRequests" } do assert.are.equal(2, asked(reason, { enabled = true })) end
    for _, reason in ipairs { "Unreachable", "Unsupported", "LimitReached" } do assert.are.equal(1, asked(reason, { enabled = true })) end
    assert.are.equal(1, asked("ServerError", { enabled = false }))
  end)
end)
