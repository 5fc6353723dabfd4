--- ScaledObjects of KEDA that scale nothing. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local scaling = require "k8sgpt.scaling"

local dig, text_of = object.dig, object.text

-- The scalers stand again, or for the first time: what went wrong before is over (KEDA docs: Kubernetes Events).
local MENDED = { ScaledObjectReady = true, KEDAScalersStarted = true }

local function add(found, rule, key, text, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, sensitive = mask.sensitive(text, ...) }
  return found[#found]
end

-- Utilization is counted in what containers request (KEDA docs: CPU scaler; `type` in metadata is its old place).
local function resources(found, target, scaled)
  local meta = target.metadata
  for _, trigger in ipairs(dig(scaled, "spec", "triggers") or {}) do
    local type, metric = trigger.type, trigger.metricType or dig(trigger, "metadata", "type") or "Utilization"
    local is_resource = (type == "cpu" or type == "memory") and metric == "Utilization"
    if is_resource and scaling.lacks(target, type, text_of(dig(trigger, "metadata", "containerName"))) then
      local text = ("%s %s/%s does not have resource configured."):format(target.kind, meta.namespace, meta.name)
      return add(found, "resources", nil, text, meta.namespace, meta.name)
    end
  end
end

local function target(ctx, found, scaled)
  local given = dig(scaled, "spec", "scaleTargetRef")
  local kind, name = text_of(dig(given, "kind")) or "Deployment", text_of(dig(given, "name"))
  if not name then return end
  local reference = { apiVersion = dig(given, "apiVersion"), kind = kind, name = name }
  local failures, workload = scaling.failures(ctx, "ScaledObject", scaled.metadata.namespace, reference)
  table.move(failures, 1, #failures, #found + 1, found)
  if workload then resources(found, workload, scaled) end
end

-- One failure a reason, with its newest message.
local function events(ctx, found, scaled)
  local seen = {}
  for _, event in ipairs(ctx.events(scaled)) do
    local message = text_of(event.message)
    if MENDED[event.reason] then return end
    if event.type ~= "Normal" and message and not seen[event.reason] then
      seen[event.reason] = true
      add(found, "event", event.reason, message, scaled.metadata.namespace, scaled.metadata.name).evidence = evidence.event(event)
    end
  end
end

-- What KEDA itself says of it, where nothing better is known.
local function condition(found, scaled)
  local meta, ready = scaled.metadata, object.condition(scaled, "Ready")
  if #found > 0 or dig(ready, "status") ~= "False" then return end
  local text = ("ScaledObject %s/%s has condition Ready=False, reason %s: %s")
    :format(meta.namespace, meta.name, ready.reason or "", ready.message or "")
  add(found, "not-ready", nil, text, meta.namespace, meta.name).since = ready.lastTransitionTime
end

local function run(ctx, scaled)
  local found = {}
  if scaled.metadata.deletionTimestamp then return found end
  target(ctx, found, scaled)
  events(ctx, found, scaled)
  condition(found, scaled)
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "ScaledObject",
  description = "ScaledObjects (KEDA) that scale nothing",
  watches = { "keda.sh/v1alpha1/ScaledObject", { "v1/Event", fields = { "type", "reason", "message" } }, table.unpack(scaling.WATCHES) },
  fields = {
    "spec.scaleTargetRef", "spec.triggers[].type", "spec.triggers[].metricType", "spec.triggers[].metadata.type",
    "spec.triggers[].metadata.containerName", "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason",
    "status.conditions[].message", "status.conditions[].lastTransitionTime",
  },
  indexes = { [scaling.DEFINITIONS] = scaling.INDEXES },
  rules = {
    kind = { severity = "high", evidence = { "spec.scaleTargetRef" } },
    target = { severity = "high", grace = 3, evidence = { "spec.scaleTargetRef" } }, -- tools create it beside the ScaledObject
    resources = { severity = "high", evidence = { "spec.scaleTargetRef", "spec.triggers[].type" } },
    event = { severity = "high" },
    ["not-ready"] = { severity = "high", grace = 60, evidence = evidence.condition("Ready") },
  },
  run = run,
}
