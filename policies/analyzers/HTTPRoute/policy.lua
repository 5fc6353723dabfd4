--- HTTPRoutes that no Gateway takes, or that lead to what is not there. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local gateway = require "k8sgpt.gateway"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local services = require "k8sgpt.service"

local dig = object.dig

local GATEWAY, SERVICE = "gateway.networking.k8s.io/v1/Gateway", "v1/Service"

-- Of all rules about what it names: tools create what belongs together one after another.
local UNFIT = { severity = "high", grace = 3 }

-- Reasons of conditions that repeat what was found here about that Gateway, or about any backend (Gateway API: RouteConditionReason).
local OF_PARENT = { NotAllowedByListeners = true, NoMatchingParent = true }
local OF_BACKEND = { BackendNotFound = true, RefNotPermitted = true }

-- The same Gateway or Service may be named many times. `about`: what a controller need not say again; found.at: what is looked at.
local function add(found, rule, key, about, text, ...)
  found.said[about] = true
  local id = rule .. " " .. key
  if found.seen[id] then return end
  found.seen[id] = { rule = rule, key = key, text = text, sensitive = mask.sensitive(text, ...), evidence = { found.at } }
  table.insert(found.list, found.seen[id])
  return found.seen[id]
end

local function parent(ctx, found, meta, reference)
  -- A mesh routes to Services (Gateway API: GAMMA).
  if (reference.group or gateway.GROUP) ~= gateway.GROUP or (reference.kind or "Gateway") ~= "Gateway" then return end
  local ns, name = reference.namespace or meta.namespace, reference.name
  local target = ctx.get(GATEWAY, ns, name)
  local refusal = target and gateway.refusal(ctx, target, reference, meta.namespace)
  local key, names = ns .. "/" .. name, { meta.namespace, meta.name, ns, name }
  if not target then
    add(found, "gateway", key, key, ("HTTPRoute uses the Gateway '%s/%s' which does not exist in the same namespace."):format(ns, name), ns, name)
  elseif refusal == "listener" then
    local section = tostring(reference.sectionName or reference.port or "")
    local which = section ~= "" and ("listener '%s'"):format(section) or "listener"
    local text = ("HTTPRoute '%s/%s' can't be attached on Gateway '%s/%s', which has no %s for it."):format(meta.namespace, meta.name, ns, name, which)
    add(found, "listener", key .. " " .. section, key, text, section, table.unpack(names))
  elseif refusal then
    local text = refusal == "Same"
      and "HTTPRoute '%s/%s' is deployed in a different namespace from Gateway '%s/%s' which only allows HTTPRoutes from its namespace."
      or "HTTPRoute '%s/%s' can't be attached on Gateway '%s/%s', selector labels do not match HTTProute's labels."
    add(found, "not-allowed", key, key, text:format(table.unpack(names)), table.unpack(names))
  end
end

local function backend(ctx, found, meta, target)
  if not target or (target.group or "") ~= "" or (target.kind or "Service") ~= "Service" then return end
  found.at = evidence.at("spec.rules[].backendRefs[]", { namespace = target.namespace, name = target.name, port = target.port })
  local ns, name, port = target.namespace or meta.namespace, target.name, target.port
  local service, key = ctx.get(SERVICE, ns, name), ns .. "/" .. name
  if not service then
    add(found, "service", key, "backend", ("HTTPRoute uses the Service '%s/%s' which does not exist."):format(ns, name), ns, name)
  elseif not gateway.is_granted(ctx, "HTTPRoute", meta.namespace, ns, name) then
    local text = ("HTTPRoute uses the Service '%s/%s' in another namespace, and no ReferenceGrant there allows it."):format(ns, name)
    add(found, "grant", key, "backend", text, ns, name)
  elseif port and not services.has_port(service, port) then
    local text = ("HTTPRoute's backend service '%s' is using port '%d' but the corresponding K8s service '%s/%s' isn't configured with the same port.")
    add(found, "port", key .. ":" .. port, "backend", text:format(name, port, ns, name), ns, name)
  end
end

local function conditions(found, route)
  local meta = route.metadata
  for _, fault in ipairs(gateway.faults(route)) do
    local to, condition = fault.parent, fault.condition
    local kind, ns, name = to.kind or "Gateway", to.namespace or meta.namespace, to.name or ""
    local is_said = found.said[ns .. "/" .. name] and OF_PARENT[condition.reason] or found.said.backend and OF_BACKEND[condition.reason]
    if not is_said then
      local text = ("HTTPRoute '%s/%s' has condition %s=False on %s '%s/%s', reason %s: %s")
        :format(meta.namespace, meta.name, condition.type, kind, ns, name, condition.reason or "", condition.message or "")
      local section = to.sectionName or to.port
      local key = ("%s %s %s/%s%s"):format(condition.type, fault.controller, ns, name, section and " " .. section or "")
      found.at = evidence.at(("status.parents[parentRef.name=%s].conditions[type=%s].message"):format(name, condition.type), condition.message)
      local failure = add(found, "condition", key, "condition", text, meta.namespace, meta.name, ns, name)
      if failure then failure.since = gateway.since(route, condition) end
    end
  end
end

local function run(ctx, route)
  local found, meta = { list = {}, seen = {}, said = {} }, route.metadata
  if meta.deletionTimestamp then return found.list end
  for i, reference in ipairs(dig(route, "spec", "parentRefs") or {}) do
    found.at = evidence.at(("spec.parentRefs[%d]"):format(i - 1), reference)
    parent(ctx, found, meta, reference)
  end
  for _, rule in ipairs(dig(route, "spec", "rules") or {}) do
    for _, target in ipairs(rule.backendRefs or {}) do backend(ctx, found, meta, target) end
    for _, filter in ipairs(rule.filters or {}) do backend(ctx, found, meta, dig(filter, "requestMirror", "backendRef")) end
  end
  conditions(found, route)
  return found.list
end

return {
  api = 1, kind = "analyzer", name = "HTTPRoute",
  description = "HTTPRoutes that no Gateway takes, or that lead to what is not there",
  watches = {
    "gateway.networking.k8s.io/v1/HTTPRoute",
    { GATEWAY, fields = gateway.LISTENER_FIELDS },
    { gateway.GRANT, fields = gateway.GRANT_FIELDS },
    { SERVICE, fields = { "spec.type", "spec.ports[].port" } },
    { "v1/Namespace", fields = {} },
  },
  fields = {
    "spec.parentRefs", "spec.rules[].backendRefs[].group", "spec.rules[].backendRefs[].kind", "spec.rules[].backendRefs[].namespace",
    "spec.rules[].backendRefs[].name", "spec.rules[].backendRefs[].port", "spec.rules[].filters[].requestMirror.backendRef", "status.parents",
  },
  rules = {
    gateway = UNFIT, listener = UNFIT, ["not-allowed"] = UNFIT, service = UNFIT, grant = UNFIT, port = UNFIT,
    condition = { severity = "high", grace = 60 },
  },
  run = run,
}
