--- The operator for hours under random faults and changes (make soak).
---
---   SECONDS=7200 SEED=1 CLUSTER=real BUILD=build lua5.4 spec/soak/run.lua
---
--- At the end the faults stop. What the operator then says is what a new operator says of a new cluster with the same objects, it writes no
--- more, everybody was told of each finding in turns, and it has taken no more memory and descriptors than it had after it had warmed up.

local churn = require "soak.churn"
local end_state = require "support.end_state"
local faultproxy = require "support.faultproxy"
local faults = require "soak.faults"
local figures = require "support.figures"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"
local samples = require "soak.samples"
local system = require "system"

local SECONDS <const> = tonumber(os.getenv("SECONDS")) or 7200
local SANITIZED <const> = (os.getenv("SANITIZE") or "") ~= "" -- a sanitizer keeps what was freed
local SEED <const> = math.tointeger(os.getenv("SEED")) or os.time()

local SAMPLE_SECONDS <const> = math.max(1, math.min(10, SECONDS / 60))
local PROGRESS_SECONDS <const> = 10
local STEP_SECONDS <const> = 0.1
local EVENT_SECONDS <const> = 300 -- what an Event lives, so that there are as many of them after the warm-up as in the end
local WARM_UP_SHARE <const>, WARM_UP_MOST <const> = 0.25, 1200
local QUIET_SECONDS <const> = 3
--- The longest back-off of a watch is 30 s, and what lay in a black hole is given up after 30 s too.
local CONVERGE_SECONDS <const> = 120

--- A slope says something of a day only when it was looked at for a while: shorter runs are held to a growth.
local SLOPE_FROM_SECONDS <const> = 3600
--- What is free goes back to the system once a minute; a few such minutes are a stretch.
local FLOOR_SECONDS <const> = 300
local MAX_SLOPE_MB_A_DAY <const> = 1
local MAX_GROWTH_MB <const> = 1
local MAX_MORE_DESCRIPTORS <const> = 8 -- connections that are kept for the next request

local WRITES <const> = { "create", "apply", "patch", "update", "delete", "merge-patch", "merge_patch" }

local started = system.monotime()
local function now() return system.monotime() - started end

local function say(...) io.write(string.format(...), "\n"):flush() end

--------------------------------------------------------------------------------------------------------------------------------
-- The run
--------------------------------------------------------------------------------------------------------------------------------

local function permanent(hook) return objects.k8sgpt({ sinks = { { name = "hook", type = "webhook", webhook = hook.url } } }, "permanent") end

local function flags(folder) return { "--grace", "0", "--policy-dir", folder } end

local function restart_of(cluster)
  local plane = cluster.server and cluster.server.plane
  return plane and function()
    plane:kill("kube-apiserver")
    plane:start_apiserver("kube-apiserver", { port = plane.port })
    plane:await_crds(operator.CRDS, true)
  end
end

local function begin()
  local soak = { hook = receiver.start(), folder = program.folder(), samples = {} }
  soak.cluster = operator.cluster { permanent(soak.hook) }
  soak.proxy = faultproxy.start(soak.cluster, { quiet = true })
  soak.churn, soak.faults = churn.new(soak.cluster, soak.folder), faults.new(soak.proxy, restart_of(soak.cluster))
  soak.churn:fill()
  soak.op = operator.start(soak.proxy.kubeconfig, flags(soak.folder))
  soak.op:await_ready()
  return soak
end

---@return Sample
local function sample(soak)
  local status = soak.op:status()
  if status then error(("the operator ended with status %d:\n%s"):format(status, soak.op:tail()), 0) end
  local taken = samples.take(soak.op.pid, now())
  soak.samples[#soak.samples + 1] = taken
  return taken
end

local function show_progress(soak)
  local last = soak.samples[#soak.samples]
  say("%6.0f s  %6.2f MB RSS  %6.2f MB of its own  %3d descriptors  %d threads  %6d changes  %7d requests  %5d faults", last.at, last.rss, last.anon,
    last.fds, last.threads, soak.churn.changes, soak.proxy:counts().requests, soak.faults.total)
end

--- Does something whenever so many seconds have passed.
local function every(seconds, act)
  local at = now()
  return function()
    if now() < at then return end
    act()
    at = math.max(at + seconds, now())
  end
end

local function turmoil(soak)
  local measure = every(SAMPLE_SECONDS, function() sample(soak) end)
  local progress = every(PROGRESS_SECONDS, function() show_progress(soak) end)
  local change = every(STEP_SECONDS, function() soak.churn:step() end)
  local expire = every(EVENT_SECONDS / 5, function() soak.churn:expire_events(EVENT_SECONDS) end)
  while now() < SECONDS do
    soak.faults:tick(now())
    change()
    expire()
    measure()
    progress()
    system.sleep(STEP_SECONDS / 4)
  end
  soak.faults:stop()
  soak.churn:settle()
end

--------------------------------------------------------------------------------------------------------------------------------
-- The end
--------------------------------------------------------------------------------------------------------------------------------

local problems = {}
local function expect(holds, ...)
  if not holds then problems[#problems + 1] = string.format(...) end
end

local function k8sgpts(soak) return soak.cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/k8sgpts").items end

local function named(list)
  local all = {}
  for i, item in ipairs(list) do all[i] = objects.k8sgpt({}, item.metadata.name) end
  return all
end

--- How things are. A Result also tells of the past: its lifecycle, and what is over of an object that has other faults.
local function state_of(cluster, list)
  local state = end_state.of(cluster, list)
  for _, result in pairs(state.results) do
    local open = {}
    for _, finding in ipairs(result.status.findings) do
      if finding.state == "open" then open[#open + 1] = finding end
    end
    result.status.findings, result.status.lifecycle = open, nil
  end
  return state
end

local function writes(op) return (op:metric("k8sgpt_api_requests_total", { verb = WRITES })) end

---@return any? what it found; nil when it did not come in time
local function within(seconds, look)
  local from, found = now(), look()
  while not found and now() - from < seconds do
    system.sleep(0.1)
    found = look()
  end
  return found
end

--- That each watch which may have missed something has caught up: what was made after all else is seen too.
local function await_canaries(soak)
  local cluster, slice = soak.cluster, objects.slice(objects.service("canary"), false)
  local canaries = { objects.image_error("canary"), churn.deployment("canary", "default", 1), churn.service("canary"), slice }
  local function says(name, rule)
    return within(CONVERGE_SECONDS, function()
      local result = cluster:results()[name]
      return result and result.spec.error[1].rule == rule
    end)
  end
  local function runs() return (soak.op:metric("controller_runtime_reconcile_total")) end
  for _, canary in ipairs(canaries) do cluster:create(canary) end
  expect(says("Pod default/canary", "image"), "the last pod was not seen within %d s", CONVERGE_SECONDS)
  expect(says("Deployment default/canary", "unavailable"), "the last deployment was not seen within %d s", CONVERGE_SECONDS)
  expect(says("Service default/canary", "not-ready"), "the last service or its endpoints were not seen within %d s", CONVERGE_SECONDS)
  local from = runs()
  cluster:patch(permanent(soak.hook), { metadata = { annotations = { touched = "yes" } } })
  expect(within(CONVERGE_SECONDS, function() return runs() > from end), "the last change of a K8sGPT was not seen within %d s", CONVERGE_SECONDS)
end

--- The state when nothing has been written for a while and no K8sGPT is on its way out.
---@return table? state nil when there is no end of it
local function quiet_state(soak)
  local from = now()
  while now() - from < CONVERGE_SECONDS do
    local before = writes(soak.op)
    system.sleep(QUIET_SECONDS)
    local is_going = false
    for _, item in ipairs(k8sgpts(soak)) do is_going = is_going or item.metadata.deletionTimestamp ~= nil end
    if not is_going and writes(soak.op) == before then return state_of(soak.cluster, named(k8sgpts(soak))) end
  end
end

local function differences(a, b)
  local lines = {}
  for name, result in pairs(a.results) do
    if not end_state.same(result, b.results[name] or false) then
      lines[#lines + 1] = ("  %s: after the faults %s\n      new %s"):format(name, json.encode(result), b.results[name] and json.encode(b.results[name]) or "-")
    end
  end
  for name, result in pairs(b.results) do
    if not a.results[name] then lines[#lines + 1] = ("  %s: new only: %s"):format(name, json.encode(result)) end
  end
  for name, k8sgpt in pairs(a.k8sgpts) do
    if not end_state.same(k8sgpt, b.k8sgpts[name]) then
      lines[#lines + 1] = ("  K8sGPT %s: after the faults %s\n      new %s"):format(name, json.encode(k8sgpt), json.encode(b.k8sgpts[name]))
    end
  end
  return table.concat(lines, "\n", 1, math.min(#lines, 12))
end

--- Each finding of the K8sGPT that stays is told in turns: opened, perhaps changed, resolved. What is open was told so.
---@return integer news
local function check_news(soak)
  local open, news = {}, 0
  for line in io.lines(soak.op.log) do
    if line:find('"logger":"sink.log"', 1, true) then
      local entry = json.decode(line)
      local finding, change = entry.finding, entry.msg:match("^finding (%a+)$")
      if finding.cr.name == "permanent" then
        news = news + 1
        expect((change == "opened") == not open[finding.id], "told out of turn: %s", line)
        if change ~= "changed" then open[finding.id] = change == "opened" or nil end
      end
    end
  end
  return news
end

local function judge_memory(soak)
  local warm = math.min(SECONDS * WARM_UP_SHARE, WARM_UP_MOST)
  local slope, error_of_slope = samples.slope(samples.floors(soak.samples, "anon", warm, FLOOR_SECONDS), "anon", warm)
  local a_day, uncertain = slope * 86400, error_of_slope * 86400
  local span = SECONDS - warm
  local first, last = samples.median(soak.samples, "anon", warm, warm + span / 4), samples.median(soak.samples, "anon", SECONDS - span / 4, SECONDS)
  local growth = last - first
  if SANITIZED then return { growth = growth, a_day = a_day, uncertain = uncertain, warm = warm } end
  if span >= SLOPE_FROM_SECONDS then
    local sure = a_day - 2 * uncertain
    expect(sure < MAX_SLOPE_MB_A_DAY, "the least that it holds of its own grows by %.2f ± %.2f MB a day", a_day, uncertain)
    figures.record("soak", "growth of the operator's own memory that is sure: two standard errors less than seen", sure, "MB/day")
  end
  expect(growth < MAX_GROWTH_MB, "its own memory grew by %.2f MB from the first to the last quarter after the warm-up", growth)
  figures.record("soak", "growth of the operator's own memory from the first to the last quarter", growth, "MB")
  return { growth = growth, a_day = a_day, uncertain = uncertain, warm = warm }
end

local function judge_descriptors(soak, first, last)
  local most = 0
  for _, one in ipairs(soak.samples) do most = math.max(most, one.fds) end
  expect(last.fds - first.fds <= MAX_MORE_DESCRIPTORS, "%d descriptors at first, %d in the end", first.fds, last.fds)
  expect(last.threads == first.threads, "%d threads at first, %d in the end", first.threads, last.threads)
  figures.record("soak", "descriptors more in the end than at first", last.fds - first.fds)
  return most
end

local function compare_with_new(soak, state)
  local all = soak.churn:objects()
  local list = named(k8sgpts(soak))
  soak.proxy:stop()
  local cluster = operator.cluster(all)
  local fresh = operator.start(cluster.kubeconfig, flags(soak.folder))
  fresh:await_ready()
  local wanted
  local from = now()
  repeat
    system.sleep(0.5)
    wanted = state_of(cluster, list)
    local same = end_state.same(state, wanted)
  until same or now() - from > 30
  expect(end_state.same(state, wanted), "a new operator says something else:\n%s", differences(state, wanted))
  fresh:stop()
end

local function size_of(map)
  local n = 0
  for _ in pairs(map) do n = n + 1 end
  return n
end

local function finish(soak, first)
  local from = now()
  await_canaries(soak)
  local state = quiet_state(soak)
  expect(state, "it has not come to rest within %d s", CONVERGE_SECONDS)
  local rest = now() - from
  local last = sample(soak)
  local before = writes(soak.op)
  system.sleep(QUIET_SECONDS)
  expect(writes(soak.op) == before, "%d writes when nothing changed", writes(soak.op) - before)
  local requests = soak.proxy:counts().requests
  soak.op:stop()
  local news = check_news(soak)
  if state then compare_with_new(soak, state) end
  figures.record("soak", "seconds of faults", SECONDS, "s")
  figures.record("soak", "from the last fault to rest", rest, "s")
  return {
    memory = judge_memory(soak), most = judge_descriptors(soak, first, last), first = first, last = last, rest = rest, news = news, requests = requests,
    results = state and size_of(state.results) or 0,
  }
end

local function table_of(soak, result)
  local first, last, memory = result.first, result.last, result.memory
  say("")
  say("seed %d, %d s: %d changes (%d refused), %d requests, %d faults, %d pieces of news, %d Results in the end", SEED, SECONDS, soak.churn.changes,
    soak.churn.refused, result.requests, soak.faults.total, result.news, result.results)
  local names = {}
  for name, count in pairs(soak.faults.counts) do names[#names + 1] = ("%s %d"):format(name, count) end
  table.sort(names)
  say("faults: %s", table.concat(names, ", "))
  say("")
  say("%-28s %10s %10s", "", "at first", "in the end")
  say("%-28s %10.2f %10.2f", "RSS, MB", first.rss, last.rss)
  say("%-28s %10.2f %10.2f", "memory of its own, MB", first.anon, last.anon)
  say("%-28s %10d %10d   (at most %d)", "descriptors", first.fds, last.fds, result.most)
  say("%-28s %10d %10d", "threads", first.threads, last.threads)
  say("memory of its own after %.0f s: %+.2f MB from the first to the last quarter, the least of it %+.2f ± %.2f MB a day", memory.warm,
    memory.growth, memory.a_day, memory.uncertain)
  say("at rest %.1f s after the last fault", result.rest)
end

--- What the operator said stays, to look at.
local function keep_log(soak)
  local folder = (os.getenv("BUILD") or "build") .. "/soak"
  os.execute(("mkdir -p %s && cp %s %s/operator.log"):format(program.quote(folder), program.quote(soak.op.log), program.quote(folder)))
end

local function main()
  math.randomseed(SEED)
  say("soak: %d s, seed %d", SECONDS, SEED)
  local soak = begin()
  expect(quiet_state(soak), "it has not come to rest before the faults")
  started = system.monotime()
  local first = sample(soak)
  local ok, message = xpcall(turmoil, debug.traceback, soak)
  if ok then table_of(soak, finish(soak, first)) end
  keep_log(soak)
  if not ok then error(message, 0) end
end

local ok, message = xpcall(main, function(e) return type(e) == "string" and debug.traceback(e, 2) or tostring(e) end)
if not ok then problems[#problems + 1] = message end
local cleaned, unclean = pcall(operator.clean)
if not cleaned then problems[#problems + 1] = unclean end
for _, problem in ipairs(problems) do say("soak: %s", problem) end
say(#problems == 0 and "soak: held" or "soak: failed (SEED=" .. SEED .. " SECONDS=" .. SECONDS .. ")")
os.exit(#problems == 0, true) -- closes the state: a control plane of its own ends with that
