--- What is wrong around the operator: one clear line that says what to do, the right exit status, and nothing lost.

local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

local function run(...)
  return program.run { operator.BINARY, "run", "--metrics-bind-address", "0", "--health-probe-bind-address", "0", ... }
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

local function kubeconfig(text)
  local path = program.folder() .. "/kubeconfig"
  program.write(path, text)
  return path
end

--- An address on this machine where nobody listens.
local function closed_address()
  local cluster = operator.cluster()
  cluster:stop()
  return cluster.address, cluster.kubeconfig
end

--- Those of this operator, or what `change` makes of their text.
local function install_crds(cluster, change)
  for _, path in ipairs(operator.CRDS) do
    local text = program.read(path)
    local crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" .. text:match("\n  name: ([%w.]+)") .. "?fieldManager=test&force=true"
    local body = change and change(text) or text
    assert.is_true(select(2, cluster:http(crd, { method = "PATCH", type = "application/apply-patch+yaml", body = body })) <= 201)
  end
end

describe("a usage error", function()
  for flags, problem in pairs {
    ["--no-such-flag"] = "--no-such-flag", ["--engine both"] = "--engine is deployment or embedded, not both",
    ["--grace 5m"] = "--grace is 0 or left out, not 5m",
    ["--log-level loud"] = "--log-level is debug, info, warn or error, not loud", ["--log-format xml"] = "--log-format is json or console, not xml",
    ["--policy-dir /no/such/folder"] = "--policy-dir: there is no folder /no/such/folder", ["--now yesterday"] = "--now takes a time such as",
    ["--watch-namespace shop,Billing"] = '"Billing" is no name of a namespace', ["--watch-namespace shop,"] = '"" is no name of a namespace',
    ["surplus"] = "unexpected argument surplus", ["--kubeconfig"] = "unknown or incomplete flag --kubeconfig",
  } do
    it(("is told in two lines, with status 2: %s"):format(flags), function()
      local words = {}
      for word in flags:gmatch("%S+") do words[#words + 1] = word end
      local output, status = run(table.unpack(words))
      assert.are.equal(2, status)
      local lines = lines_of(output)
      assert.are.equal(2, #lines, output)
      assert.matches(problem, lines[1], 1, true)
      assert.are.equal("Run 'k8sgpt-operator run --help' for usage.", lines[2])
    end)
  end

  it("in the verb lists the verbs", function()
    local output, status = program.run { operator.BINARY, "rnu" }
    assert.are.equal(2, status)
    assert.matches("rnu", output, 1, true)
  end)

  it("is none in --help", function()
    local output, status = run("--help")
    assert.are.equal(0, status)
    assert.matches("Examples:\n", output, 1, true)
  end)
end)

describe("what the process cannot start without", function()
  after_each(operator.clean)

  local function fails(words, ...)
    local output, status = run(...)
    assert.are.equal(1, status, output)
    local lines = lines_of(output)
    assert.are.equal(1, #lines, output)
    assert.matches(words, lines[1])
  end

  it("a kubeconfig that is not there", function() fails("/no/such/kubeconfig", "--kubeconfig", "/no/such/kubeconfig") end)
  it("a kubeconfig that is none", function() fails("kubeconfig", "--kubeconfig", kubeconfig("this: [is not\n")) end)
  it("a kubeconfig without a context", function()
    fails("context", "--kubeconfig", kubeconfig("apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n"))
  end)
  it("a context that is not there", function()
    fails("staging", "--kubeconfig", operator.cluster().kubeconfig, "--context", "staging")
  end)
  it("folders of policies that are not there", function()
    fails("no such folder", "--kubeconfig", operator.cluster().kubeconfig, "--builtin-policies", "/no/such/folder")
  end)
  it("a port that is taken", function()
    local cluster = operator.cluster()
    local output, status = run("--kubeconfig", cluster.kubeconfig, "--metrics-bind-address", cluster.address)
    assert.are.equal(1, status)
    assert.matches("cannot serve metrics", output, 1, true)
    assert.matches(cluster.address:match("%d+$"), output, 1, true)
  end)
end)

describe("what may come yet", function()
  after_each(operator.clean)

  it("an API server that refuses: it says so, tries again, and works when the server is there", function()
    local address, path = closed_address()
    local op = operator.start(path)
    op:await_line("a line about it", function(line)
      return (line.level == "warn" or line.level == "error") and (line.msg .. (line.error or "")):find(address:match("%d+$"), 1, true)
    end)
    local body, status = op:probe("/readyz")
    assert.are.equal(503, status)
    assert.is_true(#body > 0)
    assert.are.equal(200, select(2, op:probe("/healthz")))

    local cluster = operator.cluster({ objects.k8sgpt(), objects.image_error("web") }, { listen = address })
    cluster:await_results { "Pod default/web" }
    op:await_ready()
  end)

  it("an API server that goes away and comes back with the same objects: nothing is lost or told twice", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local op = cluster:operator()
    local result = cluster:await_results({ "Pod default/web" })["Pod default/web"]
    op:await_ready()
    local state = { cluster:find(objects.k8sgpt()), objects.image_error("web"), result }
    cluster:stop()
    cluster = operator.cluster(state, { listen = cluster.address })
    cluster:create(objects.image_error("later"))
    cluster:await_results { "Pod default/later", "Pod default/web" }
    assert.are.equal(result.metadata.uid, cluster:results()["Pod default/web"].metadata.uid)
    op:stop()
    assert.are.same({ "opened Pod default/web image", "opened Pod default/later image" }, op:told())
  end)

  it("the CRDs: it says what to do, and works when they are installed", function()
    local cluster = operator.cluster({ objects.image_error("web") }, { crds = false })
    local op = cluster:operator()
    op:await_log("install the CRDs (kubectl apply -f crd/)")
    local body, status = op:probe("/readyz")
    assert.are.same({ "K8sGPT resources cannot be read", 503 }, { body, status })
    install_crds(cluster)
    cluster:create(objects.k8sgpt())
    cluster:await_results { "Pod default/web" }
    op:await_ready()
  end)

  it("CRDs of an older operator: it says what to do, and works when they are those of this one", function()
    local cluster = operator.cluster({ objects.image_error("web") }, { crds = false })
    install_crds(cluster, function(text) return text:gsub("\n( +)severity:", "\n%1gravity:") end)
    cluster:create(objects.k8sgpt())
    local op = cluster:operator()
    op:await_log("the CRD of Result is of another version than this operator; apply crd/ (docs/upgrade.md)")
    install_crds(cluster)
    cluster:await_results { "Pod default/web" }
    op:await_ready()
  end)

  it("a K8sGPT that its schema refuses changes nothing for the others", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_results { "Pod default/web" }
    local bad = objects.k8sgpt({ engine = { mode = "Steam" } }, "bad")
    local text, status = cluster:http(operator.path_of(bad, true), { method = "POST", body = require("cjson").encode(bad) })
    assert.are.equal(422, status)
    assert.matches("spec.engine.mode", text, 1, true)
    assert.are.same({ "opened Pod default/web image" }, op:told())
  end)

  it("one that was stored before there was a schema is told what is wrong with it", function()
    local odd = objects.k8sgpt({ analysis = { interval = "5d" } }, "odd")
    local cluster = operator.cluster { objects.k8sgpt(), odd, objects.image_error("web") }
    local op = cluster:operator()
    cluster:await_results { "Pod default/web" }
    op:await_ready()
  end)
end)
