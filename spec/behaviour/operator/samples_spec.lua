--- The samples: applied as a user applies them, kept whole by the API server, and accepted by the operator.

local crd = require "tools.docs.crd"
local dev_cluster = require "support.dev_cluster"
local lyaml = require "lyaml"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"

local function documents(path) return lyaml.load(program.read(path), { all = true }) end

local function paths()
  local found = {}
  for name in require("lfs").dir("samples") do
    if name:match("%.yaml$") then found[#found + 1] = "samples/" .. name end
  end
  table.sort(found)
  return found
end

local function member(value, key)
  if type(value) == "table" then return value[key] end
end

--- Paths of what is wanted and is not there.
local function missing(wanted, have, path, out)
  if type(wanted) ~= "table" then
    if wanted ~= have then out[#out + 1] = ("%s: %s became %s"):format(path, tostring(wanted), tostring(have)) end
    return out
  end
  for key, value in pairs(wanted) do missing(value, member(have, key), path .. "." .. key, out) end
  return out
end

local function has(value, path)
  for name in path:gmatch("[^.]+") do value = member(member(value, 1) or value, name) end
  return value ~= nil
end

describe("samples", function()
  after_each(operator.clean)

  local function apply(cluster, path)
    if dev_cluster.has_kubectl then
      local output, status = program.run { "kubectl", "--kubeconfig", cluster.kubeconfig, "--cache-dir", cluster.kubeconfig .. ".cache", "apply", "-f", path }
      assert.are.equal(0, status, output)
      return
    end
    for _, document in ipairs(documents(path)) do cluster:create(document) end
  end

  it("are applied, lose nothing on the way, and are valid to the operator", function()
    local cluster = operator.cluster()
    cluster:operator()
    local k8sgpts = {}
    for _, path in ipairs(paths()) do
      apply(cluster, path)
      for _, document in ipairs(documents(path)) do
        local where = path .. ": " .. document.metadata.name
        assert.are.same({}, missing(document, cluster:find(document), where, {}))
        if document.kind == "K8sGPT" then k8sgpts[#k8sgpts + 1] = document end
      end
    end
    assert.is_true(#k8sgpts >= 25, "few K8sGPTs: " .. #k8sgpts)
    for _, cr in ipairs(k8sgpts) do
      operator.await(function() return "the operator's word on " .. cr.metadata.name end, function()
        local conditions = cluster:conditions(cr)
        return conditions.Ready and conditions
      end)
      assert.are_not.equal("InvalidSpec", cluster:conditions(cr).Ready.reason, cr.metadata.name)
    end
  end)

  it("show every field once", function()
    local sample, unseen = documents("samples/all_fields.yaml")[1], {}
    for _, leaf in ipairs(crd.leaves("k8sgpts", "spec")) do
      if not has(sample, leaf.path) then unseen[#unseen + 1] = leaf.path end
    end
    assert.are.same({}, unseen)
  end)

  it("of a kind that could not work are refused with the field's name", function()
    local cr = documents("samples/valid_k8sgpt.yaml")[1]
    cr.spec.ai.backend = "amazonbedrock"
    local cluster = operator.cluster { cr }
    cluster:operator()
    assert.matches("spec.ai.region is missing", cluster:await_condition(cr, "Ready", "InvalidSpec").message, 1, true)
  end)
end)

describe("the sample", function()
  after_each(operator.clean)

  --- An operator with the K8sGPTs of a sample, or one of them, and these objects.
  local function start(sample, number, others)
    local all, cluster = documents("samples/" .. sample), operator.cluster()
    for _, object in ipairs(others or {}) do cluster:create(object) end
    for i, document in ipairs(all) do
      if not number or i == number then cluster:create(document) end
    end
    cluster:operator()
    return cluster, all
  end

  local function namespace(name, stage) return { apiVersion = "v1", kind = "Namespace", metadata = { name = name, labels = { stage = stage } } } end

  it("valid_k8sgpt.yaml finds faults in all namespaces", function()
    local cluster = start("valid_k8sgpt.yaml", nil, { objects.image_error("a"), objects.crash_loop("b", "shop") })
    cluster:await_results { "Pod default/a", "Pod shop/b" }
  end)

  it("namespaces.yaml keeps to the two teams' namespaces and their objects", function()
    local function team(name) return { labels = { team = name } } end
    local cluster = start("namespaces.yaml", 1, {
      namespace("shop-eu", "production"), namespace("shop-us", "test"), namespace("shop-playground", "production"), namespace("payments", "production"),
      namespace("other", "production"), objects.image_error("a", "shop-eu"), objects.image_error("b", "shop-us"), objects.image_error("c", "shop-playground"),
      objects.image_error("d", "payments", team("payments")), objects.image_error("e", "payments", team("platform")), objects.image_error("f", "other"),
    })
    cluster:await_results { "Pod shop-eu/a", "Pod payments/d" }
  end)

  it("namespaces.yaml keeps to one namespace, upstream's way", function()
    local cluster = start("namespaces.yaml", 2, { objects.image_error("a", "shop"), objects.image_error("b", "shop-eu") })
    cluster:await_results { "Pod shop/a" }
  end)

  it("filters.yaml replaces the core set, and changes it", function()
    local cluster, all = start("filters.yaml")
    local function analyzers(cr)
      cluster:await_condition(cr, "Analysed", "Current")
      local names = {}
      for _, analyzer in ipairs(cluster:find(cr).status.analyzers) do names[analyzer.name] = true end
      return names
    end
    local replaced, changed = analyzers(all[1]), analyzers(all[2])
    assert.are.same({ true, nil, nil }, { replaced.HorizontalPodAutoscaler, replaced.DaemonSet, replaced.ConfigMap })
    assert.are.same({ true, true, nil }, { changed.Node, changed.ConfigMap, changed.Service })
  end)

  it("sinks.yaml posts to the address that the Secret holds", function()
    local chat = receiver.start()
    local secret = { apiVersion = "v1", kind = "Secret", metadata = { name = "team-channels" }, stringData = { slack = chat.url .. "/hook" } }
    start("sinks.yaml", 1, { secret, objects.image_error("web") })
    local request = chat:await_requests(1)[1]
    assert.are.same({ "/hook", ">*[k8sgpt-slack] K8sGPT analysis of the Pod default/web*" }, { request.path, request.json.text })
  end)
end)
