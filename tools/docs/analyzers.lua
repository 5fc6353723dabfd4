--- Writes docs/analyzers.md to standard output: what each built-in analyzer finds.
--
--   lua5.4 tools/docs/analyzers.lua
--
-- Rules, kinds and descriptions come from the policies, what is otherwise than upstream from docs/differences.md. Fails when that page
-- names an analyzer that is not there.

package.path = "lua/?.lua;" .. package.path
-- Of what the host provides, policies need nothing while they are loaded; what they make of it, they do when they run.
package.preload["k8sgpt"] = function() return { null = {}, dig = function() end, array = function(list) return list end } end

local FOLDER <const> = "policies/analyzers"
local DIFFERENCES <const> = "docs/differences.md"

local INTRODUCTION <const> = [[
# Analyzers

What each built-in analyzer finds. Rules are given with their severity (some findings of a rule have another one, as their text tells), with the seconds
that a fault must have lasted before it is told (grace), and those that it must be gone before it is over (settle). "Reads" are the kinds that it judges
(bold) and those that it looks at beside them; rights and caches derive from them. Each finding shows what it rests on as `spec.error[].evidence` of its
Result: fields of the object, events, and what was counted. All of this can be overridden: [policies.md](policies.md).

Made from `policies/analyzers/` and [differences.md](differences.md) by `make docs`.

| Analyzer | Finds | Rules | Reads | Upstream, and here |
|---|---|---|---|---|
]]

-- What the page of differences calls several analyzers by, and what is about none of them alone.
local GROUPS <const> = {
  webhooks = { "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration" },
  Trivy = { "ConfigAuditReport", "VulnerabilityReport" },
  ["long reports"] = {},
}

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

---@return table<string, k8sgpt.Policy>
local function policies()
  local pipe, found = assert(io.popen("ls " .. FOLDER)), {}
  for name in pipe:lines() do found[name] = dofile(("%s/%s/policy.lua"):format(FOLDER, name)) end
  assert(pipe:close())
  return found
end

--- Sentences "what upstream does: what is done here", by analyzer.
---@param known table<string, k8sgpt.Policy>
---@return table<string, string[]>
local function differences(known)
  local found, is_here = {}, false
  for line in io.lines(DIFFERENCES) do
    if line:find("^## ") then is_here = line == "## Analyzers" end
    local names, upstream, ours = line:match("^| ([%a ,]+): (.-) | (.-) |")
    for name in (is_here and names or ""):gmatch("[^,]+") do
      name = name:match("^%s*(.-)$")
      for _, analyzer in ipairs(GROUPS[name] or { name }) do
        assert(known[analyzer], ("%s: there is no analyzer %s"):format(DIFFERENCES, name))
        found[analyzer] = found[analyzer] or {}
        table.insert(found[analyzer], ("%s: %s"):format(upstream, ours))
      end
    end
  end
  return found
end

local function describe_rules(rules)
  local out = {}
  for i, name in ipairs(sorted(rules)) do
    local rule, text = rules[name], ("`%s` %s"):format(name, rules[name].severity)
    if rule.grace then text = ("%s, grace %d"):format(text, rule.grace) end
    if rule.settle then text = ("%s, settle %d"):format(text, rule.settle) end
    out[i] = text
  end
  return table.concat(out, "<br>")
end

local function describe_reads(policy)
  local out, seen = {}, {}
  for i, watch in ipairs(policy.watches) do
    local gvk = type(watch) == "table" and watch[1] or watch
    local is_subject = i == 1 or type(watch) == "table" and watch.subject
    if not seen[gvk] then out[#out + 1] = is_subject and ("**%s**"):format(gvk) or gvk end
    seen[gvk] = true
  end
  if policy.logs then out[#out + 1] = "*logs of pods*" end
  if policy.aws then out[#out + 1] = "*AWS*" end
  if policy.secret_content then out[#out + 1] = "*what is in Secrets*" end
  return table.concat(out, "<br>")
end

local known = policies()
local other = differences(known)
io.write(INTRODUCTION)
for _, name in ipairs(sorted(known)) do
  local policy = known[name]
  local cells = { name, policy.description, describe_rules(policy.rules), describe_reads(policy), table.concat(other[name] or {}, "<br>") }
  io.write("| ", table.concat(cells, " | "), " |\n")
end
