--- Risky settings of objects, as the Trivy operator found them. The text is upstream's.

local object = require "k8sgpt.object"
local trivy = require "k8sgpt.trivy"

local dig = object.dig

local COUNTS = { CRITICAL = true, HIGH = true, MEDIUM = true }

local function rule_of(entry)
  return COUNTS[entry.severity] and not entry.success and "check" or nil
end

local function describe(entry)
  local messages = {}
  for i, message in ipairs(entry.messages or {}) do messages[i] = message end
  local said = #messages > 0 and table.concat(messages) or entry.title or ""
  return (entry.checkID or "") .. " " .. said, ('Config issue with severity "%s" found: %s'):format(entry.severity, said), said
end

local function run(_, report) return trivy.failures(report, dig(report, "report", "checks"), rule_of, describe) end

return {
  api = 1,
  kind = "analyzer",
  name = "ConfigAuditReport",
  description = "Risky settings of objects, as the Trivy operator found them",
  watches = { "aquasecurity.github.io/v1alpha1/ConfigAuditReport" },
  fields = {
    "report.checks[].checkID", "report.checks[].title", "report.checks[].severity", "report.checks[].success", "report.checks[].messages",
  },
  rules = { check = { severity = "medium" }, more = { severity = "low" } },
  run = run,
}
