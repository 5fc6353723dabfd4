--- The catalog waits for more quota until Friday, and everybody knows: one finding less.

return {
  api = 1,
  kind = "filter",
  name = "default",
  mode = "wrap", -- around the built-in filter, which still decides about everything else
  keep = function(ctx, finding, cr)
    if finding.kind == "Deployment" and finding.namespace == "shop" and finding.name == "catalog" then
      return false, "more quota is on its way (ticket 4711)"
    end
    return ctx.next(finding, cr)
  end,
}
