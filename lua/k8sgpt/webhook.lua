--- Whether the API server can reach the webhooks of a configuration, validating and mutating ones alike. Texts are upstream's where
--- it has the condition; like upstream, each webhook is reported by its own name.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local webhook = {
  -- What a policy that asks declares: of the configuration, and beside it.
  FIELDS = {
    "webhooks[].name", "webhooks[].failurePolicy", "webhooks[].clientConfig.caBundle", "webhooks[].clientConfig.service.name",
    "webhooks[].clientConfig.service.namespace",
  },
  WATCHES = {
    { "v1/Service", fields = { "spec.selector" } },
    { "v1/Pod", fields = { "status.phase", "status.conditions[].type", "status.conditions[].status" } },
  },
  RULES = {
    service = { severity = "medium", grace = 60 }, -- tools create it beside the configuration
    ["no-pods"] = { severity = "medium", grace = 60 },
    inactive = { severity = "medium", grace = 60 }, -- pods of a rollout take a moment
    ["not-ready"] = { severity = "medium", grace = 60 },
    ["no-ca"] = { severity = "high", grace = 60 }, -- cert-manager and the like put it in
  },
}

local function is_ready(pod)
  return dig(pod, "status", "phase") == "Running" and dig(object.condition(pod, "Ready"), "status") == "True"
end

-- What refuses requests as long as its webhook is not reached.
local function severity_of(hook) return hook.failurePolicy ~= "Ignore" and "high" or nil end

local function evidence_of(hook)
  local where = ("webhooks[name=%s]."):format(hook.name)
  local service = hook.clientConfig.service
  return {
    evidence.at(where .. "failurePolicy", hook.failurePolicy), evidence.at(where .. "clientConfig.service.namespace", service.namespace),
    evidence.at(where .. "clientConfig.service.name", service.name),
  }
end

local function add(found, hook, rule, key, text, ...)
  found[#found + 1] = {
    rule = rule, key = key, text = text, severity = severity_of(hook), as = { name = "/" .. hook.name },
    sensitive = mask.sensitive(text, hook.name, ...), evidence = evidence_of(hook),
  }
  return mask.also(found[#found], hook.clientConfig.service.namespace, hook.clientConfig.service.name)
end

-- One that serves is enough: the others are on their way, or have been replaced.
local function receivers(found, hook, kind, service, pods)
  local inactive, running = {}, 0
  for _, pod in ipairs(pods) do
    if is_ready(pod) then return end
    if dig(pod, "status", "phase") == "Running" then
      running = running + 1
    elseif not pod.metadata.deletionTimestamp then
      inactive[#inactive + 1] = pod
    end
  end
  if running > 0 then
    add(found, hook, "not-ready", nil, ("%s Webhook %s has no ready receiver pod"):format(kind, hook.name))
    return
  end
  for _, pod in ipairs(inactive) do
    local name = pod.metadata.name
    local text = ("%s Webhook (%s) is pointing to an inactive receiver pod (%s)"):format(kind, hook.name, name)
    table.insert(add(found, hook, "inactive", name, text, name).evidence, evidence.of(pod, "status.phase"))
  end
  if #inactive == 0 then
    local text = ("No active pods found within service %s as mapped to by %s Webhook %s"):format(service, kind, hook.name)
    add(found, hook, "no-pods", nil, text, service)
  end
end

local function check(ctx, found, hook, kind)
  local target = hook.clientConfig.service
  local service = ctx.get("v1/Service", target.namespace, target.name)
  if not service then
    local text = ("Service %s not found as mapped to by %s Webhook %s"):format(target.name, kind, hook.name)
    add(found, hook, "service", nil, text, target.name)
    return
  end
  local selector = dig(service, "spec", "selector")
  if not selector then return end
  receivers(found, hook, kind, target.name, ctx.list("v1/Pod", { ns = target.namespace, labels = selector }))
end

-- Without one the API server trusts the system's authorities, none of which vouches for a name inside the cluster
-- (Kubernetes API reference: WebhookClientConfig.caBundle).
local function authority(found, hook, kind)
  if text_of(hook.clientConfig.caBundle) or hook.failurePolicy == "Ignore" then return end
  local text = ("%s Webhook %s has no caBundle, so that no request passes it"):format(kind, hook.name)
  local failure = add(found, hook, "no-ca", nil, text)
  table.insert(failure.evidence, evidence.at(("webhooks[name=%s].clientConfig.caBundle"):format(hook.name), nil))
end

--- Everything that is wrong with the webhooks of one configuration.
---@param ctx k8sgpt.AnalyzerContext
---@param configuration k8sgpt.View
---@param kind "Validating"|"Mutating"
---@return k8sgpt.Failure[]
function webhook.check(ctx, configuration, kind)
  local found = {}
  if configuration.metadata.deletionTimestamp then return found end
  for _, hook in ipairs(configuration.webhooks or {}) do
    if dig(hook, "clientConfig", "service") then
      check(ctx, found, hook, kind)
      authority(found, hook, kind)
    end
  end
  return found
end

return webhook
