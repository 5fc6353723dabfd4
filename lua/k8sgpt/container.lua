--- What a container status says is wrong with its container. Texts are upstream's where it has the condition.

local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local container = {}

-- Seconds that a container may take without being called not ready: until its startup probe gives up (a startup probe is there for
-- slow starters), and where no probe has said a word yet (initial delays of minutes are usual).
local STARTUP, SILENCE = 300, 600

-- An OOM kill is news for an hour, as long as Kubernetes keeps events (kube-apiserver --event-ttl).
local OOM_NEWS = 3600

-- The kubelet's reasons for a waiting container (pkg/kubelet/container/sync_result.go, pkg/kubelet/images/types.go).
-- ErrImagePull and ImagePullBackOff take turns, as do RunContainerError and CrashLoopBackOff: one rule, so one finding.
local WAITING = {
  ImagePullBackOff = "image", ErrImagePull = "image", ImageInspectError = "image", ErrImageNeverPull = "image", InvalidImageName = "image",
  CreateContainerConfigError = "container-config", CreateContainerError = "container-config",
  PreCreateHookError = "container-config", PreStartHookError = "container-config",
  CrashLoopBackOff = "crash-loop", RunContainerError = "crash-loop",
}

local function waiting(pod, status, state)
  local last = dig(status, "lastState", "terminated")
  if state.reason == "CrashLoopBackOff" and last then
    return "crash-loop", ("the last termination reason is %s container=%s pod=%s"):format(last.reason or "", status.name, pod.metadata.name)
  end
  local text = text_of(state.message)
  if text then return WAITING[state.reason], text end
end

local function terminated(pod, status, state)
  if state.exitCode == 0 then return nil end
  local for_good = pod.status.phase == "Failed" or dig(pod, "spec", "restartPolicy") == "Never"
  local text = ("the termination reason is %s exitCode=%d container=%s pod=%s")
    :format(text_of(state.reason) or "Unknown", state.exitCode, status.name, pod.metadata.name)
  return for_good and "exited" or "restarting", text, state.finishedAt
end

local function not_ready(ctx, pod, status)
  local started = dig(status, "state", "running", "startedAt")
  local since = dig(object.condition(pod, "Ready"), "lastTransitionTime") or started
  if started and since < started then since = started end -- RFC 3339 in UTC sorts as text
  if status.started == false and not ctx.after(STARTUP, since) then return nil end

  local event = ctx.events(pod, { reasons = { "Unhealthy" } })[1]
  local text = event and text_of(event.message)
  if not text and ctx.after(SILENCE, since) then
    local meta = pod.metadata
    text = ("container %s of pod %s/%s is not ready and no event says why"):format(status.name, meta.namespace, meta.name)
  end
  if text then return "not-ready", text, since, event end
end

local function oom_killed(ctx, pod, status)
  local last = dig(status, "lastState", "terminated")
  if not last or last.reason ~= "OOMKilled" or ctx.after(OOM_NEWS, last.finishedAt) then return nil end
  local text = ("container %s of pod %s/%s was OOMKilled, restarts=%d")
    :format(status.name, pod.metadata.namespace, pod.metadata.name, status.restartCount or 0)
  return "oom-killed", text, dig(status, "state", "running", "startedAt")
end

-- Of the containers that come first, only a sidecar (restartPolicy "Always") is there to stay.
local function init_stuck(pod, status, since)
  local text = ("init container %s of pod %s/%s has been running since %s")
    :format(status.name, pod.metadata.namespace, pod.metadata.name, since)
  return "init-stuck", text, since
end

--- What is wrong with one container of a pod, if anything.
---@param ctx k8sgpt.AnalyzerContext
---@param pod k8sgpt.View
---@param status k8sgpt.View an entry of containerStatuses or initContainerStatuses
---@param init? k8sgpt.View of an init container: its entry in the spec; the kubelet keeps both lists of them in the same order
---@return string? rule image, container-config, crash-loop, exited, restarting, init-stuck, not-ready or oom-killed
---@return string? text
---@return k8sgpt.Time? since
---@return k8sgpt.View? event that says so
function container.check(ctx, pod, status, init)
  local state = status.state or {}
  if state.waiting then return waiting(pod, status, state.waiting) end
  if state.terminated then return terminated(pod, status, state.terminated) end
  local since = dig(state, "running", "startedAt")
  if since and init and pod.status.phase == "Pending" and init.restartPolicy ~= "Always" then return init_stuck(pod, status, since) end
  if not status.ready and pod.status.phase == "Running" then return not_ready(ctx, pod, status) end
  return oom_killed(ctx, pod, status)
end

--- The fields that check reads, for a policy's `fields`.
---@param list "containerStatuses"|"initContainerStatuses"
---@return string[]
function container.fields(list)
  local fields = {
    "name", "ready", "started", "restartCount", "state.waiting", "state.running.startedAt", "state.terminated.exitCode",
    "state.terminated.reason", "state.terminated.finishedAt", "lastState.terminated.reason", "lastState.terminated.finishedAt",
  }
  for i, field in ipairs(fields) do fields[i] = ("status.%s[].%s"):format(list, field) end
  return fields
end

--- What a rule declares that rests on these fields of the container that is the failure's key, whichever list it is in.
---@param ... string
---@return string[] paths
function container.evidence(...)
  local paths = {}
  for _, list in ipairs { "initContainerStatuses", "containerStatuses" } do
    for i = 1, select("#", ...) do paths[#paths + 1] = ("status.%s[name={key}].%s"):format(list, (select(i, ...))) end
  end
  return paths
end

return container
