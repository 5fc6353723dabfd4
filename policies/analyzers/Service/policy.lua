--- Services that nobody answers for. Texts are upstream's; what it read from Endpoints comes from EndpointSlices here.

local endpoints = require "k8sgpt.endpoints"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local selectors = require "k8sgpt.selector"
local services = require "k8sgpt.service"

local dig = object.dig

-- Seconds: the endpoint controller needs a moment, and tools create Services before what stands behind them.
local NEW_SERVICE = 3

local function add(found, rule, key, text, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, sensitive = mask.sensitive(text, ...) }
end

local function no_endpoints(ctx, found, meta, selector, pods)
  if not ctx.after(NEW_SERVICE, meta.creationTimestamp) or endpoints.are_coming(ctx, pods) then return end
  if endpoints.are_unwanted(ctx, meta.namespace, selector) then return end
  local labels, names = {}, selectors.names { matchLabels = selector }
  for label in pairs(selector) do labels[#labels + 1] = label end
  table.sort(labels)
  for _, label in ipairs(labels) do
    local text = ("Service has no endpoints, expected label %s=%s"):format(label, selector[label])
    add(found, "no-endpoints", label, text, label, selector[label])
    mask.also(found[#found], table.unpack(names))
  end
end

-- A port of a name that no container has leads nowhere, though there are endpoints.
local function target_ports(found, named, pods, selector)
  local names = selectors.names { matchLabels = selector }
  for _, target in ipairs(named) do
    local known = #pods == 0
    for _, pod in ipairs(pods) do known = known or services.reaches(pod, target) end
    if not known then
      add(found, "target-port", target, ("Service targetPort %s is not a port of any selected pod"):format(target), target)
      mask.also(found[#found], table.unpack(names))
    end
  end
end

-- One finding a reason, with its newest message; what went wrong with a load balancer is over once there is one.
local function events(ctx, found, service)
  local meta, seen = service.metadata, {}
  for _, event in ipairs(ctx.events(service)) do
    if event.reason == "EnsuredLoadBalancer" then seen.SyncLoadBalancerFailed = true end
    if event.type ~= "Normal" and not seen[event.reason] then
      seen[event.reason] = true
      local text = ("Service %s/%s has event %s"):format(meta.namespace, meta.name, event.message or "")
      add(found, "event", event.reason, text, meta.namespace, meta.name)
      found[#found].evidence = evidence.event(event)
    end
  end
end

local function run(ctx, service)
  local found, meta, selector = {}, service.metadata, dig(service, "spec", "selector")
  if meta.deletionTimestamp or dig(service, "spec", "type") == "ExternalName" then return found end

  local ready, unready, names = endpoints.of(ctx, meta)
  local named = services.named_targets(service)
  if selector and (ready + unready == 0 or #named > 0) then
    local pods = ctx.list("v1/Pod", { ns = meta.namespace, labels = selector })
    target_ports(found, named, pods, selector)
    if ready + unready == 0 and #found == 0 then no_endpoints(ctx, found, meta, selector, pods) end
  end
  if unready > 0 then
    local text = ("Service has not ready endpoints, pods: [%s], expected %d"):format(table.concat(names, " "), unready)
    for i, name in ipairs(names) do names[i] = name:match("/(.+)") end
    add(found, "not-ready", nil, text, table.unpack(names))
    found[#found].severity = ready == 0 and "high" or nil
    found[#found].evidence = { evidence.at("EndpointSlices: endpoints[].conditions.ready", ("%d true, %d false"):format(ready, unready)) }
  end
  events(ctx, found, service)
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "Service",
  description = "Services that nobody answers for",
  watches = {
    "v1/Service",
    { "discovery.k8s.io/v1/EndpointSlice", fields = endpoints.FIELDS },
    { "v1/Pod", fields = { "status.phase", "spec.containers[].ports[].name", "spec.initContainers[].ports[].name" } },
    { "apps/v1/Deployment", fields = { "spec.replicas", "spec.template.metadata.labels" } },
    { "apps/v1/StatefulSet", fields = { "spec.replicas", "spec.template.metadata.labels" } },
    { "v1/Event", fields = { "type", "reason", "message" } },
  },
  fields = { "spec.selector", "spec.type", "spec.ports[].targetPort" },
  rules = {
    ["no-endpoints"] = { severity = "high", evidence = { "spec.selector" } },
    ["not-ready"] = { severity = "medium", grace = 60 }, -- every rollout has such endpoints for a while
    ["target-port"] = { severity = "high", evidence = { "spec.ports[targetPort={key}].targetPort", "spec.selector" } },
    event = { severity = "medium" },
  },
  run = run,
}
