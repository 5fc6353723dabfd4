--- What reports of a one-shot diagnosis have in common: their results, in a form that is fit to be shown.

local mask = require "k8sgpt.mask"
local result = require "k8sgpt.result"

local report = {}

--- The results, as the spec of a Result has them. Where the report is to be anonymised the names in them are masked, and the pairs that
--- would undo that are left out.
---@param input k8sgpt.Report
---@return table[]
function report.results(input)
  local key, results = mask.key(input.cluster, "analyze"), {}
  for i, group in ipairs(input.groups) do results[i] = result.spec(group, "", key) end
  return results
end

--- How many failures there are in all: what upstream calls problems.
---@param results table[]
---@return integer
function report.count(results)
  local count = 0
  for _, item in ipairs(results) do count = count + #item.error end
  return count
end

--- What kept the diagnosis from being whole: one line an analyzer.
---@param input k8sgpt.Report
---@return string[]
function report.errors(input)
  local errors = {}
  for _, analyzer in ipairs(input.analyzers) do
    if analyzer.state == "failing" then
      errors[#errors + 1] = ("[%s] %d objects could not be judged: %s"):format(analyzer.name, analyzer.failed, analyzer.reason)
    elseif analyzer.state == "denied" then
      errors[#errors + 1] = ("[%s] %s"):format(analyzer.name, analyzer.reason)
    end
  end
  return errors
end

return report
