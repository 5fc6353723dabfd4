--- Policies that people put beside the built-in ones: what takes effect, what is refused, and that nothing breaks by it.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"

local SILENCE <const> = [[return { api = 1, kind = "filter", name = "known", keep = function(_, f) return f.name ~= "web", "known" end }]]
local DISABLED <const> = [[return { api = 1, kind = "analyzer", name = "Service", enabled = false }]]
local WRAP <const> = [[
return {
  api = 1, kind = "analyzer", name = "Pod", mode = "wrap", rules = { mine = { severity = "low" } },
  run = function(ctx, pod)
    local found = ctx.next() or {}
    found[#found + 1] = { rule = "mine", text = "pod " .. pod.metadata.name .. " is watched over" }
    return found
  end,
}
]]
local REPLACE <const> = [[
return {
  api = 1, kind = "analyzer", name = "Pod", description = "None of the built-in", watches = { "v1/Pod" }, fields = {},
  rules = { mine = { severity = "low" } }, run = function() return { { rule = "mine", text = "mine alone" } } end,
}
]]

local function rules_of(result)
  local rules = {}
  for i, failure in ipairs(result.spec.error) do rules[i] = failure.rule end
  table.sort(rules)
  return rules
end

--- The same policies in both layouts: path in a folder, key of a ConfigMap.
local LAYOUTS <const> = {
  { name = "a plain folder", key = function(path) return path end, put = function(folder, files)
    for path, text in pairs(files) do policies.put(folder, path, text) end
  end },
  { name = "a mounted ConfigMap", key = function(path) return (path:gsub("/policy%.lua$", ".lua"):gsub("/params", ".params"):gsub("/", ".")) end,
    put = policies.mount },
}

for _, layout in ipairs(LAYOUTS) do
  describe("overrides in " .. layout.name, function()
    local cluster, op, cr, folder
    local function put(files)
      local keyed = {}
      for path, text in pairs(files) do keyed[layout.key(path)] = text end
      layout.put(folder, keyed)
    end
    local function start(files)
      put(files)
      op = cluster:operator { "--policy-dir", folder }
    end
    before_each(function()
      cr, folder = objects.k8sgpt(), program.folder()
      cluster = operator.cluster { cr, objects.image_error("web"), objects.image_error("db"), objects.service("s") }
    end)
    after_each(operator.clean)

    it("replace a policy", function()
      start { ["analyzers/Pod/policy.lua"] = REPLACE }
      local result = cluster:await_result("Pod default/web")
      assert.are.same({ { "mine" }, "low" }, { rules_of(result), result.spec.severity })
      assert.are.same({ "Pod", "cluster" }, { op:await_news("opened Pod default/web mine").policy, op:news()[1].finding.layer })
    end)

    it("wrap a policy", function()
      start { ["analyzers/Pod/policy.lua"] = WRAP }
      assert.are.same({ "image", "mine" }, rules_of(cluster:await_result("Pod default/web")))
    end)

    it("switch a policy off", function()
      start { ["analyzers/Service/policy.lua"] = DISABLED }
      cluster:await_results { "Pod default/db", "Pod default/web" }
      cluster:await_condition(cr, "Ready", "Ready") -- not that it were unknown
    end)

    it("set parameters, with a library of their own", function()
      local lib = [[return { pods = "Pod" }]]
      local filter = [[
        local names = require "lib.names"
        return { api = 1, kind = "filter", name = "mine", params = { keep = "db" },
          keep = function(ctx, f) return f.kind == names.pods and f.name == ctx.params.keep end }
      ]]
      cluster:patch(cr, { spec = { filters = require("cjson").null } })
      start { ["lib/names.lua"] = lib, ["filters/mine/policy.lua"] = filter, ["filters/mine/params.yaml"] = "keep: web\n",
        ["filters/default/params.yaml"] = "core: [Pod, Service]\n" }
      cluster:await_results { "Pod default/web" }
      operator.await("two analyzers", function() return #(cluster:status(cr).analyzers or {}) == 2 end)
    end)

    it("take effect while it runs, and lose it again", function()
      start {}
      cluster:await_results { "Pod default/db", "Pod default/web", "Service default/s" }
      local uid = cluster:results()["Pod default/db"].metadata.uid
      put { ["filters/known/policy.lua"] = SILENCE }
      cluster:await_results { "Pod default/db", "Service default/s" }
      assert.are.equal(uid, cluster:results()["Pod default/db"].metadata.uid)
      local function overrides() return cluster:find(cr).status.policyBundle.overrides end
      operator.await("the override in the status", function() return #overrides() == 1 end)
      assert.are.same({ "filters/known", "cluster" }, { overrides()[1].name, overrides()[1].layer })
      if layout.put == policies.mount then put {} else os.remove(folder .. "/filters/known/policy.lua") end
      cluster:await_results { "Pod default/db", "Pod default/web", "Service default/s" }
      op:stop()
      assert.are.same({ "resolved Pod default/web image", "opened Pod default/web image" }, { op:told()[4], op:told()[5] })
      assert.are.equal(5, #op:told())
    end)

    it("that are broken at the start are left out, the rest works, and all say so", function()
      start { ["analyzers/Pod/policy.lua"] = "return { api = 1, kind = ", ["filters/known/policy.lua"] = SILENCE }
      assert.are.same({ "image" }, rules_of(cluster:await_results({ "Pod default/db", "Service default/s" })["Pod default/db"]))
      local condition = cluster:await_condition(cr, "PoliciesLoaded", "PolicyInvalid")
      assert.are.equal("False", condition.status)
      assert.matches(layout.key("analyzers/Pod/policy.lua"), condition.message, 1, true)
      assert.are.equal("PolicyInvalid", cluster:await_condition(cr, "Ready", "PolicyInvalid").reason)
      assert.are.equal("analyzers/Pod", op:await_log("a policy is left out").name)
      assert.are.equal(1, op:metric("k8sgpt_policy_load_failures_total", { reason = "PolicyInvalid" }))
      local _, status = op:probe("/readyz")
      assert.are.equal(200, status)

      put { ["analyzers/Pod/policy.lua"] = WRAP, ["filters/known/policy.lua"] = SILENCE }
      assert.are.same({ "image", "mine" }, rules_of(cluster:await_result("Pod default/db", function(r) return #r.spec.error == 2 end)))
      cluster:await_condition(cr, "PoliciesLoaded", "Loaded")
    end)

    it("that break later are refused as a whole, the last good ones go on, and all say so", function()
      start { ["filters/known/policy.lua"] = SILENCE }
      cluster:await_results { "Pod default/db", "Service default/s" }
      cluster:await_condition(cr, "PoliciesLoaded", "Loaded")
      local hash = cluster:find(cr).status.policyBundle.hash
      put { ["filters/known/policy.lua"] = SILENCE, ["analyzers/Service/policy.lua"] = DISABLED, ["analyzers/Pod/policy.lua"] = "return {" }
      local condition = cluster:await_condition(cr, "PoliciesLoaded", "LastGoodInUse")
      assert.matches(layout.key("analyzers/Pod/policy.lua"), condition.message, 1, true)
      assert.matches("correct this one to load the new ones", condition.message, 1, true)
      assert.matches("^analyzers/Pod$", op:await_log("policies refused, the last good ones stay in use").name)
      assert.is_true(op:metric("k8sgpt_policy_load_failures_total") >= 1)
      operator.await("an Event", function()
        for _, event in ipairs(cluster:get("/api/v1/namespaces/default/events").items) do
          if event.involvedObject.name == "sample" and event.reason == "PolicyInvalid" and event.type == "Warning" then return event end
        end
      end)
      cluster:create(objects.image_error("later")) -- the built-in and the good override still decide
      cluster:await_results { "Pod default/db", "Pod default/later", "Service default/s" }
      assert.are.equal(hash, cluster:find(cr).status.policyBundle.hash)

      put { ["filters/known/policy.lua"] = SILENCE, ["analyzers/Service/policy.lua"] = DISABLED, ["analyzers/Pod/policy.lua"] = WRAP }
      cluster:await_results { "Pod default/db", "Pod default/later" }
      cluster:await_condition(cr, "PoliciesLoaded", "Loaded")
      cluster:await_condition(cr, "Ready", "Ready")
    end)
  end)
end

describe("overrides", function()
  after_each(operator.clean)

  it("in several folders: the later one wins", function()
    local one, two = policies.folder { ["analyzers.Pod.lua"] = WRAP }, policies.folder { ["analyzers/Pod/policy.lua"] = REPLACE }
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    cluster:operator { "--policy-dir", one, "--policy-dir", two }
    assert.are.same({ "mine" }, rules_of(cluster:await_result("Pod default/web")))
  end)

  it("of what is not there are errors, not silence", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local folder = policies.folder { ["analyzers.Prod.lua"] = DISABLED:gsub('"Service"', '"Prod"') }
    local op = cluster:operator { "--policy-dir", folder }
    assert.matches("there is no analyzers/Prod below to switch off; correct the name or remove it",
      cluster:await_condition(cr, "PoliciesLoaded", "PolicyInvalid").message, 1, true)
    for key, problem in pairs {
      ["analyzer.Pod.lua"] = "the key does not begin with", ["analyzers.Pod.params.yaml"] = "has no parameter queue",
      ["filters.default.lua"] = "there is no",
    } do
      os.remove(folder .. "/analyzers.Prod.lua")
      local text = key:find("params") and "queue: []\n" or WRAP:gsub('"analyzer", name = "Pod"', '"filter", name = "x"')
      policies.put(folder, key, text)
      if key ~= "filters.default.lua" then
        operator.await(problem, function()
          local condition = cluster:conditions(cr).PoliciesLoaded
          return condition.reason == "LastGoodInUse" and condition.message:find(problem, 1, true)
        end)
      end
      os.remove(folder .. "/" .. key)
    end
    assert.are.same({ "opened Pod default/web image" }, op:told())
  end)

  it("of steps can be made too, and a step that fails loses nothing", function()
    local cr = objects.k8sgpt()
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local folder = program.folder()
    local op = cluster:operator { "--policy-dir", folder }
    cluster:await_results { "Pod default/web" }
    local watch = cluster:watch(cr) -- the condition lasts no longer than the step takes to fail five times
    policies.put(folder, "steps.Analysis.lua", [[return { api = 1, kind = "step", name = "Analysis", run = function() error("step is ill") end }]])
    operator.await("Ready: StepFailed, step is ill", function()
      for _, event in ipairs(watch:lines()) do
        for _, condition in ipairs(event.object.status.conditions or {}) do
          if condition.type == "Ready" and condition.reason == "StepFailed" and condition.message:find("step is ill", 1, true) then return true end
        end
      end
    end)
    watch:kill()
    os.remove(folder .. "/steps.Analysis.lua")
    cluster:await_condition(cr, "Ready", "Ready")
    assert.are.same({ "opened Pod default/web image" }, op:told())
  end)
end)
