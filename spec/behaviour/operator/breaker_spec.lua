--- Overrides that raise errors, loop or eat memory: the built-in stands in, nothing is lost, and the process stays as quick as before.

local objects = require "support.objects"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"

local SLOW_SECONDS <const> = program.LIMIT_SECONDS > 10 and 2 or 0.1 -- of work; under sanitizers there is more of it

local BAD <const> = {
  ["raises errors"] = [[error("the override is ill")]],
  ["loops for ever"] = [[while true do end]],
  ["catches what is to stop it"] = [[while true do pcall(function() while true do end end) end]],
  ["loops in a pattern"] = [[return {} , ("a"):rep(3000):find(".-.-.-.-b")]],
  ["eats memory"] = [[local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end]],
  ["answers nonsense"] = [[return { { rule = "no-such-rule", text = 4711 } }]],
}

local function override(kind, name, fn, body)
  return ([[return { api = 1, kind = "%s", name = "%s", mode = "wrap", %s = function(ctx, ...) %s end }]]):format(kind, name, fn, body)
end

--- How much work went before an answer of /healthz while `done` was not true yet: the median and the worst.
local function probe_work(op, done)
  local work = {}
  operator.await("an end", function()
    work[#work + 1] = op:heartbeat_work()
    return done()
  end)
  table.sort(work)
  return work[(#work + 1) // 2], work[#work]
end

for name, body in pairs(BAD) do
  describe("an analyzer that " .. name, function()
    after_each(operator.clean)

    it("is stood in for, trips, and is given another chance when it changes", function()
      local cr = objects.k8sgpt()
      local pods = { cr, objects.image_error("web"), objects.crash_loop("job") }
      for i = 1, 8 do pods[#pods + 1] = objects.healthy_pod("well-" .. i) end
      local cluster, folder = operator.cluster(pods), program.folder()
      local op = cluster:operator { "--policy-dir", folder }
      cluster:await_results { "Pod default/job", "Pod default/web" }
      local before = cluster:results()

      policies.put(folder, "analyzers.Pod.lua", override("analyzer", "Pod", "run", body))
      local condition
      local median, worst = probe_work(op, function()
        condition = cluster:conditions(cr).PoliciesLoaded
        return condition.reason == "PolicyTripped"
      end)
      -- Fresh pages cost far more time than fuel: one such call may take 60 ms.
      local limit = name == "eats memory" and 5 * SLOW_SECONDS or SLOW_SECONDS
      assert.is_true(median < limit and worst < 10 * SLOW_SECONDS, ("the work before an answer took %.2f s, at worst %.2f"):format(median, worst))
      assert.matches("Pod .*analyzers%.Pod%.lua.*The layer below works in its place", condition.message)
      assert.is_not_nil(op:await_log("tripped: the layer below stands in until the policy changes"))
      cluster:await_condition(cr, "Analysed", "AnalyzerFailed")

      cluster:create(objects.image_error("later")) -- the layer below finds what is new,
      cluster:await_result("Pod default/later")
      local after = cluster:results()
      for _, known in ipairs { "Pod default/job", "Pod default/web" } do -- and nothing that was found is lost, or told again
        assert.are.equal(before[known].metadata.uid, after[known].metadata.uid)
      end

      policies.put(folder, "analyzers.Pod.lua", override("analyzer", "Pod", "run", "return (ctx.next(...))"))
      cluster:await_condition(cr, "PoliciesLoaded", "Loaded")
      cluster:await_condition(cr, "Analysed", "Current")
      op:stop()
      local told = op:told()
      table.sort(told)
      assert.are.same({ "opened Pod default/job crash-loop", "opened Pod default/later image", "opened Pod default/web image" }, told)
    end)
  end)
end

describe("a stand-in", function()
  after_each(operator.clean)

  it("never resolves what the failing policy had found", function()
    local folder = policies.folder { ["analyzers.Pod.lua"] = [[
      return { api = 1, kind = "analyzer", name = "Pod", mode = "wrap", rules = { mine = { severity = "low" } },
        run = function(ctx, pod)
          if pod.metadata.labels and pod.metadata.labels.ill then error("ill") end
          local found = ctx.next() or {}
          found[#found + 1] = { rule = "mine", text = "mine" }
          return found
        end }
    ]] }
    local pod = objects.image_error("web")
    local cluster = operator.cluster { objects.k8sgpt(), pod }
    local op = cluster:operator { "--policy-dir", folder }
    cluster:await_result("Pod default/web", function(r) return #r.spec.error == 2 end)
    cluster:patch(pod, { metadata = { labels = { ill = "yes" } } })
    cluster:patch(pod, objects.mended(), "status") -- so says the built-in one; what the other says is not known
    cluster:create(objects.image_error("later"))
    cluster:await_result("Pod default/later")
    assert.are.equal(2, #cluster:results()["Pod default/web"].spec.error)

    cluster:patch(pod, { metadata = { labels = { ill = require("cjson").null } } }) -- it works again, and then it counts
    local result = cluster:await_result("Pod default/web", function(r) return #r.spec.error == 1 end)
    assert.are.equal("mine", result.spec.error[1].rule)
    op:await_news("resolved Pod default/web image")
  end)
end)

describe("a filter that fails", function()
  after_each(operator.clean)

  for _, fn in ipairs { "keep", "select" } do
    it(("in %s hides nothing and shows nothing that was hidden"):format(fn), function()
      local cr = objects.k8sgpt { namespaces = { "shop" } }
      local cluster, folder = operator.cluster { cr, objects.image_error("web", "shop"), objects.image_error("hidden") }, program.folder()
      local op = cluster:operator { "--policy-dir", folder }
      cluster:await_results { "Pod shop/web" }
      local uid = cluster:results()["Pod shop/web"].metadata.uid
      policies.put(folder, "filters.default.lua", override("filter", "default", fn, "while true do end"))
      operator.await("a failure of it", function() return op:metric("k8sgpt_policy_runs_total", { kind = "filter", result = "fuel" }) > 0 end)
      cluster:create(objects.image_error("hidden-too"))
      cluster:create(objects.image_error("later", "shop"))
      cluster:await_results { "Pod shop/later", "Pod shop/web" }
      if fn == "keep" then cluster:await_condition(cr, "PoliciesLoaded", "PolicyTripped") end
      cluster:create(objects.image_error("last", "shop"))
      cluster:await_results { "Pod shop/last", "Pod shop/later", "Pod shop/web" }
      assert.are.equal(uid, cluster:results()["Pod shop/web"].metadata.uid)
      assert.are.same({ "opened Pod shop/web image", "opened Pod shop/later image", "opened Pod shop/last image" }, op:told())
    end)
  end

  it("when it trips keeps hidden what it hid, and lets everything new be seen", function()
    local filter = [[return { api = 1, kind = "filter", name = "mine", keep = function(_, f) %s return not f.name:find("^quiet") end }]]
    local cr, folder = objects.k8sgpt(), policies.folder { ["filters.mine.lua"] = filter:format("") }
    local cluster = operator.cluster { cr, objects.image_error("web"), objects.image_error("quiet") }
    local op = cluster:operator { "--policy-dir", folder }
    cluster:await_results { "Pod default/web" }
    policies.put(folder, "filters.mine.lua", filter:format([[error("ill")]]))
    operator.await("a failure of it", function() return op:metric("k8sgpt_policy_runs_total", { policy = "mine", result = "error" }) > 0 end)
    for i = 1, 5 do cluster:create(objects.image_error("quiet-" .. i)) end
    cluster:await_condition(cr, "PoliciesLoaded", "PolicyTripped")
    cluster:create(objects.image_error("last"))
    cluster:await_result("Pod default/last")
    assert.is_nil(cluster:results()["Pod default/quiet"])
    assert.is_not_nil(cluster:results()["Pod default/quiet-1"])
    policies.put(folder, "filters.mine.lua", filter:format(""))
    cluster:await_results { "Pod default/last", "Pod default/web" }
    assert.is_nil(table.concat(op:told(), "\n"):find("default/quiet image", 1, true))
  end)
end)

describe("a route or sink that fails", function()
  after_each(operator.clean)

  it("is stood in for: the news come all the same", function()
    local cluster = operator.cluster { objects.k8sgpt(), objects.image_error("web") }
    local folder = policies.folder { ["routes.default.lua"] = override("route", "default", "run", [[error("ill")]]) }
    local op = cluster:operator { "--policy-dir", folder }
    op:await_news("opened Pod default/web image")
  end)

  it("and has nobody below is told again when it works, once", function()
    local cr, pod = objects.k8sgpt(), objects.image_error("web")
    local sink = [[return { api = 1, kind = "sink", name = "pager", request = function() %s end }]]
    local folder = policies.folder {
      ["sinks.pager.lua"] = sink:format([[error("the sink is ill")]]), ["routes.default.lua"] = [[
        return { api = 1, kind = "route", name = "default", run = function() return { { sink = "pager" } } end }]],
    }
    local cluster = operator.cluster { cr, pod }
    local op = cluster:operator { "--policy-dir", folder }
    cluster:await_result("Pod default/web")
    assert.matches("the sink is ill", cluster:await_condition(cr, "Notified", "SinkFailing").message, 1, true)
    assert.are.same({}, op:told())
    policies.put(folder, "sinks.pager.lua", sink:format("return { log = true }"))
    op:await_news("opened Pod default/web image")
    cluster:await_condition(cr, "Notified", "Delivered")
    op:stop()
    assert.are.same({ "opened Pod default/web image" }, op:told())
  end)
end)
