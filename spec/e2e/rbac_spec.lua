--- The rights that the verb rbac prints, on a real kube-apiserver: enough for all that the operator does, and each of them needed.

local control_plane = require "support.control_plane"
local figures = require "support.figures"
local kinds = require "k8sgpt.resource"
local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"
local receiver = require "support.receiver"
local rights = require "support.rights"
local socket = require "socket"

local NAMESPACE <const>, ACCOUNT <const> = "k8sgpt-operator-system", "k8sgpt-operator-controller-manager"
local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results"
local MERGE <const> = "application/merge-patch+json"
local LIMIT_SECONDS <const> = 30

local plane, granted, kubeconfig

local function await(what, look) return program.await(what, look, 0.05, LIMIT_SECONDS) end

local function create(object)
  local stored = plane:request("POST", operator.path_of(object, true), object)
  if object.status then plane:request("PATCH", operator.path_of(object) .. "/status", { status = object.status }, MERGE) end
  return stored
end

local function delete(object) plane:request("DELETE", operator.path_of(object) .. "?gracePeriodSeconds=0") end

local function mend(pod) plane:request("PATCH", operator.path_of(pod) .. "/status", objects.mended(), MERGE) end

--- "Pod default/web" to the Result.
local function results()
  local found = {}
  for _, result in ipairs(plane:request("GET", RESULTS).items) do
    if result.status then found[result.spec.kind .. " " .. result.spec.name] = result end
  end
  return found
end

local function await_result(name, op)
  return await(function() return "a Result of " .. name .. "\n" .. op:tail() end, function() return results()[name] end)
end

local function await_gone(name, op)
  await(function() return "no Result of " .. name .. "\n" .. op:tail() end, function() return not results()[name] end)
end

local function leads(op) return op:metric("leader_election_master_status") == 1 end
local function await_leading(op) await(function() return "it leads\n" .. op:tail() end, function() return leads(op) end) end

--- The core set, and a sink whose address is in a Secret.
local function k8sgpt(name)
  return objects.k8sgpt({ filters = false, sinks = { { name = "hook", type = "webhook", secret = { name = "hook", key = "url" } } } }, name)
end

--- An owner that nobody watches, and a pod of it that fails.
local function owned_pod(name)
  local template = { metadata = { labels = { app = name } }, spec = { containers = { { name = "app", image = "a" } } } }
  local owner = {
    apiVersion = "v1", kind = "ReplicationController", metadata = { name = name, namespace = "default" },
    spec = { replicas = 0, selector = { app = name }, template = template },
  }
  owner.metadata = create(owner).metadata
  local pod = objects.image_error(name .. "-1", "default", objects.owned_by(owner))
  create(pod)
  return pod
end

--- Somebody who keeps writing what the operator owns, until that is noticed.
local function rival(object, patch, subresource, is_noticed)
  local path = operator.path_of(object) .. (subresource and "/" .. subresource or "") .. "?fieldManager=rival"
  await("a rival that is noticed", function()
    plane:request("PATCH", path, patch, MERGE)
    return is_noticed()
  end)
end

local function contested(kind)
  for _, event in ipairs(plane:request("GET", "/api/v1/namespaces/default/events").items) do
    if event.reason == "Contested" and event.message:find(kind, 1, true) then return true end
  end
end

local function conditions(cr)
  local found = {}
  local status = plane:request("GET", operator.path_of(cr)).status
  for _, condition in ipairs(status and status.conditions or {}) do found[condition.type] = condition end
  return found
end

--- What a server says to whom it denies a right.
local function words_of(right)
  local verb, resource = right:match("^(%l+) (.*)$")
  return ('cannot %s resource "%s"'):format(verb, resource)
end

--- Whether the operator says so in its log or, of this K8sGPT, in a condition.
local function says(words, op, cr)
  for _, line in ipairs(op:lines()) do
    if ((line.msg or "") .. " " .. (line.error or "")):find(words, 1, true) then return true end
  end
  for _, condition in pairs(conditions(cr)) do
    if condition.message:find(words, 1, true) then return true end
  end
end

local function change(object, patch) plane:request("PATCH", operator.path_of(object), patch, MERGE) end

local LEASE <const> = ("/apis/coordination.k8s.io/v1/namespaces/%s/leases/ea9c19f7.k8sgpt.ai"):format(NAMESPACE)
--- What the operator needs whoever diagnoses, which the tests of the embedded engine are about.
local function is_for_any_engine(right)
  for _, resource in ipairs { "k8sgpts", "results", "namespaces", "customresourcedefinitions", "secrets" } do
    if right:find(" " .. resource, 1, true) then return true end
  end
  return right == "create events"
end

local RBAC <const> = "rbac.authorization.k8s.io/v1"
local MARK <const> = "k8sgpt.ai/applied" -- an annotation of all that the operator makes
local BROKEN <const> = "filters/broken/policy.lua"

setup(function()
  -- Where lists do not stream, listing is a right of its own; owner references are checked as on OpenShift.
  plane = control_plane.start {
    audit = true, flags = { "--feature-gates=WatchList=false", "--enable-admission-plugins=OwnerReferencesPermissionEnforcement" },
  }
  plane:install_crds(operator.CRDS)
  plane:request("POST", "/api/v1/namespaces", { metadata = { name = NAMESPACE } })
  kubeconfig = plane:write_kubeconfig("operator", "token: " .. plane:token(NAMESPACE, ACCOUNT, 3600), { namespace = NAMESPACE })
  granted = rights.grant(plane, NAMESPACE, ACCOUNT, { "--engine", "embedded", "--leader-elect" })
end)
teardown(function() plane:stop() end)

describe("the rights that rbac prints", function()
  local hook, folder

  before_each(function()
    hook, folder = receiver.start(), policies.folder {}
    create { apiVersion = "v1", kind = "Secret", metadata = { name = "hook", namespace = "default" }, stringData = { url = hook.url } }
  end)
  after_each(function()
    operator.clean()
    plane:request("DELETE", "/api/v1/namespaces/default/secrets/hook")
  end)

  local function start(...) return operator.start(kubeconfig, { "--policy-dir", folder, ... }) end

  it("are enough for all that the operator does, and all of them are used", function()
    local cr, web = k8sgpt "sample", objects.image_error "web"
    create(cr)
    create(web)
    local orphan = owned_pod "orphan"
    local op = start "--leader-elect"
    await_result("Pod default/web", op)
    assert.are.equal("ReplicationController/default/orphan", await_result("Pod default/orphan-1", op).spec.parentObject)
    hook:await_requests(2)
    rival(cr, { status = { problems = { high = 77 } } }, "status", function() return contested "K8sGPT" end)
    rival(results()["Pod default/web"], { spec = { severity = "low" } }, nil, function() return contested "Result" end)

    local standby = start "--leader-elect"
    standby:await_ready()
    op:stop()
    await_leading(standby)
    mend(web)
    await_gone("Pod default/web", standby)
    delete(orphan)
    delete(cr)
    await("the K8sGPT gone", function() return select(2, plane:http(plane.url .. operator.path_of(cr))) == 404 end)

    local used, denied = granted:used()
    assert.are.same({}, denied)
    figures.record("least-rights", "requests denied while the operator has what rbac prints", #denied)
    local unused = {}
    for _, right in ipairs(granted:list()) do
      if not used[right] then unused[#unused + 1] = right end
    end
    assert.are.same({ "create results", "update k8sgpts/finalizers" }, unused) -- asked for within "patch results"
  end)

  it("are each needed: without any of them the operator says which it lacks, and goes on with the rest", function()
    local cr, other = k8sgpt "sample", objects.k8sgpt({ filters = { "Node" } }, "other")
    local kept, gone = objects.image_error "kept", objects.image_error "gone"
    for _, object in ipairs { cr, other, kept, gone } do create(object) end
    local op = start "--leader-elect"
    await_result("Pod default/kept", op)
    await_result("Pod default/gone", op)

    local pods = { "Pod default/kept" }
    local function fail(name)
      create(objects.image_error(name))
      pods[#pods + 1] = "Pod default/" .. name
    end
    local tried, longest = {}, 0
    local function said(right)
      return function() return says(words_of(right), op, cr) end
    end

    --- Takes one right away, does what needs it, and waits until the operator says so.
    local function try(right, act, words)
      granted:take(function(verb, resource) return verb .. " " .. resource == right end)
      local from = socket.gettime()
      local who = act() or op
      words = words or words_of(right)
      await(function() return words .. "\n" .. who:tail() end, function() return says(words, who, cr) end)
      longest = math.max(longest, socket.gettime() - from)
      granted:take()
      tried[right] = true
    end

    try("patch k8sgpts", function() create(objects.k8sgpt({ filters = { "Node" } }, "late")) end)
    try("patch k8sgpts/status", function() change(cr, { spec = { analysis = { interval = "2h" } } }) end)
    try("update k8sgpts/finalizers", function() fail "finalizers" end, "cannot set blockOwnerDeletion")
    try("create results", function() fail "creation" end)
    try("patch results", function() fail "patch" end)
    try("patch results/status", function() fail "status" end)
    try("delete results", function() mend(gone) end)
    try("get secrets", function() fail "secret" end)
    try("create events", function() policies.put(folder, BROKEN, "return") end)
    os.remove(folder .. "/" .. BROKEN)
    try("get replicationcontrollers", function() owned_pod "controlled" end)
    try("get k8sgpts", function() rival(other, { status = { problems = { high = 77 } } }, "status", said "get k8sgpts") end)
    try("get results", function() rival(results()["Pod default/kept"], { spec = { severity = "low" } }, nil, said "get results") end)
    try("update leases", function() end)
    try("create leases", function() plane:request("DELETE", LEASE) end)
    await("the Lease again", function() return select(2, plane:http(plane.url .. LEASE)) == 200 end)
    await_leading(op)
    for _, right in ipairs { "get leases", "watch leases" } do try(right, function() return start "--leader-elect" end) end

    for _, name in ipairs(pods) do await_result(name, op) end
    await_gone("Pod default/gone", op)
    op:stop()

    --- Of each kind the lists or watches depend on its own rights alone, so that those of all kinds are taken together.
    local function try_all(wanted, is_meant)
      local function is_taken(verb, resource) return verb == wanted and is_meant(resource) end
      granted:take(is_taken)
      op = op:status() and start() or op
      granted:each(function(verb, resource)
        if not is_taken(verb, resource) then return end
        local right = verb .. " " .. resource
        await(function() return right .. "\n" .. op:tail() end, function() return says(words_of(right), op, cr) end)
        tried[right] = true
      end)
    end
    local function is_root(resource) return resource == "k8sgpts" end
    local function is_read(resource) return not is_root(resource) and resource ~= "leases" end
    try_all("list", is_read)
    await("the condition", function() return conditions(cr).Analysed.reason == "PartialAccess" end)
    try_all("watch", is_read)
    granted:take()
    await("the condition", function() return conditions(cr).Ready.reason == "Ready" end)
    op:stop()
    try_all("list", is_root)
    try_all("watch", is_root)
    granted:take()

    for _, right in ipairs(granted:list()) do assert.is_true(tried[right], right) end
    figures.record("least-rights", "a right taken away until the operator says that it lacks it, at the longest", longest, "s")
    figures.record("least-rights", "rights taken away one by one, or those to list and to watch together", #granted:list())
  end)

  it("are enough in namespaces alone", function()
    for _, name in ipairs { "shop", "billing" } do plane:request("POST", "/api/v1/namespaces", { metadata = { name = name } }) end
    local clerk = rights.grant(plane, NAMESPACE, "clerk", { "--engine", "embedded", "--leader-elect", "--namespace", "shop,billing" })
    local login = plane:write_kubeconfig("clerk", "token: " .. plane:token(NAMESPACE, "clerk", 3600), { namespace = NAMESPACE })
    local cr = objects.k8sgpt({ filters = false }, "sample", "shop")
    create(cr)
    create(objects.image_error("web", "billing"))
    local op = operator.start(login, { "--leader-elect", "--watch-namespace", "shop,billing" })
    local path = RESULTS:gsub("default", "shop")
    await(function() return "a Result\n" .. op:tail() end, function()
      local item = plane:request("GET", path).items[1]
      return item and item.status and item.spec.name == "billing/web"
    end)
    delete(cr)
    await("the K8sGPT gone", function() return select(2, plane:http(plane.url .. operator.path_of(cr))) == 404 end)
    local used, denied = clerk:used()
    assert.are.same({ true, true, true }, { used["list pods"], used["list nodes"], used["delete results"] })
    assert.are.same({}, denied)
  end)

  it("are each needed where the engine is a Deployment", function()
    local keeper = rights.grant(plane, NAMESPACE, "keeper", { "--engine", "deployment", "--filter", "Pod" })
    local login = plane:write_kubeconfig("keeper", "token: " .. plane:token(NAMESPACE, "keeper", 3600), { namespace = NAMESPACE })
    plane:request("POST", "/api/v1/namespaces", { apiVersion = "v1", kind = "Namespace", metadata = { name = "ops" } })
    local cr = objects.k8sgpt({ filters = { "Pod" } }, "main", "ops")
    create(cr)
    local op = operator.start(login, { "--engine", "deployment" })
    local function await_configured(reason)
      local have
      await(function() return ("the engine %s, not %s\n%s"):format(reason, require"cjson".encode(conditions(cr)), op:tail()) end, function()
        have = conditions(cr).EngineConfigured or {}
        return have.reason == reason
      end)
    end
    await_configured "Applied"

    local tried = {}
    for _, right in ipairs(keeper:list()) do tried[right] = is_for_any_engine(right) end
    local version = 0
    local function give_back()
      keeper:take()
      version = version + 1
      change(cr, { spec = { version = "v0.4." .. version } }) -- what is shared is not tried again by itself while there is no engine
    end
    --- As the API server says that nobody grants what he does not hold.
    local function not_held(right) return ('Resources:["%s"], Verbs:["%s"]'):format(right:match(" (.*)$"), right:match("^%l+")) end
    local function try(right, act)
      keeper:take(function(verb, resource) return verb .. " " .. resource == right end)
      act()
      await(function() return right .. "\n" .. op:tail() end, function()
        return says(words_of(right), op, cr) or says(not_held(right), op, cr)
      end)
      give_back()
      tried[right] = true
    end
    local function engine(mode) change(cr, { spec = { engine = { mode = mode } } }) end

    for plural, object in pairs {
      serviceaccounts = { apiVersion = "v1", kind = "ServiceAccount", metadata = { name = "k8sgpt-ops", namespace = "ops" } },
      services = { apiVersion = "v1", kind = "Service", metadata = { name = "main", namespace = "ops" }, spec = { ports = { { port = 1 } } } },
      clusterroles = { apiVersion = RBAC, kind = "ClusterRole", metadata = { name = "k8sgpt-ops-clusterrole" } },
      clusterrolebindings = {
        apiVersion = RBAC, kind = "ClusterRoleBinding", metadata = { name = "k8sgpt-ops-clusterrole-binding" },
        roleRef = { apiGroup = RBAC:match("[^/]+"), kind = "ClusterRole", name = "k8sgpt-ops-clusterrole" },
      },
      deployments = objects.deployment("main", "ops", 1, 1),
    } do
      local path = object.metadata.namespace and operator.path_of(object) or ("/apis/%s/%s/%s"):format(RBAC, plural, object.metadata.name)
      try("create " .. plural, function() plane:request("DELETE", path) end)
      await_configured "Applied"
      try("patch " .. plural, function() plane:request("PATCH", path, { metadata = { annotations = { [MARK] = "another" } } }, MERGE) end)
      await_configured "Applied"
      try("delete " .. plural, function() engine "Embedded" end)
      await_configured "NotNeeded"
      object.metadata.annotations = { [MARK] = "a stranger's" }
      try("get " .. plural, function()
        plane:request("POST", path:match("^(.*)/"), object)
        engine "Deployment"
      end)
      plane:request("DELETE", path)
      await_configured "Applied"
    end

    -- What the engine is granted its operator has to hold.
    local function is_made(resource) return tried["create " .. resource] end
    local function is_held(verb, resource) return not tried[verb .. " " .. resource] and (not is_made(resource) or resource == "events") end
    keeper:take(is_held)
    plane:request("DELETE", ("/apis/%s/clusterroles/k8sgpt-ops-clusterrole"):format(RBAC))
    await_configured "NotConfigured"
    local message = conditions(cr).EngineConfigured.message
    keeper:each(function(verb, resource)
      if not is_held(verb, resource) then return end
      local right = verb .. " " .. resource
      tried[right] = message:find(not_held(right), 1, true) and true
    end)
    give_back()
    await_configured "Applied"

    for _, wanted in ipairs { "list", "watch" } do
      local function is_taken(verb, resource) return verb == wanted and not tried[verb .. " " .. resource] end
      keeper:take(is_taken)
      op:stop()
      op = operator.start(login, { "--engine", "deployment" })
      keeper:each(function(verb, resource)
        if not is_taken(verb, resource) then return end
        local right = verb .. " " .. resource
        await(function() return right .. "\n" .. op:tail() end, function() return says(words_of(right), op, cr) end)
        tried[right] = true
      end)
    end
    give_back()
    await_configured "Applied"
    for _, right in ipairs(keeper:list()) do assert.is_true(tried[right], right .. ": " .. message) end
  end)

  it("call kinds as the server does", function()
    local wrong, count = {}, 0
    local paths = { "/api/v1" }
    for _, group in ipairs(plane:request("GET", "/apis").groups) do
      for _, version in ipairs(group.versions) do paths[#paths + 1] = "/apis/" .. version.groupVersion end
    end
    for _, path in ipairs(paths) do
      for _, item in ipairs(plane:request("GET", path).resources) do
        local version = path:gsub("^/apis?/", "")
        local of = kinds.of(version .. "/" .. item.kind)
        local is_object = not item.name:find("/", 1, true) and table.concat(item.verbs, " "):find "list"
        if is_object then count = count + 1 end
        if is_object and (of.plural ~= item.name or of.namespaced ~= item.namespaced) then wrong[#wrong + 1] = version .. " " .. item.name end
      end
    end
    assert.is_true(count > 50, count .. " kinds")
    assert.are.same({}, wrong)
  end)
end)
