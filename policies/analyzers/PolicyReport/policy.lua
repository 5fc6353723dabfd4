--- What policy engines such as Kyverno found in a namespace. The text of failures is upstream's.

local policyreport = require "k8sgpt.policyreport"

-- A policy that could not be evaluated protects nobody. Results "warn" and "skip" are no faults.
local TEXTS = { fail = "policy failure: %s (message: %s)", error = "policy error: %s (message: %s)" }

local function rule_of(result)
  return TEXTS[result.result] and result.result
end

local function text_of(result, rule)
  return TEXTS[rule]:format(result.policy or "", result.message or "")
end

local function run(_, report)
  return policyreport.failures(report, rule_of, text_of)
end

return {
  api = 1,
  kind = "analyzer",
  name = "PolicyReport",
  description = "Violations of policies in a namespace, as Kyverno and others report them",
  watches = { "wgpolicyk8s.io/v1alpha2/PolicyReport" },
  fields = policyreport.FIELDS,
  rules = {
    fail = { severity = "medium" },
    error = { severity = "medium", grace = 300 }, -- registries and webhooks time out
    more = { severity = "low" },
  },
  run = run,
}
