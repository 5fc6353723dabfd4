--- What failures rest on: paths of the object itself, which a rule declares and the operator reads (k8sgpt.Rule), and what a policy
--- gives with a failure: events, other objects, what was counted.

local k8sgpt = require "k8sgpt"

local evidence = {}

--- What a rule declares that rests on a condition: its status, reason and message.
---@param type string "{key}": that which is the failure's key
---@param ... string further paths
---@return string[] paths
function evidence.condition(type, ...)
  local paths = {}
  for i, field in ipairs { "status", "reason", "message" } do paths[i] = ("status.conditions[type=%s].%s"):format(type, field) end
  for i = 1, select("#", ...) do paths[#paths + 1] = (select(i, ...)) end
  return paths
end

---@param path string where it stands, for people
---@param value any
---@return {path: string, value: string}
function evidence.at(path, value)
  if value == nil then value = "(absent)" end
  local is_plain = type(value) == "string" or type(value) == "number" or type(value) == "boolean"
  return { path = path, value = is_plain and tostring(value) or k8sgpt.json_encode(value) }
end

--- A field of another object.
---@param object k8sgpt.View
---@param path string names with dots between them
---@return {path: string, value: string}
function evidence.of(object, path)
  local value, meta = object, object.metadata
  for name in path:gmatch("[^.]+") do value = k8sgpt.dig(value, name) end
  local who = meta.namespace and meta.namespace .. "/" .. meta.name or meta.name
  return evidence.at(("%s %s: %s"):format(object.kind, who, path), value)
end

--- An event about the object.
---@param event? k8sgpt.View
---@return {path: string, value: string}[] empty without one
function evidence.event(event)
  return event and { evidence.at(("event %s: message"):format(event.reason or ""), event.message) } or {}
end

return evidence
