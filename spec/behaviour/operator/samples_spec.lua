--- The samples: applied as a user applies them, kept whole by the API server, and accepted by the operator.

local dev_cluster = require "support.dev_cluster"
local lyaml = require "lyaml"
local operator = require "support.operator"
local program = require "support.program"

-- Kubernetes' own types, of which samples/secure.yaml shows what people use.
local CORE_TYPES <const> = { ["spec.resources"] = true, ["spec.securityContext"] = true, ["spec.containerSecurityContext"] = true }

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

--- Visits the leaves of a schema.
local function leaves(schema, path, visit)
  if CORE_TYPES[path] or not (schema.properties or schema.items and schema.items.properties) then return visit(path) end
  for name, below in pairs((schema.items or schema).properties) do leaves(below, path .. "." .. name, visit) end
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
    local crd, sample = documents("crd/core.k8sgpt.ai_k8sgpts.yaml")[1], documents("samples/all_fields.yaml")[1]
    local unseen = {}
    leaves(crd.spec.versions[1].schema.openAPIV3Schema.properties.spec, "spec", function(path)
      if not has(sample, path) then unseen[#unseen + 1] = path end
    end)
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
