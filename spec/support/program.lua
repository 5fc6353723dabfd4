--- A program under test: its log as it grows, its end and its exit status.

local json = require "cjson"
local lfs = require "lfs"
local system = require "system"

local program = {}
program.__index = program

--- How long a test waits for anything, and how often it looks: at once, then ever more rarely, as each look takes a process or two, and
--- other tests want the processors.
program.LIMIT_SECONDS = os.getenv("SANITIZE") ~= "" and os.getenv("SANITIZE") and 30 or 10
local LOOK_SECONDS <const>, RAREST_SECONDS <const>, SHARE <const> = 0.004, 0.1, 0.1 -- a share of what it waited so far
local TICKS <const> = 100 -- a second has in /proc (proc(5), sysconf(_SC_CLK_TCK))

local running = {}

---@return string text as one word for the shell
function program.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function words(list)
  local quoted = {}
  for i, word in ipairs(list) do quoted[i] = program.quote(word) end
  return table.concat(quoted, " ")
end

---@return string
function program.read(path)
  local file <close> = io.open(path)
  return file and file:read("a") or ""
end

function program.write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

--- A new folder of the test's own; it goes with program.clean.
local folders = {}
---@return string path
function program.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  folders[#folders + 1] = path
  return path
end

--- Looks until there is what is looked for.
---@generic T
---@param what string|fun(): string for the message when it does not come
---@param look fun(): T?
---@param every? number seconds, where it is to look as often all the time
---@param limit? number seconds, where the usual limit is too short
---@return T
function program.await(what, look, every, limit)
  limit = limit or program.LIMIT_SECONDS
  local start = system.monotime()
  local waited
  repeat
    local found = look()
    if found then return found end
    waited = system.monotime() - start
    system.sleep(every or math.min(math.max(LOOK_SECONDS, waited * SHARE), RAREST_SECONDS))
  until waited > limit
  error(("not within %d s: %s"):format(limit, type(what) == "string" and what or what()), 2)
end

--- Runs a program to its end.
---@return string output both streams
---@return integer status
function program.run(arguments)
  local pipe = assert(io.popen(("timeout -k 1 %d %s 2>&1 </dev/null; echo exit=$?"):format(program.LIMIT_SECONDS, words(arguments))))
  local output, status = pipe:read("a"):match("^(.*)exit=(%d+)\n$")
  pipe:close()
  return output, math.tointeger(status)
end

--- Starts a program in the background. A shell stays with it to reap it and to note how it ended.
---@param arguments string[] the executable first
---@param options? {lasting?: string, apart?: boolean} `lasting`: a folder for its log: it outlives program.clean, and whoever starts it ends
--- it. `apart`: signals to the process group of the test do not reach it
---@return table
function program.start(arguments, options)
  local folder = options and options.lasting or program.folder()
  lfs.mkdir(folder)
  os.remove(folder .. "/status")
  local self = setmetatable({ arguments = arguments, log = folder .. "/log", status_file = folder .. "/status", at = 0, entries = {} }, program)
  local script = ('%s >%s 2>&1 </dev/null & echo $!; exec >/dev/null; wait $!; echo $? >%s.new; mv %s.new %s'):format(
    words(arguments), self.log, self.status_file, self.status_file, self.status_file)
  local shell = options and options.apart and "setsid sh -c " or "sh -c "
  local pipe = assert(io.popen(shell .. program.quote("(" .. script .. ") 2>/dev/null &")))
  self.pid = assert(pipe:read("l"):match("^%d+$"))
  pipe:close()
  if not options then running[self] = true end
  return self
end

---@return integer? nil while it runs
function program:status() return math.tointeger(program.read(self.status_file):match("%d+")) end

--- The processor time that it took so far (proc(5): utime and stime, after the name in parentheses).
---@return number seconds, in steps of 0.01
function program:cpu_seconds()
  local fields = {}
  for field in program.read("/proc/" .. self.pid .. "/stat"):match("%) (.*)"):gmatch("%S+") do fields[#fields + 1] = field end
  return (fields[12] + fields[13]) / TICKS
end

--- Sends a signal and waits for the end.
---@return integer status 128 + signal when that ended it
function program:signal(name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid))
  running[self] = nil
  return program.await(self.pid .. " ends after " .. name, function() return self:status() end)
end

--- Asks it to end, which it has to do in good order.
function program:stop()
  local status = self:signal("TERM")
  if status ~= 0 then error(("%s ended with status %d:\n%s"):format(self.arguments[2], status, self:tail()), 2) end
end

function program:kill() self:signal("KILL") end

---@return string the last lines of its log
function program:tail()
  local lines = {}
  for line in program.read(self.log):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return table.concat(lines, "\n", math.max(1, #lines - 14))
end

--- All whole lines that it has written so far; those in JSON as tables.
---@return table[]
function program:lines()
  local file <close> = io.open(self.log)
  if not file then return self.entries end
  file:seek("set", self.at)
  for line in file:lines("L") do
    if line:sub(-1) ~= "\n" then break end
    self.at = self.at + #line
    local ok, entry = pcall(json.decode, line)
    self.entries[#self.entries + 1] = ok and type(entry) == "table" and entry or { text = line }
  end
  return self.entries
end

--- Waits for a line.
---@param what string
---@param accept fun(entry: table): any
---@return any what accept returned
function program:await_line(what, accept)
  local seen = 0
  return program.await(function() return what .. "\n" .. self:tail() end, function()
    local entries = self:lines()
    while seen < #entries do
      seen = seen + 1
      local found = accept(entries[seen])
      if found then return found end
    end
    local status = self:status()
    if status then
      running[self] = nil
      error(("%s: it ended with status %d:\n%s"):format(what, status, self:tail()), 0)
    end
  end)
end

--- Ends what a test left running, the last started first: each has to end in good order. Removes what it wrote.
function program.clean()
  local list, problem = {}, nil
  for one in pairs(running) do list[#list + 1] = one end
  table.sort(list, function(a, b) return math.tointeger(a.pid) > math.tointeger(b.pid) end)
  for _, one in ipairs(list) do
    local ok, message = pcall(one.stop, one)
    if not ok then
      os.execute(("kill -9 %s 2>/dev/null"):format(one.pid))
      problem = message
    end
  end
  for _, path in ipairs(folders) do os.execute("rm -rf " .. program.quote(path)) end
  folders = {}
  if problem then error(problem, 0) end
end

return program
