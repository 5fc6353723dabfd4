package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local service = require "k8sgpt.service"

describe("service", function()
  it("has a port by its number or its name; a name in the DNS has any", function()
    local web = { spec = { ports = { { name = "http", port = 80 }, { port = 443 } } } }
    assert.is_true(service.has_port(web, 80))
    assert.is_true(service.has_port(web, nil, "http"))
    assert.is_true(service.has_port(web, 443, "https"))
    assert.is_false(service.has_port(web, 81))
    assert.is_false(service.has_port(web, nil, "https"))
    assert.is_false(service.has_port({ spec = {} }, 80))
    assert.is_true(service.has_port({ spec = { type = "ExternalName" } }, 80))
  end)

  it("leads to ports by name", function()
    local ports = { { targetPort = "http" }, { targetPort = 8080 }, { targetPort = "http" }, { targetPort = "metrics" }, {} }
    assert.same({ "http", "metrics" }, service.named_targets { spec = { ports = ports } })
    assert.same({}, service.named_targets {})
  end)

  it("reaches the ports of all containers of a pod", function()
    local pod = { spec = { containers = { {}, { ports = { { name = "http" } } } }, initContainers = { { ports = { { name = "sidecar" } } } } } }
    assert.is_true(service.reaches(pod, "http"))
    assert.is_true(service.reaches(pod, "sidecar"))
    assert.is_false(service.reaches(pod, "metrics"))
    assert.is_false(service.reaches({}, "http"))
  end)
end)
