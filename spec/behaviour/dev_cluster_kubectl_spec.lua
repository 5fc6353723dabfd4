--- The embedded API server, as kubectl sees it.

local dev_cluster = require "support.dev_cluster"
local program = require "support.program"

describe("dev-cluster with kubectl", function()
  after_each(dev_cluster.clean)

  local function unless_absent(name, test)
    if dev_cluster.has_kubectl then it(name, test) else pending(name .. " (kubectl is not installed)") end
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
    local server = dev_cluster.start()
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
    local server = dev_cluster.start("--load", "crd/core.k8sgpt.ai_results.yaml")
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
    local server = dev_cluster.start()
    local watch = dev_cluster.follow { "kubectl", "--kubeconfig", server.kubeconfig, "--cache-dir", server.folder .. "/cache", "get", "configmaps", "-w",
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
    local server = dev_cluster.start()
    expect(server, {
      { "apply --server-side -f -", "deployment.apps/web serverside-applied\n", input = DEPLOYMENT },
      { "apply --server-side -f -", "deployment.apps/web serverside-applied\n", input = DEPLOYMENT },
    })
    local output, status = server.kubectl("apply --server-side --field-manager=other -f -", (DEPLOYMENT:gsub("nginx:1", "nginx:2")))
    assert.equal(1, status)
    assert.matches('conflict with "kubectl": .spec.template.spec.containers[name="web"].image', output, 1, true)
  end)

  unless_absent("answers access reviews", function()
    local server = dev_cluster.start("--deny", "v1/Secret")
    expect(server, { { "auth can-i list pods", "yes\n" }, { "auth can-i get secrets", "no\n", status = 1 } })
  end)

  unless_absent("refuses invalid custom resources with the server's words", function()
    local server = dev_cluster.start("--load", "crd/core.k8sgpt.ai_k8sgpts.yaml")
    local sample = program.read("samples/valid_k8sgpt.yaml")
    local output, status = server.kubectl("apply -f -", (sample:gsub("interval: %w+", "interval: 5d")))
    assert.equal(1, status)
    assert.matches("spec.analysis.interval: Invalid value: \"5d\": spec.analysis.interval in body should match '^[0-9]+[smh]$'", output, 1, true)
    output = server.kubectl("apply -f -", sample)
    assert.equal("k8sgpt.core.k8sgpt.ai/k8sgpt-sample created\n", output)
  end)
end)
