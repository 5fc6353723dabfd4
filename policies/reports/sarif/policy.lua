--- SARIF 2.1.0 (OASIS), as code scanning reads it: a rule an analyzer's rule, a result a failure, found at an object.

local k8sgpt = require "k8sgpt"
local report = require "k8sgpt.report"

local array = k8sgpt.array

local SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
local LEVEL = { critical = "error", high = "error", medium = "warning", low = "note" }

local function rule_of(analyzer, rule)
  return {
    id = analyzer.name .. "/" .. rule.name,
    shortDescription = { text = ("%s: %s"):format(analyzer.description, rule.name) },
    defaultConfiguration = { level = LEVEL[rule.severity] },
    properties = { severity = rule.severity },
  }
end

local function rules_of(input)
  local rules, index = {}, {}
  for _, analyzer in ipairs(input.analyzers) do
    for _, rule in ipairs(analyzer.rules) do
      rules[#rules + 1] = rule_of(analyzer, rule)
      index[rules[#rules].id] = #rules - 1
    end
  end
  return array(rules), index
end

-- RFC 3986: what may stand in the path of a reference stays as it is.
local function uri_of(path)
  return (path:gsub("[^%w%-._~/]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function location_of(input, item)
  local location = { logicalLocations = array { { fullyQualifiedName = item.kind .. "/" .. item.name, kind = "resource" } } }
  if input.file then location.physicalLocation = { artifactLocation = { uri = uri_of(input.file) } } end
  return location
end

local function result_of(input, item, failure, index)
  local id = item.analyzer .. "/" .. failure.rule
  return {
    ruleId = id,
    ruleIndex = index[id],
    level = LEVEL[failure.severity],
    message = { text = failure.text },
    locations = array { location_of(input, item) },
    partialFingerprints = failure.id and { ["findingId/v1"] = failure.id },
    properties = { severity = failure.severity, parentObject = item.parentObject, cause = report.reference(item.cause) },
  }
end

local function invocation_of(input)
  local notes, whole = {}, true
  for _, analyzer in ipairs(input.analyzers) do
    local problem, lack = report.problem(input, analyzer), report.lack(input, analyzer)
    whole = whole and not problem
    if problem or lack then
      notes[#notes + 1] = { level = problem and "error" or "warning", message = { text = ("[%s] %s"):format(analyzer.name, problem or lack) } }
    end
  end
  for _, text in ipairs(report.failing(input)) do
    notes[#notes + 1], whole = { level = "error", message = { text = text } }, false
  end
  return { executionSuccessful = whole, endTimeUtc = input.time, toolExecutionNotifications = array(notes) }
end

-- One piece a result: a string of a policy has a limit.
local function render(_, input)
  local rules, index = rules_of(input)
  local driver = { name = "k8sgpt-operator", version = input.version, rules = rules }
  local out = {
    ('{"$schema":"%s","version":"2.1.0","runs":[{"tool":{"driver":%s},"invocations":[%s],"results":['):format(SCHEMA,
      k8sgpt.json_encode(driver), k8sgpt.json_encode(invocation_of(input))),
  }
  for _, item in ipairs(report.results(input)) do
    for _, failure in ipairs(item.error) do
      out[#out + 1] = (#out > 1 and ",\n" or "\n") .. k8sgpt.json_encode(result_of(input, item, failure, index))
    end
  end
  out[#out + 1] = "]}]}\n"
  return array(out)
end

return { api = 1, kind = "report", name = "sarif", description = "SARIF 2.1.0, for code scanning", render = render }
