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
