--- The operator's own log: one line a finding, written by the host.

local function request()
  return { log = true }
end

return { api = 1, kind = "sink", name = "log", description = "A line in the operator's log", request = request }
