--- Reports of the Trivy operator (aquasecurity.github.io/v1alpha1): which object one is about stands in its labels.

local entries = require "k8sgpt.entries"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local trivy = {}

local SEVERITIES = { CRITICAL = "critical", HIGH = "high", MEDIUM = "medium" }

local function names_of(subject)
  local meta = subject.metadata
  local function label(what) return object.dig(meta, "labels", "trivy-operator." .. what) or "" end
  return { meta.namespace, meta.name, label("resource.namespace"), label("resource.name"), label("container.name") }
end

--- The failures of a report.
---@param subject k8sgpt.View the report
---@param list? k8sgpt.View in it
---@param rule_of fun(entry: k8sgpt.View): string? see entries.failures
---@param describe fun(entry: k8sgpt.View): string, string, string key and text of a failure, and the part of the text that may name things
---@return k8sgpt.Failure[] see entries.failures
function trivy.failures(subject, list, rule_of, describe)
  if subject.metadata.deletionTimestamp then return {} end
  local names = names_of(subject)
  return entries.failures(list, rule_of, function(entry, rule)
    local key, text, said = describe(entry)
    local sensitive = mask.sensitive(said, table.unpack(names))
    for quoted in said:gmatch("'([^']+)'") do mask.also({ sensitive = sensitive }, quoted) end -- as its checks write names
    local where = evidence.at(("report: severity of %s"):format(key), entry.severity)
    return { rule = rule, key = key, text = text, severity = SEVERITIES[entry.severity], sensitive = sensitive, evidence = { where } }
  end)
end

return trivy
