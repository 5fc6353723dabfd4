package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

describe("object", function()
  it("digs as far as there is something", function()
    local pod = { spec = { containers = { { name = "app" } }, host = false } }
    assert.equal("app", object.dig(pod, "spec", "containers", 1, "name"))
    assert.equal(false, object.dig(pod, "spec", "host"))
    assert.is_nil(object.dig(pod, "status", "phase"))
    assert.is_nil(object.dig(pod, "spec", "containers", 1, "name", "len"), "a string is no object, though it has methods")
    assert.is_nil(object.dig(nil, "spec"))
    assert.equal(pod, object.dig(pod))
  end)

  it("tells null from absent", function()
    local spec = { replicas = k8sgpt.null }
    assert.is_true(object.is_null(spec, "replicas"))
    assert.is_false(object.is_null(spec, "selector"))
  end)

  it("finds a condition by its type", function()
    local pod = { status = { conditions = { { type = "Ready", status = "False" }, { type = "PodScheduled", status = "True" } } } }
    assert.equal("True", object.condition(pod, "PodScheduled").status)
    assert.is_nil(object.condition(pod, "Initialized"))
    assert.is_nil(object.condition({}, "Ready"))
  end)

  it("finds the owner that controls, not any owner", function()
    local owners = { { kind = "Rack", name = "r" }, { kind = "Job", name = "j", controller = true } }
    assert.equal("j", object.controller({ metadata = { ownerReferences = owners } }).name)
    assert.is_nil(object.controller { metadata = { ownerReferences = { owners[1] } } })
    assert.is_nil(object.controller { metadata = {} })
  end)

  it("matches every pair of a selector", function()
    assert.is_true(object.matches({ app = "web", tier = "front" }, { app = "web" }))
    assert.is_false(object.matches({ app = "web" }, { app = "web", tier = "front" }))
    assert.is_false(object.matches(nil, { app = "web" }))
  end)

  it("takes an empty text for none", function()
    assert.is_nil(object.text "")
    assert.is_nil(object.text(nil))
    assert.equal("x", object.text "x")
  end)
end)
