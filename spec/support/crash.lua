--- Stories of an operator that is killed at one of its writes and started again, and what has to come of them.
---
--- The end is that of the same story undisturbed: the same Results, the same K8sGPT, and not a write more. Who is told: news goes out before it is
--- recorded in the Result's status, so an operator that is killed in between tells it again. What is recorded is never told again, and
--- nothing is left untold.

local end_state = require "support.end_state"
local faultproxy = require "support.faultproxy"
local figures = require "support.figures"
local luassert = require "luassert"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"
local system = require "system"

local crash = {}

--------------------------------------------------------------------------------------------------------------------------------
-- News
--------------------------------------------------------------------------------------------------------------------------------

--- Who knows of which finding, by the Results as they are stored: "sink id".
---@return table<string, boolean>
local function records(cluster)
  local known = {}
  for _, result in ipairs(end_state.results(cluster)) do
    for _, sent in ipairs((result.status or {}).notifications or {}) do known[sent.sink .. " " .. sent.finding] = true end
  end
  return known
end

--- How often each piece of news was told: "sink change id".
---@return table<string, integer>
local function told_by(operators, hook)
  local told = {}
  local function count(sink, change, id)
    local key = ("%s %s %s"):format(sink, change, id)
    told[key] = (told[key] or 0) + 1
  end
  for _, op in ipairs(operators) do
    for _, news in ipairs(op:news()) do count("log", news.change, news.finding.id) end
  end
  for _, request in ipairs(hook:requests()) do count("hook", request.json.change, request.json.id) end
  return told
end

--- That a piece of news is on record: of an end, that there is no record of the fault any more.
local function is_recorded(key, known)
  local sink, change, id = key:match("^(%S+) (%S+) (%S+)$")
  local has = known[sink .. " " .. id] or false
  return has == (change == "opened")
end

--------------------------------------------------------------------------------------------------------------------------------
-- Stories
--------------------------------------------------------------------------------------------------------------------------------

---@class Story
---@field name string
---@field has_k8sgpt boolean before it begins, with all its Results
---@field act fun(site: table)
---@field over fun(site: table): any that all is done

---@return table[] three faults that need no grace, and a healthy pod
local function faults() return { objects.image_error("image"), objects.image_error("other"), objects.service("gone"), objects.healthy_pod("well") } end

local function k8sgpt(hook) return objects.k8sgpt { sinks = { { name = "hook", type = "webhook", webhook = hook.url } } } end

--- That so many faults are found, each told to the log and to the webhook and recorded so.
function crash.knows(site, problems)
  local known, ready = 0, site.cluster:conditions(site.k8sgpt).Ready
  for _ in pairs(records(site.cluster)) do known = known + 1 end
  return known == 2 * problems and ready and ready.status == "True" and ready.message:find(problems .. " problems", 1, true)
end

--- Results that are stored, told or not.
function crash.results(site) return #end_state.results(site.cluster) end

local function is_write(request) return request.verb == "write" end

local function writes(site) return #site.proxy:requests(is_write) end

local function is_waiting_for_answers(site)
  local answered = {}
  for _, event in ipairs(site.proxy:events("answer")) do answered[event.request] = true end
  return #site.proxy:requests(function(r) return is_write(r) and not answered[r.request] end) > 0
end

local function start_operator(site)
  local op = operator.start(site.proxy.kubeconfig)
  site.operators[#site.operators + 1] = op
  site.op = op
end

local function begin(story)
  local site = { hook = receiver.start(), operators = {} }
  site.k8sgpt = k8sgpt(site.hook)
  local all = faults()
  if story.has_k8sgpt then all[#all + 1] = site.k8sgpt end
  site.cluster = operator.cluster(all)
  site.proxy = faultproxy.start(site.cluster)
  start_operator(site)
  if story.has_k8sgpt then program.await("three faults are found, told and recorded", function() return crash.knows(site, 3) end) end
  site.op:await_ready()
  site.written = writes(site)
  return site
end

--- Another run of every K8sGPT writes nothing.
local function assert_steady(site)
  site.op:await_ready()
  local before = writes(site)
  local function runs() return (site.op:metric("controller_runtime_reconcile_total")) end
  if site.cluster:find(site.k8sgpt) then
    local from = runs()
    site.cluster:patch(site.k8sgpt, { metadata = { annotations = { touched = "yes" } } })
    program.await("a run after the end", function() return runs() > from end)
  end
  site.op:heartbeat()
  luassert.are.equal(before, writes(site))
end

local goldens = {}

--- The story without a crash, once.
---@return table {state, told}
local function golden(story)
  if goldens[story] then return goldens[story] end
  local site = begin(story)
  story.act(site)
  program.await("the undisturbed story ends", function() return story.over(site) and not is_waiting_for_answers(site) end, 0.02)
  assert_steady(site)
  local made = { state = end_state.of(site.cluster, { site.k8sgpt }), told = told_by(site.operators, site.hook) }
  operator.clean()
  goldens[story] = made
  return made
end

local function await_golden(site, wanted)
  local last
  local came = pcall(program.await, "the end", function()
    last = end_state.of(site.cluster, { site.k8sgpt })
    return end_state.same(wanted.state, last)
  end, 0.02)
  if not came then luassert.are.same(wanted.state, last, site.op:tail()) end
end

--- The operator has the answer and can do nothing about it any more.
local function pass_answer(site, held)
  site.proxy:clear()
  site.proxy:rule { verb = "write", fault = "hold", point = "request", times = 0 }
  site.proxy:go(held.request)
  site.proxy:await_event("answer", "the answer is passed on", function(e) return e.request == held.request end)
  site.op:heartbeat() -- that arrived after it
end

---@return integer again how much was told twice
local function assert_told(site, wanted, known)
  local told, again = told_by(site.operators, site.hook), 0
  for key in pairs(told) do assert(wanted.told[key], "nobody is told undisturbed: " .. key) end
  for key in pairs(wanted.told) do
    local times, most = told[key] or 0, is_recorded(key, known) and 1 or 2
    assert(times >= 1 and times <= most, ("%s was told %d times, not 1 to %d"):format(key, times, most))
    again = again + times - 1
  end
  return again
end

--- Waits for the write that is to be held. How many writes a story needs varies: what comes together is written together.
---@return table? event nil when the story ended without it
local function await_held(site, story, nth)
  local function is_over() return story.over(site) and writes(site) - site.written < nth and not is_waiting_for_answers(site) end
  return program.await(function() return "a write is held, or the story ends\n" .. site.op:tail() end, function()
    return site.proxy:events("held")[1] or (is_over() and { is_over = true })
  end)
end

--- One life to the nth write, a second one to the end.
---@return number? seconds from the restart to the end; nil when there is no such write
---@return integer again how much was told twice
local function crash_at(story, point, nth)
  local wanted, site = golden(story), begin(story)
  site.proxy:rule { verb = "write", nth = nth, fault = "hold", point = point == "before" and "request" or "answer" }
  story.act(site)
  local held = await_held(site, story, nth)
  if held.is_over then
    operator.clean()
    return nil, 0
  end
  if point == "after" then pass_answer(site, held) end
  site.op:kill()
  site.proxy:clear()
  local known, from = records(site.cluster), system.monotime()
  start_operator(site)
  await_golden(site, wanted)
  local took = system.monotime() - from
  assert_steady(site)
  local again = assert_told(site, wanted, known)
  operator.clean()
  return took, again
end

crash.POINTS = { before = "before it is sent", during = "after it was sent, before the answer", after = "after the answer" }

local total = { kills = 0, slowest = 0, again = 0 }

--- The story as often as it has writes, killed at each of them.
---@param story Story
---@param point string of POINTS
---@return integer kills
function crash.at_each_write(story, point)
  local nth = 0
  while true do
    local ok, took, again = pcall(crash_at, story, point, nth + 1)
    if not ok then error(("killed at write %d, %s: %s"):format(nth + 1, crash.POINTS[point], took), 0) end
    if not took then break end
    nth = nth + 1
    total.kills, total.slowest, total.again = total.kills + 1, math.max(total.slowest, took), total.again + again
  end
  return nth
end

--- The story with a kill at every second write of each life, so many times.
---@param story Story
function crash.again_and_again(story, times)
  local wanted, site = golden(story), begin(story)
  story.act(site)
  for _ = 1, times do
    site.proxy:clear()
    local seen = writes(site)
    site.proxy:rule { verb = "write", nth = 2, fault = "hold", point = "answer" }
    program.await("a write, or nothing left", function()
      return writes(site) > seen or end_state.same(wanted.state, end_state.of(site.cluster, { site.k8sgpt }))
    end)
    site.op:kill()
    start_operator(site)
  end
  site.proxy:clear()
  await_golden(site, wanted)
  assert_steady(site)
end

--- What all of it took, once a file.
function crash.record()
  figures.record("crash-consistency", "kills", total.kills)
  figures.record("crash-consistency", "slowest way from a restart to the end", total.slowest, "s")
  figures.record("crash-consistency", "pieces of news that two lives told", total.again)
end

return crash
