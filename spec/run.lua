--- Runs the test suites and adds them up.
--
--   BUILD=build lua5.4 spec/run.lua all|unit|lua|behaviour|policies|repository|parity|e2e|image|... [UNIT_BINARY...]
--
-- One line a suite, the whole output of what failed, its name again near the end, where a log is read first, and a last line
-- "N passed, N failed[, N skipped]". The exit status is 0 only when nothing failed and every suite that was asked for could be run.

local BUILD = os.getenv("BUILD") or "build"
local FOLDER = BUILD .. "/test" -- of jobs and their logs
local AT_ONCE = 4
local LIMIT_SECONDS = 300 -- of a job, where four share two cores under a sanitizer too; a hanging test is a failure, not a hanging build
local PLANE_LIMIT_SECONDS = 600 -- of one that starts control planes
local INTERRUPTED = 130 -- exit status of spec/jobs.sh

---@class Score
---@field passed integer
---@field failed integer
---@field skipped integer

---@class Job
---@field title string what is shown of it when it fails
---@field command string for the shell
---@field count fun(output: string, status: integer): Score
---@field limit_seconds integer
---@field skip_status? integer with which it says that it has nothing to do here

---@class Suite
---@field jobs fun(binaries: string[]): Job[]
---@field at_once? integer jobs; 4 where most of a test's time is waiting for programs and clocks
---@field planes? boolean each job has a real control plane, which jobs share one after the other

---@return Score
local function score(passed, failed, skipped)
  return { passed = passed or 0, failed = failed or 0, skipped = skipped or 0 }
end

local function add(sum, other)
  for key, n in pairs(other) do sum[key] = sum[key] + n end
end

local function append(list, more)
  return table.move(more, 1, #more, #list + 1, list)
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = io.open(path, "r")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

--- Lines that a command prints.
---@return string[]
local function lines_of(command)
  local pipe, lines = assert(io.popen(command)), {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local function exists(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

local function wall_seconds()
  return tonumber(read_file("/proc/uptime"):match("^%S+"))
end

local function sum_of(text, pattern)
  local sum = 0
  for n in text:gmatch(pattern) do sum = sum + math.tointeger(n) end
  return sum
end

--------------------------------------------------------------------------------------------------------------------------------
-- Jobs
--------------------------------------------------------------------------------------------------------------------------------

local function name_of(job) return (job.title:gsub("[^%w_-]", ".")) end

local failures = {}

--- What of the output names a test that failed: busted's heads with the line behind them, and cmocka's last lines.
local function note_failure(job, output)
  failures[#failures + 1] = "failed: " .. job.title
  for place, name in ("\n" .. output):gmatch "\n%u%l+ %-> ([^\n]*)\n([^\n]*)" do failures[#failures + 1] = ("  %s %s"):format(place, name) end
  for name in output:gmatch "%[  FAILED  %] ([%a_][%w_]*)\n" do failures[#failures + 1] = "  " .. name end
end

--- Shows what failed. A program that fails without counting a failure (crash, leak, time limit) counts as one.
---@return Score
local function judge(job)
  local path = FOLDER .. "/" .. name_of(job)
  local output, status = read_file(path .. ".log"), math.tointeger(read_file(path .. ".status"):match("^%d+")) or 126
  if status == job.skip_status then return score(0, 0, 1) end
  local result = job.count(output, status)
  if status ~= 0 and result.failed == 0 then result.failed = 1 end
  if result.failed == 0 then return result end
  print(("---- %s (exit status %d%s)"):format(job.title, status, status == 124 and ", time limit" or ""))
  io.write(output, output:sub(-1) == "\n" and "" or "\n")
  print("----")
  note_failure(job, output)
  return result
end

--- Runs them in this order, several at once, to their ends or their limits. One that could not be run has no status then.
---@param jobs Job[]
local function run_all(jobs, at_once, has_planes)
  os.execute("rm -rf " .. quote(FOLDER) .. " && mkdir -p " .. quote(FOLDER))
  local lines = {}
  for i, job in ipairs(jobs) do
    write_file(("%s/%s.sh"):format(FOLDER, name_of(job)), job.command)
    lines[i] = ("%s %d\n"):format(name_of(job), job.limit_seconds)
  end
  write_file(FOLDER .. "/jobs", table.concat(lines))
  -- It ends with this process, however that ends.
  local command = ("exec setpriv --pdeathsig TERM spec/jobs.sh %s %d %s"):format(quote(FOLDER), at_once, has_planes and "planes" or "")
  local _, how, status = os.execute(command)
  if how == "signal" or status == INTERRUPTED then os.exit(INTERRUPTED) end
end

--- The second at which the last of them ended.
local function end_of(jobs)
  local last = 0
  for _, job in ipairs(jobs) do last = math.max(last, tonumber(read_file(FOLDER .. "/" .. name_of(job) .. ".status"):match(" (%S+)")) or 0) end
  return last
end

--------------------------------------------------------------------------------------------------------------------------------
-- Suites
--------------------------------------------------------------------------------------------------------------------------------

--- cmocka's summary, on stderr.
local function score_of_cmocka(output)
  return score(sum_of(output, "%[  PASSED  %] (%d+) test"), sum_of(output, "%[  FAILED  %] (%d+) test"), sum_of(output, "%[  SKIPPED %] (%d+) test"))
end

local function score_of_busted(output)
  local passed, failed, errors, pending = output:match("(%d+) success%a* / (%d+) failure%a* / (%d+) error%a* / (%d+) pending")
  if not passed then return score(0, 1) end
  return score(math.tointeger(passed), math.tointeger(failed) + math.tointeger(errors), math.tointeger(pending))
end

local function score_of_policy_test(output)
  local passed, failed, rest = output:match("(%d+) passed, (%d+) failed([^\n]*)\n*$")
  if not passed then return score(0, 1) end
  return score(math.tointeger(passed), math.tointeger(failed), math.tointeger(rest:match("(%d+) skipped") or 0))
end

local function score_of_status(_, status) return score(status == 0 and 1 or 0, status == 0 and 0 or 1) end

local LUA_PATH = quote("LUA_PATH=./lua/?.lua;./spec/?.lua;./?.lua;;")

---@param binaries string[]
---@return Job[]
local function cmocka(binaries)
  local jobs = {}
  for i, binary in ipairs(binaries) do jobs[i] = { title = binary, command = quote(binary), count = score_of_cmocka, limit_seconds = LIMIT_SECONDS } end
  return jobs
end

---@param files string[]
---@param environment? string NAME=VALUE
---@return Job[]
local function busted(files, environment, limit_seconds)
  local jobs = {}
  for i, file in ipairs(files) do
    -- Not --lpath: busted hands its options on to the Lua of --lua unquoted, and the shell ends the command at a semicolon.
    local command = ("env %s %s busted --lua=/usr/bin/lua5.4 -o plainTerminal %s"):format(LUA_PATH, environment or "", quote(file))
    jobs[i] = { title = file, command = command, count = score_of_busted, limit_seconds = limit_seconds or LIMIT_SECONDS }
  end
  return jobs
end

--- Those that take long, the longest first: what begins last is to be short.
local LONG = {
  "behaviour/operator/engine_size", "behaviour/operator/engine_calls", "behaviour/operator/crash", "behaviour/operator/crash_end",
  "behaviour/operator/misoperation", "behaviour/operator/misoperation_deployment", "behaviour/operator/standstill",
  "behaviour/operator/deployment_crash", "behaviour/operator/engine_scaling", "behaviour/operator/remote", "behaviour/operator/deployment",
  "behaviour/operator/bad_input", "e2e/rbac", "e2e/install",
}

---@return string[]
local function specs_in(folder)
  local files, rank = lines_of("find " .. folder .. " -name '*_spec.lua' | sort"), {}
  for i, name in ipairs(LONG) do rank[("spec/%s_spec.lua"):format(name)] = i end
  table.sort(files, function(a, b)
    local x, y = rank[a] or math.huge, rank[b] or math.huge
    return x < y or x == y and a < b
  end)
  return files
end

---@type table<string, Suite>
local suites = {
  unit = { jobs = cmocka },
  lua = { jobs = function() return busted(specs_in("spec/lua")) end },
  behaviour = { jobs = function() return busted(specs_in("spec/behaviour")) end },
  parity = { jobs = function() return busted(specs_in("spec/parity")) end },
}

--- The tables beside the policies, by the engine that runs them in production.
suites.policies = { jobs = function()
  local command = BUILD .. "/k8sgpt-operator policy test policies"
  return { { title = "policy test policies", command = command, count = score_of_policy_test, limit_seconds = LIMIT_SECONDS } }
end }

--- Scripts about the repository and the built file: exit status 0 passed, 77 skipped, anything else failed.
suites.repository = { jobs = function()
  local jobs = {}
  for i, path in ipairs(lines_of("ls spec/checks/*.sh")) do
    jobs[i] = { title = path, command = path, count = score_of_status, limit_seconds = LIMIT_SECONDS, skip_status = 77 }
  end
  return jobs
end }

--- The image that tools/image/build.sh laid out.
suites.image = { jobs = function() return busted(specs_in("spec/image")) end, at_once = 1 }

--------------------------------------------------------------------------------------------------------------------------------
-- On a real control plane
--------------------------------------------------------------------------------------------------------------------------------

local ON_PLANE <const> = "CLUSTER=real"

--- A file that holds something to a wall time of which a busy machine would take its part. Such files mostly wait, and so do not disturb each
--- other.
local function is_timed(file) return read_file(file):find("\n-- Timed: it runs where nothing is busy.\n", 1, true) ~= nil end

local function only(files, accept)
  local kept = {}
  for _, file in ipairs(files) do
    if accept(file) then kept[#kept + 1] = file end
  end
  return kept
end

local function untimed(files)
  return only(files, function(file) return not is_timed(file) end)
end

--- The C tests that measure what docs/reliability.md says, and a test that is too much for a real API server.
suites.measured = { jobs = function(binaries)
  local jobs = cmocka(only(binaries, function(binary)
    local source = binary:gsub("^" .. BUILD:gsub("%p", "%%%0"), "spec") .. ".c"
    return read_file(source):find("figure_record", 1, true) ~= nil
  end))
  return append(jobs, busted({ "spec/behaviour/operator/engine_size_spec.lua" }, nil, PLANE_LIMIT_SECONDS))
end }

--- What is timed of the two suites below.
suites.timed = { jobs = function()
  local jobs = busted(only(specs_in("spec/behaviour/operator"), is_timed), ON_PLANE)
  return append(jobs, busted(only(specs_in("spec/e2e"), is_timed), nil, PLANE_LIMIT_SECONDS))
end, at_once = 2, planes = true }

--- The behaviour suite again, on real API servers.
suites.real = { jobs = function() return busted(untimed(specs_in("spec/behaviour/operator")), ON_PLANE) end, at_once = 2, planes = true }

--- What only a real control plane shows; each file starts the one that it needs.
suites.plane = { jobs = function() return busted(untimed(specs_in("spec/e2e")), nil, PLANE_LIMIT_SECONDS) end, at_once = 2 }

--- A minute of what `make soak` does for hours.
suites.soak = { jobs = function()
  local command = ("env %s SECONDS=60 CLUSTER=real lua5.4 spec/soak/run.lua"):format(LUA_PATH)
  return { { title = "spec/soak/run.lua", command = command, count = score_of_status, limit_seconds = LIMIT_SECONDS } }
end, at_once = 2 }

--------------------------------------------------------------------------------------------------------------------------------
-- The run
--------------------------------------------------------------------------------------------------------------------------------

--- Suites one after the other; the jobs of a list's side by side.
local GROUPS = {
  all = { "unit", "lua", "policies", "repository", "parity", "behaviour" },
  e2e = { "measured", "timed", "real", { "soak", "plane" } },
}

local function summary(result)
  return ("%d passed, %d failed%s"):format(result.passed, result.failed, result.skipped > 0 and (", %d skipped"):format(result.skipped) or "")
end

---@param names string[] suites to run side by side
---@param binaries string[]
---@return Score
local function run_suites(names, binaries)
  local start, all, of, sum = wall_seconds(), {}, {}, score()
  for _, name in ipairs(names) do
    of[name] = suites[name].jobs(binaries)
    append(all, of[name])
  end
  run_all(all, suites[names[1]].at_once or AT_ONCE, suites[names[1]].planes)
  for _, name in ipairs(names) do
    local result = score()
    for _, job in ipairs(of[name]) do add(result, judge(job)) end
    print(("%-11s %-40s %5.1f s"):format(name, summary(result), end_of(of[name]) - start))
    add(sum, result)
  end
  io.stdout:flush()
  return sum
end

local wanted, total = arg[1] or "all", score()
assert(GROUPS[wanted] or suites[wanted], "no suite named " .. wanted)
assert(exists(BUILD .. "/k8sgpt-operator") or wanted == "unit", BUILD .. "/k8sgpt-operator is not built: make all")
for _, names in ipairs(GROUPS[wanted] or { wanted }) do
  add(total, run_suites(type(names) == "table" and names or { names }, table.pack(table.unpack(arg, 2))))
end
for _, line in ipairs(failures) do print(line) end
print(summary(total))
os.exit(total.failed == 0 and total.passed > 0)
