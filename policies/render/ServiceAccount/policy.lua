--- The account that all engines of a namespace run as.

local render = require "k8sgpt.render"

-- Where two ask for different IAM roles the oldest has its way: whose pods run already keep what they have.
local function role_of(sharers)
  for _, cr in ipairs(sharers) do
    local role = render.iam_role(cr)
    if role then return role, cr end
  end
end

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
local function wanted(ctx, cr)
  local sharers = {}
  if not ctx.options.dynamicRbac then return {} end
  for _, other in ipairs(render.sharers(ctx, cr)) do
    if render.has_account(other) then sharers[#sharers + 1] = other end
  end
  if #sharers == 0 then return {} end
  local namespace, own = cr.metadata.namespace, render.iam_role(cr)
  local name, role, asked_by = render.account_name(namespace), role_of(sharers)
  if own and own ~= role and render.is_wanted(ctx, cr) then
    return nil, ctx.permanent(("the ServiceAccount %s is shared with K8sGPT %s, whose spec.extraOptions.serviceAccountIRSA is another one: "
      .. "give both the same, or put one into another namespace"):format(name, asked_by.metadata.name))
  end
  return { render.share(sharers, {
    apiVersion = "v1", kind = "ServiceAccount",
    metadata = { name = name, namespace = namespace, annotations = role and { ["eks.amazonaws.com/role-arn"] = role } },
  }) }
end

return {
  api = 1, kind = "render", name = "ServiceAccount", description = "The account that the engines of a namespace run as", order = 10,
  watches = { render.WATCH }, writes = { "v1/ServiceAccount" }, render = wanted,
}
