--- Gives the engines of a namespace what they may read.

local render = require "k8sgpt.render"

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
local function wanted(ctx, cr)
  local sharers = {}
  for _, other in ipairs(render.sharers(ctx, cr)) do
    if render.is_local(other) then sharers[#sharers + 1] = other end
  end
  if #sharers == 0 or not ctx.options.dynamicRbac then return {} end
  local namespace = cr.metadata.namespace
  return { render.share(sharers, {
    apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding",
    metadata = { name = render.binding_name(namespace) },
    roleRef = { apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = render.role_name(namespace) },
    subjects = { { kind = "ServiceAccount", name = render.account_name(namespace), namespace = namespace } },
  }) }
end

return {
  api = 1, kind = "render", name = "ClusterRoleBinding", description = "Gives the engines of a namespace their rights", order = 30,
  watches = { render.WATCH }, writes = { "rbac.authorization.k8s.io/v1/ClusterRoleBinding" }, render = wanted,
}
