--- ReplicaSets whose pods are refused, or do not go. Texts are upstream's.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local function run(_, set)
  local meta, failure = set.metadata, object.condition(set, "ReplicaFailure")
  if meta.deletionTimestamp or dig(failure, "status") ~= "True" or not text_of(failure.message) then return {} end

  -- The condition stays behind on a superseded ReplicaSet: it counts only as long as the controller has something to do.
  local wanted, there = dig(set, "spec", "replicas") or 1, dig(set, "status", "replicas") or 0
  local rule
  if failure.reason == "FailedCreate" and there < wanted then rule = "create-failed" end
  if failure.reason == "FailedDelete" and there > wanted then rule = "delete-failed" end
  if not rule then return {} end
  return { {
    rule = rule, text = failure.message, since = failure.lastTransitionTime,
    severity = rule == "create-failed" and there > 0 and "medium" or nil,
    sensitive = mask.sensitive(failure.message, meta.namespace, meta.name),
  } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "ReplicaSet",
  description = "ReplicaSets whose pods are refused",
  watches = { "apps/v1/ReplicaSet" },
  fields = {
    "spec.replicas", "status.replicas", "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason",
    "status.conditions[].message", "status.conditions[].lastTransitionTime",
  },
  rules = {
    ["create-failed"] = { severity = "high", evidence = evidence.condition("ReplicaFailure", "spec.replicas", "status.replicas") },
    ["delete-failed"] = { severity = "low", evidence = evidence.condition("ReplicaFailure", "spec.replicas", "status.replicas") },
  },
  run = run,
}
