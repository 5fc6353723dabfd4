--- Lines of logs that tell of trouble: upstream's words, without what only looks like it.

local log = {}

-- Around a word so many characters tell what it is about.
local NEAR = 40

-- A log of nothing but such words, or of empty lines, is not read to its end.
local MAX_WORDS, MAX_LINES = 40, 1000

-- A finding is no place for a whole stack trace.
local MAX_TEXT = 600

--- What people and programs write where nothing is wrong: lower case, in the form of Lua patterns.
log.HARMLESS = {
  -- counts of nothing
  "%f[%d]0 %l*errors?", "%f[%d]0 fail%l*", "no %l*errors?%f[%A]", "without errors?%f[%A]", "without any? errors?%f[%A]", "no exceptions?%f[%A]", "no fail%l*",
  "[%l_]*error[%l_]*[\"']?%s*[=:]%s*[\"']?0%f[^%d.]", "fail%l*[\"']?%s*[=:]%s*[\"']?0%f[^%d.]",
  -- no error at all
  "err%l*[\"']?%s*[=:]%s*[\"']?<?nil%f[%A]>?", "err%l*[\"']?%s*[=:]%s*null%f[%A]", "err%l*[\"']?%s*[=:]%s*none%f[%A]", "err%l*[\"']?%s*[=:]%s*\"\"",
  "err%l*[\"']?%s*[=:]%s*false", "fail%l*[\"']?%s*[=:]%s*false",
  -- mechanisms, names of parts, paths
  "fail%-?_? ?over%l*", "fail%-?_? ?safe%l*", "fail%-?_? ?fast%l*", "fail%-?_? ?back%l*",
  "error[_%-. ]log%l*", "error[_%-. ]handl%l*", "error[_%-. ]page%l*", "exception[_%-. ]handl%l*",
  "[%w_]+/[%w_/.%-]*error[%w_/.%-]*", "stderr",
}

-- Levels of what is no trouble: the first word of a line, behind the time; as a field; as klog writes them.
local QUIET = { info = true, debug = true, trace = true }
local HEAD = 200 -- so far into a line

local function is_quiet(line)
  local head = line:sub(1, HEAD)
  return QUIET[head:match("%a%a%a%a+")] or QUIET[head:match("level[\"']?[=:]%s*[\"']?(%a+)")] or head:find("^i%d%d%d%d %d%d:") ~= nil
end

local function first_word(line, words, from)
  local first, last
  for _, word in ipairs(words) do
    local a, b = line:find(word, from, true)
    if a and (not first or a < first) then first, last = a, b end
  end
  return first, last
end

-- What is harmless is taken out of what is around the word, from a place where no word is cut.
local function means_it(line, words, first, last)
  local from = math.max(1, first - NEAR)
  local around = line:sub(from, last + NEAR)
  if from > 1 then around = around:gsub("^[%w_]+", "") end
  for _, pattern in ipairs(log.HARMLESS) do around = around:gsub(pattern, " ") end
  return first_word(around, words, 1) ~= nil
end

-- Colours and other control characters are for terminals.
local function readable(line)
  local text = line:gsub("\27%[[%d;]*%a", ""):gsub("%c", " ")
  return #text > MAX_TEXT and text:sub(1, MAX_TEXT) .. "…" or text
end

--- The first line that tells of trouble.
---@param text string
---@param words string[] lower case; a line with one of them, in whatever case, is meant
---@return string? line nil: there is none
---@return integer? number of the line in the text
function log.trouble(text, words)
  local looked, number = 0, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local lower = line:lower()
    local first, last = first_word(lower, words, 1)
    number = number + 1
    if number > MAX_LINES then return nil end
    if first and is_quiet(lower) then first = nil end
    while first do
      looked = looked + 1
      if looked > MAX_WORDS then return nil end
      if means_it(lower, words, first, last) then return readable(line), number end
      first, last = first_word(lower, words, last + NEAR)
    end
  end
end

return log
