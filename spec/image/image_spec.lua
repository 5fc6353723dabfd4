--- The image that tools/image/build.sh laid out: what is in it, and that it works as Kubernetes runs it. On a real control plane with the rights,
--- arguments and account of the chart where there is Go to build one, else on the embedded one.

local chart = require "support.chart"
local container = require "support.container"
local control_plane = require "support.control_plane"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local web = require "support.web"

local ROOT <const> = container.FOLDER .. "/rootfs"
local LIMIT_BYTES <const> = 30 * 1000 * 1000
local MEMORY_BYTES <const> = 32 * 1024 * 1024 -- what the chart requests
local SYSTEM <const>, MANAGER <const> = "k8sgpt-operator-system", "k8sgpt-operator-controller-manager"
local ACCOUNT <const> = "/var/run/secrets/kubernetes.io/serviceaccount/"

local function lines_of(command)
  local pipe, lines = assert(io.popen(command)), {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local function listening(op, what)
  return op:await_line("its address for " .. what, function(line) return line.msg == "listening" and line.what == what and "http://" .. line.address end)
end

local function create(plane, object)
  local path = operator.path_of(object, true)
  plane:request("POST", path, { apiVersion = object.apiVersion, kind = object.kind, metadata = { name = object.metadata.name }, spec = object.spec })
  if object.status then plane:request("PATCH", operator.path_of(object) .. "/status", { status = object.status }, "application/merge-patch+json") end
end

local function await_result(op, request)
  program.await(function() return "a Result\n" .. op:tail() end, function()
    for _, result in ipairs(request("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results").items) do
      if result.status and result.spec.name == "default/web" then return true end
    end
  end, 0.05, 60)
end

local function works(op, request)
  await_result(op, request)
  local health = listening(op, "health")
  program.await("ready", function() return select(2, web.http(health .. "/readyz")) == 200 end, 0.05, 60)
  local resident = tonumber(web.http(listening(op, "metrics") .. "/metrics"):match("\nprocess_resident_memory_bytes (%S+)"))
  assert.is_true(resident <= MEMORY_BYTES, resident .. " bytes are resident")
  op:stop()
end

describe("the image", function()
  after_each(operator.clean)

  it("is at most 30 MB", function()
    local bytes = math.tointeger(lines_of("du -sb " .. ROOT)[1]:match("^%d+"))
    assert.is_true(bytes <= LIMIT_BYTES, bytes .. " bytes")
  end)

  it("names its user by number, and its entry point", function()
    local config = container.image().config
    assert.are.equal("65532:65532", config.User)
    assert.are.same({ "/usr/bin/k8sgpt-operator" }, config.Entrypoint)
  end)

  it("has no program but its own, nothing that a user may change, and no tests", function()
    assert.are.same({ ROOT .. "/usr/bin/k8sgpt-operator" }, lines_of("find " .. ROOT .. " -path '*bin/*' ! -type d"))
    assert.are.same({}, lines_of("find " .. ROOT .. " ! -type l \\( -perm /6022 -o ! -user 0 \\)"))
    assert.are.same({}, lines_of("find " .. ROOT .. " -name policy_test.yaml -o -name testdata"))
  end)

  it("starts under the name of upstream's program too, and is what its labels say", function()
    local labels = container.image().config.Labels
    local op = container.start { "version" }
    program.await("its end", function() return op:status() end)
    local function label(name) return labels["org.opencontainers.image." .. name] end
    assert.are.equal(("%s %s (%s)\n"):format(label "title", label "version", label "revision"), program.read(op.log))
    assert.are.equal(program.read(op.log), (chart.run { "chroot", "--userspec=65532:65532", ROOT, "/manager", "version" }))
  end)

  if not os.execute("spec/e2e/tools/build.sh cluster kubernetes chart >/dev/null") then
    it("brings Results on the embedded control plane", function()
      local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
      local op = container.start({ "run", "--engine=embedded", "--kubeconfig=/kubeconfig", "--metrics-bind-address=127.0.0.1:0",
        "--health-probe-bind-address=127.0.0.1:0" }, { files = { ["/kubeconfig"] = program.read(cluster.kubeconfig) } })
      works(op, function(path) return cluster:get(path) end)
    end)
    return
  end

  it("brings Results on a real control plane, with the rights, arguments and account of the chart", function()
    local plane = control_plane.start()
    finally(function() plane:stop() end)
    local output, status = chart.helm(plane, { "install", "k8sgpt-operator", chart.FOLDER, "--namespace", SYSTEM, "--create-namespace" })
    assert(status == 0, output)
    plane:await_crds(operator.CRDS, true)
    create(plane, objects.k8sgpt())
    create(plane, objects.image_error("web"))
    local arguments, account = chart.arguments(plane, SYSTEM, MANAGER)
    local op = container.start(arguments, {
      environment = { "KUBERNETES_SERVICE_HOST=kubernetes.default.svc", "KUBERNETES_SERVICE_PORT=" .. plane.port },
      files = {
        [ACCOUNT .. "token"] = plane:token(SYSTEM, account, 3600), [ACCOUNT .. "ca.crt"] = program.read(plane.ca.cert), [ACCOUNT .. "namespace"] = SYSTEM,
        ["/etc/hosts"] = "127.0.0.1 kubernetes.default.svc\n",
      },
    })
    works(op, function(path) return plane:request("GET", path) end)
  end)
end)
