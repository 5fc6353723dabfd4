--- Who answers for a Service, as its EndpointSlices say (label kubernetes.io/service-name; Kubernetes docs: EndpointSlices).

local object = require "k8sgpt.object"

local dig = object.dig

local endpoints = {
  -- What a policy that asks declares of discovery.k8s.io/v1/EndpointSlice.
  FIELDS = { "addressType", "endpoints[].conditions.ready", "endpoints[].conditions.terminating",
             "endpoints[].targetRef.kind", "endpoints[].targetRef.name" },
}

-- A dual-stack Service has slices of each family with the same pods in them.
local function is_new(endpoint, slice, seen, family)
  local name = dig(endpoint, "targetRef", "name")
  if not name then return slice.addressType == family end
  return not seen[name]
end

--- Counts them. A missing `ready` means true (Kubernetes API reference: EndpointConditions). Those that are terminating are on
--- their way out, and no more missed than in the Endpoints API, which never lists them.
---@param ctx k8sgpt.ReadContext
---@param meta k8sgpt.View metadata of the Service
---@return integer ready an upper bound for a dual-stack Service; 0 means none
---@return integer unready
---@return string[] names "Pod/name" of those that are not ready, sorted; one without a target has no name
function endpoints.of(ctx, meta)
  local ready, unready, names, seen, family = 0, 0, {}, {}, nil
  local query = { ns = meta.namespace, labels = { ["kubernetes.io/service-name"] = meta.name } }
  for _, slice in ipairs(ctx.list("discovery.k8s.io/v1/EndpointSlice", query)) do
    family = family or slice.addressType
    for _, endpoint in ipairs(slice.endpoints or {}) do
      if dig(endpoint, "conditions", "ready") ~= false then
        ready = ready + 1
      elseif not dig(endpoint, "conditions", "terminating") and is_new(endpoint, slice, seen, family) then
        unready = unready + 1
        local target = endpoint.targetRef
        if target then
          seen[target.name] = true
          names[#names + 1] = ("%s/%s"):format(target.kind, target.name)
        end
      end
    end
  end
  table.sort(names)
  return ready, unready, names
end

-- As long as a pod may take to become ready (rule not-ready of the Pod analyzer).
local NEW_POD_SECONDS = 60

--- True while one of the selected pods is so new that its endpoint may still come; the policy runs again when it should be there.
---@param ctx k8sgpt.ReadContext
---@param pods k8sgpt.View[]
---@return boolean
function endpoints.are_coming(ctx, pods)
  for _, pod in ipairs(pods) do
    local is_over = dig(pod, "status", "phase") == "Failed"
    if not is_over and not ctx.after(NEW_POD_SECONDS, pod.metadata.creationTimestamp) then return true end
  end
  return false
end

--- True when all that the selector could reach was scaled to zero, by a person, by KEDA or by a night schedule.
---@param ctx k8sgpt.ReadContext
---@param namespace string
---@param selector k8sgpt.View
---@return boolean false also when it could reach nothing at all
function endpoints.are_unwanted(ctx, namespace, selector)
  local found = false
  for _, gvk in ipairs { "apps/v1/Deployment", "apps/v1/StatefulSet" } do
    for _, workload in ipairs(ctx.readable(gvk) and ctx.list(gvk, { ns = namespace }) or {}) do
      if object.matches(dig(workload, "spec", "template", "metadata", "labels"), selector) then
        if dig(workload, "spec", "replicas") ~= 0 then return false end
        found = true
      end
    end
  end
  return found
end

return endpoints
