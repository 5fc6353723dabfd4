--- What reports of a one-shot diagnosis have in common: their results, fit to be shown, and what kept the diagnosis from being whole.

local k8sgpt = require "k8sgpt"
local mask = require "k8sgpt.mask"
local result = require "k8sgpt.result"

local report = {}

local array = k8sgpt.array

--- The worst first.
report.SEVERITIES = { "critical", "high", "medium", "low" }

--- "Deployment/shop/web", as owners are written; nil of nothing.
---@param object? {kind: string, namespace: string, name: string}
---@return string?
function report.reference(object)
  if not object then return nil end
  return ("%s/%s%s"):format(object.kind, object.namespace ~= "" and object.namespace .. "/" or "", object.name)
end

-- Everything after the kind is a name.
local function names_of_reference(reference)
  local names, is_kind = {}, true
  for part in reference:gmatch("[^/]+") do
    if not is_kind then names[#names + 1] = part end
    is_kind = false
  end
  return names
end

local function mask_reference(reference, key)
  local kind, rest = reference:match("^([^/]+)(/.+)$")
  if not kind then return reference end
  return kind .. rest:gsub("[^/]+", function(name) return mask.of(name, key) end)
end

-- Names that a text may hold: what its analyzer called sensitive or Kubernetes quotes, and those of the object, its owner and all namespaces.
local function names_in(text, item, failure, namespaces)
  local names = mask.sensitive(text, table.unpack(names_of_reference(item.parentObject)))
  for _, pair in ipairs(failure.sensitive) do names[#names + 1] = pair.unmasked end
  for name in item.name:gmatch("[^/]+") do names[#names + 1] = name end
  table.move(namespaces, 1, #namespaces, #names + 1, names)
  return names
end

-- Keys may be any text of the cluster, and ids are hashes of names that can be guessed: they are left out, as are the pairs that would undo
-- the masks.
local function anonymize(item, key, namespaces)
  for i, failure in ipairs(item.error) do
    local function hide(text) return (mask.apply(text, names_in(text, item, failure, namespaces), key)) end
    local evidence = {}
    for n, entry in ipairs(failure.evidence or {}) do evidence[n] = { path = hide(entry.path), value = hide(entry.value) } end
    item.error[i] = {
      text = hide(failure.text), sensitive = array {}, rule = failure.rule, severity = failure.severity,
      evidence = #evidence > 0 and array(evidence) or nil,
    }
  end
  item.name = item.name:gsub("[^/]+", function(name) return mask.of(name, key) end)
  item.parentObject, item.object = mask_reference(item.parentObject, key), mask_reference(item.object, key)
  local cause = item.cause
  if cause then
    if cause.namespace ~= "" then cause.namespace = mask.of(cause.namespace, key) end
    cause.name = mask.of(cause.name, key)
  end
  return item
end

local function namespaces_of(groups)
  local list, seen = {}, {}
  for _, group in ipairs(groups) do
    local namespace = group.namespace
    if namespace ~= "" and not seen[namespace] then list[#list + 1] = namespace end
    seen[namespace] = true
  end
  return list
end

-- A group names the finding that it follows from; which result shows that?
local function link(results, groups)
  local by_finding = {}
  for i, group in ipairs(groups) do
    for _, finding in ipairs(group.findings) do by_finding[finding.id] = results[i] end
  end
  for i, group in ipairs(groups) do results[i].follows = group.cause and by_finding[group.cause.id] end
end

--- The results, as the spec of a Result has them, with the ids of the findings; masked where the report is to be anonymous. `object` is a
--- reference, as parentObject is; `follows` is the result of the cause.
---@param input k8sgpt.Report
---@param with_masks? boolean each failure's `sensitive` is wanted; else it is empty
---@return table[]
function report.results(input, with_masks)
  local key, results = (with_masks or input.anonymize) and mask.key(input.cluster, "analyze") or nil, {}
  local namespaces = input.anonymize and namespaces_of(input.groups)
  for i, group in ipairs(input.groups) do
    local item = result.spec(group, "", key)
    for n, failure in ipairs(item.error) do failure.id = group.findings[n].id end
    item.object = report.reference(group)
    results[i] = namespaces and anonymize(item, key, namespaces) or item
  end
  link(results, input.groups)
  return results
end

--- What is to be mended first for a result: where what it follows from shows another failure that follows from a third, that third one.
---@param item table from report.results
---@return table item
function report.root(item)
  local seen = {}
  while item.follows and not seen[item] do
    seen[item] = true
    item = item.follows
  end
  return item
end

--- How many failures there are, in all (what upstream calls problems) and by severity, and of how many objects.
---@param results table[]
---@return integer
---@return table<string, integer>
---@return integer
function report.count(results)
  local count, by_severity = 0, { critical = 0, high = 0, medium = 0, low = 0 }
  local objects, seen = 0, {}
  for _, item in ipairs(results) do
    count = count + #item.error
    if not seen[item.object] then objects = objects + 1 end
    seen[item.object] = true
    for _, failure in ipairs(item.error) do by_severity[failure.severity] = by_severity[failure.severity] + 1 end
  end
  return count, by_severity, objects
end

local function with_reason(input, what, reason)
  return input.anonymize and what or ("%s: %s"):format(what, reason)
end

--- What an analyzer could not judge, and why; nil when it judged all. Reasons may name what is in the cluster.
---@param input k8sgpt.Report
---@param analyzer k8sgpt.ReportAnalyzer
---@return string?
function report.problem(input, analyzer)
  if analyzer.state ~= "failing" and analyzer.state ~= "unread" then return nil end
  local what = analyzer.failed > 0 and ("%d objects could not be judged"):format(analyzer.failed) or "not all could be looked at"
  return with_reason(input, what, analyzer.reason)
end

--- What an analyzer that judged all had to do without; nil when there was nothing.
---@param input k8sgpt.Report
---@param analyzer k8sgpt.ReportAnalyzer
---@return string?
function report.lack(input, analyzer)
  local withheld = analyzer.withheld or ""
  local reason = analyzer.reason ~= "" and analyzer.reason or withheld
  if analyzer.state ~= "active" or reason == "" then return nil end
  return with_reason(input, "checks were left out", reason)
end

--- What went wrong beside the analyzers, a text a policy: "[correlate node] failed 2 times: policy.lua:3: oops".
---@param input k8sgpt.Report
---@return string[]
function report.failing(input)
  local texts = {}
  for i, policy in ipairs(input.failing or {}) do
    local times = policy.failed == 1 and "" or (" %d times"):format(policy.failed)
    texts[i] = with_reason(input, ("[%s %s] failed%s"):format(policy.kind, policy.name, times), policy.reason)
  end
  return texts
end

--- All of these, one line an analyzer or policy: "[Node] not all could be looked at: v1/Node may not be read".
---@param input k8sgpt.Report
---@return string[]
function report.errors(input)
  local errors, failing = {}, report.failing(input)
  for _, analyzer in ipairs(input.analyzers) do
    local text = report.problem(input, analyzer) or report.lack(input, analyzer)
    if text then errors[#errors + 1] = ("[%s] %s"):format(analyzer.name, text) end
  end
  return table.move(failing, 1, #failing, #errors + 1, errors)
end

return report
