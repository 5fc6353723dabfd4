--- Pods that fail because their node does.

local correlate = require "k8sgpt.correlate"
local object = require "k8sgpt.object"

local function cause(ctx, finding)
  local of_node = finding.kind == "Pod" and ctx.params.follows[finding.rule]
  if not of_node then return nil end
  local pod = ctx.get("v1/Pod", finding.namespace, finding.name)
  return correlate.first(ctx.findings_of("Node", nil, object.dig(pod, "spec", "nodeName")), of_node)
end

return {
  api = 1, kind = "correlate", name = "node",
  description = "Pods that fail because their node does",
  watches = { { "v1/Pod", fields = { "spec.nodeName" } } },
  -- By the pod's rule: the node's rules that explain it.
  params = {
    follows = {
      ["not-ready"] = { "not-ready", "network", "silent" },
      ["start-blocked"] = { "not-ready", "network", "pressure" },
      ["init-stuck"] = { "not-ready", "network", "silent" },
      terminating = { "not-ready", "silent" }, -- nobody is there who could end it
      evicted = { "pressure" },
    },
  },
  cause = cause,
}
