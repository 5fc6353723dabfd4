--- Schedules of CronJobs: what they mean, and what is wrong with them.
--
-- The CronJob controller reads them with github.com/robfig/cron v3 (ParseStandard); forms, limits and the words of its errors are
-- that library's. Times are seconds since 1970 in UTC: no policy knows time zones, `zoned` tells that one is asked for.

local cron = {}

local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11, dec = 12 }
local DAYS = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 }

local FIELDS = {
  { name = "minute", least = 0, most = 59 }, { name = "hour", least = 0, most = 23 }, { name = "day", least = 1, most = 31 },
  { name = "month", least = 1, most = 12, names = MONTHS }, { name = "weekday", least = 0, most = 6, names = DAYS },
}

local DESCRIPTORS = {
  ["@yearly"] = "0 0 1 1 *", ["@annually"] = "0 0 1 1 *", ["@monthly"] = "0 0 1 * *", ["@weekly"] = "0 0 * * 0",
  ["@daily"] = "0 0 * * *", ["@midnight"] = "0 0 * * *", ["@hourly"] = "0 * * * *",
}

local UNITS = { ns = 1e-9, us = 1e-6, ["µs"] = 1e-6, ms = 1e-3, s = 1, m = 60, h = 3600 }

local DAY = 86400

-- Years without a match after which there is none: the rarest is 29 February, at most eight years away (1896, 1904).
local HORIZON_DAYS = 8 * 366

-- Problems travel as errors within this file, as {problem}.
local function refuse(format, ...) error({ problem = format:format(...) }, 0) end

local function split(text, separator)
  local parts = {}
  for part in (text .. separator):gmatch("(.-)%" .. separator) do parts[#parts + 1] = part end
  return parts
end

local function number(text)
  local value = text:match("^[+-]?%d+$") and math.tointeger(tonumber((text:gsub("^%+", ""))))
  if not value then refuse("failed to parse int from %s: strconv.Atoi: parsing %q: invalid syntax", text, text) end
  if value < 0 then refuse("negative number (%d) not allowed: %s", value, text) end
  return value
end

local function number_or_name(text, names) return names and names[text:lower()] or number(text) end

-- "*", "?", "5", "1-5", each with or without "/step".
---@return integer first
---@return integer last
---@return integer step
---@return boolean is_any a star without a step: it leaves the choice of days to the other field of days
local function range(text, field)
  local parts = split(text, "/")
  local bounds = split(parts[1], "-")
  local is_star = bounds[1] == "*" or bounds[1] == "?"
  local first, last, step = field.least, field.most, 1
  if not is_star then
    first = number_or_name(bounds[1], field.names)
    if #bounds > 2 then refuse("too many hyphens: %s", text) end
    last = bounds[2] and number_or_name(bounds[2], field.names) or first
  end
  if #parts > 2 then refuse("too many slashes: %s", text) end
  if parts[2] then
    step = number(parts[2])
    if #bounds == 1 then last = field.most end
  end
  if first < field.least then refuse("beginning of range (%d) below minimum (%d): %s", first, field.least, text) end
  if last > field.most then refuse("end of range (%d) above maximum (%d): %s", last, field.most, text) end
  if first > last then refuse("beginning of range (%d) beyond end of range (%d): %s", first, last, text) end
  if step == 0 then refuse("step of range should be a positive number: %s", text) end
  return first, last, step, is_star and step == 1
end

local function set_of(text, field)
  local set = {}
  for part in text:gmatch("[^,]+") do
    local first, last, step, is_any = range(part, field)
    for value = first, last, step do set[value] = true end
    set.any = set.any or is_any
  end
  return set
end

local function interval(text)
  local seconds, rest = 0, text
  while rest ~= "" do
    local amount, unit, after = rest:match("^(%d+%.?%d*)([a-zµ]+)(.*)$")
    if not UNITS[unit] then refuse("failed to parse duration @every %s: time: invalid duration %q", text, text) end
    seconds, rest = seconds + tonumber(amount) * UNITS[unit], after
  end
  return math.max(1, math.floor(seconds))
end

local function read(text)
  local zoned = text:match("^TZ=%S*%s*(.*)$") or text:match("^CRON_TZ=%S*%s*(.*)$")
  text = zoned or text
  if text == "" then refuse("empty spec string") end
  local every = text:match("^@every (.*)$")
  if every then return { every = interval(every) } end
  local words = {}
  if text:sub(1, 1) == "@" and not DESCRIPTORS[text] then refuse("unrecognized descriptor: %s", text) end
  for word in (DESCRIPTORS[text] or text):gmatch("%S+") do words[#words + 1] = word end
  if #words ~= 5 then refuse("expected exactly 5 fields, found %d: [%s]", #words, table.concat(words, " ")) end
  local schedule = { zoned = zoned ~= nil }
  for i, field in ipairs(FIELDS) do
    schedule[field.name] = set_of(words[i], field)
    schedule.never = schedule.never or not words[i]:find("[^,]")
  end
  return schedule
end

---@class k8sgpt.Schedule
---@field zoned? boolean it names a time zone
---@field never? boolean a field of it lists nothing

--- Reads a schedule.
---@param text string spec.schedule of a CronJob
---@return k8sgpt.Schedule? nil when it is none
---@return string? problem in the words of the controller
function cron.parse(text)
  local good, schedule = pcall(read, text)
  if good then return schedule end
  if type(schedule) ~= "table" then error(schedule, 0) end
  return nil, schedule.problem
end

-- Gregorian date of a day since 1970. Years start in March here, so that the leap day is the last of its year.
local function month_and_day(days)
  local shifted = days + 719468
  local era_day = shifted % 146097
  local year = (era_day - era_day // 1460 + era_day // 36524 - era_day // 146096) // 365
  local year_day = era_day - (365 * year + year // 4 - year // 100)
  local month = (5 * year_day + 2) // 153
  return month < 10 and month + 3 or month - 9, year_day - (153 * month + 2) // 5 + 1
end

-- Both fields of days count when one of them is a star, otherwise either (crontab(5)).
local function is_day(schedule, days)
  local month, day = month_and_day(days)
  if not schedule.month[month] then return false end
  local by_date, by_weekday = schedule.day[day] or false, schedule.weekday[(days + 4) % 7] or false
  if schedule.day.any or schedule.weekday.any then return by_date and by_weekday end
  return by_date or by_weekday
end

-- The first minute of the day at or after `from`.
local function minute_of_day(schedule, from)
  for minute = from, 24 * 60 - 1 do
    if schedule.hour[minute // 60] and schedule.minute[minute % 60] then return minute end
  end
end

--- The next time after another.
---@param schedule k8sgpt.Schedule
---@param after integer
---@return integer? nil when there is none, as on 30 February
function cron.next(schedule, after)
  if schedule.every then return after + schedule.every end
  if schedule.never then return nil end
  local minutes = after // 60 + 1
  local today, from = minutes * 60 // DAY, minutes % (DAY // 60)
  for days = today, today + HORIZON_DAYS do
    local minute = is_day(schedule, days) and minute_of_day(schedule, days == today and from or 0)
    if minute then return days * DAY + minute * 60 end
  end
end

return cron
