--- What correlate policies choose findings by: their rules.

local correlate = {}

--- True when the list holds the rule.
---@param rules string[]
---@param rule string
---@return boolean
function correlate.has(rules, rule)
  for _, name in ipairs(rules) do
    if name == rule then return true end
  end
  return false
end

--- The first finding whose rule is in the list.
---@param findings k8sgpt.OpenFinding[]
---@param rules string[]
---@return k8sgpt.OpenFinding?
function correlate.first(findings, rules)
  for _, finding in ipairs(findings) do
    if correlate.has(rules, finding.rule) then return finding end
  end
end

--- The first finding whose rule is not in the list.
---@param findings k8sgpt.OpenFinding[]
---@param rules string[]
---@return k8sgpt.OpenFinding?
function correlate.first_other(findings, rules)
  for _, finding in ipairs(findings) do
    if not correlate.has(rules, finding.rule) then return finding end
  end
end

return correlate
