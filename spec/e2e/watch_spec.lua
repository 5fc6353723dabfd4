--- Lists and watches on a real kube-apiserver: streamed lists, a history that is gone, a server with an older view, a link that is dead.
-- Timed: it runs where nothing is busy.

local control_plane = require "support.control_plane"
local figures = require "support.figures"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local socket = require "socket"
local system = require "system"

local WRITES <const> = { "create", "apply", "patch", "update", "delete" }
local ETCD <const> = io.popen("spec/e2e/tools/build.sh cluster"):read("l") .. "/etcd"
local RESULTS <const> = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results"

--- The server makes the storage of custom resources after it calls itself ready.
local function await_served(plane)
  program.await("Results", function() return select(2, plane:http(plane.url .. RESULTS)) == 200 end, 0.1, 30)
end

local function install_crds(plane)
  for _, path in ipairs(operator.CRDS) do
    local text = program.read(path)
    local path_of_crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" .. text:match("\n  name: ([%w.]+)")
    local request = { method = "PATCH", type = "application/apply-patch+yaml", body = text }
    local body, status = plane:http(plane.url .. path_of_crd .. "?fieldManager=test&force=true", request)
    assert(status <= 201, body)
  end
  await_served(plane)
end

local function create(plane, object)
  plane:request("POST", operator.path_of(object, true), object)
  if object.status then plane:request("PATCH", operator.path_of(object) .. "/status", { status = object.status }, "application/merge-patch+json") end
end

--- "Pod default/web" to the uid of its Result.
local function results(plane)
  local found = {}
  for _, result in ipairs(plane:request("GET", RESULTS).items) do
    if result.status and result.status.lifecycle ~= "resolved" then found[result.spec.kind .. " " .. result.spec.name] = result.metadata.uid end
  end
  return found
end

local function await_result(plane, name, there, seconds)
  program.await((there and "a Result of " or "no Result of ") .. name, function() return (results(plane)[name] ~= nil) == there end, 0.05, seconds)
end

local function free_port()
  local server = assert(socket.bind("127.0.0.1", 0))
  local port = math.tointeger(select(2, server:getsockname()))
  server:close()
  return port
end

local function stop_or_go(op, which) os.execute(("kill -%s %s"):format(which, op.pid)) end

--- Lists of each resource so far, however they came.
local function lists(op)
  local counts = {}
  for _, one in ipairs(op:metrics()) do
    if one.name == "k8sgpt_lists_total" then counts[one.labels.resource] = (counts[one.labels.resource] or 0) + one.value end
  end
  return counts
end

describe("watches of a real API server", function()
  local plane, op

  before_each(function()
    plane = control_plane.start { audit = true }
    install_crds(plane)
    create(plane, objects.k8sgpt())
    create(plane, objects.image_error("web"))
  end)
  after_each(function()
    operator.clean()
    plane:stop()
  end)

  local function start(kubeconfig)
    op = operator.start(kubeconfig or plane.kubeconfig)
    op:await_ready()
    await_result(plane, "Pod default/web", true)
  end

  --- What the operator asked for, by the server's own account.
  local function audited()
    local entries = {}
    for line in program.read(plane.audit_log):gmatch("[^\n]+") do
      local entry = json.decode(line)
      if (entry.userAgent or ""):match("^k8sgpt%-operator/%d") then entries[#entries + 1] = entry end
    end
    return entries
  end

  it("begin with the list, and name the program and its version", function()
    start()
    local streamed, listed = {}, {}
    for _, entry in ipairs(audited()) do
      if entry.verb == "watch" and entry.requestURI:find("sendInitialEvents=true", 1, true) then streamed[entry.objectRef.resource] = true end
      if entry.verb == "list" and entry.objectRef then listed[#listed + 1] = entry.requestURI end
    end
    for _, resource in ipairs { "k8sgpts", "results", "pods", "deployments", "services" } do assert.is_true(streamed[resource], resource) end
    assert.are.same({}, listed)
    figures.record("streaming-list", "list requests beside streamed lists, by the API server's audit log", #listed)
  end)

  it("list each resource once when the history is gone that a pause of the operator slept through", function()
    start()
    local before = lists(op)
    stop_or_go(op, "STOP")
    plane:request("DELETE", "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0")
    create(plane, objects.image_error("other"))
    plane.etcd:compact()
    plane:kill("kube-apiserver") -- and with it the history that it keeps in memory
    plane:start_apiserver("kube-apiserver", { port = plane.port })
    create(plane, objects.image_error("late"))
    await_served(plane)
    local since = system.monotime()
    stop_or_go(op, "CONT")
    await_result(plane, "Pod default/late", true)
    await_result(plane, "Pod default/other", true)
    await_result(plane, "Pod default/web", false)
    local seconds, most = system.monotime() - since, 0
    for resource, count in pairs(lists(op)) do most = math.max(most, count - (before[resource] or 0)) end
    figures.record("gone-relists", "converged after compaction and restart in a pause, within", seconds, "s")
    figures.record("gone-relists", "lists of a resource after compaction and restart", most)
    assert.is_true(seconds <= 5, ("%.1f s"):format(seconds))
    assert.is_true(most <= 1, most .. " lists")
  end)

  --- `etcd gateway` relays TCP: as the way of a server to etcd, which can be frozen, and as the load balancer before the servers.
  local function relay(name, port, target)
    plane:spawn(name, { ETCD, "gateway", "start", "--listen-addr=127.0.0.1:" .. port, "--endpoints=" .. target })
  end

  it("write nothing that an older view of a second server would ask for", function()
    local link, balancer = free_port(), free_port()
    relay("etcd-link", link, plane.etcd.url:match("//(.*)"))
    local second = plane:start_apiserver("second", { etcd = "http://127.0.0.1:" .. link })
    relay("balancer", balancer, plane.url:match("//(.*)"))
    start(plane:write_kubeconfig("balanced", ("client-certificate: %s/admin.crt, client-key: %s/admin.key"):format(plane.folder, plane.folder),
      { url = "https://127.0.0.1:" .. balancer }))
    plane:freeze("etcd-link")
    create(plane, objects.image_error("db"))
    plane:request("DELETE", "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=0")
    await_result(plane, "Pod default/db", true)
    await_result(plane, "Pod default/web", false)
    local known, writes = results(plane), op:metric("k8sgpt_api_requests_total", { verb = WRITES })
    plane:kill("balancer")
    relay("balancer", balancer, second:match("//(.*)"))
    system.sleep(15) -- nothing is to happen
    local late = op:metric("k8sgpt_api_requests_total", { verb = WRITES }) - writes
    figures.record("never-back-in-time", "writes in 15 s on a second API server whose link to etcd is frozen", late)
    assert.are.equal(0, late)
    plane:thaw("etcd-link")
    create(plane, objects.image_error("late"))
    await_result(plane, "Pod default/late", true, 60)
    local now = results(plane)
    now["Pod default/late"] = nil
    assert.are.same(known, now)
  end)

  it("notice a server that swallows everything, and go on when it is back", function()
    start()
    local before = lists(op)
    plane:freeze("kube-apiserver")
    local since = system.monotime()
    program.await("the dead link", function()
      for _, line in ipairs(op:lines()) do
        if line.msg == "the link is dead" then return true end
      end
    end, 0.1, 60)
    local seconds = system.monotime() - since
    figures.record("dead-link", "an API server that is frozen is noticed after", seconds, "s")
    plane:thaw("kube-apiserver")
    create(plane, objects.image_error("late"))
    await_result(plane, "Pod default/late", true, 60)
    assert.are.same(before, lists(op))
    assert.is_true(seconds <= 45, ("%.1f s"):format(seconds))
  end)
end)
