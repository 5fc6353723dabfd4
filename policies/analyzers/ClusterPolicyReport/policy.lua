--- Critical violations of policies that policy engines such as Kyverno found in the cluster.

local policyreport = require "k8sgpt.policyreport"

local HARMLESS = { pass = true, skip = true }

local function rule_of(result)
  local severity = result.severity
  return (severity == "critical" or severity == "CRITICAL") and not HARMLESS[result.result] and "critical" or nil
end

-- Upstream looks for capitals, which the API does not take; its text has no ID, which stands in the key.
local function text_of(result)
  if result.severity == "CRITICAL" then
    return ("critical Vulnerability found ID:  (learn more at: %s)"):format(result.source or "")
  end
  return ("critical finding of policy %s: %s"):format(result.policy or "", result.message or "")
end

-- Upstream takes every report for a namespaced one, so that the name begins with a slash.
local function run(_, report)
  local found = policyreport.failures(report, rule_of, text_of)
  for _, failure in ipairs(found) do failure.as = { name = "/" .. report.metadata.name } end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "ClusterPolicyReport",
  description = "Critical violations of policies in the cluster, as Kyverno and others report them",
  watches = { "wgpolicyk8s.io/v1alpha2/ClusterPolicyReport" },
  fields = policyreport.FIELDS,
  rules = { critical = { severity = "critical" }, more = { severity = "low" } },
  run = run,
}
