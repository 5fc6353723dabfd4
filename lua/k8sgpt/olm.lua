--- What objects of the Operator Lifecycle Manager say of themselves: v0 (operators.coreos.com), v1 (olm.operatorframework.io).

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local olm = {
  -- What a policy that asks `conditions` declares of its subject.
  FIELDS = {
    "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason", "status.conditions[].message",
    "status.conditions[].lastTransitionTime",
  },
}

--- "reason: message", or whichever there is.
---@param reason? string
---@param message? string
---@return string? nil: neither
function olm.because(reason, message)
  reason, message = text_of(reason), text_of(message)
  return reason and message and reason .. ": " .. message or reason or message
end

--- What upstream shows of conditions: the first that is not True and says anything.
---@param obj k8sgpt.View
---@return string? text nil: none
---@return k8sgpt.View? condition
function olm.first_said(obj)
  for _, condition in ipairs(dig(obj, "status", "conditions") or {}) do
    local text = condition.status ~= "True" and olm.because(condition.reason, condition.message)
    if text then return text, condition end
  end
end

--- Failures of an object of OLM v1 whose condition of this type does not hold, with the type's own rule of what holds.
---@param found k8sgpt.Failure[] one is added
---@param obj k8sgpt.View of a cluster-scoped kind
---@param rule string
---@param type string
---@param holds fun(condition: k8sgpt.View): boolean
function olm.condition(found, obj, rule, type, holds)
  local condition, name = object.condition(obj, type), obj.metadata.name
  if not condition or holds(condition) then return end
  local text = ("OLMv1 %s: %s has condition of type %s, reason %s: %s")
    :format(obj.kind, name, type, condition.reason or "", condition.message or "")
  found[#found + 1] = { rule = rule, text = text, since = condition.lastTransitionTime, sensitive = mask.sensitive(text, name) }
end

return olm
