--- Reports that other tools leave in the cluster: lists of thousands of entries, of which a Result shows what matters.

local evidence = require "k8sgpt.evidence"

local entries = {}

-- More of one report is no use to anybody, and a Result has to stay small enough to be stored.
local MAX_FAILURES = 100

--- The failures of a report, each rule and key once; of a very long one the first, and how many entries more there are.
---@param list? k8sgpt.View
---@param rule_of fun(entry: k8sgpt.View): string? asked for every entry: the rule that it breaks; nil: none
---@param failure_of fun(entry: k8sgpt.View, rule: string): k8sgpt.Failure asked for those that are listed: with a key
---@return k8sgpt.Failure[] with the rule "more" where some are left out
function entries.failures(list, rule_of, failure_of)
  local found, seen, more = {}, {}, 0
  for _, entry in ipairs(list or {}) do
    local rule = rule_of(entry)
    local failure = rule and #found < MAX_FAILURES and failure_of(entry, rule)
    local id = failure and rule .. " " .. failure.key
    if failure and not seen[id] then
      seen[id] = true
      found[#found + 1] = failure
    elseif rule and not failure then
      more = more + 1
    end
  end
  if more > 0 then
    local text = ("%d more entries of this report are not listed"):format(more)
    found[#found + 1] = { rule = "more", text = text, evidence = { evidence.at("entries of the report that break a rule", MAX_FAILURES + more) } }
  end
  return found
end

return entries
