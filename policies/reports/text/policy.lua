--- For people: what belongs to one owner stands together, the worst first; each failure with its rule, its object where that is not the
--- owner itself, and below it its text.

local k8sgpt = require "k8sgpt"
local report = require "k8sgpt.report"

local RANK, COLOUR = {}, { critical = "1;31", high = "31", medium = "33", low = "36" }
for i, severity in ipairs(report.SEVERITIES) do RANK[severity] = i end

local function paint(input, code, text)
  return input.colour and ("\27[%sm%s\27[0m"):format(code, text) or text
end

local function length(text) return utf8.len(text, 1, -1, true) or #text end

local function pad(text, width) return text .. (" "):rep(width - length(text)) end

-- Text of the cluster must not move the cursor of who reads it; a line break would break the layout.
local function tame(text) return (text:gsub("%s*[\r\n]+%s*", " "):gsub("%c", "?")) end

-- "Deployment/shop/web" is "Deployment shop/web", as objects are called here.
local function owner_of(item)
  local owner = item.parentObject ~= "" and item.parentObject or item.kind .. "/" .. item.name
  return (owner:gsub("/", " ", 1))
end

local function rows_of(item, owner)
  local rows, object = {}, item.kind .. " " .. item.name
  for i, failure in ipairs(item.error) do
    rows[i] = { severity = failure.severity, object = object ~= owner and object or nil, rule = failure.rule, text = tame(failure.text) }
  end
  return rows
end

local function by_severity(a, b)
  if a.rank ~= b.rank then return a.rank < b.rank end
  return a.owner < b.owner
end

local function worst_first(rows)
  local place = {}
  for i, row in ipairs(rows) do place[row] = i end
  table.sort(rows, function(a, b)
    local x, y = RANK[a.severity], RANK[b.severity]
    if x ~= y then return x < y end
    return place[a] < place[b]
  end)
  return rows
end

-- Families in the order of their worst failure; in each the worst first too, and of those that are as bad the owner's own.
local function families_of(results)
  local families, by_owner = {}, {}
  for _, item in ipairs(results) do
    local owner = owner_of(item)
    local family = by_owner[owner]
    if not family then
      family = { owner = owner, rank = math.huge, own = {}, rows = {} }
      by_owner[owner], families[#families + 1] = family, family
    end
    for _, row in ipairs(rows_of(item, owner)) do
      local rows = row.object and family.rows or family.own
      rows[#rows + 1] = row
      family.rank = math.min(family.rank, RANK[row.severity])
    end
  end
  for _, family in ipairs(families) do
    family.rows = worst_first(table.move(family.rows, 1, #family.rows, #family.own + 1, family.own))
  end
  table.sort(families, by_severity)
  return families
end

local function widest(families)
  local width = 0
  for _, family in ipairs(families) do
    for _, row in ipairs(family.rows) do width = math.max(width, length(row.rule)) end
  end
  return width
end

local function put_family(out, input, family, width)
  out[#out + 1] = paint(input, "1", family.owner) .. "\n"
  for _, row in ipairs(family.rows) do
    local rule = row.object and pad(row.rule, width) .. "  " .. row.object or row.rule
    out[#out + 1] = ("  %s  %s\n            %s\n"):format(paint(input, COLOUR[row.severity], pad(row.severity, 8)), rule, row.text)
  end
  out[#out + 1] = "\n"
end

local function plural(count, noun) return ("%d %s%s"):format(count, noun, count == 1 and "" or "s") end

local function summary(input, results)
  local count, by = report.count(results)
  local place = input.source ~= "" and (" in " .. input.source) or ""
  if count == 0 then return ("No problems found%s by %s\n"):format(place, plural(#input.analyzers, "analyzer")) end
  local parts = {}
  for _, severity in ipairs(report.SEVERITIES) do
    if by[severity] > 0 then parts[#parts + 1] = ("%d %s"):format(by[severity], severity) end
  end
  return ("%s of %s%s: %s\n"):format(plural(count, "problem"), plural(#results, "object"), place, table.concat(parts, ", "))
end

local function render(_, input)
  local results, out = report.results(input), {}
  local families = families_of(results)
  local width = widest(families)
  for _, family in ipairs(families) do put_family(out, input, family, width) end
  out[#out + 1] = summary(input, results)
  for _, line in ipairs(report.errors(input)) do out[#out + 1] = paint(input, "31", "not whole ") .. tame(line) .. "\n" end
  return k8sgpt.array(out)
end

return { api = 1, kind = "report", name = "text", description = "For people", render = render }
