--- Which analyzers a list of filters means.

local choice = {}

--- Upstream's core set in its order: what runs where nobody names filters.
choice.CORE = {
  "Pod", "DaemonSet", "Deployment", "ReplicaSet", "PersistentVolumeClaim", "Service", "Ingress", "StatefulSet", "Job", "CronJob", "Node",
  "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ConfigMap",
}

-- Upstream's rule: a list replaces the core set. Ours beside it: when every name has a sign, the list changes the core set.
local function is_change(filters)
  for _, name in ipairs(filters) do
    if not name:find("^[+-]") then return false end
  end
  return true
end

--- Each name once, in the order of the core set and then of the filters.
---@param filters? k8sgpt.View|string[] spec.filters
---@param core string[] the core set
---@return string[]
function choice.names(filters, core)
  local wanted, seen, dropped = {}, {}, {}
  filters = filters or {}
  local function want(name)
    if not seen[name] and not dropped[name] then wanted[#wanted + 1] = name end
    seen[name] = true
  end
  for _, name in ipairs(filters) do
    if name:sub(1, 1) == "-" then dropped[name:sub(2)] = true end
  end
  if is_change(filters) then
    for _, name in ipairs(core) do want(name) end
  end
  for _, name in ipairs(filters) do
    if name:sub(1, 1) ~= "-" then want((name:gsub("^%+", ""))) end
  end
  return wanted
end

return choice
