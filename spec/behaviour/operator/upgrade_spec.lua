--- In the place of the Go operator (k8sgpt-operator 0.2.27): what it left is taken over.

local objects = require "support.objects"
local operator = require "support.operator"
local receiver = require "support.receiver"

local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results"

local serial = 0
local function uid()
  serial = serial + 1
  return ("00000000-0000-4000-b000-%012d"):format(serial)
end

--- A K8sGPT as the Go operator keeps it: with its finalizer, and with what its PUT made of defaults.
local function k8sgpt(spec)
  local made = objects.k8sgpt(spec)
  made.metadata.finalizers, made.metadata.uid = { "k8sgpt.ai/finalizer" }, uid()
  made.spec.ai = {
    enabled = false, backend = "openai", model = "gpt-4o-mini", backOff = { enabled = false, maxRetries = 5 },
    autoRemediation = { enabled = false, similarityRequirement = "", resources = { "Pod", "Deployment", "Service", "Ingress" } },
  }
  return made
end

--- A Result as it writes them: named after the object without its dashes.
local function former(cr, kind, name, text, webhook)
  return {
    apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "Result",
    metadata = {
      name = name:gsub("[-/]", ""), namespace = "default", uid = uid(), creationTimestamp = objects.ago(7200),
      labels = { ["k8sgpts.k8sgpt.ai/name"] = cr.metadata.name, ["k8sgpts.k8sgpt.ai/namespace"] = "default", ["k8sgpts.k8sgpt.ai/backend"] = "openai" },
      ownerReferences = {
        { apiVersion = cr.apiVersion, kind = cr.kind, name = cr.metadata.name, uid = cr.metadata.uid, controller = true, blockOwnerDeletion = true },
      },
    },
    spec = { backend = "openai", details = "", error = { { text = text } }, kind = kind, name = name, parentObject = "", autoRemediationStatus = {} },
    status = { lifecycle = "historical", webhook = webhook or "", contentHash = ("0"):rep(64) },
  }
end

local function names(cluster)
  local list = {}
  for i, item in ipairs(cluster:get(RESULTS).items) do list[i] = item.metadata.name end
  table.sort(list)
  return list
end

--- Waits until there are Results of no other names.
local function await_names(cluster, patterns)
  local have
  operator.await(function() return "Results " .. table.concat(patterns, ", ") .. "; there are " .. table.concat(have, ", ") .. "\n" .. cluster.op:tail() end,
    function()
      have = names(cluster)
      local fits = #have == #patterns
      for i, pattern in ipairs(patterns) do fits = fits and have[i]:find("^" .. pattern .. "$") end
      return fits
    end)
end

local IMAGE <const> = 'Back-off pulling image "registry.example.com/app:1"'

describe("in the place of the Go operator", function()
  after_each(operator.clean)

  it("Results go on under new names, and nobody is told again of what they say", function()
    local hook = receiver.start()
    local cr = k8sgpt { sink = { type = "slack", webhook = hook.url } }
    local cluster = operator.cluster {
      cr, objects.image_error("web"), objects.image_error("job"), objects.healthy_pod("well"),
      former(cr, "Pod", "default/web", IMAGE, hook.url), former(cr, "Pod", "default/well", "it was ill", hook.url),
      former(cr, "Pod", "default/gone", "it was there", hook.url),
      former(cr, "Service", "default/api", "Service has no endpoints, expected label app=api", hook.url),
      objects.service("api", "default"),
    }
    local op = cluster:operator()
    await_names(cluster, { "pod%-default%-job%-%x+", "pod%-default%-web%-%x+", "service%-default%-api%-%x+" })
    local web = cluster:await_result("Pod default/web")
    assert.are.equal("historical", web.status.lifecycle)
    assert.is_true(web.metadata.creationTimestamp > web.status.firstSeen)
    assert.are.same({ "opened Pod default/job image" }, op:told())
    hook:await_requests(1)
    op:stop()
    assert.are.equal(1, #hook:requests())

    local again = cluster:operator()
    again:await_ready()
    again:await_runs(0)
    cluster:create(objects.image_error("last"))
    again:await_news("opened Pod default/last image")
    assert.are.same({ "opened Pod default/last image" }, again:told())
  end)

  it("an end that nobody saw is told when what was known is mended", function()
    local cr, web = k8sgpt(), objects.image_error("web")
    local cluster = operator.cluster { cr, web, former(cr, "Pod", "default/web", IMAGE) }
    local op = cluster:operator()
    await_names(cluster, { "pod%-default%-web%-%x+" })
    cluster:patch(web, objects.mended(), "status")
    op:await_news("resolved Pod default/web image")
    await_names(cluster, {})
  end)

  it("a sink that nobody had then is told of what there is", function()
    local hook = receiver.start()
    local cr = k8sgpt { sink = { type = "slack", webhook = hook.url } }
    local cluster = operator.cluster { cr, objects.image_error("web"), former(cr, "Pod", "default/web", IMAGE, "") }
    local op = cluster:operator()
    hook:await_requests(1)
    assert.are.same({}, op:told())
  end)

  it("a former Result beside a new one, as a crash may leave them, goes", function()
    local cr = k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_result("Pod default/web")
    op:await_ready()
    op:kill()
    local stored = cluster:find(cr)
    cluster:create(former(stored, "Pod", "default/web", IMAGE))
    op = cluster:operator()
    await_names(cluster, { "pod%-default%-web%-%x+" })
    op:await_ready()
    assert.are.same({}, op:told())
  end)

  it("another leader does the same", function()
    local cr = k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web"), former(cr, "Pod", "default/web", IMAGE) }
    local op = cluster:operator { "--leader-elect" }
    await_names(cluster, { "pod%-default%-web%-%x+" })
    assert.are.same({}, op:told())
  end)

  it("a K8sGPT that is deleted goes with Results of both names", function()
    local cr = k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_result("Pod default/web")
    op:stop()
    cluster:create(former(cluster:find(cr), "Node", "worker", "it is gone"))
    cluster:delete(cr)
    cluster:operator()
    await_names(cluster, {})
    operator.await("the K8sGPT gone", function() return not cluster:find(cr) end)
  end)
end)

local RBAC <const> = "rbac.authorization.k8s.io/v1"

--- What it made for the engine of a K8sGPT: no label says whose it is, only the owner.
local function engine_of(cr)
  local owners = {
    { apiVersion = cr.apiVersion, kind = cr.kind, name = cr.metadata.name, uid = cr.metadata.uid, controller = true, blockOwnerDeletion = true },
  }
  local deployment, service = objects.deployment(cr.metadata.name, "default", 1, 1), objects.service(cr.metadata.name)
  local role, binding = "k8sgpt-default-clusterrole", "k8sgpt-default-clusterrole-binding"
  local list = {
    deployment, service, { apiVersion = "v1", kind = "ServiceAccount", metadata = { name = "k8sgpt-default", namespace = "default" } },
    { apiVersion = RBAC, kind = "ClusterRole", metadata = { name = role }, rules = { { apiGroups = { "" }, resources = { "secrets" }, verbs = { "get" } } } },
    {
      apiVersion = RBAC, kind = "ClusterRoleBinding", metadata = { name = binding },
      roleRef = { apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = role },
      subjects = { { kind = "ServiceAccount", name = "k8sgpt-default", namespace = "default" } },
    },
  }
  for _, object in ipairs(list) do object.metadata.ownerReferences = owners end
  return list
end

local PATHS <const> = {
  Deployment = "/apis/apps/v1/namespaces/default/deployments/", Service = "/api/v1/namespaces/default/services/",
  ServiceAccount = "/api/v1/namespaces/default/serviceaccounts/", ClusterRole = "/apis/" .. RBAC .. "/clusterroles/",
  ClusterRoleBinding = "/apis/" .. RBAC .. "/clusterrolebindings/",
}

--- The kinds of those that are there.
local function kinds_there(cluster, list)
  local kinds = {}
  for _, object in ipairs(list) do
    if select(2, cluster:http(PATHS[object.kind] .. object.metadata.name)) == 200 then kinds[#kinds + 1] = object.kind end
  end
  table.sort(kinds)
  return table.concat(kinds, " ")
end

local function await_kinds(cluster, list, wanted)
  local have
  operator.await(function() return ("%q; there is %q\n%s"):format(wanted, have, cluster.op:tail()) end, function()
    have = kinds_there(cluster, list)
    return have == wanted
  end)
end

local function with(list, ...)
  local all = { ... }
  table.move(list, 1, #list, #all + 1, all)
  return all
end

describe("in the place of the Go operator, with the embedded engine, what that made for its own", function()
  after_each(operator.clean)

  it("goes, and nothing else", function()
    local cr = k8sgpt()
    local engine, other = engine_of(cr), engine_of(k8sgpt())
    local stranger = objects.service("stranger")
    other[1].metadata.name, other[2].metadata.name = "other", "other" -- of a K8sGPT that is not there
    local cluster = operator.cluster(with(engine, cr, objects.image_error("web"), other[1], other[2], stranger))
    cluster:operator()
    await_kinds(cluster, engine, "")
    cluster:await_result("Pod default/web")
    assert.are.equal("Deployment Service Service", kinds_there(cluster, { other[1], other[2], stranger }))
    assert.are.equal("Embedded", cluster:status(cr).engine.mode)
  end)

  it("and is shared by a K8sGPT with such an engine, stays for that", function()
    local cr = k8sgpt()
    local second = objects.k8sgpt({ engine = { mode = "Deployment" } }, "second")
    local engine = engine_of(cr)
    local cluster = operator.cluster(with(engine, cr, second))
    cluster:operator()
    cluster:await_condition(second, "EngineConfigured", "Applied")
    await_kinds(cluster, engine, "ClusterRole ClusterRoleBinding ServiceAccount")
  end)

  it("is named where the operator may not look at it, and holds up nothing", function()
    local cr = k8sgpt()
    local engine = engine_of(cr)
    local cluster = operator.cluster(with(engine, cr, objects.image_error("web")), { deny = { RBAC .. "/ClusterRole", RBAC .. "/ClusterRoleBinding" } })
    cluster:operator()
    local condition = cluster:await_condition(cr, "EngineConfigured", "NotNeeded")
    assert.matches("kubectl delete -n default clusterrolebinding/k8sgpt-default-clusterrole-binding clusterrole/k8sgpt-default-clusterrole",
      condition.message, 1, true)
    cluster:await_result("Pod default/web")
    assert.are.equal("", kinds_there(cluster, { engine[1], engine[2], engine[3] }))
  end)

  it("goes with a K8sGPT that is deleted before this operator came", function()
    local cr = k8sgpt()
    local engine = engine_of(cr)
    local cluster = operator.cluster(with(engine, cr))
    cluster:delete(cr)
    cluster:operator()
    operator.await("the K8sGPT gone", function() return not cluster:find(cr) end)
    assert.are.equal("", kinds_there(cluster, engine))
  end)

  it("is not looked for where there never was one", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_result("Pod default/web")
    cluster:await_condition(cr, "Ready", "Ready")
    assert.are.equal(0, (op:metric("k8sgpt_api_requests_total", { resource = { "clusterroles", "clusterrolebindings", "serviceaccounts" } })))
  end)
end)
