--- Runs the test suites and adds them up.
--
--   BUILD=build lua5.4 spec/run.lua all|unit|lua|behaviour|policies|repository|parity|e2e|image [UNIT_BINARY...]
--
-- One line a suite, the whole output of what failed, and a last line "N passed, N failed[, N skipped]". The exit status is 0
-- only when nothing failed and every suite that was asked for could be run.

local BUILD = os.getenv("BUILD") or "build"
local AT_ONCE = 4
local LIMIT_SECONDS = 170 -- of a file; a hanging test is a failure, not a hanging build

---@class Score
---@field passed integer
---@field failed integer
---@field skipped integer

---@return Score
local function score(passed, failed, skipped)
  return { passed = passed or 0, failed = failed or 0, skipped = skipped or 0 }
end

local function add(sum, other)
  for key, n in pairs(other) do sum[key] = sum[key] + n end
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

---@return string output both streams
---@return integer status 124 after the time limit
local function capture(command)
  local pipe = assert(io.popen(("timeout -k 5 %d sh -c %s 2>&1; echo \"exit=$?\""):format(LIMIT_SECONDS, quote(command))))
  local output, status = pipe:read("a"):match("^(.*)exit=(%d+)\n$")
  pipe:close()
  return output, math.tointeger(status)
end

local function sum_of(text, pattern)
  local sum = 0
  for n in text:gmatch(pattern) do sum = sum + math.tointeger(n) end
  return sum
end

--- Shows what failed. A program that fails without counting a failure (crash, leak, time limit) counts as one.
local function judge(title, result, output, status)
  if status ~= 0 and result.failed == 0 then result.failed = 1 end
  if result.failed == 0 then return result end
  print(("---- %s (exit status %d%s)"):format(title, status, status == 124 and ", time limit" or ""))
  io.write(output, output:sub(-1) == "\n" and "" or "\n")
  print("----")
  return result
end

--- cmocka's summary, on stderr.
local function score_of_cmocka(output)
  return score(sum_of(output, "%[  PASSED  %] (%d+) test"), sum_of(output, "%[  FAILED  %] (%d+) test"), sum_of(output, "%[  SKIPPED %] (%d+) test"))
end

local suites = {}

--- Runs a command on each of the files, several at once: most of a test's time is waiting for programs and clocks.
---@param files string[]
---@param command string for the shell; {} stands for the file
---@param count fun(output: string): Score
---@param at_once? integer
---@param limit_seconds? integer
---@return Score
local function each_of(files, command, count, at_once, limit_seconds)
  if #files == 0 then return score() end
  local folder = BUILD .. "/test"
  os.execute("rm -rf " .. quote(folder) .. " && mkdir -p " .. quote(folder))
  local names = {}
  for i, file in ipairs(files) do names[i] = quote(file) end
  local one = ("log=%s/$(echo {} | tr / .); timeout -k 5 %d %s >$log 2>&1; echo $? >$log.status"):format(folder, limit_seconds or LIMIT_SECONDS, command)
  os.execute(("printf '%%s\\n' %s | xargs -P %d -I{} sh -c %s"):format(table.concat(names, " "), at_once or AT_ONCE, quote(one)))
  local sum = score()
  for _, file in ipairs(files) do
    local log = folder .. "/" .. file:gsub("/", ".")
    local output = read_file(log)
    add(sum, judge(file, count(output), output, math.tointeger(read_file(log .. ".status"):match("%d+")) or 126))
  end
  return sum
end

function suites.unit(binaries) return each_of(binaries, "{}", score_of_cmocka) end

local function score_of_busted(output)
  local passed, failed, errors, pending = output:match("(%d+) success%a* / (%d+) failure%a* / (%d+) error%a* / (%d+) pending")
  if not passed then return score(0, 1) end
  return score(math.tointeger(passed), math.tointeger(failed) + math.tointeger(errors), math.tointeger(pending))
end

---@param folder string
---@param environment? string[] NAME=VALUE
local function busted(folder, environment, at_once, limit_seconds)
  local words = { quote("LUA_PATH=./lua/?.lua;./spec/?.lua;./?.lua;;") }
  for i, pair in ipairs(environment or {}) do words[i + 1] = quote(pair) end
  -- Not --lpath: busted hands its options on to the Lua of --lua unquoted, and the shell ends the command at a semicolon.
  local command = ("env %s busted --lua=/usr/bin/lua5.4 -o plainTerminal {}"):format(table.concat(words, " "))
  return each_of(lines_of("find " .. folder .. " -name '*_spec.lua' | sort"), command, score_of_busted, at_once, limit_seconds)
end

suites.lua = function() return busted("spec/lua") end
suites.behaviour = function() return busted("spec/behaviour") end
suites.parity = function() return busted("spec/parity") end

--- The tables beside the policies, by the engine that runs them in production.
function suites.policies()
  if #lines_of("find policies -name policy_test.yaml") == 0 then return score() end
  local output, status = capture(BUILD .. "/k8sgpt-operator policy test policies")
  local passed, failed, skipped = 0, 0, 0
  for p, f, rest in output:gmatch("(%d+) passed, (%d+) failed([^\n]*)") do
    passed, failed, skipped = math.tointeger(p), math.tointeger(f), math.tointeger(rest:match("(%d+) skipped") or 0)
  end
  return judge("policy test policies", score(passed, failed, skipped), output, status)
end

--- Scripts about the repository and the built file: exit status 0 passed, 77 skipped, anything else failed.
function suites.repository()
  local sum = score()
  for _, path in ipairs(lines_of("ls spec/checks/*.sh")) do
    local output, status = capture(path)
    if status == 77 then
      sum.skipped = sum.skipped + 1
    else
      add(sum, judge(path, score(status == 0 and 1 or 0, status == 0 and 0 or 1), output, status))
    end
  end
  return sum
end

--- The behaviour suite again, on one real kube-apiserver that all its files share, one after the other.
function suites.real()
  local plane = lines_of("lua5.4 spec/e2e/plane.lua start")[1]
  if not plane then return score(0, 1) end
  local result = busted("spec/behaviour/operator", { "CLUSTER=real", "CONTROL_PLANE=" .. plane }, 1)
  os.execute("lua5.4 spec/e2e/plane.lua stop " .. quote(plane))
  return result
end

--- What only a real control plane shows; each file starts the one that it needs.
function suites.plane() return busted("spec/e2e", nil, 1, 600) end

--- The image that tools/image/build.sh laid out.
function suites.image() return busted("spec/image", nil, 1) end

--- A minute of what `make soak` does for hours.
function suites.soak()
  local command = "env 'LUA_PATH=./lua/?.lua;./spec/?.lua;./?.lua;;' SECONDS=60 CLUSTER=real lua5.4 spec/soak/run.lua"
  local output, status = capture(command)
  return judge("spec/soak/run.lua", score(status == 0 and 1 or 0, status == 0 and 0 or 1), output, status)
end

--- The tests that measure what docs/reliability.md says.
function suites.measured(binaries)
  local wanted = {}
  for _, binary in ipairs(binaries) do
    local source = binary:gsub("^" .. BUILD:gsub("%p", "%%%0"), "spec") .. ".c"
    if read_file(source):find("figure_record", 1, true) then wanted[#wanted + 1] = binary end
  end
  return suites.unit(wanted)
end

local ORDER = { "unit", "lua", "policies", "repository", "parity", "behaviour" }
local GROUPS = { all = ORDER, e2e = { "measured", "real", "plane", "soak" } }

local function summary(result)
  return ("%d passed, %d failed%s"):format(result.passed, result.failed, result.skipped > 0 and (", %d skipped"):format(result.skipped) or "")
end

local function wall_seconds()
  return tonumber(read_file("/proc/uptime"):match("^%S+"))
end

local wanted, total = arg[1] or "all", score()
assert(GROUPS[wanted] or suites[wanted], "no suite named " .. wanted)
assert(exists(BUILD .. "/k8sgpt-operator") or wanted == "unit", BUILD .. "/k8sgpt-operator is not built: make all")
for _, name in ipairs(GROUPS[wanted] or { wanted }) do
  local start = wall_seconds()
  local result = suites[name](table.pack(table.unpack(arg, 2)))
  print(("%-11s %-40s %5.1f s"):format(name, summary(result), wall_seconds() - start))
  io.stdout:flush()
  add(total, result)
end
print(summary(total))
os.exit(total.failed == 0 and total.passed > 0)
