--- Autoscalers that cannot scale, or have nothing left to scale with. Texts are those of conditions and events, or upstream's.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local scaling = require "k8sgpt.scaling"

local dig, text_of = object.dig, object.text

local SELF, TARGET = "autoscaling/v2/HorizontalPodAutoscaler", "spec.scaleTargetRef.name"

-- Events of a metric that cannot be read; while others can, no condition tells. The controller looks every 15 seconds.
local METRIC_EVENTS = {
  "FailedGetResourceMetric", "FailedGetContainerResourceMetric", "FailedGetPodsMetric", "FailedGetObjectMetric", "FailedGetExternalMetric",
}
local RECENT = 300

local function add(found, rule, key, text, since, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, since = since, sensitive = mask.sensitive(text, ...) }
end

-- At the edge of what is allowed on purpose: idle, or a fixed number.
local function is_wanted_limit(autoscaler, condition)
  local spec, least = autoscaler.spec, autoscaler.spec.minReplicas or 1
  return condition.reason == "TooFewReplicas" and dig(autoscaler, "status", "desiredReplicas") == least or least == spec.maxReplicas
end

local function conditions(found, autoscaler)
  local meta, can_scale = autoscaler.metadata, true
  for _, condition in ipairs(dig(autoscaler, "status", "conditions") or {}) do
    local text, since = text_of(condition.message), condition.lastTransitionTime
    if condition.type == "ScalingLimited" then
      local is_fault = text and condition.status == "True" and not is_wanted_limit(autoscaler, condition)
      if is_fault then add(found, "limited", nil, text, since, meta.namespace, meta.name) end
    elseif condition.status == "False" and condition.reason ~= "ScalingDisabled" then -- disabled: its target was scaled to zero
      can_scale = false
      if text then add(found, "condition", condition.type, text, since, meta.namespace, meta.name) end
    end
  end
  return can_scale
end

local function metrics(ctx, found, autoscaler)
  local seen = {}
  for _, event in ipairs(ctx.events(autoscaler, { type = "Warning", reasons = METRIC_EVENTS })) do
    local last = dig(event, "series", "lastObservedTime") or event.lastTimestamp or event.eventTime
    if not seen[event.reason] and text_of(event.message) and last and not ctx.after(RECENT, last) then
      add(found, "metric", event.reason, event.message, event.firstTimestamp, autoscaler.metadata.name)
      found[#found].evidence = evidence.event(event)
    end
    seen[event.reason] = true
  end
end

local function by_utilization(autoscaler)
  for _, metric in ipairs(autoscaler.spec.metrics or {}) do
    local kind = dig(metric, "resource", "target", "type") or dig(metric, "containerResource", "target", "type")
    if kind == "Utilization" then return true end
  end
  return false
end

local function target(ctx, found, autoscaler)
  local reference = autoscaler.spec.scaleTargetRef
  local failures, workload = scaling.failures(ctx, "HorizontalPodAutoscaler", autoscaler.metadata.namespace, reference)
  table.move(failures, 1, #failures, #found + 1, found)
  if workload and by_utilization(autoscaler) and scaling.lacks_requests(workload) then
    -- In a run over all namespaces upstream leaves out which one it is.
    add(found, "resources", nil, ("%s /%s does not have resource configured."):format(reference.kind, reference.name), nil, reference.name)
  end
end

-- Two of them undo what the other does.
local function rivals(ctx, found, autoscaler)
  local meta, reference = autoscaler.metadata, autoscaler.spec.scaleTargetRef
  for _, other in ipairs(ctx.list(SELF, { ns = meta.namespace, index = { TARGET, reference.name } })) do
    local name = other.metadata.name
    if name ~= meta.name and other.spec.scaleTargetRef.kind == reference.kind then
      local text = ("HorizontalPodAutoscaler %s scales %s/%s as well"):format(name, reference.kind, reference.name)
      add(found, "rival", name, text, nil, name, reference.name)
      mask.also(found[#found], meta.namespace).evidence = { evidence.of(other, "spec.scaleTargetRef") }
    end
  end
end

local function run(ctx, autoscaler)
  local found = {}
  if autoscaler.metadata.deletionTimestamp then return found end
  if conditions(found, autoscaler) then metrics(ctx, found, autoscaler) end
  target(ctx, found, autoscaler)
  rivals(ctx, found, autoscaler)
  return found
end

return {
  api = 1, kind = "analyzer", name = "HorizontalPodAutoscaler",
  description = "Autoscalers that cannot scale, or have reached their limit",
  watches = { SELF, { "v1/Event", fields = { "message" } }, table.unpack(scaling.WATCHES) },
  fields = {
    "spec.scaleTargetRef", "spec.minReplicas", "spec.maxReplicas", "spec.metrics[].resource.target.type",
    "spec.metrics[].containerResource.target.type", "status.desiredReplicas", "status.conditions",
  },
  indexes = { [SELF] = { TARGET }, [scaling.DEFINITIONS] = scaling.INDEXES },
  rules = {
    condition = { severity = "high", grace = 120, evidence = evidence.condition("{key}") }, -- new pods have no metrics yet
    metric = { severity = "medium", grace = 300 },
    limited = { -- a peak is what it is there for
      severity = "medium", grace = 900,
      evidence = { "status.conditions[type=ScalingLimited].reason", "spec.minReplicas", "spec.maxReplicas" },
    },
    kind = { severity = "high", grace = 3, evidence = { "spec.scaleTargetRef" } },
    target = { severity = "high", grace = 60, evidence = { "spec.scaleTargetRef" } }, -- tools create it beside the workload
    resources = {
      severity = "medium",
      evidence = { "spec.scaleTargetRef", "spec.metrics[].resource.target.type", "spec.metrics[].containerResource.target.type" },
    },
    rival = { severity = "high", grace = 60, evidence = { "spec.scaleTargetRef" } },
  },
  run = run,
}
