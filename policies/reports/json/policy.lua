--- The JSON that upstream's `k8sgpt analyze -o json` writes, its fields as they are called there; ours stand beside them in lower case.

local k8sgpt = require "k8sgpt"
local report = require "k8sgpt.report"

local array = k8sgpt.array

local function sensitive_of(pairs)
  local out = {}
  for i, pair in ipairs(pairs) do out[i] = { Unmasked = pair.unmasked, Masked = pair.masked } end
  return array(out)
end

local function errors_of(errors)
  local out = {}
  for i, failure in ipairs(errors) do
    out[i] = {
      Text = failure.text,
      KubernetesDoc = "",
      Sensitive = sensitive_of(failure.sensitive),
      rule = failure.rule,
      key = failure.key,
      severity = failure.severity,
      evidence = failure.evidence,
    }
  end
  return array(out)
end

local function result_of(item)
  return {
    kind = item.kind,
    name = item.name,
    error = errors_of(item.error),
    details = item.details,
    parentObject = item.parentObject,
    cause = item.cause,
    analyzer = item.analyzer,
    severity = item.severity,
  }
end

-- One piece a result: a string of a policy has a limit.
local function render(_, input)
  local results = report.results(input, true)
  local problems = report.count(results)
  local pieces = {
    ('{"provider":"","errors":%s,"status":"%s","problems":%d,"time":%s,"results":['):format(
      k8sgpt.json_encode(array(report.errors(input))), problems > 0 and "ProblemDetected" or "OK", problems, k8sgpt.json_encode(input.time)),
  }
  for i, item in ipairs(results) do
    pieces[#pieces + 1] = (i > 1 and ",\n" or "\n") .. k8sgpt.json_encode(result_of(item))
  end
  pieces[#pieces + 1] = "]}\n"
  return array(pieces)
end

return { api = 1, kind = "report", name = "json", description = "Upstream's JSON", render = render }
