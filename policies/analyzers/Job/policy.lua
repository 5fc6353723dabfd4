--- Jobs that failed for good, get no pods or were left suspended. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local CRON_JOB = "batch/v1/CronJob"

local function add(found, job, rule, text, more)
  local failure = more or {}
  failure.rule, failure.text = rule, text
  failure.sensitive = mask.sensitive(text, job.metadata.namespace, job.metadata.name)
  found[#found + 1] = failure
end

local function holds(job, type) return dig(object.condition(job, type), "status") == "True" end

-- Queues (Kueue, JobSet, whatever spec.managedBy names) hold Jobs back until their turn comes.
local function is_queued(job, labels)
  local owner = object.controller(job)
  if text_of(dig(job, "spec", "managedBy")) or owner and owner.kind ~= "CronJob" then return true end
  for _, label in ipairs(labels) do
    if dig(job, "metadata", "labels", label) then return true end
  end
  return false
end

local function suspended(ctx, found, job)
  if is_queued(job, ctx.params.queue_labels) then return end
  local since = dig(object.condition(job, "Suspended"), "lastTransitionTime") or job.metadata.creationTimestamp
  add(found, job, "suspended", ("Job %s is suspended"):format(job.metadata.name), { since = since })
end

-- What a CronJob has done successfully since is no fault any more; the failed Job stays behind as its history.
local function is_made_good(ctx, job, failed)
  local owner = object.controller(job)
  if not owner or owner.kind ~= "CronJob" or not ctx.readable(CRON_JOB) then return false end
  local success = dig(ctx.get(CRON_JOB, job.metadata.namespace, owner.name), "status", "lastSuccessfulTime")
  return success ~= nil and failed.lastTransitionTime ~= nil and success > failed.lastTransitionTime -- RFC 3339 in UTC sorts as text
end

-- As upstream, its event speaks as long as nothing happened since.
local function failed(ctx, found, job)
  local condition, event = object.condition(job, "Failed"), ctx.events(job)[1]
  if is_made_good(ctx, job, condition) then return end
  local text = dig(event, "reason") == "BackoffLimitExceeded" and text_of(event.message)
  local more = { since = condition.lastTransitionTime, evidence = evidence.event(text and event or nil) }
  add(found, job, "failed", text or ("Job %s has failed"):format(job.metadata.name), more)
end

-- Its pods are refused: by a quota, an admission policy, a missing service account.
local function refused(ctx, found, job)
  local event = ctx.events(job, { reasons = { "FailedCreate", "SuccessfulCreate" } })[1]
  if dig(event, "reason") ~= "FailedCreate" or not text_of(event.message) then return end
  if (dig(job, "status", "active") or 0) >= (dig(job, "spec", "parallelism") or 1) then return end
  add(found, job, "refused", event.message, { evidence = evidence.event(event) })
end

local function run(ctx, job)
  local found = {}
  if job.metadata.deletionTimestamp or holds(job, "Complete") or holds(job, "SuccessCriteriaMet") then return found end
  if holds(job, "Failed") then
    failed(ctx, found, job)
  elseif dig(job, "spec", "suspend") then
    suspended(ctx, found, job)
  elseif not holds(job, "FailureTarget") then
    refused(ctx, found, job)
  end
  return found
end

local fields = { "spec.suspend", "spec.managedBy", "spec.parallelism", "status.active" }
for _, field in ipairs { "type", "status", "lastTransitionTime" } do fields[#fields + 1] = "status.conditions[]." .. field end

return {
  api = 1, kind = "analyzer", name = "Job",
  description = "Jobs that failed, get no pods or were left suspended",
  watches = {
    "batch/v1/Job",
    { CRON_JOB, fields = { "status.lastSuccessfulTime" } },
    { "v1/Event", fields = { "type", "reason", "message" } },
  },
  fields = fields,
  params = { queue_labels = { "kueue.x-k8s.io/queue-name", "jobset.sigs.k8s.io/jobset-name" } },
  rules = {
    failed = { severity = "high", evidence = { "status.conditions[type=Failed].status", "status.conditions[type=Failed].lastTransitionTime" } },
    refused = { severity = "high", grace = 60, evidence = { "spec.parallelism", "status.active" } }, -- the controller tries again
    suspended = { severity = "low", grace = 600, evidence = { "spec.suspend" } }, -- an admission controller may let it go at once
  },
  run = run,
}
