--- Reports of policy engines (wgpolicyk8s.io/v1alpha2: PolicyReport, ClusterPolicyReport).

local entries = require "k8sgpt.entries"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local policyreport = {
  -- What a policy that asks declares of its subject.
  FIELDS = {
    "scope.namespace", "scope.name", "results[].policy", "results[].rule", "results[].result", "results[].message", "results[].severity",
    "results[].source", "results[].id", "results[].resources[].kind", "results[].resources[].namespace", "results[].resources[].name",
  },
}

local SEVERITIES = { critical = "critical", high = "high", medium = "medium", low = "low", info = "low" }

-- What tells results of a report apart, whatever their messages are: policy, rule, the engine's id, and the object where each has its own.
local function key_of(result)
  local key, id, first = (result.policy or "") .. "/" .. (result.rule or ""), object.text(result.id), object.dig(result, "resources", 1)
  if id then key = key .. " " .. id end
  return first and ("%s %s %s/%s"):format(key, first.kind or "", first.namespace or "", first.name or "") or key
end

local function names_of(subject, result)
  local named, names = { subject.metadata, subject.scope or {} }, {}
  for _, resource in ipairs(result.resources or {}) do named[#named + 1] = resource end
  for _, item in ipairs(named) do
    names[#names + 1] = item.namespace or ""
    names[#names + 1] = item.name or ""
  end
  return names
end

--- The failures of a report, one for each policy, rule and object.
---@param subject k8sgpt.View the report
---@param rule_of fun(result: k8sgpt.View): string? see entries.failures
---@param text_of fun(result: k8sgpt.View, rule: string): string
---@return k8sgpt.Failure[] see entries.failures
function policyreport.failures(subject, rule_of, text_of)
  if subject.metadata.deletionTimestamp then return {} end
  return entries.failures(subject.results, rule_of, function(result, rule)
    local text = text_of(result, rule)
    local where = ("results[policy=%s,rule=%s]."):format(result.policy or "", result.rule or "")
    return {
      rule = rule, key = key_of(result), text = text, severity = SEVERITIES[(result.severity or ""):lower()],
      evidence = { evidence.at(where .. "result", result.result), evidence.at(where .. "message", result.message) },
      sensitive = mask.sensitive(text, table.unpack(names_of(subject, result))),
    }
  end)
end

return policyreport
