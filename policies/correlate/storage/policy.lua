--- Pods that cannot start because a claim of theirs has no volume.

local correlate = require "k8sgpt.correlate"
local object = require "k8sgpt.object"

local dig = object.dig

-- The claim of a generic ephemeral volume is named after the pod and the volume (Kubernetes docs: Ephemeral Volumes).
local function claim_of(volume, pod_name)
  if volume.ephemeral then return pod_name .. "-" .. volume.name end
  return dig(volume, "persistentVolumeClaim", "claimName")
end

local function cause(ctx, finding)
  local params = ctx.params
  if finding.kind ~= "Pod" or not correlate.has(params.waiting, finding.rule) then return nil end
  local pod = ctx.get("v1/Pod", finding.namespace, finding.name)
  for _, volume in ipairs(dig(pod, "spec", "volumes") or {}) do
    local open = ctx.findings_of("PersistentVolumeClaim", finding.namespace, claim_of(volume, finding.name))
    local found = correlate.first(open, params.blocking)
    if found then return found end
  end
end

return {
  api = 1, kind = "correlate", name = "storage",
  description = "Pods that wait for a PersistentVolumeClaim",
  watches = {
    { "v1/Pod", fields = { "spec.volumes[].name", "spec.volumes[].ephemeral", "spec.volumes[].persistentVolumeClaim.claimName" } },
  },
  -- Rules of the pod that waits, and of the claim that it waits for.
  params = { waiting = { "unschedulable", "start-blocked", "init-stuck" }, blocking = { "lost", "refused", "pending" } },
  cause = cause,
}
