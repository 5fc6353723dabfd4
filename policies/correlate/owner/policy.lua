--- What fails as a part of something that fails: the pods of a Deployment, its ReplicaSets, the Jobs of a CronJob.

local correlate = require "k8sgpt.correlate"

local KINDS = {
  Pod = "v1/Pod", ReplicaSet = "apps/v1/ReplicaSet", Deployment = "apps/v1/Deployment", StatefulSet = "apps/v1/StatefulSet",
  DaemonSet = "apps/v1/DaemonSet", Job = "batch/v1/Job",
}
local MAX_OWNERS = 8 -- owner references may form a ring

-- The nearest that fails: what that follows from is asked of that.
local function cause(ctx, finding)
  local params, gvk = ctx.params, KINDS[finding.kind]
  if not gvk or correlate.has(params.own, finding.rule) then return nil end
  local owner = ctx.get(gvk, finding.namespace, finding.name)
  for _ = 1, MAX_OWNERS do
    owner = owner and ctx.parent(owner)
    if not owner then return nil end
    local open = ctx.findings_of(owner.kind, owner.metadata.namespace, owner.metadata.name)
    local found = correlate.first_other(open, params.unrelated)
    if found then return found end
  end
end

local watches = {}
for _, gvk in pairs(KINDS) do watches[#watches + 1] = { gvk, fields = {} } end

return {
  api = 1, kind = "correlate", name = "owner", order = 100, -- what lies outside of an application explains more
  description = "Pods of workloads that fail, and workloads that are parts of others",
  watches = watches,
  -- Rules of the part that say nothing of the whole, and of the whole that say nothing of its parts.
  params = {
    own = { "terminating", "config-missing", "gated", "suspended", "delete-failed" },
    unrelated = { "surplus", "suspended", "delete-failed", "schedule", "deadline", "missed" },
  },
  cause = cause,
}
