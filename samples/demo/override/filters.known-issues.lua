--- The catalog waits for more quota until Friday, and everybody knows: one finding less.

return {
  api = 1,
  kind = "filter",
  name = "known-issues",
  keep = function(_, finding)
    if finding.kind == "Deployment" and finding.namespace == "shop" and finding.name == "catalog" then
      return false, "more quota is on its way (ticket 4711)"
    end
    return true
  end,
}
