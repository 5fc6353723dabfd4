package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local size = require "k8sgpt.engine_size"

local FILTERS <const> = { "Pod", "Node", "Job", "Service", "Ingress" }

local function cr(scaling, spec)
  local wanted = { filters = FILTERS, engine = { scaling = scaling } }
  for key, value in pairs(spec or {}) do wanted[key] = value end
  return { spec = wanted }
end

local SCALING <const> = { minReplicas = 1, maxReplicas = 4, objectsPerReplica = 100 }

local function of(objects, before, scaling, spec)
  return size.of(cr(scaling or SCALING, spec), { counts = { ["v1/Pod"] = objects }, failed = {} }, before or {})
end

local function replicas(objects, before, scaling) return of(objects, before and { replicas = before }, scaling).replicas end

describe("the size of an engine", function()
  it("is what the objects need, within bounds", function()
    for objects, wanted in pairs { [0] = 1, [1] = 1, [100] = 1, [101] = 2, [400] = 4, [401] = 4, [1000000] = 4 } do
      assert.are.equal(wanted, replicas(objects), objects)
    end
    assert.are.equal(3, replicas(5, nil, { minReplicas = 3, maxReplicas = 4, objectsPerReplica = 100 }))
    assert.are.equal(1, replicas(5, nil, { minReplicas = 0 }))
    assert.are.same({ 1, 1 }, { replicas(5000, nil, {}), replicas(5001, nil, {}) })
  end)

  it("has no more replicas than analyzers, unless the spec insists", function()
    assert.are.equal(5, replicas(100000, nil, { maxReplicas = 50, objectsPerReplica = 1 }))
    assert.are.equal(7, replicas(0, nil, { minReplicas = 7, maxReplicas = 50 }))
    local names = {}
    for i = 1, 30 do names[i] = "Name" .. i end
    assert.are.equal(20, of(100000, nil, { maxReplicas = 50, objectsPerReplica = 1 }, { filters = names }).replicas)
  end)

  it("does not flap around a boundary", function()
    local now, seen = 1, {}
    for _, objects in ipairs { 99, 100, 101, 100, 99, 101, 95, 91, 90, 89 } do
      now = replicas(objects, now)
      seen[#seen + 1] = now
    end
    assert.are.same({ 1, 1, 2, 2, 2, 2, 2, 2, 1, 1 }, seen)
    assert.are.equal(2, replicas(150, 9))
  end)

  it("makes replicas request more where more of them are not permitted, in few steps", function()
    local scaling = { minReplicas = 1, maxReplicas = 2, objectsPerReplica = 100 }
    local function factor(objects, before) return of(objects, { replicas = 2, factor = before }, scaling).factor end
    for objects, wanted in pairs { [200] = 1, [201] = 2, [400] = 2, [401] = 4, [801] = 8, [100000] = 8 } do
      assert.are.equal(wanted, factor(objects, 1), objects)
    end
    assert.are.same({ 2, 2, 1 }, { factor(199, 2), factor(181, 2), factor(180, 2) })
    assert.are.equal("2 replicas for about 250 objects, 100 for each; they would need 3, and no more than 2 are permitted or of use; "
      .. "each requests 2 times as much", of(250, {}, scaling).message)
  end)

  it("says the same while a few objects come and go", function()
    assert.are.equal(of(1234567, { replicas = 4 }).message, of(1239999, { replicas = 4 }).message)
    assert.are.equal("1 replica for about 1 object, 100 for each", of(1).message)
  end)

  it("stays where something cannot be counted", function()
    local census = { counts = {}, failed = { { kind = "v1/Pod", reason = "pods is forbidden" } } }
    local found = size.of(cr(SCALING), census, { replicas = 3, factor = 2 })
    assert.are.same({ 3, 2, "NotCounted" }, { found.replicas, found.factor, found.reason })
    assert.are.equal("3 replicas: v1/Pod cannot be counted: pods is forbidden", found.message)
    assert.are.equal(4, size.of(cr(SCALING), census, { replicas = 9 }).replicas)
    assert.are.equal(1, size.of(cr(SCALING), census, {}).replicas)
  end)

  it("of another cluster is the least", function()
    local elsewhere = cr({ minReplicas = 2, maxReplicas = 4 }, { kubeconfig = { name = "a", key = "b" } })
    assert.are.same({}, (size.counted(elsewhere)))
    local found = size.of(elsewhere, { counts = {}, failed = {} }, { replicas = 4 })
    assert.are.same({ 2, 1, "NotCounted" }, { found.replicas, found.factor, found.reason })
  end)

  it("counts each kind once that the analyzers list, of the namespace that is diagnosed", function()
    local kinds, namespace = size.counted(cr({}, { filters = { "Pod", "Log", "Service", "Storage", "Pood" }, targetNamespace = "shop" }))
    assert.are.same({ "v1/Pod", "v1/Endpoints", "storage.k8s.io/v1/StorageClass", "v1/PersistentVolume", "v1/PersistentVolumeClaim" }, kinds)
    assert.are.equal("shop", namespace)
    kinds, namespace = size.counted(cr({}, { filters = {} }))
    assert.are.equal(14, #kinds)
    assert.are.equal("", namespace)
  end)

  it("is read back from the Deployment", function()
    assert.are.same({}, size.before(nil))
    assert.are.same({ replicas = 3, factor = 1 }, size.before { metadata = {}, spec = { replicas = 3 } })
    assert.are.same({ replicas = 3, factor = 4 }, size.before { metadata = { annotations = { [size.FACTOR] = "4" } }, spec = { replicas = 3 } })
    assert.are.equal(1, size.before({ metadata = { annotations = { [size.FACTOR] = "much" } }, spec = {} }).factor)
  end)
end)
