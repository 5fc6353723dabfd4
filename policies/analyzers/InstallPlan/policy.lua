--- InstallPlans of OLM v0 that are not carried out. Texts are upstream's.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local olm = require "k8sgpt.olm"

local dig, text_of = object.dig, object.text

local RULES = { Failed = "failed", RequiresApproval = "approval" }

local function run(_, plan)
  local meta, phase = plan.metadata, text_of(dig(plan, "status", "phase"))
  if not phase or phase == "Complete" or meta.deletionTimestamp then return {} end
  local first = dig(plan, "status", "conditions", 1)
  local why = olm.because(dig(first, "reason"), dig(first, "message"))
  local text = why and ('phase="%s": %s'):format(phase, why) or ('phase="%s" (approval/manual? check status.conditions)'):format(phase)
  local sensitive = mask.sensitive(why or "", meta.namespace, meta.name)
  local since = dig(first, "lastTransitionTime") or meta.creationTimestamp
  return { { rule = RULES[phase] or "installing", text = text, since = since, sensitive = sensitive } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "InstallPlan",
  description = "InstallPlans (OLM v0) that failed, wait for approval or do not end",
  watches = { "operators.coreos.com/v1alpha1/InstallPlan" },
  fields = { "status.phase", "status.conditions[].reason", "status.conditions[].message", "status.conditions[].lastTransitionTime" },
  rules = {
    failed = { severity = "high", evidence = { "status.phase", "status.conditions[].reason", "status.conditions[].message" } },
    approval = { -- somebody has to see it first
      severity = "low", grace = 3600,
      evidence = { "status.phase", "status.conditions[].reason", "status.conditions[].message" },
    },
    installing = { severity = "medium", grace = 600, evidence = { "status.phase", "status.conditions[].reason", "status.conditions[].message" } },
  },
  run = run,
}
