--- What the engines of a namespace may read: as much as their analyzers do, and nothing of this cluster where they look at another one.

local choice = require "k8sgpt.choice"
local object = require "k8sgpt.object"
local render = require "k8sgpt.render"
local enginerights = require "k8sgpt.enginerights"

local function add_all(into, names)
  for _, name in ipairs(names) do into[#into + 1] = name end
end

local function analyzers_of(ctx, sharers)
  local names = {}
  for _, cr in ipairs(sharers) do
    add_all(names, choice.names(object.dig(cr, "spec", "filters"), ctx.params.core))
    if object.dig(cr, "spec", "integrations", "trivy", "enabled") then add_all(names, ctx.params.trivy) end
  end
  return names
end

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
local function wanted(ctx, cr)
  local sharers = {}
  for _, other in ipairs(render.sharers(ctx, cr)) do
    if render.is_local(other) then sharers[#sharers + 1] = other end
  end
  if #sharers == 0 or not ctx.options.dynamicRbac then return {} end
  return { render.share(sharers, {
    apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole",
    metadata = { name = render.role_name(cr.metadata.namespace) },
    rules = enginerights.rules(analyzers_of(ctx, sharers)),
  }) }
end

return {
  api = 1, kind = "render", name = "ClusterRole", description = "What the engines of a namespace may read", order = 20,
  watches = { render.WATCH }, writes = { "rbac.authorization.k8s.io/v1/ClusterRole" },
  params = { core = choice.CORE, trivy = { "VulnerabilityReport", "ConfigAuditReport" } },
  render = wanted,
}
