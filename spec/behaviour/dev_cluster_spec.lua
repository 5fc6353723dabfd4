--- The embedded API server, as curl sees it.

local dev_cluster = require "support.dev_cluster"
local program = require "support.program"

local BINARY <const>, start = dev_cluster.BINARY, dev_cluster.start

local CONFIG_MAPS <const> = "/api/v1/namespaces/default/configmaps"

local function config_map(name, more)
  local object = { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name } }
  for key, value in pairs(more or {}) do object[key] = value end
  return object
end

local WIDGETS <const> = [[
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Widget, plural: widgets, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1}
              interval: {type: string, pattern: '^[0-9]+[smh]$', default: 5m}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
]]

local function widget(size, more)
  return ([[{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":%s%s}}]]):format(size, more or "")
end

describe("dev-cluster", function()
  after_each(dev_cluster.clean)

  it("refuses wrong usage with exit status 2 and explains itself", function()
    local output, status = program.run { BINARY, "dev-cluster", "--bogus" }
    assert.equal(2, status, output)
    output, status = program.run { BINARY, "dev-cluster", "--help" }
    assert.equal(0, status)
    assert.matches("Examples:", output)
  end)

  it("ends at once and in good order on SIGTERM, also with open watches", function()
    local server = start()
    local next_event, curl = server.watch("/api/v1/namespaces?watch=1")
    next_event()
    server.program:stop()
    program.await("the watch ends", function() return curl:status() end)
  end)

  it("creates, reads, replaces and deletes, with the metadata of a server", function()
    local server = start()
    local made, code = server.http("POST", CONFIG_MAPS, config_map("a", { data = { x = "1" } }))
    assert.equal(201, code)
    assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", made.metadata.uid)
    assert.equal("AlreadyExists", (server.http("POST", CONFIG_MAPS, config_map("a"))).reason)
    local same, same_code = server.http("PUT", CONFIG_MAPS .. "/a", made)
    assert.equal(200, same_code)
    assert.equal(made.metadata.resourceVersion, same.metadata.resourceVersion)
    made.data.x = "2"
    local changed = server.http("PUT", CONFIG_MAPS .. "/a", made)
    assert.is_true(tonumber(changed.metadata.resourceVersion) > tonumber(made.metadata.resourceVersion))
    local stale, stale_code = server.http("PUT", CONFIG_MAPS .. "/a", made)
    assert.equal(409, stale_code)
    assert.equal('Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      stale.message)
    local generated = server.http("POST", CONFIG_MAPS, { metadata = { generateName = "g-" } })
    assert.matches("^g%-%w%w%w%w%w$", generated.metadata.name)
    local refused, refused_code = server.http("DELETE", CONFIG_MAPS .. "/a", { preconditions = { uid = "other" } })
    assert.equal(409, refused_code, refused.message)
    assert.equal("Success", (server.http("DELETE", CONFIG_MAPS .. "/a")).status)
    assert.equal('configmaps "a" not found', (server.http("GET", CONFIG_MAPS .. "/a")).message)
    assert.equal(404, select(2, server.http("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("a"))))
  end)

  it("lists in pages and by selectors", function()
    local server = start()
    for i = 1, 5 do server.http("POST", CONFIG_MAPS, config_map("c" .. i, { metadata = { name = "c" .. i, labels = { odd = tostring(i % 2) } } })) end
    local names, path, pages = {}, CONFIG_MAPS .. "?limit=2", 0
    repeat
      local page = server.http("GET", path)
      for _, item in ipairs(page.items) do names[#names + 1] = item.metadata.name end
      path, pages = CONFIG_MAPS .. "?limit=2&continue=" .. (page.metadata.continue or ""), pages + 1
    until not page.metadata.continue
    assert.same({ "c1", "c2", "c3", "c4", "c5" }, names)
    assert.equal(3, pages)
    assert.equal(2, #(server.http("GET", CONFIG_MAPS .. "?labelSelector=odd%3D0")).items)
    assert.equal(1, #(server.http("GET", CONFIG_MAPS .. "?fieldSelector=metadata.name%3Dc3")).items)
    assert.is_nil((server.http("GET", CONFIG_MAPS)).items[1].kind)
    local partial = server.http("GET", CONFIG_MAPS, nil, { Accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" })
    assert.equal("PartialObjectMetadataList", partial.kind)
    assert.equal("PartialObjectMetadata", partial.items[1].kind)
  end)

  it("tells watches what happens from a resourceVersion on, and who enters or leaves a selection", function()
    local server = start()
    local version = (server.http("GET", CONFIG_MAPS)).metadata.resourceVersion
    server.http("POST", CONFIG_MAPS, config_map("a", { metadata = { name = "a", labels = { on = "1" } } }))
    local next_event = server.watch(CONFIG_MAPS .. "?watch=1&labelSelector=on%3D1&resourceVersion=" .. version)
    assert.equal("ADDED", next_event().type)
    local merge = { ["Content-Type"] = "application/merge-patch+json" }
    server.http("PATCH", CONFIG_MAPS .. "/a", { metadata = { labels = { on = "2" } } }, merge)
    assert.equal("DELETED", next_event().type)
    server.http("PATCH", CONFIG_MAPS .. "/a", { metadata = { labels = { on = "1" } } }, merge)
    assert.equal("ADDED", next_event().type)
    server.http("PATCH", CONFIG_MAPS .. "/a", { data = { x = "1" } }, merge)
    local modified = next_event()
    assert.equal("MODIFIED", modified.type)
    assert.equal("1", modified.object.data.x)
    server.http("DELETE", CONFIG_MAPS .. "/a")
    local deleted = next_event()
    assert.equal("DELETED", deleted.type)
    assert.is_true(tonumber(deleted.object.metadata.resourceVersion) > tonumber(modified.object.metadata.resourceVersion))
  end)

  it("streams the state first when asked to, with the mark of its end", function()
    local server = start()
    server.http("POST", CONFIG_MAPS, config_map("a"))
    local next_event = server.watch(CONFIG_MAPS .. "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
    assert.equal("ADDED", next_event().type)
    local mark = next_event()
    assert.equal("BOOKMARK", mark.type)
    assert.equal("true", mark.object.metadata.annotations["k8s.io/initial-events-end"])
  end)

  it("ends a watch after timeoutSeconds with a bookmark", function()
    local server = start()
    local version = (server.http("GET", CONFIG_MAPS)).metadata.resourceVersion
    local next_event, curl = server.watch(CONFIG_MAPS .. "?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=" .. version)
    server.http("POST", "/api/v1/namespaces", { metadata = { name = "other" } })
    assert.equal("BOOKMARK", next_event().type)
    assert.equal(0, program.await("curl ends", function() return curl:status() end))
  end)

  it("applies server-side: conflicts, force, removal, and silence when nothing changes", function()
    local server = start()
    local path = CONFIG_MAPS .. "/a"
    local first, code = server.apply(path, "one", config_map("a", { data = { x = "1", y = "1" } }))
    assert.equal(201, code)
    local again = server.apply(path, "one", config_map("a", { data = { x = "1", y = "1" } }))
    assert.equal(first.metadata.resourceVersion, again.metadata.resourceVersion)
    local conflict, conflict_code = server.apply(path, "two", config_map("a", { data = { x = "2" } }))
    assert.equal(409, conflict_code)
    assert.equal('Apply failed with 1 conflict: conflict with "one": .data.x', conflict.message)
    local forced = server.apply(path, "two", config_map("a", { data = { x = "2" } }), "&force=true")
    assert.same({ x = "2", y = "1" }, forced.data)
    local dropped = server.apply(path, "one", config_map("a"))
    assert.same({ x = "2" }, dropped.data)
  end)

  it("serves custom kinds as their definition says, for as long as it is there", function()
    local server = start()
    local path = "/apis/example.org/v1/namespaces/default/widgets"
    local definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert.equal(201, select(2, server.http("POST", definitions, WIDGETS, { ["Content-Type"] = "application/yaml" })))
    local invalid, code = server.http("POST", path, widget(0, [[,"interval":"5d"]]))
    assert.equal(422, code)
    assert.matches("Widget.example.org \"w\" is invalid: ", invalid.message, 1, true)
    assert.matches("spec.interval: Invalid value: \"5d\": spec.interval in body should match '^[0-9]+[smh]$'", invalid.message, 1, true)
    local made = server.http("POST", path, widget(1, [[,"bogus":1]]))
    assert.same({ size = 1, interval = "5m" }, made.spec)
    assert.equal(1, made.metadata.generation)
    local merge = { ["Content-Type"] = "application/merge-patch+json" }
    local by_main = server.http("PATCH", path .. "/w", { status = { x = 1 } }, merge)
    assert.is_nil(by_main.status)
    local ready = { conditions = { { type = "Ready", status = "True" } } }
    local by_status = server.http("PATCH", path .. "/w/status", { spec = { size = 9 }, status = ready }, merge)
    assert.equal(1, by_status.spec.size)
    assert.equal(1, by_status.metadata.generation)
    assert.equal(2, (server.http("PATCH", path .. "/w", { spec = { size = 2 } }, merge)).metadata.generation)
    local rows = server.http("GET", path, nil, { Accept = "application/json;as=Table;g=meta.k8s.io;v=v1" })
    assert.same({ "w", 2, "True" }, rows.rows[1].cells)
    server.http("DELETE", definitions .. "/widgets.example.org")
    assert.equal(404, select(2, server.http("GET", path)))
  end)

  it("collects dependents, waits for finalizers, and empties namespaces", function()
    local server = start()
    server.http("POST", "/api/v1/namespaces", { metadata = { name = "gone" } })
    local path = "/api/v1/namespaces/gone/configmaps"
    local owner = server.http("POST", path, config_map("owner"))
    local reference = { { apiVersion = "v1", kind = "ConfigMap", name = "owner", uid = owner.metadata.uid } }
    server.http("POST", path, config_map("owned", { metadata = { name = "owned", ownerReferences = reference } }))
    server.http("POST", path, config_map("held", { metadata = { name = "held", finalizers = { "example.org/hold" } } }))
    server.http("DELETE", path .. "/owner")
    assert.equal(404, select(2, server.http("GET", path .. "/owned")))
    server.http("DELETE", "/api/v1/namespaces/gone")
    assert.equal("Terminating", (server.http("GET", "/api/v1/namespaces/gone")).status.phase)
    assert.is_string((server.http("GET", path .. "/held")).metadata.deletionTimestamp)
    assert.equal(403, select(2, server.http("POST", path, config_map("late"))))
    server.http("PATCH", path .. "/held", '{"metadata":{"finalizers":null}}', { ["Content-Type"] = "application/merge-patch+json" })
    assert.equal(404, select(2, server.http("GET", "/api/v1/namespaces/gone")))
    assert.equal('namespaces "default" is forbidden: this namespace may not be deleted', (server.http("DELETE", "/api/v1/namespaces/default")).message)
  end)

  it("keeps dependents of an orphaning deletion, and of a foreground deletion none", function()
    local server = start()
    local function pair(name)
      local owner = server.http("POST", CONFIG_MAPS, config_map(name))
      server.http("POST", CONFIG_MAPS, config_map(name .. "-child", { metadata = { name = name .. "-child",
        ownerReferences = { { apiVersion = "v1", kind = "ConfigMap", name = name, uid = owner.metadata.uid } } } }))
    end
    pair("a")
    server.http("DELETE", CONFIG_MAPS .. "/a?propagationPolicy=Orphan")
    assert.is_nil((server.http("GET", CONFIG_MAPS .. "/a-child")).metadata.ownerReferences)
    pair("b")
    server.http("DELETE", CONFIG_MAPS .. "/b", { propagationPolicy = "Foreground" })
    assert.equal(404, select(2, server.http("GET", CONFIG_MAPS .. "/b")))
    assert.equal(404, select(2, server.http("GET", CONFIG_MAPS .. "/b-child")))
  end)

  it("loads files as they are and denies kinds", function()
    local folder = program.folder()
    program.write(folder .. "/pod.yaml", [[
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: p, namespace: shop, uid: u-1, creationTimestamp: "2026-01-01T00:00:00Z"}
  spec: {containers: [{name: c}]}
  status: {phase: Failed}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: r, namespace: shop}
]])
    local server = start("--load", folder .. "/pod.yaml", "--deny", "v1/Secret")
    local pod = server.http("GET", "/api/v1/namespaces/shop/pods/p")
    assert.equal("u-1", pod.metadata.uid)
    assert.equal("Failed", pod.status.phase)
    assert.equal(200, select(2, server.http("GET", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/r")))
    local denied, code = server.http("GET", "/api/v1/secrets")
    assert.equal(403, code)
    assert.equal('secrets is forbidden: User "dev" cannot list resource "secrets" in API group "" at the cluster scope', denied.message)
  end)

  it("refuses a file that it cannot read, and names it", function()
    local output, status = program.run { BINARY, "dev-cluster", "--load", "/nonexistent.yaml" }
    assert.equal(1, status)
    assert.matches("/nonexistent.yaml", output, 1, true)
  end)
end)
