--- What a test measured, kept for docs/reliability.md: one line of JSON a figure in the folder that FIGURES names; without it, nothing.
--- A line is one write that appends, so that those of tests that run at once do not mix.

local json = require "cjson"

local figures = {}

---@param row string id of a requirement in spec/reliability.lua
---@param what string what was measured: "requests a second a watch while refused"
---@param value number
---@param unit? string "s", "ms", "MB" …; none for counts
function figures.record(row, what, value, unit)
  local folder = os.getenv("FIGURES")
  if not folder then return end
  local file <close> = assert(io.open(("%s/%s.jsonl"):format(folder, row), "a"))
  file:write(json.encode { what = what, value = value, unit = unit }, "\n")
end

return figures
