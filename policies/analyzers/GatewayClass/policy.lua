--- GatewayClasses that no controller takes. The text is upstream's.

local gateway = require "k8sgpt.gateway"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

-- Other conditions, such as SupportedVersion=False, are advice: the class works.
local function run(_, class)
  local accepted = object.condition(class, "Accepted")
  if class.metadata.deletionTimestamp or not accepted or accepted.status == "True" then return {} end
  local name, controller = class.metadata.name, dig(class, "spec", "controllerName") or ""
  local text = ("GatewayClass '%s' with a controller name '%s' is not accepted. Message: '%s'."):format(name, controller, accepted.message or "")
  local sensitive = mask.sensitive(text, name, controller)
  return { { rule = "not-accepted", text = text, since = gateway.since(class, accepted), sensitive = sensitive } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "GatewayClass",
  description = "GatewayClasses that no controller takes",
  watches = { "gateway.networking.k8s.io/v1/GatewayClass" },
  fields = {
    "spec.controllerName", "status.conditions[].type", "status.conditions[].status", "status.conditions[].message",
    "status.conditions[].lastTransitionTime",
  },
  rules = {
    ["not-accepted"] = { -- a controller that is just installed comes to its class soon
      severity = "high", grace = 60,
      evidence = { "spec.controllerName", "status.conditions[type=Accepted].status", "status.conditions[type=Accepted].message" },
    },
  },
  run = run,
}
