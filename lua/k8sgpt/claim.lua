--- Whether a PersistentVolumeClaim that is pending has something to wait for.
--
-- A claim with volumeBindingMode WaitForFirstConsumer is fine until a pod wants it
-- (Kubernetes docs: Storage Classes, Volume Binding Mode).

local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local CLAIM_OF_POD, STORAGE_CLASS = "spec.volumes[].persistentVolumeClaim.claimName", "storage.k8s.io/v1/StorageClass"

-- The volume controller repeats that it waits for a consumer. Where it has not said so for an hour, Kubernetes has forgotten the
-- event, and after a day nobody is waiting any more.
local UNCLAIMED_SECONDS = 86400

local claim = {
  -- What tells why it is pending, newest first.
  REASONS = { "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer" },
  -- What a policy that asks declares.
  WATCHES = {
    { "v1/Event", fields = { "type", "reason", "message" } },
    { "v1/Pod", fields = { CLAIM_OF_POD } },
    { STORAGE_CLASS, fields = { "volumeBindingMode" } },
  },
  INDEXES = { ["v1/Pod"] = { CLAIM_OF_POD } },
}

-- Nobody has said a word for an hour.
local function has_time(ctx, subject)
  local class = ctx.get(STORAGE_CLASS, nil, text_of(dig(subject, "spec", "storageClassName")))
  if not class or class.volumeBindingMode ~= "WaitForFirstConsumer" then return false end
  local meta = subject.metadata
  if #ctx.list("v1/Pod", { ns = meta.namespace, index = { CLAIM_OF_POD, meta.name }, limit = 1 }) > 0 then return false end
  return not ctx.after(UNCLAIMED_SECONDS, meta.creationTimestamp)
end

--- True while it waits for a pod that wants it.
---@param ctx k8sgpt.ReadContext
---@param subject k8sgpt.View a claim that is pending
---@return boolean
function claim.waits(ctx, subject)
  local event = ctx.events(subject, { reasons = claim.REASONS })[1]
  if event then return event.reason == "WaitForFirstConsumer" end
  return has_time(ctx, subject)
end

return claim
