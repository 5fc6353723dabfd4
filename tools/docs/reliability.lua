--- Writes docs/reliability.md: what the operator has to withstand (spec/reliability.lua), and what the tests measured.
--
--   lua5.4 tools/docs/reliability.lua FOLDER >docs/reliability.md     FOLDER: the figures of a run, ROW.jsonl each
--
-- Exit status 1, and a line on stderr for each, when a requirement has no figure, or one beyond its limit.

package.path = "./spec/?.lua;" .. package.path
local json = require "cjson"
local requirements = require "reliability"

local HEAD <const> = [[
# Reliability

What has to hold while connections break, servers restart, tokens rotate, replicas fight and processes die; where each requirement comes from,
the tests that prove it, and what they measured in one run of `make e2e` (soak: of `make soak`) on two cores. The list stands in
`spec/reliability.lua`; this page is written by `make reliability`.

Oracle of every fault test: once inputs stop changing, the final state equals that of an undisturbed run, no writes follow, and nothing was
deleted that the undisturbed run keeps.

## Summary

| Requirement | Target | Measured |
|---|---|---|
]]

local problems = 0
local function problem(format, ...)
  problems = problems + 1
  io.stderr:write(format:format(...), "\n")
end

---@class Figure
---@field what string
---@field unit string
---@field values number[] sorted

--- In the order in which they were first recorded.
---@return Figure[]
local function figures_of(folder, id)
  local figures, by_name = {}, {}
  local file = io.open(("%s/%s.jsonl"):format(folder, id))
  if not file then return figures end
  for line in file:lines() do
    local entry = json.decode(line)
    local figure = by_name[entry.what]
    if not figure then
      figure = { what = entry.what, unit = entry.unit or "", values = {} }
      by_name[entry.what], figures[#figures + 1] = figure, figure
    end
    figure.values[#figure.values + 1] = entry.value
  end
  file:close()
  for _, figure in ipairs(figures) do table.sort(figure.values) end
  return figures
end

local function number(value, unit)
  local text = value == math.floor(value) and ("%d"):format(value) or ("%.3g"):format(value)
  if math.abs(value) >= 1e6 then text = ("%.3g"):format(value) end
  return unit == "" and text or text .. " " .. unit
end

local function spread(figure)
  local values = figure.values
  if #values == 1 then return number(values[1], figure.unit) end
  return ("median %s, at most %s (%d runs)"):format(number(values[(#values + 1) // 2], figure.unit), number(values[#values], figure.unit), #values)
end

local function measured(figure, limit)
  return ("%s: %s%s"):format(figure.what, spread(figure), limit and (" (limit %s)"):format(number(limit, figure.unit)) or "")
end

local function check(row, figures)
  if #figures == 0 then problem("%s: nothing was measured; did its tests run?", row.id) end
  local seen = {}
  for _, figure in ipairs(figures) do
    seen[figure.what] = true
    local limit, worst = (row.limits or {})[figure.what], figure.values[#figure.values]
    if limit and worst > limit then problem("%s: %s is %s, the limit %s", row.id, figure.what, number(worst, figure.unit), number(limit, figure.unit)) end
  end
  for what in pairs(row.limits or {}) do
    if not seen[what] then problem("%s: \"%s\" was not measured", row.id, what) end
  end
end

local function files(tests)
  local quoted = {}
  for i, path in ipairs(tests) do quoted[i] = "`" .. path .. "`" end
  return table.concat(quoted, ", ")
end

local folder = assert(arg[1], "usage: reliability.lua FOLDER")
io.write(HEAD)
local details = {}
for _, row in ipairs(requirements) do
  local figures = figures_of(folder, row.id)
  check(row, figures)
  local first = figures[1] and measured(figures[1], (row.limits or {})[figures[1].what]) or "nothing"
  io.write(("| [%s](#%s) | %s | %s |\n"):format(row.title, row.id, row.target, first))
  local lines = { ("\n## %s\n\n%s. From: %s. Tests: %s.\n"):format(row.id, row.title, row.source, files(row.tests)) }
  for _, figure in ipairs(figures) do lines[#lines + 1] = ("- %s"):format(measured(figure, (row.limits or {})[figure.what])) end
  details[#details + 1] = table.concat(lines, "\n")
end
io.write(table.concat(details, "\n"), "\n")
os.exit(problems == 0)
