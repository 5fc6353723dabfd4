--- analyze and snapshot of a cluster: the same findings as of a snapshot, what cannot be read, and what a snapshot holds.

local json = require "cjson"
local objects = require "support.objects"
local oneshot = require "support.oneshot"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"

local run, found = oneshot.run, oneshot.found

local function analyze(cluster, ...)
  local ended = run { "analyze", "--kubeconfig", cluster.kubeconfig, "-o", "json", ... }
  if ended.output == "" then error(("status %d: %s"):format(ended.status, ended.errors), 2) end
  return json.decode(ended.output), ended
end

local function snapshot(cluster, ...)
  local path = program.folder() .. "/snapshot.jsonl"
  local ended = run { "snapshot", "--kubeconfig", cluster.kubeconfig, "-o", path, ... }
  return path, ended
end

local function objects_of(path)
  local list = {}
  for line in program.read(path):gmatch("[^\n]+") do list[#list + 1] = json.decode(line) end
  local head = table.remove(list, 1)
  return list, head
end

local function shop(deny)
  local deployment = objects.deployment("web", "shop", 2, 0)
  local set = objects.replica_set("web-1", deployment)
  local pod = objects.image_error("web-1-a", "shop", objects.owned_by(set))
  pod.spec.volumes = { { name = "v", configMap = { name = "there" } } }
  pod.metadata.annotations = { ["example.com/note"] = "not read by any policy" }
  return operator.cluster({
    deployment, set, pod, objects.crash_loop("other"), objects.config("there", { text = "hidden" }, "shop"),
    { apiVersion = "v1", kind = "Secret", metadata = { name = "password", namespace = "shop" }, type = "Opaque", data = { password = "aHVudGVyMg==" } },
  }, { deny = deny })
end

local WANTED <const> = { "Deployment shop/web: unavailable", "Pod default/other: crash-loop", "Pod shop/web-1-a: image" }

describe("analyze of a cluster", function()
  after_each(operator.clean)

  it("finds what there is, with owners, and ends", function()
    local cluster = shop()
    local answer, ended = analyze(cluster)
    assert.are.same({ 1, "" }, { ended.status, ended.errors })
    assert.are.same(WANTED, found(answer))
    for _, result in ipairs(answer.results) do
      if result.name == "shop/web-1-a" then assert.are.equal("Deployment/shop/web", result.parentObject) end
    end
    local text = run({ "analyze", "--kubeconfig", cluster.kubeconfig }).output
    assert.matches(("\n3 problems of 3 objects in %s: 1 critical, 2 high\n"):format(cluster.url), text, 1, true)
  end)

  it("asks for owners of kinds that no policy reads", function()
    local function template(name, owner)
      local meta = { name = name, namespace = "shop", uid = ("00000000-0000-4000-8000-%012x"):format(name:byte()), creationTimestamp = objects.ago(60) }
      meta.ownerReferences = owner and objects.owned_by(owner).ownerReferences
      return { apiVersion = "v1", kind = "PodTemplate", metadata = meta }
    end
    local root = template("t")
    local middle = template("m", root)
    local cluster = operator.cluster { root, middle, objects.image_error("a", "shop", objects.owned_by(middle)) }
    assert.are.equal("PodTemplate/shop/t", analyze(cluster, "--filter", "Pod").results[1].parentObject)
  end)

  it("waits for owners that correlate policies ask for", function()
    local root = {
      apiVersion = "v1", kind = "PodTemplate", metadata = { name = "root", namespace = "shop", labels = { blames = "b" }, creationTimestamp = objects.ago(60) },
    }
    local folder = policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE, ["correlate/mine/policy.lua"] = [[
      return { api = 1, kind = "correlate", name = "mine", watches = { { "v1/ConfigMap", fields = {} } }, cause = function(ctx, finding)
        local owner = finding.name == "a" and ctx.parent(ctx.get("v1/ConfigMap", "shop", "healthy"))
        return owner and ctx.findings_of("ConfigMap", "shop", owner.metadata.labels.blames)[1] or nil
      end }]] }
    local cluster = operator.cluster { root, objects.config("a", { rule = "plain" }, "shop"), objects.config("b", { rule = "plain" }, "shop") }
    local healthy = objects.config("healthy", { well = "yes" }, "shop")
    healthy.metadata.ownerReferences = objects.owned_by(cluster:find(root)).ownerReferences
    cluster:create(healthy)
    local answer = analyze(cluster, "--policy-dir", folder, "--filter", "Probe")
    assert.are.same({ "ConfigMap shop/a: plain", "ConfigMap shop/b: plain" }, found(answer))
    assert.are.same({ kind = "ConfigMap", namespace = "shop", name = "b" }, answer.results[1].cause)
  end)

  it("takes namespaces, labels and filters as of a snapshot", function()
    local cluster = shop()
    assert.are.same({ "Pod default/other: crash-loop" }, found(analyze(cluster, "--namespace", "default")))
    assert.are.same({ "Deployment shop/web: unavailable" }, found(analyze(cluster, "--filter", "Deployment")))
    assert.are.same({}, found(analyze(cluster, "--selector", "nobody=has-it")))
  end)

  it("refuses a namespace that is not there, where it may know", function()
    local ended = run { "analyze", "--kubeconfig", shop().kubeconfig, "--namespace", "shpo" }
    assert.are.same({ 2, "", "analyze: --namespace: there is no namespace shpo in what was read\n" }, { ended.status, ended.output, ended.errors })
    local _, unknown = analyze(shop { "v1/Namespace" }, "--namespace", "shpo")
    assert.are_not.equal(2, unknown.status)
  end)

  it("does not call healthy what it may not read, and tells what else it found", function()
    local cluster = shop { "v1/Node", "apps/v1/Deployment" }
    local answer, ended = analyze(cluster, "--exit-zero")
    assert.are.equal(4, ended.status)
    assert.are.same({ "Pod default/other: crash-loop", "Pod shop/web-1-a: image" }, found(answer))
    local text = table.concat(answer.errors, "\n")
    for _, line in ipairs {
      "[Deployment] not all could be looked at: apps/v1/Deployment may not be read: ", "[Node] not all could be looked at: v1/Node may not be read: ",
      "[Service] checks were left out: apps/v1/Deployment may not be read: ",
    } do assert.matches(line, text, 1, true) end
  end)

  it("says in one line that there is no server, or no way to it", function()
    local cluster = operator.cluster()
    cluster:stop()
    for flags, problem in pairs {
      [cluster.kubeconfig] = "cannot reach the API server " .. cluster.url, ["/no/such/kubeconfig"] = "/no/such/kubeconfig",
    } do
      for _, verb in ipairs { "analyze", "snapshot" } do
        local ended = run { verb, "--kubeconfig", flags }
        assert.are.same({ 4, "" }, { ended.status, ended.output })
        assert.matches(verb .. ": ", ended.errors, 1, true)
        assert.matches(problem, ended.errors, 1, true)
        assert.are.equal(1, select(2, ended.errors:gsub("\n", "")))
      end
    end
  end)
end)

describe("snapshot", function()
  after_each(operator.clean)

  it("holds all that analyze needs", function()
    local cluster = shop()
    local path, ended = snapshot(cluster)
    assert.are.same({ 0, "" }, { ended.status, ended.errors })
    local now = objects.ago(0)
    local live, from_file = analyze(cluster, "--now", now), oneshot.analyze(path, "--now", now)
    assert.are.same(live, from_file)
    assert.are.same(WANTED, found(from_file))
  end)

  it("holds what correlate policies need", function()
    local cluster = shop()
    local flags = { "--now", objects.ago(0), "--policy-dir", policies.folder { ["correlate/mine/policy.lua"] = [[
      return { api = 1, kind = "correlate", name = "mine", watches = { { "v1/ConfigMap", fields = { "data.text" } } }, cause = function(ctx, finding)
        local map = finding.name == "other" and ctx.get("v1/ConfigMap", "shop", "there")
        return map and map.data.text == "hidden" and ctx.findings_of("Deployment", "shop", "web")[1] or nil
      end }]] } }
    local path = snapshot(cluster, table.unpack(flags, 3))
    local live, from_file = analyze(cluster, table.unpack(flags)), oneshot.analyze(path, table.unpack(flags))
    assert.are.same(live, from_file)
    local other = from_file.results[1]
    assert.are.same({ "default/other", "web" }, { other.name, other.cause.name })
  end)

  it("holds nothing else: no Secret's data, no managedFields, no field that nobody reads", function()
    local path = snapshot(shop())
    local text = program.read(path)
    for _, word in ipairs { "managedFields", "aHVudGVyMg", "not read by any policy" } do assert.not_matches(word, text, 1, true) end
    local secrets = 0
    for _, object in ipairs((objects_of(path))) do
      if object.kind == "Secret" then
        secrets = secrets + 1
        assert.are.same({ "password", "Opaque" }, { object.metadata.name, object.type })
        assert.is_nil(object.data)
      end
    end
    assert.are.equal(1, secrets)
    assert.are.equal("rw-------", require("lfs").attributes(path, "permissions"))
  end)

  it("does so whatever a policy declares of Secrets", function()
    local folder = policies.folder { ["analyzers/Nosy/policy.lua"] = [[
      return { api = 1, kind = "analyzer", name = "Nosy", description = "Reads Secrets", watches = { "v1/ConfigMap", { "v1/Secret", fields = { "data" } } },
        fields = { "data" }, rules = { r = { severity = "low" } }, run = function() return {} end }]] }
    local path, ended = snapshot(shop(), "--policy-dir", folder, "--filter", "Nosy")
    assert.are.equal(0, ended.status)
    assert.not_matches("aHVudGVyMg", program.read(path), 1, true)
    assert.matches("hidden", program.read(path), 1, true)
  end)

  it("knows when it was made, and what it could not read", function()
    local path, ended = snapshot(shop { "v1/Node", "v1/Secret" })
    assert.are.equal(4, ended.status)
    assert.matches("snapshot: v1/Node could not be read: ", ended.errors, 1, true)
    local _, head = objects_of(path)
    assert.are.same({ "v1/Node", "v1/Secret" }, head.kinds.denied)
    local answer, of_file = oneshot.analyze(path)
    assert.are.equal(head.metadata.creationTimestamp, answer.time)
    assert.are.equal(4, of_file.status)
    assert.matches("^%[Node%] not all could be looked at: ", answer.errors[1])
  end)

  it("of some analyzers holds what these read", function()
    local path = snapshot(shop(), "--filter", "Deployment")
    local kinds = {}
    for _, object in ipairs((objects_of(path))) do kinds[object.kind] = true end
    assert.are.same({ Deployment = true, Namespace = true }, kinds)
    local ended = run { "snapshot", "--kubeconfig", shop().kubeconfig, "--filter", "Pot" }
    assert.are.equal(2, ended.status)
    assert.matches("snapshot: there is no analyzer Pot; there are ", ended.errors, 1, true)
  end)

  it("goes to standard output where no file is named", function()
    local ended = run { "snapshot", "--kubeconfig", shop().kubeconfig, "--filter", "Deployment" }
    assert.are.equal(0, ended.status)
    assert.matches('^{"apiVersion":"k8sgpt.ai/v1","kind":"Snapshot"', ended.output)
  end)
end)
