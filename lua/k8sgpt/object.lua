--- Reading Kubernetes objects, views and plain tables alike.

local k8sgpt = require "k8sgpt"

local object = {}

--- The value at a path, nil as soon as a part of the path is missing.
---@param obj any
---@param ... string|integer keys
---@return any
object.dig = k8sgpt.dig

--- True for a field that is there and null; an absent one is not.
---@param obj k8sgpt.View
---@param key string
---@return boolean
function object.is_null(obj, key) return k8sgpt.is_null(obj, key) end

--- The entry of status.conditions of this type.
---@param obj k8sgpt.View
---@param type string
---@return k8sgpt.View?
function object.condition(obj, type)
  for _, condition in ipairs(object.dig(obj, "status", "conditions") or {}) do
    if condition.type == type then return condition end
  end
end

--- The owner reference that controls this object; there is one at most (Kubernetes docs: Owners and Dependents).
---@param obj k8sgpt.View
---@return k8sgpt.View?
function object.controller(obj)
  for _, reference in ipairs(obj.metadata.ownerReferences or {}) do
    if reference.controller then return reference end
  end
end

--- True when the labels have every pair of an equality selector.
---@param labels? k8sgpt.View|table<string, string>
---@param selector k8sgpt.View|table<string, string>
---@return boolean
function object.matches(labels, selector)
  for key, value in pairs(selector) do
    if object.dig(labels, key) ~= value then return false end
  end
  return true
end

--- The text, or nil for an absent or an empty one.
---@param text? string
---@return string?
function object.text(text)
  if text ~= "" then return text end
end

return object
