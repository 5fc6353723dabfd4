--- StatefulSets that name what is not there, or whose pods do not come. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local function add(found, rule, key, text, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, sensitive = mask.sensitive(text, ...) }
  return found[#found]
end

local function service(ctx, found, meta, name)
  if not name or ctx.exists("v1/Service", meta.namespace, name) then return end
  local text = ("StatefulSet uses the service %s/%s which does not exist."):format(meta.namespace, name)
  add(found, "service", name, text, meta.namespace, name)
end

-- A class of "" is none: such claims bind to volumes that are made by hand.
local function storage_classes(ctx, found, set)
  local gvk, seen = "storage.k8s.io/v1/StorageClass", {}
  for _, template in ipairs(dig(set, "spec", "volumeClaimTemplates") or {}) do
    local class = text_of(dig(template, "spec", "storageClassName"))
    if class and not seen[class] and ctx.readable(gvk) and not ctx.exists(gvk, nil, class) then
      add(found, "storage-class", class, ("StatefulSet uses the storage class %s which does not exist."):format(class), class)
    end
    seen[class or ""] = true
  end
end

-- What refused the pod; one failure a reason, with its newest message. Older refusals are over once the pod was created.
local function missing_pod(ctx, found, set, name)
  local before, seen = #found, {}
  for _, event in ipairs(ctx.events(set)) do
    local message = text_of(event.message)
    if event.type == "Normal" then
      if event.reason == "SuccessfulCreate" and (message or ""):find("create Pod " .. name .. " ", 1, true) == 1 then seen.FailedCreate = true end
    elseif message and not seen[event.reason] then
      seen[event.reason] = true
      add(found, "refused", event.reason, message, set.metadata.namespace, set.metadata.name, name).evidence = evidence.event(event)
    end
  end
  return #found > before
end

local function lacks(found, set, wanted, pod_name)
  local meta, ready = set.metadata, dig(set, "status", "readyReplicas") or 0
  local text = ("StatefulSet %s/%s has %d replicas but %d are ready, the first that is not: %s"):format(meta.namespace, meta.name, wanted, ready, pod_name)
  local failure = add(found, "not-ready", pod_name, text, meta.namespace, meta.name, pod_name)
  failure.severity = ready == 0 and "high" or nil
  return failure
end

-- True when there is nothing wrong with this pod; upstream looks no further than the first that is not running, because the next ones wait for it.
local function pod_is_well(ctx, found, set, wanted, name)
  local namespace = set.metadata.namespace
  local pod = ctx.get("v1/Pod", namespace, name)
  if not pod then
    if not missing_pod(ctx, found, set, name) then lacks(found, set, wanted, name) end
    return false
  end
  if pod.metadata.deletionTimestamp then return false end
  local ready = object.condition(pod, "Ready")
  local since = dig(ready, "lastTransitionTime") or pod.metadata.creationTimestamp
  if dig(pod, "status", "phase") ~= "Running" then
    local text = ("Statefulset pod %s in the namespace %s is not in running state."):format(name, namespace)
    local failure = add(found, "not-running", name, text, namespace, name)
    failure.since, failure.evidence = since, { evidence.of(pod, "status.phase") }
  elseif dig(ready, "status") ~= "True" then
    lacks(found, set, wanted, name).since = since
  else
    return true
  end
  return false
end

local function run(ctx, set)
  local found, meta, spec = {}, set.metadata, set.spec or {}
  if meta.deletionTimestamp then return found end
  service(ctx, found, meta, text_of(spec.serviceName))
  storage_classes(ctx, found, set)
  local wanted, first = spec.replicas or 1, dig(spec, "ordinals", "start") or 0
  if wanted <= (dig(set, "status", "availableReplicas") or 0) then return found end
  for ordinal = first, first + wanted - 1 do
    if not pod_is_well(ctx, found, set, wanted, ("%s-%d"):format(meta.name, ordinal)) then break end
  end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "StatefulSet",
  description = "StatefulSets that name what is not there, or whose pods do not come",
  watches = {
    "apps/v1/StatefulSet",
    { "v1/Service", fields = {} },
    { "storage.k8s.io/v1/StorageClass", fields = {} },
    { "v1/Pod", fields = { "status.phase", "status.conditions[].type", "status.conditions[].status", "status.conditions[].lastTransitionTime" } },
    { "v1/Event", fields = { "type", "reason", "message" } },
  },
  fields = {
    "spec.replicas", "spec.serviceName", "spec.ordinals.start", "spec.volumeClaimTemplates[].spec.storageClassName",
    "status.availableReplicas", "status.readyReplicas",
  },
  rules = {
    service = { severity = "high", grace = 3, evidence = { "spec.serviceName" } }, -- tools create it beside the Service
    ["storage-class"] = { severity = "high", grace = 3, evidence = { "spec.volumeClaimTemplates[spec.storageClassName={key}].spec.storageClassName" } },
    refused = { severity = "high", evidence = { "spec.replicas", "status.readyReplicas" } },
    ["not-running"] = { -- a pod of a rollout starts as long as one that is new
      severity = "high", grace = 60,
      evidence = { "spec.replicas", "status.readyReplicas" },
    },
    ["not-ready"] = { severity = "medium", grace = 300, evidence = { "spec.replicas", "status.readyReplicas" } }, -- databases recover before they are ready
  },
  run = run,
}
