--- The verb render: what there would be, without a cluster.

local json = require "cjson"
local lyaml = require "lyaml"
local oneshot = require "support.oneshot"
local policies = require "support.policies"
local program = require "support.program"

local K8SGPT <const> = "apiVersion: core.k8sgpt.ai/v1alpha1\nkind: K8sGPT\nmetadata: {name: %s}\nspec: %s\n"

local function file(text)
  local path = program.folder() .. "/k8sgpt.yaml"
  program.write(path, text)
  return path
end

local function titles(objects)
  local lines = {}
  for i, object in ipairs(objects) do lines[i] = ("%s %s/%s"):format(object.kind, object.metadata.namespace or "", object.metadata.name) end
  return lines
end

local function listed(...)
  local ended = oneshot.run { "render", "-o", "json", ... }
  assert.equal("", ended.errors)
  assert.equal(0, ended.status)
  return json.decode(ended.output).items
end

describe("render", function()
  after_each(program.clean)

  it("prints the objects of every sample, the same as YAML and as JSON", function()
    local count = 0
    for path in io.popen("grep -l 'kind: K8sGPT' samples/*.yaml | xargs grep -L Embedded"):lines() do
      local from_yaml = lyaml.load(oneshot.run({ "render", path }).output, { all = true })
      local from_json = listed(path)
      assert.same(titles(from_json), titles(from_yaml))
      assert.same(from_json[#from_json].spec, from_yaml[#from_yaml].spec)
      count = count + 1
    end
    assert.is_true(count > 8)
  end)

  it("takes several resources of a namespace, and names what they share once", function()
    local path = file(K8SGPT:format("a", "{filters: [Node]}") .. "---\n" .. K8SGPT:format("b", "{filters: [Job]}") .. "---\napiVersion: v1\nkind: Secret\n"
      .. "metadata: {name: s}\n")
    local objects = listed("-n", "ops", path)
    assert.same({
      "ServiceAccount ops/k8sgpt-ops", "ClusterRole /k8sgpt-ops-clusterrole", "ClusterRoleBinding /k8sgpt-ops-clusterrole-binding",
      "Service ops/a", "Deployment ops/a", "Service ops/b", "Deployment ops/b",
    }, titles(objects))
    assert.same({
      { apiGroups = { "" }, resources = { "events", "nodes" }, verbs = { "list" } }, { apiGroups = { "batch" }, resources = { "jobs" }, verbs = { "list" } },
    }, objects[2].rules)
  end)

  it("has an admin edit what a built-in policy returns, add objects and leave some out", function()
    local dir = policies.folder {
      ["render.Deployment.lua"] = [[
        return { api = 1, kind = "render", name = "Deployment", mode = "wrap", render = function(ctx, cr)
          local objects = ctx.next()
          for _, object in ipairs(objects) do object.spec.template.spec.priorityClassName = "diagnosis" end
          return objects
        end }]],
      ["render.Quota.lua"] = [[
        local render = require "k8sgpt.render"
        return { api = 1, kind = "render", name = "Quota", order = 5, writes = { "v1/ResourceQuota" }, render = function(ctx, cr)
          local meta = { name = cr.metadata.name, namespace = cr.metadata.namespace }
          return { render.own(cr, { apiVersion = "v1", kind = "ResourceQuota", metadata = meta }) }
        end }]],
      ["render.ClusterRoleBinding.lua"] = 'return { api = 1, kind = "render", name = "ClusterRoleBinding", enabled = false }',
    }
    local objects = listed("--policy-dir", dir, file(K8SGPT:format("a", "{}")))
    assert.same({ "ResourceQuota default/a", "ServiceAccount default/k8sgpt-default", "ClusterRole /k8sgpt-default-clusterrole", "Service default/a",
      "Deployment default/a" }, titles(objects))
    assert.equal("diagnosis", objects[5].spec.template.spec.priorityClassName)
    assert.equal("k8sgpt", objects[5].spec.template.spec.containers[1].name)
  end)

  it("reads standard input", function()
    assert.equal(0, oneshot.run({ "render", "-" }, K8SGPT:format("a", "{}")).status)
  end)

  it("says that the embedded engine needs nothing", function()
    local path = file(K8SGPT:format("a", "{}"))
    local ended = oneshot.run { "render", "--engine", "embedded", path }
    assert.equal("", ended.output)
    assert.equal("render: nothing: the embedded engine needs no objects\n", ended.errors)
    assert.equal(0, ended.status)
    assert.equal(5, #listed("--engine", "embedded", file(K8SGPT:format("a", "{engine: {mode: Deployment}}"))))
  end)

  local function fails(status, message, ...)
    local ended = oneshot.run { "render", ... }
    assert.equal("", ended.output)
    assert.matches(message, ended.errors, 1, true)
    assert.matches("^render: [^\n]+\n[^\n]*\n?$", ended.errors)
    assert.equal(status, ended.status)
  end

  it("says in one line what is wrong with its input", function()
    local good = file(K8SGPT:format("a", "{}"))
    fails(2, "name a file")
    fails(2, "-o is yaml or json, not xml", "-o", "xml", good)
    fails(2, "--engine is deployment or embedded, not both", "--engine", "both", good)
    fails(2, "unknown or incomplete flag --no-such", "--no-such", good)
    fails(2, "there is no folder /nowhere", "--policy-dir", "/nowhere", good)
    fails(1, "cannot open /nowhere/k8sgpt.yaml", "/nowhere/k8sgpt.yaml")
    fails(1, "there is no K8sGPT resource in it", file("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"))
    fails(1, "line 1", file("{ not yaml"))
    fails(1, "K8sGPT default/a: spec.ai.region is missing: amazonbedrock needs it", file(K8SGPT:format("a", "{ai: {backend: amazonbedrock}}")))
    fails(3, "is of a kind that the policy does not declare; add it to writes", "--policy-dir", policies.folder {
      ["render.Service.lua"] = 'return { api = 1, kind = "render", name = "Service", writes = { "v1/Service" }, render = function() '
        .. 'return { { apiVersion = "v1", kind = "Secret", metadata = { name = "x" } } } end }',
    }, good)
    fails(3, "a render policy needs writes", "--policy-dir", policies.folder {
      ["render.Mine.lua"] = 'return { api = 1, kind = "render", name = "Mine", render = function() return {} end }',
    }, good)
  end)

  it("needs no account where an admin has made one", function()
    local path = file(K8SGPT:format("a", "{}"))
    local output = program.folder() .. "/out"
    assert(os.execute(("K8SGPT_ENABLE_DYNAMIC_RBAC=false %s render -o json %s >%s"):format(require("support.operator").BINARY, path, output)))
    local objects = json.decode(program.read(output)).items
    assert.same({ "Service default/a", "Deployment default/a" }, titles(objects))
    assert.equal("k8sgpt", objects[2].spec.template.spec.serviceAccountName)
  end)
end)
