--- Seventh and last step: remediation, once there is one, and when to look again.

local conditions = require "k8sgpt.conditions"
local duration = require "k8sgpt.duration"
local object = require "k8sgpt.object"

-- While caches fill, conditions change by the second; nothing is written unless they do.
local SYNCING_SECONDS = 2

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local is_asked = object.dig(cr, "spec", "ai", "autoRemediation", "enabled") == true
  conditions.not_yet(ctx, cr, "Remediation", is_asked, "spec.ai.autoRemediation.enabled")
  local interval = duration.interval(cr)
  return ctx.requeue(ctx.diagnosis().synced and interval or math.min(interval, SYNCING_SECONDS))
end

return { api = 1, kind = "step", name = "Remediation", description = "Remediation, and when to look again", run = run }
