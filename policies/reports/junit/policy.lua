--- JUnit's XML, as CI servers read it: a suite an analyzer, a test a failure. An analyzer that found nothing is one test that passed.

local k8sgpt = require "k8sgpt"
local report = require "k8sgpt.report"

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\n"] = "&#10;", ["\t"] = "&#9;", ["\r"] = "&#13;" }

-- XML 1.0 has no place for other control characters, and for two of the last of the first plane.
local function escape(text)
  return (text:gsub('[&<>"\n\t\r]', ESCAPES):gsub("%c", "?"):gsub("\u{FFFE}", "?"):gsub("\u{FFFF}", "?"))
end

local function attributes(list)
  local out = {}
  for i, pair in ipairs(list) do out[i] = (' %s="%s"'):format(pair[1], escape(tostring(pair[2]))) end
  return table.concat(out)
end

local function case(analyzer, name, inner)
  local head = "    <testcase" .. attributes { { "classname", analyzer }, { "name", name }, { "time", 0 } }
  return inner and head .. ">" .. inner .. "</testcase>\n" or head .. "/>\n"
end

local function case_of_failure(item, failure)
  local name = ("%s %s %s%s"):format(item.kind, item.name, failure.rule, failure.key and " " .. failure.key or "")
  local lines = { "severity: " .. failure.severity }
  if item.parentObject ~= "" then lines[#lines + 1] = "owner: " .. item.parentObject end
  if item.cause then lines[#lines + 1] = "cause: " .. report.reference(item.cause) end
  return case(item.analyzer, name, ("<failure%s>%s</failure>"):format(
    attributes { { "type", failure.rule }, { "message", failure.text } }, escape(table.concat(lines, "\n"))))
end

local function case_of_problem(analyzer, problem)
  return case(analyzer.name, "every " .. analyzer.kind, ("<error%s/>"):format(attributes { { "type", analyzer.state }, { "message", problem } }))
end

-- Why an analyzer had nothing to do, or less than it would have had.
local function skipped(input, analyzer)
  if analyzer.state ~= "inactive" then return report.lack(input, analyzer) end
  return input.anonymize and "inactive" or analyzer.reason
end

local function case_of_skipped(analyzer, why)
  return case(analyzer.name, "every " .. analyzer.kind, ("<skipped%s/>"):format(attributes { { "message", why } }))
end

local function suite_with(input, name, cases, failures, errors, skips)
  local head = attributes {
    { "name", name }, { "tests", #cases }, { "failures", failures }, { "errors", errors }, { "skipped", skips },
    { "timestamp", (input.time:gsub("Z$", "")) }, { "time", 0 },
  }
  return { head = head, cases = cases, failures = failures, errors = errors }
end

local function suite_of(input, analyzer, items)
  local cases, failures, problem, why = {}, 0, report.problem(input, analyzer), skipped(input, analyzer)
  for _, item in ipairs(items) do
    for _, failure in ipairs(item.error) do
      cases[#cases + 1] = case_of_failure(item, failure)
      failures = failures + 1
    end
  end
  if problem then cases[#cases + 1] = case_of_problem(analyzer, problem) end
  if why then cases[#cases + 1] = case_of_skipped(analyzer, why) end
  if #cases == 0 then cases[1] = case(analyzer.name, "every " .. analyzer.kind) end
  return suite_with(input, analyzer.name, cases, failures, problem and 1 or 0, why and 1 or 0)
end

-- Filters and the like: what is said may be too much or too little.
local function suite_of_failing(input)
  local cases = {}
  for i, text in ipairs(report.failing(input)) do
    local policy = input.failing[i]
    cases[i] = case(policy.kind, policy.name, ("<error%s/>"):format(attributes { { "type", "failing" }, { "message", text } }))
  end
  return #cases > 0 and suite_with(input, "policies", cases, 0, #cases, 0) or nil
end

local function suites_of(input)
  local by_analyzer, suites = {}, {}
  for _, item in ipairs(report.results(input)) do
    local items = by_analyzer[item.analyzer] or {}
    items[#items + 1] = item
    by_analyzer[item.analyzer] = items
  end
  for i, analyzer in ipairs(input.analyzers) do suites[i] = suite_of(input, analyzer, by_analyzer[analyzer.name] or {}) end
  suites[#suites + 1] = suite_of_failing(input)
  return suites
end

local function render(_, input)
  local out, tests, failures, errors = { '<?xml version="1.0" encoding="UTF-8"?>\n', "" }, 0, 0, 0
  for _, suite in ipairs(suites_of(input)) do
    tests, failures, errors = tests + #suite.cases, failures + suite.failures, errors + suite.errors
    out[#out + 1] = "  <testsuite" .. suite.head .. ">\n"
    table.move(suite.cases, 1, #suite.cases, #out + 1, out)
    out[#out + 1] = "  </testsuite>\n"
  end
  out[2] = "<testsuites" .. attributes { { "name", "k8sgpt" }, { "tests", tests }, { "failures", failures }, { "errors", errors } } .. ">\n"
  out[#out + 1] = "</testsuites>\n"
  return k8sgpt.array(out)
end

return { api = 1, kind = "report", name = "junit", description = "JUnit's XML, for CI", render = render }
