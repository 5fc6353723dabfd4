--- What objects of the Gateway API say of themselves and of each other (gateway-api.sigs.k8s.io, API specification v1).

local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig = object.dig

local gateway = {
  GROUP = "gateway.networking.k8s.io",
  -- What a policy that asks `refusal` declares of gateway.networking.k8s.io/v1/Gateway.
  LISTENER_FIELDS = {
    "spec.listeners[].name", "spec.listeners[].port", "spec.listeners[].protocol", "spec.listeners[].allowedRoutes.namespaces",
  },
  GRANT = "gateway.networking.k8s.io/v1beta1/ReferenceGrant",
  -- What a policy that asks `is_granted` declares of it.
  GRANT_FIELDS = { "spec.from", "spec.to" },
}

-- An HTTPRoute attaches to these only; protocols of vendors have a domain in front.
local OTHER_PROTOCOLS = { TCP = true, UDP = true, TLS = true }

--- Since when a condition is so. Until a controller comes, conditions are defaults of the CRD, with the time 1970-01-01.
---@param obj k8sgpt.View
---@param condition k8sgpt.View
---@return k8sgpt.Time
function gateway.since(obj, condition)
  local created, changed = obj.metadata.creationTimestamp, condition.lastTransitionTime
  if not changed or created and changed < created then return created end
  return changed
end

--- True when the condition is about the object as it is now, as far as its controller says.
---@param obj k8sgpt.View
---@param condition k8sgpt.View
---@return boolean
function gateway.is_current(obj, condition)
  local seen, wanted = condition.observedGeneration, obj.metadata.generation
  return not seen or not wanted or seen >= wanted
end

local function is_fault(route, condition)
  local type = condition.type
  return condition.status == "False" and (type == "Accepted" or type == "ResolvedRefs") and gateway.is_current(route, condition)
end

--- What controllers say of a route that does not work with one of its parents (Gateway API: RouteParentStatus).
---@param route k8sgpt.View
---@return {parent: k8sgpt.View|table, controller: string, condition: k8sgpt.View}[]
function gateway.faults(route)
  local faults = {}
  for _, status in ipairs(dig(route, "status", "parents") or {}) do
    for _, condition in ipairs(status.conditions or {}) do
      if is_fault(route, condition) then
        faults[#faults + 1] = { parent = status.parentRef or {}, controller = status.controllerName or "", condition = condition }
      end
    end
  end
  return faults
end

-- Whether a route of this namespace may attach: nil where that cannot be known.
local function allows(ctx, listener, home, namespace)
  local rule = dig(listener, "allowedRoutes", "namespaces")
  local from = dig(rule, "from") or "Same"
  if from == "Same" then return home == namespace end
  if from ~= "Selector" then return true end
  local there = ctx.readable("v1/Namespace") and ctx.get("v1/Namespace", nil, namespace)
  if not there then return nil end
  return (selector.matches(dig(rule, "selector"), there.metadata.labels))
end

--- Why no listener of a Gateway takes a route. One that takes it is enough, and none counts but those that the reference names.
---@param ctx k8sgpt.ReadContext with v1/Namespace among the policy's watches
---@param target k8sgpt.View the Gateway
---@param reference k8sgpt.View|table the route's parentRef: sectionName, port
---@param namespace string of the route
---@return "listener"|"Same"|"Selector"|nil reason there is no such listener, or how the first one chooses namespaces; nil: one takes it, or may
function gateway.refusal(ctx, target, reference, namespace)
  local reason = "listener"
  for _, listener in ipairs(dig(target, "spec", "listeners") or {}) do
    local is_named = (not reference.sectionName or reference.sectionName == listener.name)
      and (not reference.port or reference.port == listener.port)
    if is_named and not OTHER_PROTOCOLS[listener.protocol] then
      if allows(ctx, listener, target.metadata.namespace, namespace) ~= false then return nil end
      if reason == "listener" then reason = dig(listener, "allowedRoutes", "namespaces", "from") or "Same" end
    end
  end
  return reason
end

local function is_from(grant, kind, namespace)
  for _, source in ipairs(dig(grant, "spec", "from") or {}) do
    if source.group == gateway.GROUP and source.kind == kind and source.namespace == namespace then return true end
  end
  return false
end

local function is_to(grant, name)
  for _, target in ipairs(dig(grant, "spec", "to") or {}) do
    if (target.group or "") == "" and target.kind == "Service" and (not object.text(target.name) or target.name == name) then return true end
  end
  return false
end

--- Whether a route may use a Service: in its own namespace always, elsewhere where a ReferenceGrant there says so.
---@param ctx k8sgpt.ReadContext
---@param kind string of the route
---@param namespace string of the route
---@param service_namespace string
---@param service_name string
---@return boolean true also where grants may not be read
function gateway.is_granted(ctx, kind, namespace, service_namespace, service_name)
  if namespace == service_namespace or not ctx.readable(gateway.GRANT) then return true end
  for _, grant in ipairs(ctx.list(gateway.GRANT, { ns = service_namespace })) do
    if is_from(grant, kind, namespace) and is_to(grant, service_name) then return true end
  end
  return false
end

return gateway
