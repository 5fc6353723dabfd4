--- Durations as K8sGPT objects write them: "20s", "5m", "1h".

local duration = {}

local SECONDS = { s = 1, m = 60, h = 3600 }

-- Longer ones are slips of the pen, and their sum in milliseconds must stay an exact integer.
local MAX_SECONDS = 366 * 24 * 3600

--- The form is that of analysis.interval in the CRD: ^[0-9]+[smh]$.
---@param text any
---@return integer? seconds nil for anything else, and for more than a year
function duration.seconds(text)
  if type(text) ~= "string" then return nil end
  local number, unit = text:match("^(%d+)([smh])$")
  if not number or #number > 9 then return nil end
  local seconds = math.tointeger(tonumber(number)) * SECONDS[unit]
  if seconds > MAX_SECONDS then return nil end
  return seconds
end

-- What upstream waits between two runs when analysis.interval is not given.
duration.DEFAULT_INTERVAL = 30

--- Seconds between two runs for a K8sGPT.
---@param cr k8sgpt.View
---@return integer
function duration.interval(cr)
  local analysis = cr.spec and cr.spec.analysis
  return analysis and duration.seconds(analysis.interval) or duration.DEFAULT_INTERVAL
end

return duration
