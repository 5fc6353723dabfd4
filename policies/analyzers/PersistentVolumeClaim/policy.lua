--- Claims that stay without a volume, lose it or cannot grow, and why. Texts are those of events and conditions.

local claims = require "k8sgpt.claim"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local function add(found, claim, rule, text, more)
  local failure = more or {}
  failure.rule, failure.text = rule, text
  failure.sensitive = mask.sensitive(text, claim.metadata.namespace, claim.metadata.name)
  found[#found + 1] = failure
end

-- One failure a reason, with its newest message. What was refused before the claim began to wait for a consumer is over.
local function refusals(ctx, found, claim)
  local seen = {}
  for _, event in ipairs(ctx.events(claim, { reasons = claims.REASONS })) do
    if event.reason == "WaitForFirstConsumer" then return end
    if not seen[event.reason] and text_of(event.message) then
      seen[event.reason] = true
      add(found, claim, "refused", event.message, { key = event.reason, evidence = evidence.event(event) })
    end
  end
end

local function pending(ctx, found, claim)
  refusals(ctx, found, claim)
  if #found > 0 or claims.waits(ctx, claim) then return end
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
  if event and text_of(event.message) then add(found, claim, "resize", event.message, { evidence = evidence.event(event) }) end
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
  watches = { "v1/PersistentVolumeClaim", table.unpack(claims.WATCHES) },
  fields = {
    "spec.storageClassName", "status.phase", "status.conditions[].type", "status.conditions[].status",
    "status.conditions[].message", "status.conditions[].lastTransitionTime",
  },
  indexes = claims.INDEXES,
  rules = {
    lost = { severity = "critical", evidence = { "status.phase" } },
    refused = { severity = "high", evidence = { "status.phase" } },
    pending = { severity = "medium", grace = 60, evidence = { "status.phase" } }, -- seconds a provisioner may take
    resize = { severity = "high", evidence = { "status.conditions[type={key}].status", "status.conditions[type={key}].message" } },
  },
  run = run,
}
