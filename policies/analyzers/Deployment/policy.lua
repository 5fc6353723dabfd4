--- Deployments that miss replicas, keep too many or do not get on with a rollout. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

-- Where the field is not set, the API server puts in 600 (Kubernetes API reference: DeploymentSpec.progressDeadlineSeconds).
local PROGRESS_DEADLINE = 600

local function add(found, deployment, rule, text, more)
  local failure = more or {}
  failure.rule, failure.text = rule, text
  failure.sensitive = mask.sensitive(text, deployment.metadata.namespace, deployment.metadata.name)
  found[#found + 1] = failure
end

-- While a rollout goes on, the controller itself judges it, by its deadline. It says NewReplicaSetAvailable when one is over.
local function rolls_out(ctx, deployment, progressing)
  if dig(deployment, "status", "observedGeneration") ~= deployment.metadata.generation then
    -- Not even seen yet: the controller needs a moment, but no more than that.
    return not ctx.after(60, dig(progressing, "lastUpdateTime") or deployment.metadata.creationTimestamp)
  end
  if not progressing or progressing.status ~= "True" or progressing.reason == "NewReplicaSetAvailable" then return false end
  local deadline = dig(deployment, "spec", "progressDeadlineSeconds") or PROGRESS_DEADLINE
  return not ctx.after(deadline, progressing.lastUpdateTime)
end

local function replicas(ctx, found, deployment, progressing)
  local meta, status = deployment.metadata, deployment.status or {}
  local wanted, ready, there = dig(deployment, "spec", "replicas") or 1, status.readyReplicas or 0, status.replicas or 0
  if wanted == ready or rolls_out(ctx, deployment, progressing) then return end
  if there > wanted then
    add(found, deployment, "surplus", ("Deployment %s/%s has %d replicas in spec but %d replicas in status because status field is not "
      .. "updated yet after scaling and %d replicas are available with status running"):format(meta.namespace, meta.name, wanted, there, ready))
  else
    local text = ("Deployment %s/%s has %d replicas but %d are available with status running"):format(meta.namespace, meta.name, wanted, ready)
    add(found, deployment, "unavailable", text, { severity = ready == 0 and "critical" or nil })
  end
end

local function run(ctx, deployment)
  local found, meta = {}, deployment.metadata
  if meta.deletionTimestamp then return found end

  local progressing = object.condition(deployment, "Progressing")
  replicas(ctx, found, deployment, progressing)
  if progressing and progressing.status == "False" then
    local text = ("Deployment %s/%s has condition Progressing=False, reason %s: %s")
      :format(meta.namespace, meta.name, progressing.reason or "", progressing.message or "")
    add(found, deployment, "stalled", text, { since = progressing.lastTransitionTime })
  end
  local failure = object.condition(deployment, "ReplicaFailure")
  if failure and failure.status == "True" and object.text(failure.message) then
    add(found, deployment, "replica-failure", failure.message, { since = failure.lastTransitionTime })
  end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "Deployment",
  description = "Deployments that miss replicas, keep too many or do not get on with a rollout",
  watches = { "apps/v1/Deployment" },
  fields = {
    "spec.replicas", "spec.progressDeadlineSeconds", "status.replicas", "status.readyReplicas", "status.observedGeneration",
    "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason", "status.conditions[].message",
    "status.conditions[].lastUpdateTime", "status.conditions[].lastTransitionTime",
  },
  rules = {
    -- Scaling is no rollout to the controller: new pods get the minute that a pod may be not ready (Pod/not-ready), and as long to go.
    unavailable = { severity = "high", grace = 60, evidence = { "spec.replicas", "status.replicas", "status.readyReplicas" } },
    surplus = { severity = "medium", grace = 60, evidence = { "spec.replicas", "status.replicas", "status.readyReplicas" } },
    stalled = { severity = "high", evidence = evidence.condition("Progressing") },
    ["replica-failure"] = { severity = "high", evidence = evidence.condition("ReplicaFailure") },
  },
  run = run,
}
