--- The K8sGPT Deployment: the objects that it consists of are as the K8sGPT resource wants them, whoever does what to them.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"

local json = require "cjson"
local system = require "system"

local function ref(api_version, kind, name, namespace)
  return { apiVersion = api_version, kind = kind, metadata = { name = name, namespace = namespace } }
end

local RBAC <const> = "rbac.authorization.k8s.io/v1"

--- The objects of a K8sGPT, and those that all of its namespace share.
local function own(name, namespace)
  return { ref("apps/v1", "Deployment", name, namespace), ref("v1", "Service", name, namespace) }
end
local function shared(namespace)
  return {
    ref("v1", "ServiceAccount", "k8sgpt-" .. namespace, namespace), ref(RBAC, "ClusterRole", "k8sgpt-" .. namespace .. "-clusterrole"),
    ref(RBAC, "ClusterRoleBinding", "k8sgpt-" .. namespace .. "-clusterrole-binding"),
  }
end

local function find(cluster, reference)
  local meta, root = reference.metadata, reference.apiVersion:find("/", 1, true) and "/apis/" or "/api/"
  local scope = meta.namespace and "/namespaces/" .. meta.namespace or ""
  local text, status = cluster:http(("%s%s%s/%ss/%s"):format(root, reference.apiVersion, scope, reference.kind:lower(), meta.name))
  return status == 200 and json.decode(text) or nil
end

local function await_all(cluster, references, is_there)
  for _, reference in ipairs(references) do
    operator.await(("%s %s %s"):format(reference.kind, reference.metadata.name, is_there and "is there" or "is gone"), function()
      return (find(cluster, reference) ~= nil) == is_there
    end)
  end
end

--- Waits until something holds of an object.
local function await_object(cluster, reference, what, holds)
  local have
  return operator.await(function() return what .. "; it is " .. json.encode(have) end, function()
    have = find(cluster, reference)
    return have and holds(have) and have
  end)
end

local function container(deployment) return deployment.spec.template.spec.containers[1] end

local function env(deployment)
  local values = {}
  for _, entry in ipairs(container(deployment).env) do values[entry.name] = entry.value or entry.valueFrom.secretKeyRef end
  return values
end

local function owner_names(object)
  local names = {}
  for i, owner in ipairs(object.metadata.ownerReferences or {}) do names[i] = owner.name end
  table.sort(names)
  return table.concat(names, " ")
end

local WRITES <const> = { verb = { "apply", "patch", "delete", "create", "update" } }
local MANAGED <const> = { "deployments", "services", "serviceaccounts", "clusterroles", "clusterrolebindings" }

--- Writes to objects of Deployments so far.
local function writes(op) return op:metric("k8sgpt_api_requests_total", { verb = WRITES.verb, resource = MANAGED }) end

local serial = 0

describe("the K8sGPT Deployment", function()
  local namespace, cluster, op, cr, deployment, service, account, role
  before_each(function()
    serial = serial + 1
    namespace = "ops-" .. serial -- ClusterRoles of tests must not meet
    cr = objects.k8sgpt({ ai = { enabled = true, backend = "localai", model = "llama" }, version = "v0.4.1" }, "main", namespace)
    cluster = operator.cluster {}
    cluster:create(cr)
    op = cluster:operator { "--engine", "deployment" }
    await_all(cluster, own("main", namespace), true)
    await_all(cluster, shared(namespace), true)
    deployment, service = table.unpack(own("main", namespace))
    account, role = table.unpack(shared(namespace))
  end)
  after_each(operator.clean)

  local function settle()
    cluster:await_condition(cr, "EngineAvailable", "NotReady")
    op:await_ready()
  end

  --- Has the steps run once more, with the same wishes.
  local function run_again()
    local generation = cluster:patch(cr, { spec = { analysis = { interval = "2h" } } }).metadata.generation
    operator.await("another run", function() return cluster:status(cr).observedGeneration == generation end)
  end

  it("is made, and waits for a replica that is ready", function()
    local made = find(cluster, deployment)
    assert.equal("ghcr.io/k8sgpt-ai/k8sgpt:v0.4.1", container(made).image)
    assert.equal("llama", env(made).K8SGPT_MODEL)
    assert.equal("k8sgpt-" .. namespace, made.spec.template.spec.serviceAccountName)
    assert.same({ app = "main" }, find(cluster, service).spec.selector)
    assert.equal("main", owner_names(made))
    assert.equal("Deployment", cluster:find(cr).status.engine.mode)
    assert.matches("has no replica that is ready", cluster:await_condition(cr, "EngineAvailable", "NotReady").message, 1, true)
    -- Nobody answers behind its Service; but it is asked.
    cluster:patch(deployment, { status = { replicas = 1, readyReplicas = 1, availableReplicas = 1 } }, "status")
    local function lacks_replicas() return cluster:conditions(cr).EngineAvailable.message:find("has no replica that is ready", 1, true) end
    operator.await("a replica that is ready", function() return not lacks_replicas() end)
    cluster:patch(deployment, { status = { replicas = 1, readyReplicas = 0, availableReplicas = 0 } }, "status")
    operator.await("none again", lacks_replicas)
  end)

  it("follows every change of the K8sGPT, also of what it leaves out again", function()
    cluster:patch(cr, { spec = {
      version = "v0.4.2", nodeSelector = { disk = "ssd" }, resources = { requests = { cpu = "0.5", memory = "1024Mi" } },
      ai = { baseUrl = "http://local:8080/v1" }, extraOptions = { serviceAccountIRSA = "arn:aws:iam::1:role/k8sgpt" }, filters = { "Node" },
    } })
    local made = await_object(cluster, deployment, "the new version", function(d) return container(d).image:match("v0.4.2$") end)
    assert.equal("ssd", made.spec.template.spec.nodeSelector.disk)
    assert.is_nil(container(made).resources.limits)
    assert.equal("http://local:8080/v1", env(made).K8SGPT_BASEURL)
    await_object(cluster, account, "the IAM role", function(a) return (a.metadata.annotations or {})["eks.amazonaws.com/role-arn"] end)
    await_object(cluster, role, "less rights", function(r) return #r.rules == 1 and r.rules[1].resources[1] == "nodes" end)

    local null = json.null
    cluster:patch(cr, { spec = { nodeSelector = null, resources = null, ai = { baseUrl = null }, extraOptions = null } })
    made = await_object(cluster, deployment, "no node selector", function(d) return not d.spec.template.spec.nodeSelector end)
    assert.is_nil(env(made).K8SGPT_BASEURL)
    assert.equal("512Mi", container(made).resources.limits.memory)
    await_object(cluster, account, "no IAM role", function(a) return not (a.metadata.annotations or {})["eks.amazonaws.com/role-arn"] end)
  end)

  it("is mended where somebody changes what is ours, and made again where somebody deletes it", function()
    settle()
    cluster:patch(deployment, { spec = { replicas = 3, template = { spec = { serviceAccountName = "default" } } } })
    await_object(cluster, deployment, "one replica", function(d)
      return d.spec.replicas == 1 and d.spec.template.spec.serviceAccountName == "k8sgpt-" .. namespace
    end)
    cluster:request("PATCH", ("/apis/%s/clusterroles/%s"):format(RBAC, role.metadata.name),
      { rules = { { apiGroups = { "*" }, resources = { "*" }, verbs = { "*" } } } }, "application/merge-patch+json")
    await_object(cluster, role, "our rules", function(r) return #r.rules > 1 end)
    local uid = find(cluster, service).metadata.uid
    cluster:delete(service)
    await_object(cluster, service, "another Service", function(s) return s.metadata.uid ~= uid end)
  end)

  it("keeps what others add to it, and is written by nobody while nothing changes", function()
    settle()
    local before = writes(op)
    cluster:patch(deployment, { metadata = { annotations = { ["example.com/note"] = "ours" } } })
    cluster:patch(deployment, { spec = { template = { metadata = { annotations = { restarted = "now" } } } } })
    cluster:patch(service, { metadata = { labels = { team = "shop" } } })
    cluster:patch(cr, { spec = { -- with much that the server writes in another way, drops or fills in
      ai = { model = "llama3", secret = { name = "s", key = "k" } }, resources = { requests = { cpu = "0.5", memory = "1024Mi" }, limits = {} },
      securityContext = {}, containerSecurityContext = { allowPrivilegeEscalation = false, capabilities = { drop = { "ALL" } } },
      nodeSelector = { disk = "ssd" }, imagePullSecrets = { { name = "registry" } },
    } })
    local made = await_object(cluster, deployment, "the model", function(d) return env(d).K8SGPT_MODEL == "llama3" end)
    assert.equal("ours", made.metadata.annotations["example.com/note"])
    assert.equal("now", made.spec.template.metadata.annotations.restarted)
    assert.equal("shop", find(cluster, service).metadata.labels.team)
    run_again()
    assert.equal(1, writes(op) - before)
  end)

  it("needs no account and no rights here when it looks at another cluster", function()
    cluster:patch(cr, { spec = { kubeconfig = { name = "other", key = "value" } } })
    await_all(cluster, shared(namespace), false)
    local made = await_object(cluster, deployment, "no account", function(d) return d.spec.template.spec.serviceAccountName == "default" end)
    assert.is_false(made.spec.template.spec.automountServiceAccountToken)
    assert.equal("other", made.spec.template.spec.volumes[2].secret.secretName)
    local before = writes(op)
    run_again()
    assert.equal(before, writes(op))
    cluster:patch(cr, { spec = { kubeconfig = json.null } })
    await_all(cluster, shared(namespace), true)
  end)

  it("is not written again by an operator that starts", function()
    settle()
    local version = find(cluster, deployment).metadata.resourceVersion
    op:stop()
    op = cluster:operator { "--engine", "deployment" }
    op:await_ready()
    assert.equal(0, writes(op))
    assert.equal(version, find(cluster, deployment).metadata.resourceVersion)
  end)

  it("shares its account and rights with the other K8sGPT resources of its namespace", function()
    local other = objects.k8sgpt({ filters = { "Node" } }, "other", namespace)
    cluster:create(other)
    await_all(cluster, own("other", namespace), true)
    await_object(cluster, account, "two owners", function(a) return owner_names(a) == "main other" end)
    await_object(cluster, role, "the rights of both", function(r)
      local text = json.encode(r.rules)
      return text:find('"nodes"', 1, true) and text:find('"deployments"', 1, true)
    end)
    cluster:delete(cr)
    await_all(cluster, own("main", namespace), false)
    await_object(cluster, account, "one owner", function(a) return owner_names(a) == "other" end)
    await_object(cluster, role, "the rights of one", function(r) return #r.rules == 1 end)
    assert.is_truthy(find(cluster, own("other", namespace)[1]))
    cluster:delete(other)
    await_all(cluster, own("other", namespace), false)
    await_all(cluster, shared(namespace), false)
    operator.await("the K8sGPT is gone", function() return not cluster:find(other) end)
  end)

  it("goes when the embedded engine takes over", function()
    cluster:create(objects.image_error("web", namespace))
    cluster:patch(cr, { spec = { engine = { mode = "Embedded" } } })
    await_all(cluster, own("main", namespace), false)
    await_all(cluster, shared(namespace), false)
    cluster:await_results({ ("Pod %s/web"):format(namespace) }, namespace)
    assert.equal("Embedded", cluster:find(cr).status.engine.mode)
  end)

  it("goes when the operator is started with the embedded engine", function()
    settle()
    op:stop()
    op = cluster:operator { "--engine", "embedded" }
    await_all(cluster, own("main", namespace), false)
    await_all(cluster, shared(namespace), false)
    cluster:await_condition(cr, "EngineConfigured", "NotNeeded")
  end)

  it("comes when the embedded engine is left, and the Results that are there stay", function()
    cluster:patch(cr, { spec = { engine = { mode = "Embedded" } } })
    cluster:create(objects.image_error("web", namespace))
    local uid = cluster:await_result(("Pod %s/web"):format(namespace), nil, namespace).metadata.uid
    cluster:patch(cr, { spec = { engine = { mode = "Deployment" } } })
    await_all(cluster, own("main", namespace), true)
    cluster:await_condition(cr, "EngineAvailable", "NotReady")
    assert.equal(uid, cluster:results(namespace)[("Pod %s/web"):format(namespace)].metadata.uid)
  end)

  it("is removed also when the operator was away while its K8sGPT was deleted", function()
    settle()
    op:stop()
    cluster:delete(cr)
    assert.is_truthy(cluster:find(cr))
    cluster:operator { "--engine", "embedded" }
    await_all(cluster, own("main", namespace), false)
    await_all(cluster, shared(namespace), false)
    operator.await("the K8sGPT is gone", function() return not cluster:find(cr) end)
  end)

  it("is written ever more rarely where somebody keeps changing it", function()
    settle()
    local before, from = op:metric("k8sgpt_api_requests_total", { verb = "apply", resource = "deployments" }), system.monotime()
    repeat cluster:patch(deployment, { spec = { replicas = 7 } }) until system.monotime() - from > 2.5
    local count = op:metric("k8sgpt_api_requests_total", { verb = "apply", resource = "deployments" }) - before
    assert.is_true(count >= 3 and count <= 10, "writes: " .. count)
    await_object(cluster, deployment, "one replica", function(d) return d.spec.replicas == 1 end)
    op:await_log("keeps changing fields of Deployment " .. namespace .. "/main")
  end)

  it("takes nothing from a stranger of its name", function()
    local stranger = objects.deployment("taken", namespace, 2, 2)
    cluster:create(stranger)
    local second = objects.k8sgpt({}, "taken", namespace)
    cluster:create(second)
    local condition = cluster:await_condition(second, "EngineConfigured", "NotConfigured")
    assert.matches("Deployment " .. namespace .. "/taken: it is there already and belongs to somebody else", condition.message, 1, true)
    assert.equal(2, find(cluster, stranger).spec.replicas)
    cluster:delete(stranger)
    await_object(cluster, own("taken", namespace)[1], "the engine", function(d) return container(d).name == "k8sgpt" end)
    cluster:delete(second)
    await_all(cluster, own("taken", namespace), false)
  end)

  it("uses an account that somebody made, and leaves it behind", function()
    local elsewhere = namespace .. "-eks"
    local made = ref("v1", "ServiceAccount", "k8sgpt-" .. elsewhere, elsewhere)
    made.metadata.annotations = { ["eks.amazonaws.com/role-arn"] = "arn:aws:iam::1:role/k8sgpt" }
    cluster:create(made)
    local second = objects.k8sgpt({}, "main", elsewhere)
    cluster:create(second)
    await_object(cluster, own("main", elsewhere)[1], "the engine", function(d) return d.spec.template.spec.serviceAccountName == made.metadata.name end)
    cluster:await_condition(second, "EngineConfigured", "Applied")
    assert.is_nil(find(cluster, made).metadata.labels)
    cluster:delete(second)
    await_all(cluster, own("main", elsewhere), false)
    operator.await("the K8sGPT is gone", function() return not cluster:find(second) end)
    assert.is_truthy(find(cluster, made))
  end)

  it("takes over what upstream's operator made", function()
    settle()
    cluster:patch(cr, { spec = { engine = { mode = "Embedded" } } })
    await_all(cluster, own("main", namespace), false)
    local meta = cluster:find(cr).metadata
    local made = objects.deployment("main", namespace, 1, 1)
    made.metadata.ownerReferences = { {
      apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", name = meta.name, uid = meta.uid, controller = true, blockOwnerDeletion = true,
    } }
    made.spec.replicas = 4
    local uid = cluster:request("POST", ("/apis/apps/v1/namespaces/%s/deployments?fieldManager=manager"):format(namespace), made).metadata.uid
    cluster:patch(cr, { spec = { engine = { mode = "Deployment" } } })
    local taken = await_object(cluster, deployment, "one replica", function(d) return d.spec.replicas == 1 end)
    assert.equal(uid, taken.metadata.uid)
    assert.equal("main", taken.metadata.labels["k8sgpts.k8sgpt.ai/name"])
    assert.equal(1, #taken.spec.template.spec.containers) -- what it had and nobody wants is gone
    assert.equal("main", owner_names(taken))
  end)

  it("follows the policies of an admin as they come, change and go, also with kinds of their own", function()
    local folder = policies.folder { ["lib/none.lua"] = "return {}" }
    op:stop()
    op = cluster:operator { "--engine", "deployment", "--policy-dir", folder }
    op:await_ready()
    policies.put(folder, "render/Deployment/policy.lua", [[
      return { api = 1, kind = "render", name = "Deployment", mode = "wrap", render = function(ctx, cr)
        local objects = ctx.next()
        for _, object in ipairs(objects) do object.spec.template.spec.priorityClassName = "diagnosis" end
        return objects
      end }]])
    await_object(cluster, deployment, "the priority", function(d) return d.spec.template.spec.priorityClassName == "diagnosis" end)
    policies.put(folder, "render/Limits/policy.lua", [[
      local render = require "k8sgpt.render"
      return { api = 1, kind = "render", name = "Limits", writes = { "v1/ConfigMap" }, render = function(ctx, cr)
        if not render.is_wanted(ctx, cr) then return {} end
        local meta = { name = cr.metadata.name .. "-limits", namespace = cr.metadata.namespace }
        return { render.own(cr, { apiVersion = "v1", kind = "ConfigMap", metadata = meta, data = { most = "7" } }) }
      end }]])
    local map = ref("v1", "ConfigMap", "main-limits", namespace)
    await_object(cluster, map, "the policy's object", function(m) return m.data.most == "7" and owner_names(m) == "main" end)
    cluster:patch(map, { data = { most = "8" } })
    await_object(cluster, map, "it mended", function(m) return m.data.most == "7" end)
    os.remove(folder .. "/render/Limits/policy.lua")
    os.remove(folder .. "/render/Deployment/policy.lua")
    await_all(cluster, { map }, false)
    await_object(cluster, deployment, "no priority", function(d) return not d.spec.template.spec.priorityClassName end)
    policies.put(folder, "render/Broken/policy.lua",
      'return { api = 1, kind = "render", name = "Broken", writes = { "v1/ConfigMap" }, render = function() error "broken" end }')
    cluster:await_condition(cr, "EngineConfigured", "NotConfigured")
    assert.is_truthy(find(cluster, service))
  end)
end)
