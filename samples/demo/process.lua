--- Programs that the demo starts, the lines that they write, and the end that it puts to them.

local process = {}

--- How long the demo waits for anything.
process.LIMIT_SECONDS = 10

---@return string text as one word for the shell
function process.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Seconds of a clock that only goes forward, in hundredths.
---@return number
function process.uptime()
  local file <close> = assert(io.open("/proc/uptime"))
  return file:read("n")
end

---@return string output
---@return boolean ok
function process.capture(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  return output, pipe:close() == true
end

--- Stops the demo with a message for people.
function process.fail(message, ...)
  error({ message = message:format(...) }, 0)
end

---@class demo.Program
---@field name string
---@field pid string
---@field log string path of what it writes

--- Starts a program in the background. What it writes goes to its log.
---@param name string
---@param command string
---@param log string
---@param detached boolean it is to outlive the terminal
---@return demo.Program
function process.start(name, command, log, detached)
  local pid = process.capture(("exec %s %s >%s 2>&1 </dev/null & echo $!"):format(detached and "nohup" or "", command, process.quote(log)))
  return { name = name, pid = assert(pid:match("^(%d+)")), log = log }
end

--- A zombie counts as ended: in a container there may be nobody who reaps it.
local function is_running(pid)
  local file <close> = io.open("/proc/" .. pid .. "/stat")
  local state = file and file:read("a"):match("%) (%a)")
  return state ~= nil and state ~= "Z"
end

--- Ends a program and waits for its end: asks it to, and uses force when it does not listen.
function process.stop(pid)
  os.execute(("kill %s 2>/dev/null"):format(pid))
  local deadline = process.uptime() + 5
  while is_running(pid) and process.uptime() < deadline do os.execute("sleep 0.01") end
  if is_running(pid) then os.execute(("kill -9 %s 2>/dev/null"):format(pid)) end
end

--- Goes through the lines that a command writes, as it writes them, until one is accepted. The command is ended then, and when
--- time is up.
---@generic T
---@param command string
---@param accept fun(line: string): T?
---@return T? nil when the command ended or time was up before
function process.await(command, accept)
  local pipe = assert(io.popen(("echo $$; exec timeout %d %s 2>/dev/null"):format(process.LIMIT_SECONDS, command)))
  local pid, found = pipe:read("l"), nil
  for line in pipe:lines() do
    found = accept(line)
    if found then break end
  end
  os.execute("kill " .. pid .. " 2>/dev/null")
  pipe:close()
  return found
end

--- As await, on the log of a program from its first line on; ends early when the program does.
---@generic T
---@param program demo.Program
---@param what string what is waited for, for the message when it does not come
---@param accept fun(line: string): T?
---@return T
function process.await_log(program, what, accept)
  local found = process.await(("tail -n +1 -s 0.02 -f --pid=%s %s"):format(program.pid, process.quote(program.log)), accept)
  if not found then process.fail("%s: no sign of %s", program.name, what) end
  return found
end

return process
