--- Services that nobody answers for because their pods fail. The cause is that of the pods, where they have one.

local correlate = require "k8sgpt.correlate"
local object = require "k8sgpt.object"

-- The first that explains it is enough; of many pods that are well none needs to be looked for to the end.
local MAX_PODS = 32

local function cause(ctx, finding)
  local params = ctx.params
  if finding.kind ~= "Service" or not correlate.has(params.unanswered, finding.rule) then return nil end
  local service = ctx.get("v1/Service", finding.namespace, finding.name)
  local selector = object.dig(service, "spec", "selector")
  if not selector then return nil end
  for _, pod in ipairs(ctx.list("v1/Pod", { ns = finding.namespace, labels = selector, limit = MAX_PODS })) do
    local found = correlate.first_other(ctx.findings_of("Pod", finding.namespace, pod.metadata.name), params.harmless)
    if found then return found end
  end
end

return {
  api = 1, kind = "correlate", name = "service",
  description = "Services that nobody answers for because their pods fail",
  watches = { { "v1/Service", fields = { "spec.selector" } }, "v1/Pod" },
  -- Rules of the Service; and those of pods that answer all the same, or are on their way out.
  params = {
    unanswered = { "no-endpoints", "not-ready" }, harmless = { "config-missing", "terminating", "oom-killed", "log", "previous-log" },
  },
  cause = cause,
}
