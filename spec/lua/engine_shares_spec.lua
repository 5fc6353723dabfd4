package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local shares = require "k8sgpt.engine_shares"

local function slice(port, ...) return { ports = { { port = port } }, endpoints = { ... } } end
local function endpoint(address, conditions) return { addresses = { address }, conditions = conditions } end

local WEIGHTS <const> = { Pod = 1000, ReplicaSet = 600, ConfigMap = 500, Node = 10, Job = 5, Ingress = 1 }
local NAMES <const> = { "Ingress", "Job", "Node", "ConfigMap", "ReplicaSet", "Pod" }

local function weigh(name) return WEIGHTS[name] end

--- "a: Pod Node; b: …"
local function text_of(list)
  local parts = {}
  for i, share in ipairs(list) do
    local names = { table.unpack(share.filters) }
    table.sort(names)
    parts[i] = share.address .. ": " .. table.concat(names, " ")
  end
  return table.concat(parts, "; ")
end

describe("replicas", function()
  it("are the addresses that are ready, each once", function()
    assert.are.same({ "10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080" }, shares.addresses {
      slice(8080, endpoint("10.0.0.2", { ready = true }), endpoint("10.0.0.3", { ready = false, terminating = true })),
      slice(8080, endpoint "10.0.0.1", endpoint("10.0.0.2", { ready = true }), endpoint("fd00::1", {})),
      { endpoints = { endpoint("10.0.0.9", { ready = true }) } },
      { ports = { { port = 1 } } },
    })
  end)

  it("are found at the port of that name, as the pods that they are", function()
    local pod = endpoint "10.0.0.1"
    pod.targetRef = { kind = "Pod", name = "main-1" }
    local slices = { { ports = { { name = "metrics", port = 8081 }, { name = "grpc", port = 8080 } }, endpoints = { endpoint "10.0.0.2", pod } } }
    assert.are.same({ "10.0.0.1:8080", "10.0.0.2:8080" }, shares.addresses(slices))
    assert.are.same({ { address = "10.0.0.1:8081", pod = "main-1" }, { address = "10.0.0.2:8081", pod = "10.0.0.2:8081" } },
      shares.replicas(slices, "metrics"))
    assert.are.same({}, shares.replicas({ slice(8080, pod) }, "metrics"))
  end)
end)

describe("a split", function()
  it("gives each replica about as much, and each filter to one", function()
    assert.are.equal("a: Ingress Job Node Pod; b: ConfigMap ReplicaSet", text_of(shares.of({ "a", "b" }, NAMES, weigh, {})))
    assert.are.equal("a: Pod; b: ReplicaSet; c: ConfigMap Ingress Job Node", text_of(shares.of({ "a", "b", "c" }, NAMES, weigh, {})))
  end)

  it("is the same whatever order filters come in", function()
    local reversed = { table.unpack(NAMES) }
    table.sort(reversed, function(a, b) return a > b end)
    assert.are.equal(text_of(shares.of({ "a", "b", "c" }, NAMES, weigh, {})), text_of(shares.of({ "a", "b", "c" }, reversed, weigh, {})))
  end)

  it("asks nobody for nothing", function()
    assert.are.equal("a: Pod; b: Node", text_of(shares.of({ "a", "b", "c", "d" }, { "Node", "Pod" }, weigh, {})))
    local many, addresses = {}, {}
    for i = 1, 50 do many[i], addresses[i] = "F" .. i, ("%02d"):format(i) end
    assert.are.equal(shares.MOST, #shares.of(addresses, many, function() return 1 end, {}))
  end)

  it("stays while replicas and filters do, unless it has become much worse than it need be", function()
    local before = shares.of({ "a", "b" }, NAMES, weigh, {})
    local function now(weights, addresses, names)
      return text_of(shares.of(addresses or { "a", "b" }, names or NAMES, function(name) return weights[name] or 1 end, before))
    end
    assert.are.equal(text_of(before), now { Pod = 100, ConfigMap = 100 })
    assert.are.equal("a: ConfigMap Job Pod; b: Ingress Node ReplicaSet", now { ConfigMap = 900, ReplicaSet = 899, Pod = 1 })
    assert.are_not.equal(text_of(before), now(WEIGHTS, { "a", "c" }))
    assert.are.equal("a: ReplicaSet; b: ConfigMap", now(WEIGHTS, nil, { "ConfigMap", "ReplicaSet" }))
    assert.are.equal("a: Pod; b: ReplicaSet; c: ConfigMap", now(WEIGHTS, { "a", "b", "c" }, { "ConfigMap", "ReplicaSet", "Pod" }))
  end)
end)
