--- ClusterServiceVersions of OLM v0 that are not installed. The text is upstream's.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local olm = require "k8sgpt.olm"

local dig, text_of = object.dig, object.text

local COPY = "olm.copiedFrom" -- OLM puts a copy of the version of a global operator into every namespace

local function since(version)
  local status = version.status
  local last
  for _, condition in ipairs(status.conditions or {}) do last = condition.lastTransitionTime or last end
  return status.lastTransitionTime or last or version.metadata.creationTimestamp
end

-- The status says why it is in its phase; conditions are what it went through, the oldest first.
local function run(_, version)
  local meta, phase = version.metadata, text_of(dig(version, "status", "phase"))
  if not phase or phase == "Succeeded" or meta.deletionTimestamp or dig(meta, "labels", COPY) then return {} end
  local why = olm.because(version.status.reason, version.status.message) or olm.first_said(version)
  local text = why and ('phase="%s": %s'):format(phase, why) or ('phase="%s" (see status.conditions)'):format(phase)
  local sensitive = mask.sensitive(why or "", meta.namespace, meta.name)
  return { { rule = phase == "Failed" and "failed" or "pending", text = text, since = since(version), sensitive = sensitive } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "ClusterServiceVersion",
  description = "ClusterServiceVersions (OLM v0) that are not installed",
  watches = { "operators.coreos.com/v1alpha1/ClusterServiceVersion" },
  fields = {
    "status.phase", "status.reason", "status.message", "status.lastTransitionTime", "status.conditions[].status",
    "status.conditions[].reason", "status.conditions[].message", "status.conditions[].lastTransitionTime",
  },
  rules = {
    failed = { -- OLM tries again, and fails again
      severity = "high", settle = 600,
      evidence = { "status.phase", "status.reason?", "status.message?", "status.conditions[].reason" },
    },
    pending = { -- an installation or an upgrade takes minutes
      severity = "medium", grace = 600,
      evidence = { "status.phase", "status.reason?", "status.message?", "status.conditions[].reason" },
    },
  },
  run = run,
}
