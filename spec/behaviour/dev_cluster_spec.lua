--- The embedded API server, as kubectl and curl see it.

local json = require "cjson"
local program = require "support.program"

local BINARY <const> = os.getenv("K8SGPT_OPERATOR") or (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"
local quote = program.quote

local function capture(command)
  local pipe = assert(io.popen(command .. " 2>&1; echo exit=$?"))
  local output, status = pipe:read("a"):match("^(.*)exit=(%d+)\n$")
  pipe:close()
  return output, math.tointeger(status)
end

local has_kubectl = select(2, capture("command -v kubectl")) == 0

--- Clients that only a signal ends.
local followers = {}

local function follow(arguments)
  local one = program.start(arguments)
  followers[#followers + 1] = one
  return one
end

local function clean()
  for _, one in ipairs(followers) do one:kill() end
  followers = {}
  program.clean()
end

--- A server of the test's own.
local function start(...)
  local folder = program.folder()
  local self = { kubeconfig = folder .. "/kubeconfig", folder = folder }
  self.program = program.start { BINARY, "dev-cluster", "--listen", "127.0.0.1:0", "--kubeconfig-out", self.kubeconfig, ... }
  self.url = self.program:await_line("the server is ready", function(entry) return entry.text and entry.text:match("ready on (http://%S+)") end)

  function self.kubectl(arguments, input)
    local pipe = input and ("printf %%s %s | "):format(quote(input)) or ""
    return capture(("%stimeout 20 kubectl --kubeconfig %s --cache-dir %s/cache %s"):format(pipe, self.kubeconfig, folder, arguments))
  end

  --- The answer as a table, and its code.
  function self.http(method, path, body, headers)
    local words = {}
    for name, value in pairs(headers or {}) do words[#words + 1] = "-H " .. quote(name .. ": " .. value) end
    if body then words[#words + 1] = "--data-binary " .. quote(type(body) == "table" and json.encode(body) or body) end
    local text = capture(("curl -sS --max-time 10 -X %s -w '\\n%%{http_code}' %s %s"):format(method, table.concat(words, " "), quote(self.url .. path)))
    local answer, code = text:match("^(.*)\n(%d+)$")
    local ok, value = pcall(json.decode, answer)
    return ok and value or answer, math.tointeger(code)
  end

  function self.apply(path, manager, object, query)
    return self.http("PATCH", ("%s?fieldManager=%s%s"):format(path, manager, query or ""), object, { ["Content-Type"] = "application/apply-patch+yaml" })
  end

  --- A watch in the background; returns a function that waits for the next event.
  function self.watch(path)
    local curl = follow { "curl", "-sN", "--max-time", "20", self.url .. path }
    local seen = 0
    return function()
      return program.await("an event of " .. path, function()
        local lines = curl:lines()
        if #lines > seen then
          seen = seen + 1
          return lines[seen]
        end
      end)
    end, curl
  end
  return self
end

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
  after_each(clean)

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
    assert.equal(201, select(2, server.http("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS, { ["Content-Type"] = "application/yaml" })))
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
    local by_status = server.http("PATCH", path .. "/w/status", { spec = { size = 9 }, status = { conditions = { { type = "Ready", status = "True" } } } }, merge)
    assert.equal(1, by_status.spec.size)
    assert.equal(1, by_status.metadata.generation)
    assert.equal(2, (server.http("PATCH", path .. "/w", { spec = { size = 2 } }, merge)).metadata.generation)
    local rows = server.http("GET", path, nil, { Accept = "application/json;as=Table;g=meta.k8s.io;v=v1" })
    assert.same({ "w", 2, "True" }, rows.rows[1].cells)
    server.http("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.org")
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

  describe("with kubectl", function()
    local function unless_absent(name, test)
      if has_kubectl then it(name, test) else pending(name .. " (kubectl is not installed)") end
    end

    --- Runs commands and compares the whole of what each prints.
    local function expect(server, steps)
      for _, step in ipairs(steps) do
        local output, status = server.kubectl(step[1], step.input)
        assert.equal(step[2], output, step[1])
        assert.equal(step.status or 0, status, step[1])
      end
    end

    local DEPLOYMENT <const> = [[
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
]]

    unless_absent("creates, changes, shows and deletes", function()
      local server = start()
      expect(server, {
        { "create namespace shop", "namespace/shop created\n" },
        { "create configmap a -n shop --from-literal=x=1", "configmap/a created\n" },
        { "get configmap a -n shop -o jsonpath={.data}", '{"x":"1"}' },
        { "apply -f -", "deployment.apps/web created\n", input = DEPLOYMENT },
        { "apply -f -", "deployment.apps/web unchanged\n", input = DEPLOYMENT },
        { "apply -f -", "deployment.apps/web configured\n", input = DEPLOYMENT:gsub("nginx:1", "nginx:2") },
        { "scale deployment web --replicas=3", "deployment.apps/web scaled\n" },
        { "patch deployment web --type=merge -p '{\"spec\":{\"paused\":true}}'", "deployment.apps/web patched\n" },
        { "patch deployment web --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/paused\"}]'", "deployment.apps/web patched\n" },
        { "patch deployment web -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx:3\"}]}}}}'",
          "deployment.apps/web patched\n" },
        { "get deployment web -o jsonpath='{.spec.replicas} {.spec.template.spec.containers[*].image} {.metadata.generation}'", "3 nginx:3 6" },
        { "delete deployment web", "deployment.apps \"web\" deleted\n" },
        { "delete namespace shop", "namespace \"shop\" deleted\n" },
        { "get configmap a -n shop", "Error from server (NotFound): namespaces \"shop\" not found\n", status = 1 },
      })
    end)

    unless_absent("shows tables", function()
      local server = start("--load", "crd/core.k8sgpt.ai_results.yaml")
      local output = server.kubectl("get namespaces --no-headers -o custom-columns=NAME:.metadata.name")
      assert.equal("default\nkube-public\nkube-system\n", output)
      server.kubectl("run p --image=nginx")
      output = server.kubectl("get pods")
      assert.matches("^NAME +READY +STATUS +RESTARTS +AGE\np +0/1 +Pending +0 +%d+s\n$", output)
      output = server.kubectl("describe pod p")
      assert.matches("Name: +p\n", output)
      output = server.kubectl("get crd")
      assert.matches("^NAME +CREATED AT\nresults.core.k8sgpt.ai +%d+", output)
      assert.matches("No resources found", (server.kubectl("get results")), 1, true)
    end)

    unless_absent("follows changes with get -w", function()
      local server = start()
      local watch = follow { "kubectl", "--kubeconfig", server.kubeconfig, "--cache-dir", server.folder .. "/cache", "get", "configmaps", "-w",
        "--output-watch-events" }
      program.await("the watch has begun", function()
        server.kubectl("create configmap probe --from-literal=x=1")
        server.kubectl("delete configmap probe")
        return program.read(watch.log):match("DELETED +probe")
      end, 0.05)
      server.kubectl("create configmap seen --from-literal=x=1")
      program.await("the event", function() return program.read(watch.log):match("ADDED +seen +1 +%d+s") end)
    end)

    unless_absent("applies server-side and reports conflicts", function()
      local server = start()
      expect(server, {
        { "apply --server-side -f -", "deployment.apps/web serverside-applied\n", input = DEPLOYMENT },
        { "apply --server-side -f -", "deployment.apps/web serverside-applied\n", input = DEPLOYMENT },
      })
      local output, status = server.kubectl("apply --server-side --field-manager=other -f -", (DEPLOYMENT:gsub("nginx:1", "nginx:2")))
      assert.equal(1, status)
      assert.matches('conflict with "kubectl": .spec.template.spec.containers[name="web"].image', output, 1, true)
    end)

    unless_absent("answers access reviews", function()
      local server = start("--deny", "v1/Secret")
      expect(server, { { "auth can-i list pods", "yes\n" }, { "auth can-i get secrets", "no\n", status = 1 } })
    end)

    unless_absent("refuses invalid custom resources with the server's words", function()
      local server = start("--load", "crd/core.k8sgpt.ai_k8sgpts.yaml")
      local sample = program.read("samples/valid_k8sgpt.yaml")
      local output, status = server.kubectl("apply -f -", (sample:gsub("interval: %w+", "interval: 5d")))
      assert.equal(1, status)
      assert.matches("spec.analysis.interval: Invalid value: \"5d\": spec.analysis.interval in body should match '^[0-9]+[smh]$'", output, 1, true)
      output = server.kubectl("apply -f -", sample)
      assert.equal("k8sgpt.core.k8sgpt.ai/k8sgpt-sample created\n", output)
    end)
  end)
end)
