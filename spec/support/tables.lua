--- Runs the test tables of policies (docs/policies.md, "Test tables") in the stand-in.

local lyaml = require "lyaml"

local cluster = require "cluster"
local k8sgpt = require "k8sgpt"

local tables = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function clean(value)
  if value == lyaml.null then return nil end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = clean(item) end
  return out
end

local function load_objects(dir, files)
  local objects = {}
  for _, file in ipairs(files or {}) do
    for _, object in ipairs(lyaml.load(read(dir .. "/" .. file), { all = true })) do objects[#objects + 1] = clean(object) end
  end
  return objects
end

local function show(value)
  return type(value) == "table" and k8sgpt.json_encode(value) or tostring(value)
end

local function is_list(value) return value[1] ~= nil or next(value) == nil end

-- Maps compare the keys that are wanted, lists item by item; `open` lists may go on.
local function differs(have, want, path, open)
  if type(want) ~= "table" then
    return have ~= want and ("%s is %s, not %s"):format(path, show(have), show(want)) or nil
  end
  if type(have) ~= "table" then return ("%s is %s, not %s"):format(path, show(have), show(want)) end
  if is_list(want) and (next(want) ~= nil or is_list(have)) and not open and #have ~= #want then
    return ("%s has %d items, not %d: %s"):format(path, #have, #want, show(have))
  end
  for key, item in pairs(want) do
    local problem = differs(have[key], item, ("%s.%s"):format(path, key))
    if problem then return problem end
  end
end

local STEP_OPS = { "apply", "patch", "delete", "choose", "diagnosis", "findings", "publish", "condition", "status", "event" }


-- A step's requests are answered in the order of the table; what has no answer there succeeds.
local function step_context(ctx, case)
  local requests, answers, at = {}, case.answers or {}, 1
  for _, op in ipairs(STEP_OPS) do
    ctx[op] = function(...)
      local args = {}
      for i = 1, select("#", ...) do args[i] = k8sgpt.copy((select(i, ...))) end
      requests[#requests + 1] = { op = op, args = args }
      local answer = answers[at]
      if answer and answer.op == op then
        at = at + 1
        if answer.failure then return nil, answer.failure end
        return answer.answer
      end
      assert(op ~= "choose" and op ~= "diagnosis", "no answer for " .. op)
      return op == "findings" and {} or true
    end
  end
  function ctx.requeue(seconds) return { requeue = seconds } end
  function ctx.stop(reason) return { stop = reason } end
  function ctx.retry(seconds, message) return { failed = { retry = seconds, message = message } } end
  function ctx.permanent(message) return { failed = { message = message } } end
  return requests
end

local function subject_of(world, reference)
  for _, object in ipairs(world.by_gvk[reference.apiVersion .. "/" .. reference.kind] or {}) do
    if object.metadata.name == reference.name and (object.metadata.namespace or "") == (reference.namespace or "") then return object end
  end
  error("there is no subject " .. reference.name)
end

local run = {}

function run.analyzer(policy, world, case)
  local ok, found, again = pcall(world.analyze, world, policy, subject_of(world, case.subject))
  if case.expect_error then
    return differs(ok and "none" or tostring(found):match(case.expect_error) or found, case.expect_error, "error")
  end
  if not ok then return found end
  return differs(found, case.expect, "expect") or case.again_after_seconds and differs(again, case.again_after_seconds, "again_after_seconds")
end

function run.step(policy, world, case)
  local ctx = world:context(policy, case.options)
  local requests = step_context(ctx, case)
  local first, second = policy.run(ctx, ctx.view(case.cr))
  local problem = differs(first or second, case.expect, "expect")
  if case.expect == nil and (first or second) then problem = "expect: returned " .. show(first or second) end
  for i, wanted in ipairs(case.expect_requests or {}) do
    local have = requests[i] or {}
    problem = problem or differs(have.op, wanted.op, ("request %d"):format(i))
    for n, arg in ipairs(wanted.args or {}) do problem = problem or differs(have.args[n], arg, ("%s.args.%d"):format(wanted.op, n)) end
  end
  if case.expect_requests and #requests > #case.expect_requests then
    problem = problem or ("one more request: " .. show(requests[#case.expect_requests + 1]))
  end
  return problem
end

function run.filter(policy, world, case)
  local ctx = world:context(policy)
  local cr = ctx.view(case.cr)
  if not case.input then return differs(policy.select(ctx, cr), case.expect, "expect") end
  local kept, reason = policy.keep(ctx, case.input, cr)
  return differs({ keep = kept, reason = reason }, case.expect, "expect")
end

function run.route(policy, world, case)
  return differs(policy.run(world:context(policy), case.input), case.expect, "expect")
end

function run.sink(policy, world, case)
  return differs(policy.request(world:context(policy), case.input, case.config or {}), case.expect, "expect")
end

--- All cases of a policy folder.
---@param dir string
---@return {name: string, check: fun(): string?}[]
function tables.cases(dir)
  local policy = dofile(dir .. "/policy.lua")
  local document, cases = lyaml.load(read(dir .. "/policy_test.yaml")), {}
  document = clean(document)
  for i, case in ipairs(document.cases) do
    for _, shared in ipairs { "now", "subject", "cr", "options", "input", "objects" } do
      if case[shared] == nil then case[shared] = document[shared] end
    end
    cases[i] = { name = case.name, check = function()
      local world = cluster.new(load_objects(dir, case.objects), case.now or "2026-03-01T10:10:00Z", case.forbid)
      local effective = case.params and setmetatable({ params = case.params }, { __index = policy }) or policy
      return run[policy.kind](effective, world, case)
    end }
  end
  return cases
end

return tables
