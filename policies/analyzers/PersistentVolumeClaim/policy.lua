--- Claims that stay without a volume, lose it or cannot grow, and why. Texts are those of events and conditions.
--
-- A claim with volumeBindingMode WaitForFirstConsumer is fine until a pod wants it
-- (Kubernetes docs: Storage Classes, Volume Binding Mode).

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local CLAIM_OF_POD = "spec.volumes[].persistentVolumeClaim.claimName"

-- The volume controller repeats that it waits for a consumer. Where it has not said so for an hour, Kubernetes has forgotten the
-- event, and after a day nobody is waiting any more.
local UNCLAIMED_SECONDS = 86400

local REFUSALS = { "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer" }

local function add(found, claim, rule, text, more)
  local failure = more or {}
  failure.rule, failure.text = rule, text
  failure.sensitive = mask.sensitive(text, claim.metadata.namespace, claim.metadata.name)
  found[#found + 1] = failure
end

---@param ctx k8sgpt.AnalyzerContext
---@param claim k8sgpt.View PersistentVolumeClaim, core/v1
---@return boolean
local function has_time(ctx, claim)
  local class = ctx.get("storage.k8s.io/v1/StorageClass", nil, text_of(dig(claim, "spec", "storageClassName")))
  if not class or class.volumeBindingMode ~= "WaitForFirstConsumer" then return false end
  local meta = claim.metadata
  if #ctx.list("v1/Pod", { ns = meta.namespace, index = { CLAIM_OF_POD, meta.name } }) > 0 then return false end
  return not ctx.after(UNCLAIMED_SECONDS, meta.creationTimestamp)
end

-- One failure a reason, with its newest message. What was refused before the claim began to wait for a consumer is over.
local function refusals(ctx, found, claim)
  local seen = {}
  for _, event in ipairs(ctx.events(claim, { reasons = REFUSALS })) do
    if event.reason == "WaitForFirstConsumer" then return #found == 0 end
    if not seen[event.reason] and text_of(event.message) then
      seen[event.reason] = true
      add(found, claim, "refused", event.message, { key = event.reason })
    end
  end
  return false
end

local function pending(ctx, found, claim)
  local is_waiting = refusals(ctx, found, claim)
  if #found > 0 or is_waiting or has_time(ctx, claim) then return end
  local text = ("PersistentVolumeClaim %s is pending and no event says why"):format(claim.metadata.name)
  add(found, claim, "pending", text, { since = claim.metadata.creationTimestamp })
end

-- A resize that fails leaves ControllerResizeError or NodeResizeError; before Kubernetes 1.31 only an event beside Resizing says so.
local function resize(ctx, found, claim)
  local is_resizing = false
  for _, condition in ipairs(dig(claim, "status", "conditions") or {}) do
    if condition.status == "True" then
      is_resizing = is_resizing or condition.type == "Resizing" or condition.type == "FileSystemResizePending"
      if condition.type:find("ResizeError$") and text_of(condition.message) then
        add(found, claim, "resize", condition.message, { key = condition.type, since = condition.lastTransitionTime })
      end
    end
  end
  local event = is_resizing and #found == 0 and ctx.events(claim, { reasons = { "VolumeResizeFailed" } })[1]
  if event and text_of(event.message) then add(found, claim, "resize", event.message) end
end

local function run(ctx, claim)
  local found, phase = {}, dig(claim, "status", "phase")
  if claim.metadata.deletionTimestamp then return found end
  if phase == "Lost" then
    add(found, claim, "lost", ("PersistentVolumeClaim %s has lost its volume"):format(claim.metadata.name))
  elseif phase == "Pending" then
    pending(ctx, found, claim)
  elseif phase == "Bound" then
    resize(ctx, found, claim)
  end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "PersistentVolumeClaim",
  description = "Claims that get no volume, lost the one they had or cannot grow",
  watches = {
    "v1/PersistentVolumeClaim",
    { "v1/Event", fields = { "type", "reason", "message" } },
    { "v1/Pod", fields = { CLAIM_OF_POD } },
    { "storage.k8s.io/v1/StorageClass", fields = { "volumeBindingMode" } },
  },
  fields = {
    "spec.storageClassName", "status.phase", "status.conditions[].type", "status.conditions[].status",
    "status.conditions[].message", "status.conditions[].lastTransitionTime",
  },
  indexes = { ["v1/Pod"] = { CLAIM_OF_POD } },
  rules = {
    lost = { severity = "critical" },
    refused = { severity = "high" },
    pending = { severity = "medium", grace = 60 }, -- seconds a provisioner may take
    resize = { severity = "high" },
  },
  run = run,
}
