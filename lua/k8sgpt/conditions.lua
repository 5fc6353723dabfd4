--- Conditions of a K8sGPT, as the steps state them.

local object = require "k8sgpt.object"

local conditions = {}

---@class k8sgpt.Condition
---@field type string
---@field status "True"|"False"
---@field reason string
---@field message string what a person can do about it

---@param type string
---@param reason string
---@param message string
---@return k8sgpt.Condition
function conditions.holds(type, reason, message) return { type = type, status = "True", reason = reason, message = message } end

---@param type string
---@param reason string
---@param message string
---@return k8sgpt.Condition
function conditions.fails(type, reason, message) return { type = type, status = "False", reason = reason, message = message } end

--- Sets them.
---@param ctx k8sgpt.StepContext
---@param list k8sgpt.Condition[]
---@return k8sgpt.Condition? first that does not hold
function conditions.set(ctx, list)
  local first
  for _, item in ipairs(list) do
    ctx.condition(item.type, item.status, item.reason, item.message)
    if item.status ~= "True" then first = first or item end
  end
  return first
end

--- Says that what the spec asks for does not exist yet, and takes it back when nobody asks any more. (A condition stays until it
--- is set anew.)
---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
---@param type string
---@param is_asked boolean
---@param field string the one that asks, for people
function conditions.not_yet(ctx, cr, type, is_asked, field)
  if is_asked then
    ctx.condition(type, "False", "NotImplemented", field .. " is accepted, but nothing comes of it yet: leave it out, or wait for a release that has it")
  elseif object.condition(cr, type) then
    ctx.condition(type, "False", "NotRequested", field .. " is not set")
  end
end

return conditions
