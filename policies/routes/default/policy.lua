--- Who is told of a finding: the operator's log, always.

local function run()
  return { { sink = "log" } }
end

return { api = 1, kind = "route", name = "default", description = "Every finding goes to the operator's log", run = run }
