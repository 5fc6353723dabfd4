--- Namespaces with several OperatorGroups: OLM v0 then installs nothing there. The text is upstream's.

local evidence = require "k8sgpt.evidence"

local GROUP = "operators.coreos.com/v1/OperatorGroup"

-- The first of them speaks for all, in the name of the namespace.
local function run(ctx, group)
  local namespace = group.metadata.namespace
  local all = {}
  for _, other in ipairs(ctx.list(GROUP, { ns = namespace })) do
    if not other.metadata.deletionTimestamp then all[#all + 1] = other end
  end
  if #all < 2 or all[1].metadata.name ~= group.metadata.name then return {} end
  local text = ("%d OperatorGroups in namespace; this can break CSV resolution"):format(#all)
  local names, rests_on = { namespace }, {}
  for i, other in ipairs(all) do
    names[i + 1], rests_on[i] = other.metadata.name, evidence.of(other, "metadata.creationTimestamp")
  end
  return { { rule = "several", text = text, as = { name = namespace }, evidence = rests_on, sensitive = names } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "OperatorGroup",
  description = "Namespaces with several OperatorGroups (OLM v0)",
  watches = { GROUP },
  fields = {},
  rules = { several = { severity = "high", grace = 60 } }, -- while one replaces another
  run = run,
}
