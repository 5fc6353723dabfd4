--- For people: what is to be mended first, and below it what follows from it; where nothing is known to follow, what belongs to one owner
--- stands together. The worst first; each failure with its rule, its object where that is not the one above, and below it its text.

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
local function name_of(reference) return (reference:gsub("/", " ", 1)) end

-- The root of what it follows from, or the owner of that.
local function head_of(item)
  local root = report.root(item)
  return name_of(root.parentObject ~= "" and root.parentObject or root.object)
end

-- As what its failures are shown; upstream calls a report without a namespace "/name".
local function label_of(item) return item.kind .. " " .. item.name:gsub("^/", "") end

local function rows_of(item, head)
  local rows, label = {}, label_of(item)
  for i, failure in ipairs(item.error) do
    rows[i] = { severity = failure.severity, label = label ~= head and label or nil, rule = failure.rule, text = tame(failure.text) }
  end
  return rows
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

-- Families in the order of their worst failure; in each first what the head says of itself, then the rest, the worst first.
local function families_of(results)
  local families, by_head = {}, {}
  for _, item in ipairs(results) do
    local head = head_of(item)
    local family = by_head[head]
    if not family then
      family = { head = head, rank = math.huge, own = {}, rows = {} }
      by_head[head], families[#families + 1] = family, family
    end
    for _, row in ipairs(rows_of(item, head)) do
      local rows = name_of(item.object) == head and family.own or family.rows
      rows[#rows + 1] = row
      family.rank = math.min(family.rank, RANK[row.severity])
    end
  end
  for _, family in ipairs(families) do
    local rest = worst_first(family.rows)
    family.rows = table.move(rest, 1, #rest, #family.own + 1, worst_first(family.own))
  end
  table.sort(families, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.head < b.head
  end)
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
  out[#out + 1] = paint(input, "1", family.head) .. "\n"
  for _, row in ipairs(family.rows) do
    local rule = row.label and pad(row.rule, width) .. "  " .. row.label or row.rule
    out[#out + 1] = ("  %s  %s\n            %s\n"):format(paint(input, COLOUR[row.severity], pad(row.severity, 8)), rule, row.text)
  end
  out[#out + 1] = "\n"
end

local function plural(count, noun) return ("%d %s%s"):format(count, noun, count == 1 and "" or "s") end

local function summary(input, results)
  local count, by, objects = report.count(results)
  local place = input.source ~= "" and (" in " .. input.source) or ""
  if count == 0 then return ("No problems found%s by %s\n"):format(place, plural(#input.analyzers, "analyzer")) end
  local parts = {}
  for _, severity in ipairs(report.SEVERITIES) do
    if by[severity] > 0 then parts[#parts + 1] = ("%d %s"):format(by[severity], severity) end
  end
  return ("%s of %s%s: %s\n"):format(plural(count, "problem"), plural(objects, "object"), place, table.concat(parts, ", "))
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
