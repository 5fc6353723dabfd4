--- Pods that cannot start, crash, never become ready or never go away.

local container = require "k8sgpt.container"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local pod = require "k8sgpt.pod"

local dig = object.dig

local function add(found, subject, key, rule, text, since, event)
  if not rule then return end
  local sensitive = mask.sensitive(text, subject.metadata.namespace, subject.metadata.name, key)
  found[#found + 1] = { rule = rule, key = key, text = text, since = since, sensitive = sensitive, evidence = evidence.event(event) }
end

local function containers(ctx, found, subject, statuses, init_specs)
  for i, status in ipairs(dig(subject, "status", statuses) or {}) do
    local rule, text, since, event = container.check(ctx, subject, status, dig(init_specs, i))
    local is_exit = rule == "exited" or rule == "restarting"
    if not (is_exit and pod.is_retried(ctx, subject)) then
      add(found, subject, status.name, rule, text, since, event)
      if rule then mask.also(found[#found], status.name) end
    end
  end
end

-- A running container does not notice that a ConfigMap of its environment is gone; its next start fails.
local function missing_config(ctx, found, subject)
  local seen = {}
  for _, spec in ipairs(dig(subject, "spec", "containers") or {}) do
    for _, source in ipairs(spec.envFrom or {}) do
      local name, optional = dig(source, "configMapRef", "name"), dig(source, "configMapRef", "optional")
      local is_known = not name or optional or seen[name] or not ctx.readable("v1/ConfigMap", subject.metadata.namespace)
      if not is_known and not ctx.exists("v1/ConfigMap", subject.metadata.namespace, name) then
        add(found, subject, name, "config-missing", ("pod references ConfigMap %s which does not exist"):format(name))
        seen[name] = true
      end
    end
  end
end

local function run(ctx, subject)
  local found, phase = {}, dig(subject, "status", "phase")
  -- Containers end with all sorts of codes while a pod is shut down: of one on its way out only the way counts.
  if subject.metadata.deletionTimestamp then
    add(found, subject, nil, pod.termination(ctx, subject))
    return found
  end
  if phase == "Pending" then
    add(found, subject, nil, pod.scheduling(subject, ctx.params.queue_gates))
    for _, gate in ipairs(#found > 0 and dig(subject, "spec", "schedulingGates") or {}) do mask.also(found[1], gate.name) end
    for _, event in ipairs(dig(subject, "status", "containerStatuses") and pod.blocked_start(ctx, subject) or {}) do
      add(found, subject, event.reason, "start-blocked", event.message, nil, event)
    end
  elseif phase == "Failed" and not pod.is_retried(ctx, subject) then
    add(found, subject, nil, pod.failure(subject))
  elseif phase == "Running" then
    missing_config(ctx, found, subject)
  end
  containers(ctx, found, subject, "initContainerStatuses", dig(subject, "spec", "initContainers"))
  containers(ctx, found, subject, "containerStatuses")
  return found
end

local fields = {
  "spec.restartPolicy", "spec.schedulingGates[].name", "spec.initContainers[].restartPolicy",
  "spec.containers[].envFrom[].configMapRef",
  "status.phase", "status.reason", "status.message", "status.conditions[].type", "status.conditions[].reason",
  "status.conditions[].message", "status.conditions[].lastTransitionTime",
}
for _, list in ipairs { "initContainerStatuses", "containerStatuses" } do
  for _, field in ipairs(container.fields(list)) do fields[#fields + 1] = field end
end

return {
  api = 1,
  kind = "analyzer",
  name = "Pod",
  description = "Pods that cannot start, crash, never become ready or never go away",
  watches = {
    "v1/Pod",
    { "v1/Event", fields = { "type", "reason", "message" } },
    { "batch/v1/Job", fields = { "status.conditions[].type", "status.conditions[].status" } },
    { "v1/ConfigMap", fields = {} },
  },
  fields = fields,
  params = { queue_gates = { "kueue.x-k8s.io/" } },
  rules = {
    unschedulable = { severity = "high", evidence = { "status.conditions[type=PodScheduled].reason", "status.conditions[type=PodScheduled].message" } },
    gated = { severity = "low", evidence = { "spec.schedulingGates[].name" } },
    evicted = { severity = "medium", evidence = { "status.reason", "status.message" } },
    failed = { severity = "high", evidence = { "status.phase", "status.reason", "status.message" } },
    exited = { severity = "high", evidence = container.evidence("state.terminated.exitCode", "state.terminated.reason") },
    image = { severity = "high", evidence = container.evidence("state.waiting") },
    ["container-config"] = { severity = "high", evidence = container.evidence("state.waiting") },
    ["crash-loop"] = { -- the longest back-off is five minutes
      severity = "high", settle = 600, evidence = container.evidence("state.waiting.reason", "lastState.terminated.reason"),
    },
    restarting = { -- between two tries for a moment only
      severity = "high", grace = 60, settle = 600, evidence = container.evidence("state.terminated.exitCode", "state.terminated.reason"),
    },
    ["oom-killed"] = { -- in a loop it does not run for so long
      severity = "medium", grace = 120, evidence = container.evidence("lastState.terminated.reason", "lastState.terminated.finishedAt"),
    },
    ["start-blocked"] = { severity = "high", grace = 30, evidence = { "status.phase" } }, -- the kubelet tries again; what passes then is no fault
    ["not-ready"] = { severity = "medium", grace = 60, evidence = container.evidence("ready") }, -- every pod is not ready just after its start
    ["init-stuck"] = { -- migrations and restores run that long
      severity = "medium", grace = 1800, evidence = container.evidence("state.running.startedAt"),
    },
    terminating = { severity = "medium", grace = 300, evidence = { "metadata.deletionTimestamp", "metadata.finalizers[]" } }, -- past deletionTimestamp
    ["config-missing"] = { severity = "low", evidence = { "spec.containers[].envFrom[configMapRef.name={key}].configMapRef.name" } },
  },
  run = run,
}
