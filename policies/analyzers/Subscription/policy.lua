--- Subscriptions of OLM v0 that are not at their latest version. The text of states is upstream's.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local olm = require "k8sgpt.olm"

local dig = object.dig

local RULES = { [""] = "unknown", UpgradePending = "pending", UpgradeAvailable = "pending", UpgradeFailed = "failed" }

-- Conditions of Subscriptions name problems (operators.coreos.com/v1alpha1: SubscriptionConditionType). The others only say that an
-- upgrade waits, as the state does.
local PROBLEMS = { CatalogSourcesUnhealthy = true, ResolutionFailed = true, InstallPlanFailed = true, BundleUnpackFailed = true }

local function add(found, meta, failure, details)
  failure.sensitive = mask.sensitive(details or "", meta.namespace, meta.name)
  found[#found + 1] = failure
end

local function state(found, subscription)
  local meta, status = subscription.metadata, subscription.status or {}
  local now = status.state or ""
  if not RULES[now] then return end
  local why = olm.first_said(subscription)
  local is_manual = dig(subscription, "spec", "installPlanApproval") == "Manual"
  add(found, meta, {
    rule = RULES[now],
    text = ('state="%s": subscription not at latest%s'):format(now, why and "; " .. why or ""),
    severity = is_manual and now ~= "UpgradeFailed" and "low" or nil,
    since = now ~= "" and status.lastUpdated or meta.creationTimestamp,
  }, why)
end

local function run(_, subscription)
  local found, meta = {}, subscription.metadata
  if meta.deletionTimestamp then return found end
  state(found, subscription)
  for _, condition in ipairs(dig(subscription, "status", "conditions") or {}) do
    if PROBLEMS[condition.type] and condition.status == "True" then
      local why = olm.because(condition.reason, condition.message) or ""
      local text = ("Subscription has condition %s=True, %s"):format(condition.type, why)
      add(found, meta, { rule = "problem", key = condition.type, text = text, since = condition.lastTransitionTime }, why)
    end
  end
  return found
end

local fields = { "spec.installPlanApproval", "status.state", "status.lastUpdated" }
table.move(olm.FIELDS, 1, #olm.FIELDS, #fields + 1, fields)

return {
  api = 1,
  kind = "analyzer",
  name = "Subscription",
  description = "Subscriptions (OLM v0) that are not at their latest version, or cannot be resolved",
  watches = { "operators.coreos.com/v1alpha1/Subscription" },
  fields = fields,
  rules = {
    unknown = { -- OLM has to fetch catalogs before it can say anything
      severity = "medium", grace = 300,
      evidence = { "status.state", "spec.installPlanApproval?" },
    },
    pending = { severity = "medium", grace = 600, evidence = { "status.state", "spec.installPlanApproval?" } }, -- an upgrade takes minutes
    failed = { severity = "high", evidence = { "status.state", "spec.installPlanApproval?" } },
    problem = { severity = "high", grace = 120, evidence = evidence.condition("{key}") }, -- catalogs are served by pods, which restart
  },
  run = run,
}
