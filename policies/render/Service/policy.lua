--- Where the operator reaches an engine.

local engine_metrics = require "k8sgpt.engine_metrics"
local engine_shares = require "k8sgpt.engine_shares"
local render = require "k8sgpt.render"

-- Of several ports each has to have a name. The container names none for its metrics: that would start every engine anew, and open nothing.
local PORTS = {
  { name = engine_shares.PORT, port = 8080, protocol = "TCP" },
  { name = engine_metrics.PORT, port = engine_metrics.NUMBER, protocol = "TCP" },
}

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
local function wanted(ctx, cr)
  if not render.is_wanted(ctx, cr) then return {} end
  local meta = cr.metadata
  return { render.own(cr, {
    apiVersion = "v1", kind = "Service",
    metadata = { name = meta.name, namespace = meta.namespace },
    spec = { selector = { app = meta.name }, ports = PORTS },
  }) }
end

return {
  api = 1, kind = "render", name = "Service", description = "Where the operator reaches an engine", order = 40,
  writes = { "v1/Service" }, follows = { "discovery.k8s.io/v1/EndpointSlice" }, render = wanted,
}
