--- The catalog waits for more quota until Friday, and everybody knows: neither the Deployment nor its ReplicaSet is to tell again.

local CATALOG = "Deployment/shop/catalog"

return {
  api = 1,
  kind = "filter",
  name = "default",
  mode = "wrap", -- around the built-in filter, which decides about everything else
  keep = function(ctx, finding, cr)
    local object = finding.kind .. "/" .. finding.namespace .. "/" .. finding.name
    if object == CATALOG or finding.parentObject == CATALOG then
      return false, "more quota is on its way (ticket 4711)"
    end
    return ctx.next(finding, cr)
  end,
}
