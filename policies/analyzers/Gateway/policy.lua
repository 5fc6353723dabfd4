--- Gateways that nobody serves, or with listeners that do not work. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local gateway = require "k8sgpt.gateway"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

local CLASS = "gateway.networking.k8s.io/v1/GatewayClass"

local RULES = { Accepted = "not-accepted", Programmed = "not-programmed" }

-- What is wrong with a listener alone. That it is not programmed follows from these, or is said of the whole Gateway.
local LISTENER_FAULTS = { Accepted = "False", ResolvedRefs = "False", Conflicted = "True" }

local function add(found, rule, key, since, text, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, since = since, sensitive = mask.sensitive(text, ...) }
end

local function class(ctx, found, name)
  if not name or not ctx.readable(CLASS) or ctx.exists(CLASS, nil, name) then return end
  add(found, "class", name, nil, ("Gateway uses the GatewayClass %s which does not exist."):format(name), name)
end

local function conditions(found, target)
  local meta = target.metadata
  for _, condition in ipairs(dig(target, "status", "conditions") or {}) do
    local rule = RULES[condition.type]
    if rule and condition.status ~= "True" then
      local text = ("Gateway '%s/%s' has condition %s=%s, reason %s: %s")
        :format(meta.namespace, meta.name, condition.type, condition.status, condition.reason or "", condition.message or "")
      add(found, rule, nil, gateway.since(target, condition), text, meta.namespace, meta.name)
    end
  end
end

local function listeners(found, target)
  local meta = target.metadata
  for _, listener in ipairs(dig(target, "status", "listeners") or {}) do
    for _, condition in ipairs(listener.conditions or {}) do
      if condition.status == LISTENER_FAULTS[condition.type] and gateway.is_current(target, condition) then
        local text = ("Gateway '%s/%s' has listener '%s' with condition %s=%s, reason %s: %s")
          :format(meta.namespace, meta.name, listener.name, condition.type, condition.status, condition.reason or "", condition.message or "")
        local key = listener.name .. " " .. condition.type
        add(found, "listener", key, gateway.since(target, condition), text, meta.namespace, meta.name, listener.name)
        local where = ("status.listeners[name=%s].conditions[type=%s]."):format(listener.name, condition.type)
        found[#found].evidence = {
          evidence.at(where .. "status", condition.status), evidence.at(where .. "reason", condition.reason),
          evidence.at(where .. "message", condition.message),
        }
      end
    end
  end
end

local function run(ctx, target)
  local found = {}
  if target.metadata.deletionTimestamp then return found end
  class(ctx, found, dig(target, "spec", "gatewayClassName"))
  conditions(found, target)
  listeners(found, target)
  return found
end

local fields = { "spec.gatewayClassName", "status.listeners[].name" }
for _, list in ipairs { "status.conditions[].", "status.listeners[].conditions[]." } do
  for _, field in ipairs { "type", "status", "reason", "message", "lastTransitionTime" } do fields[#fields + 1] = list .. field end
end
fields[#fields + 1] = "status.listeners[].conditions[].observedGeneration"

return {
  api = 1,
  kind = "analyzer",
  name = "Gateway",
  description = "Gateways that nobody serves, or with listeners that do not work",
  watches = { "gateway.networking.k8s.io/v1/Gateway", { CLASS, fields = {} } },
  fields = fields,
  rules = {
    class = { severity = "high", grace = 3, evidence = { "spec.gatewayClassName" } }, -- tools create it beside the Gateway
    ["not-accepted"] = { severity = "high", grace = 60, evidence = evidence.condition("Accepted") },
    ["not-programmed"] = { severity = "high", grace = 300, evidence = evidence.condition("Programmed") }, -- load balancers of clouds take minutes
    listener = { severity = "high", grace = 60 }, -- certificates are issued after the Gateway is there
  },
  run = run,
}
