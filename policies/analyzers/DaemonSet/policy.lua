--- DaemonSets that miss pods on nodes that should have one, or name what is not there. Texts are upstream's.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local SECRET = "v1/Secret"

-- A DaemonSet has no deadline of its own: its pods get as long to come as those of a Deployment by default (Kubernetes API
-- reference: DeploymentSpec.progressDeadlineSeconds).
local ROLLOUT = 600

local function add(found, set, rule, key, text, ...)
  local sensitive = mask.sensitive(text, set.metadata.namespace, set.metadata.name, ...)
  found[#found + 1] = { rule = rule, key = key, text = text, sensitive = sensitive }
  return found[#found]
end

-- As long as pods of the new template come one after another, the count of those that are there moves on: only a count that
-- stays where it is, is a fault. So the count is the key.
local function rollout(ctx, set, wanted)
  local meta, updated = set.metadata, dig(set, "status", "updatedNumberScheduled") or 0
  if not ctx.after(ROLLOUT, meta.creationTimestamp) then return "new", meta.creationTimestamp end
  if dig(set, "status", "observedGeneration") ~= meta.generation then return "unseen" end
  if updated < wanted then return tostring(updated) end
end

local function pods(ctx, found, set)
  local meta, status = set.metadata, set.status or {}
  local wanted, ready = status.desiredNumberScheduled or 0, status.numberReady or 0
  if ready >= wanted then return end
  local text = ("DaemonSet %s/%s has %d ready replicas out of %d scheduled"):format(meta.namespace, meta.name, ready, wanted)
  local step, since = rollout(ctx, set, wanted)
  local failure = add(found, set, step and "rollout" or "not-ready", step, text)
  failure.since, failure.severity = since, ready == 0 and "critical" or nil
end

local function pull_secrets(ctx, found, set)
  local meta, seen = set.metadata, {}
  for _, reference in ipairs(dig(set, "spec", "template", "spec", "imagePullSecrets") or {}) do
    local name = text_of(reference.name)
    if name and not seen[name] and ctx.readable(SECRET) and not ctx.exists(SECRET, meta.namespace, name) then
      local text = ("DaemonSet %s/%s references non-existent ImagePullSecret %s"):format(meta.namespace, meta.name, name)
      add(found, set, "pull-secret", name, text, name)
    end
    seen[name or ""] = true
  end
end

local function run(ctx, set)
  local found = {}
  if set.metadata.deletionTimestamp then return found end
  pods(ctx, found, set)
  pull_secrets(ctx, found, set)
  return found
end

return {
  api = 1, kind = "analyzer", name = "DaemonSet",
  description = "DaemonSets that miss pods, or name an ImagePullSecret that does not exist",
  watches = { "apps/v1/DaemonSet", { SECRET, fields = {} } },
  fields = {
    "spec.template.spec.imagePullSecrets[].name", "status.desiredNumberScheduled", "status.numberReady",
    "status.updatedNumberScheduled", "status.observedGeneration",
  },
  rules = {
    ["not-ready"] = { -- a new node first pulls the images of all its pods
      severity = "high", grace = 300,
      evidence = { "status.desiredNumberScheduled", "status.numberReady" },
    },
    rollout = { severity = "high", grace = ROLLOUT, evidence = { "status.desiredNumberScheduled", "status.updatedNumberScheduled", "status.numberReady" } },
    ["pull-secret"] = { -- tools create it beside the DaemonSet
      severity = "medium", grace = 60,
      evidence = { "spec.template.spec.imagePullSecrets[name={key}].name" },
    },
  },
  run = run,
}
