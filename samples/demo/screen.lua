--- What the demo shows: aligned, and in colour on a terminal.

local screen = {}

-- os.execute leaves our standard output to the command.
local colour = not os.getenv("NO_COLOR") and os.execute("test -t 1") == true

local CODES = { bold = 1, dim = 2, red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36 }
local OF_SEVERITY = { critical = "magenta", high = "red", medium = "yellow", low = "blue" }
local OF_CHANGE = { opened = "red", changed = "yellow", resolved = "green" }

---@param style string a name in CODES
---@param text string
---@return string
function screen.paint(style, text)
  if not colour or not CODES[style] then return text end
  return ("\27[%dm%s\27[0m"):format(CODES[style], text)
end

function screen.say(text, ...)
  print(select("#", ...) > 0 and text:format(...) or text)
  io.stdout:flush()
end

--- The next part of the story.
function screen.title(text, ...)
  screen.say("\n" .. screen.paint("bold", "== " .. text:format(...)))
end

local function width(text)
  return utf8.len(text) or #text
end

local function shortened(text, limit)
  if width(text) <= limit then return text end
  return text:sub(1, utf8.offset(text, limit) - 1) .. "…"
end

local function pad(text, size)
  return text .. (" "):rep(size - width(text))
end

--- Rows as aligned columns.
---@param header string[]
---@param rows string[][]
---@param style? fun(row: string[], column: integer): string?
function screen.columns(header, rows, style)
  local sizes = {}
  for _, row in ipairs({ header, table.unpack(rows) }) do
    for i, cell in ipairs(row) do sizes[i] = math.max(sizes[i] or 0, width(cell)) end
  end
  local function line(row, paint)
    local cells = {}
    for i, cell in ipairs(row) do cells[i] = paint(i, i < #row and pad(cell, sizes[i]) or cell) end
    screen.say("%s", "  " .. table.concat(cells, "  "))
  end
  line(header, function(_, cell) return screen.paint("dim", cell) end)
  for _, row in ipairs(rows) do
    line(row, function(i, cell) return screen.paint(style and style(row, i), cell) end)
  end
end

--- A Table of the API server, as kubectl prints it.
function screen.server_table(value)
  local header, shown, rows, severity = {}, {}, {}, nil
  for i, column in ipairs(value.columnDefinitions) do
    if column.priority == 0 then
      shown[#shown + 1], header[#header + 1] = i, column.name:upper()
      if column.name == "Severity" then severity = #shown end
    end
  end
  for r, row in ipairs(value.rows) do
    rows[r] = {}
    for c, i in ipairs(shown) do rows[r][c] = tostring(row.cells[i]) end
  end
  if #rows == 0 then screen.say("  No resources found in default namespace.") return end
  screen.columns(header, rows, function(row, column) return column == severity and OF_SEVERITY[row[column]] or nil end)
end

--- One line of the log sink. `ts`: RFC 3339 with milliseconds.
function screen.finding(ts, change, finding)
  local object = finding.namespace ~= "" and finding.namespace .. "/" .. finding.name or finding.name
  screen.say("%s", ("  %s  %s  %s  %s  %s  %s"):format(screen.paint("dim", ts:match("T([%d:.]+)") or ts), screen.paint(OF_CHANGE[change], pad(change, 8)),
    screen.paint(OF_SEVERITY[finding.severity], pad(finding.severity, 8)), pad(finding.kind .. " " .. object, 41), pad(finding.rule, 16),
    screen.paint("cyan", ("analyzers/%s (%s)"):format(finding.policy, finding.layer))))
  if change == "resolved" then return end -- its text is of before
  screen.say("%s", screen.paint("dim", "                " .. shortened(finding.text:gsub("%s+", " "), 118)))
end

function screen.file(path)
  for line in io.lines(path) do screen.say("%s", "  " .. screen.paint("dim", "│ ") .. line) end
end

return screen
