package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local custom = require "k8sgpt.custom"

local function analyzer(name, url, port) return { name = name, connection = { url = url, port = port } } end

local function target(url) return custom.polls({ spec = { customAnalyzers = { analyzer("a", url, 8085) } } }, 10)[1].target end

describe("custom analyzers", function()
  it("are asked as upstream asks them: no TLS, unless the address says so", function()
    assert.are.equal("http://host.ns.svc:8085", target("host.ns.svc"))
    assert.are.equal("http://10.0.0.1:8085", target("10.0.0.1"))
    assert.are.equal("http://[fd00::1]:8085", target("fd00::1"))
    assert.are.equal("http://[fd00::1]:8085", target("[fd00::1]"))
    assert.are.equal("https://host:8085", target("https://host"))
  end)

  it("are asked at the interval of the K8sGPT", function()
    local cr = { spec = { customAnalyzers = { analyzer("a", "h", 1) }, analysis = { interval = "5m" } } }
    assert.are.same({ { name = "a", target = "http://h:1", method = "Run", interval = 300, timeout = 7 } }, custom.polls(cr, 7))
    assert.are.same({}, custom.polls({ spec = {} }, 7))
  end)

  it("say what is wrong with them", function()
    local function problem(...) return custom.problem { customAnalyzers = { ... } } end
    assert.is_nil(problem(analyzer("host-health", "h", 1), analyzer("host.health2", "h", 1)))
    assert.is_nil(custom.problem {})
    assert.are.equal("spec.customAnalyzers has an entry without a name", problem(analyzer(nil, "h", 1)))
    for _, name in ipairs { "Host", "a_b", "-a", "a-", "a..b", ".a", "a.", ("a"):rep(254) } do
      assert.is_truthy(problem(analyzer(name, "h", 1)):find("use lower-case letters", 1, true), name)
    end
    assert.are.equal("spec.customAnalyzers has two analyzers named a", problem(analyzer("a", "h", 1), analyzer("a", "i", 2)))
    for _, url in ipairs { "", "a b", "user@host", "host?x" } do
      assert.are.equal("the custom analyzer a needs connection.url: a host name or an address", problem(analyzer("a", url, 1)))
    end
    for _, port in ipairs { 0, -1, 65536 } do
      assert.are.equal("the custom analyzer a needs connection.port: a number from 1 to 65535", problem(analyzer("a", "h", port)))
    end
    assert.are.equal("the custom analyzer a needs connection.url: a host name or an address", problem { name = "a" })
  end)
end)
