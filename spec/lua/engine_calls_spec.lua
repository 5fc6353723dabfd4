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

describe("calls of several replicas", function()
  local shares <const> = {
    { suffix = "-1", address = "a:1", filters = { "Pod" } }, { suffix = "-2", address = "b:1", filters = { "Node", "Job" } },
    { suffix = "-3", address = "c:1", filters = { "Service" } },
  }

  --- "engine-analysis-1 a:1 Pod" of each.
  local function asked(spec, known)
    local lines = {}
    for i, poll in ipairs(calls.polls(cr(spec), shares, known or {}, TIMEOUTS)) do
      local what = poll.request.filters and table.concat(poll.request.filters, " ") or poll.method
      lines[i] = ("%s %s %s%s"):format(poll.name, poll.target:match "//(.*)", what, poll.request.explain and " explained" or "")
    end
    return lines
  end

  local function failing(reason) return { state = "failing", reason = reason } end
  local ALL <const> = { "engine-analysis-1 a:1 Pod", "engine-analysis-2 b:1 Node Job", "engine-analysis-3 c:1 Service" }

  it("go to each for its share", function() assert.are.same(ALL, asked {}) end)

  it("go to the next one that answers where one does not", function()
    local known = { ["engine-analysis-1"] = failing "Unreachable", ["engine-analysis-2"] = failing "Timeout" }
    assert.are.same({ ALL[1], "engine-analysis-instead-1 c:1 Pod", ALL[2], "engine-analysis-instead-2 c:1 Node Job", ALL[3] }, asked({}, known))
    known["engine-analysis-3"] = failing "ServerError"
    assert.are.same(ALL, asked({}, known))
  end)

  it("go to another one without AI only where the same one has no answer without AI either", function()
    local spec = { ai = { enabled = true } }
    local function of_first(known)
      local lines = {}
      for _, line in ipairs(asked(spec, known)) do lines[#lines + 1] = line:find("-1 ", 1, true) and line or nil end
      return lines
    end
    local explained, plain = "engine-analysis-1 a:1 Pod explained", "engine-analysis-without-ai-1 a:1 Pod"
    local known = { ["engine-analysis-1"] = failing "ServerError" }
    assert.are.same({ explained, plain }, of_first(known))
    known["engine-analysis-without-ai-1"] = failing "ServerError"
    assert.are.same({ explained, plain, "engine-analysis-instead-1 b:1 Pod" }, of_first(known))
    assert.are.same({ explained, "engine-analysis-instead-1 b:1 Pod explained" }, of_first { ["engine-analysis-1"] = failing "Unreachable" })
  end)

  it("tell a replica its configuration first, also one that has the place of another", function()
    local spec = { remoteCache = { interplex = { endpoint = "e" } } }
    local known = {
      ["engine-config-1"] = { state = "answered", target = "http://a:1" }, ["engine-analysis-2"] = { state = "answered", target = "http://b:1" },
      ["engine-config-3"] = { state = "answered", target = "http://z:1" }, ["engine-analysis-3"] = { state = "answered", target = "http://z:1" },
    }
    assert.are.same({
      "engine-config-1 a:1 AddConfig", ALL[1], "engine-config-2 b:1 AddConfig", ALL[2], "engine-config-3 c:1 AddConfig",
    }, asked(spec, known))
  end)

  it("say how the analysis is split", function()
    local known = {}
    for i, share in ipairs(shares) do
      known["engine-analysis-" .. i] = { target = "http://" .. share.address, request = { filters = share.filters } }
    end
    assert.are.same(shares, calls.split(known))
    assert.are.same({}, calls.split { ["engine-analysis"] = known["engine-analysis-1"] })
  end)
end)
