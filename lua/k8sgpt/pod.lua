--- What a pod says is wrong with it as a whole; container.lua does so for its containers. Texts are upstream's where it has the
--- condition. Each check returns a rule, a text and, where it is known, since when; or nothing.

local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local pod = {}

-- What tells how far the start of a pod has come; from Pulling on, volumes and network are there.
local START_REASONS = { "FailedMount", "FailedCreatePodSandBox", "Pulling", "Pulled", "Created", "Started" }
local BLOCKED = { FailedMount = true, FailedCreatePodSandBox = true }

--- True while the Job that owns the pod may still replace it, and after it succeeded: failed tries are no fault then.
---@param ctx k8sgpt.AnalyzerContext
---@param subject k8sgpt.View
---@return boolean
function pod.is_retried(ctx, subject)
  local owner = object.controller(subject)
  if not owner or owner.kind ~= "Job" then return false end
  local job = ctx.readable("batch/v1/Job") and ctx.get("batch/v1/Job", subject.metadata.namespace, owner.name)
  return dig(object.condition(job, "Failed"), "status") ~= "True"
end

-- Gates of a queue (Kueue holds back what has no quota yet) are there on purpose.
local function is_queued(subject, queue_gates)
  for _, gate in ipairs(dig(subject, "spec", "schedulingGates") or {}) do
    for _, prefix in ipairs(queue_gates) do
      if gate.name:find(prefix, 1, true) == 1 then return true end
    end
  end
  return false
end

--- Why no node takes it.
---@param subject k8sgpt.View
---@param queue_gates string[] prefixes of scheduling gates that are no fault
---@return string? rule unschedulable or gated
---@return string? text
---@return k8sgpt.Time? since
function pod.scheduling(subject, queue_gates)
  local scheduled, meta = object.condition(subject, "PodScheduled"), subject.metadata
  local reason, text = dig(scheduled, "reason"), text_of(dig(scheduled, "message"))
  if reason == "Unschedulable" and text then return "unschedulable", text, scheduled.lastTransitionTime end
  if reason ~= "SchedulingGated" or is_queued(subject, queue_gates) then return nil end
  text = text or ("Pod %s/%s is in a SchedulingGated state and is blocked from scheduling due to non-empty scheduling gates")
    :format(meta.namespace, meta.name)
  return "gated", text, scheduled.lastTransitionTime
end

--- The events that say why its containers are not created: every one counts, not only the newest.
---@param ctx k8sgpt.AnalyzerContext
---@param subject k8sgpt.View
---@return k8sgpt.View[] events one a reason
function pod.blocked_start(ctx, subject)
  local blocking, seen = {}, {}
  for _, event in ipairs(ctx.events(subject, { reasons = START_REASONS })) do
    if not BLOCKED[event.reason] then break end
    if not seen[event.reason] and text_of(event.message) then blocking[#blocking + 1] = event end
    seen[event.reason] = true
  end
  return blocking
end

--- Why it failed, where the pod and not a container of it says so.
---@param subject k8sgpt.View
---@return string? rule evicted or failed
---@return string? text
function pod.failure(subject)
  local name, reason, text = subject.metadata.name, text_of(subject.status.reason), text_of(subject.status.message)
  if reason == "Evicted" then return "evicted", text or ("Pod %s has been evicted"):format(name) end
  if reason then return "failed", text or ("Pod %s has failed: %s"):format(name, reason) end
end

--- What holds back one that is to be deleted. metadata.deletionTimestamp is the end of its own grace time.
---@param ctx k8sgpt.AnalyzerContext
---@param subject k8sgpt.View
---@return string? rule terminating
---@return string? text
---@return k8sgpt.Time? since
function pod.termination(ctx, subject)
  local meta, holders = subject.metadata, {}
  if not meta.deletionTimestamp or not ctx.after(0, meta.deletionTimestamp) then return nil end
  for i, finalizer in ipairs(meta.finalizers or {}) do holders[i] = finalizer end
  local text = ("pod %s/%s should have been gone at %s"):format(meta.namespace, meta.name, meta.deletionTimestamp)
  if #holders > 0 then text = text .. ", finalizers: " .. table.concat(holders, ", ") end
  return "terminating", text, meta.deletionTimestamp
end

return pod
