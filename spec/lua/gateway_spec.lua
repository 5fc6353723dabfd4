package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local gateway = require "k8sgpt.gateway"

local function context(namespaces, unreadable, grants)
  return {
    readable = function(gvk) return gvk ~= unreadable end,
    get = function(_, _, name) return namespaces and namespaces[name] end,
    list = function(_, query) return grants and grants[query.ns] or {} end,
  }
end

local function target(...)
  return { metadata = { namespace = "edge" }, spec = { listeners = { ... } } }
end

local function listener(name, from, selector, more)
  local out = { name = name, port = 80, protocol = "HTTP", allowedRoutes = { namespaces = { from = from, selector = selector } } }
  for key, value in pairs(more or {}) do out[key] = value end
  return out
end

describe("gateway", function()
  it("counts a condition since it is so, and no earlier than its object", function()
    local obj = { metadata = { creationTimestamp = "2026-03-01T09:00:00Z" } }
    assert.equal("2026-03-01T09:00:00Z", gateway.since(obj, { lastTransitionTime = "1970-01-01T00:00:00Z" }))
    assert.equal("2026-03-01T09:30:00Z", gateway.since(obj, { lastTransitionTime = "2026-03-01T09:30:00Z" }))
    assert.equal("2026-03-01T09:00:00Z", gateway.since(obj, {}))
  end)

  it("is refused by all listeners that a reference names, or by none", function()
    local ctx = context { shop = { metadata = { labels = { expose = "public" } } } }
    local public, private = { matchLabels = { expose = "public" } }, { matchLabels = { expose = "private" } }
    local function refusal(reference, ...) return gateway.refusal(ctx, target(...), reference, "shop") end
    assert.equal("listener", refusal({}))
    assert.equal("Same", refusal({}, listener("a", "Same")))
    assert.equal("Same", refusal({}, { name = "a", protocol = "HTTP" }))
    assert.is_nil(refusal({}, listener("a", "Same"), listener("b", "All")))
    assert.equal("Same", refusal({ sectionName = "a" }, listener("a", "Same"), listener("b", "All")))
    assert.equal("listener", refusal({ sectionName = "c" }, listener("a", "All")))
    assert.equal("listener", refusal({ port = 443 }, listener("a", "All")))
    assert.is_nil(refusal({ port = 443 }, listener("a", "Same"), listener("b", "All", nil, { port = 443 })))
    assert.equal("listener", refusal({}, listener("a", "All", nil, { protocol = "TCP" })))
    assert.is_nil(refusal({}, listener("a", "Selector", public)))
    assert.equal("Selector", refusal({}, listener("a", "Selector", private), listener("b", "Same")))
    assert.is_nil(gateway.refusal(ctx, target(listener("a", "Same")), {}, "edge"))
  end)

  it("refuses nobody whose namespace it cannot see", function()
    local to = target(listener("a", "Selector", { matchLabels = { expose = "public" } }))
    assert.is_nil(gateway.refusal(context({ shop = { metadata = {} } }, "v1/Namespace"), to, {}, "shop"))
    assert.is_nil(gateway.refusal(context({}), to, {}, "shop"))
    assert.equal("Selector", gateway.refusal(context({ shop = { metadata = {} } }), to, {}, "shop"))
  end)

  it("lets a route use a Service elsewhere by a grant alone", function()
    local function granted(from, to, unreadable)
      return gateway.is_granted(context(nil, unreadable, { backend = { { spec = { from = { from }, to = { to } } } } }), "HTTPRoute", "shop", "backend", "web")
    end
    local from, to = { group = gateway.GROUP, kind = "HTTPRoute", namespace = "shop" }, { group = "", kind = "Service" }
    assert.is_true(granted(from, to))
    assert.is_true(granted(from, { group = "", kind = "Service", name = "web" }))
    assert.is_false(granted(from, { group = "", kind = "Service", name = "api" }))
    assert.is_false(granted(from, { group = "", kind = "Secret" }))
    assert.is_false(granted({ group = gateway.GROUP, kind = "HTTPRoute", namespace = "lab" }, to))
    assert.is_false(granted({ group = gateway.GROUP, kind = "TCPRoute", namespace = "shop" }, to))
    assert.is_false(granted({ group = "example.com", kind = "HTTPRoute", namespace = "shop" }, to))
    assert.is_true(granted({}, {}, gateway.GRANT))
    assert.is_true(gateway.is_granted(context(), "HTTPRoute", "shop", "shop", "web"))
  end)
end)
