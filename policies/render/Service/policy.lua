--- Where the operator reaches an engine.

local render = require "k8sgpt.render"

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
local function wanted(ctx, cr)
  if not render.is_wanted(ctx, cr) then return {} end
  local meta = cr.metadata
  return { render.own(cr, {
    apiVersion = "v1", kind = "Service",
    metadata = { name = meta.name, namespace = meta.namespace },
    spec = { selector = { app = meta.name }, ports = { { port = 8080, protocol = "TCP" } } },
  }) }
end

return {
  api = 1, kind = "render", name = "Service", description = "Where the operator reaches an engine", order = 40,
  writes = { "v1/Service" }, follows = { "discovery.k8s.io/v1/EndpointSlice" }, render = wanted,
}
