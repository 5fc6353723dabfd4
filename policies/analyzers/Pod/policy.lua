--- Pods that cannot start, crash, never become ready or never go away.

local container = require "k8sgpt.container"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local pod = require "k8sgpt.pod"

local dig = object.dig

local function add(found, subject, key, rule, text, since)
  if not rule then return end
  local sensitive = mask.sensitive(text, subject.metadata.namespace, subject.metadata.name, key)
  found[#found + 1] = { rule = rule, key = key, text = text, since = since, sensitive = sensitive }
end

local function containers(ctx, found, subject, statuses, init_specs)
  for i, status in ipairs(dig(subject, "status", statuses) or {}) do
    local rule, text, since = container.check(ctx, subject, status, dig(init_specs, i))
    local is_exit = rule == "exited" or rule == "restarting"
    if not (is_exit and pod.is_retried(ctx, subject)) then add(found, subject, status.name, rule, text, since) end
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
    for _, event in ipairs(dig(subject, "status", "containerStatuses") and pod.blocked_start(ctx, subject) or {}) do
      add(found, subject, event.reason, "start-blocked", event.message)
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
    unschedulable = { severity = "high" },
    gated = { severity = "low" },
    evicted = { severity = "medium" },
    failed = { severity = "high" },
    exited = { severity = "high" },
    image = { severity = "high" },
    ["container-config"] = { severity = "high" },
    ["crash-loop"] = { severity = "high", settle = 600 }, -- the longest back-off is five minutes
    restarting = { severity = "high", grace = 60, settle = 600 }, -- between two tries for a moment only
    ["oom-killed"] = { severity = "medium", grace = 120 }, -- in a loop it does not run for so long
    ["start-blocked"] = { severity = "high", grace = 30 }, -- the kubelet tries again; what passes then is no fault
    ["not-ready"] = { severity = "medium", grace = 60 }, -- every pod is not ready just after its start
    ["init-stuck"] = { severity = "medium", grace = 1800 }, -- migrations and restores run that long
    terminating = { severity = "medium", grace = 300 }, -- past deletionTimestamp
    ["config-missing"] = { severity = "low" },
  },
  run = run,
}
