--- The ports of Services.

local object = require "k8sgpt.object"

local dig = object.dig

local service = {}

--- Whether a Service has the port that somebody names.
---@param obj k8sgpt.View with spec.type, spec.ports[].port and, where names are asked for, spec.ports[].name
---@param number? integer
---@param name? string
---@return boolean true also for a name in the DNS, which has no ports to compare with
function service.has_port(obj, number, name)
  for _, port in ipairs(dig(obj, "spec", "ports") or {}) do
    if name and port.name == name or number and port.port == number then return true end
  end
  return dig(obj, "spec", "type") == "ExternalName"
end

--- The names that its targetPorts have, each once.
---@param obj k8sgpt.View with spec.ports[].targetPort
---@return string[]
function service.named_targets(obj)
  local names, seen = {}, {}
  for _, port in ipairs(dig(obj, "spec", "ports") or {}) do
    local target = port.targetPort
    if type(target) == "string" and not seen[target] then
      seen[target] = true
      names[#names + 1] = target
    end
  end
  return names
end

--- Whether a container of the pod has a port of this name.
---@param pod k8sgpt.View with the names of the ports of all containers
---@param name string
---@return boolean
function service.reaches(pod, name)
  for _, list in ipairs { "containers", "initContainers" } do
    for _, container in ipairs(dig(pod, "spec", list) or {}) do
      for _, port in ipairs(container.ports or {}) do
        if port.name == name then return true end
      end
    end
  end
  return false
end

return service
