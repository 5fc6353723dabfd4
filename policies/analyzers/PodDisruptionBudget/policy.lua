--- Budgets that allow no disruption for long, so that no node can be drained. Texts are upstream's where it has the condition.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig, text_of = object.dig, object.text

local function add(found, budget, key, text, since, ...)
  local status = budget.status or {}
  -- Enough pods are well: it blocks because of what it asks for, and nothing is down.
  local is_strict = (status.currentHealthy or 0) >= (status.desiredHealthy or 0)
  found[#found + 1] = {
    rule = "blocked", key = key, text = text, since = since, severity = is_strict and "low" or nil, sensitive = mask.sensitive(text, ...),
  }
  mask.also(found[#found], table.unpack(selector.names(dig(budget, "spec", "selector"))))
end

local function names_of(labels)
  local names = {}
  for name in pairs(labels or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function run(_, budget)
  local found, meta, condition = {}, budget.metadata, object.condition(budget, "DisruptionAllowed")
  if meta.deletionTimestamp or dig(condition, "status") ~= "False" then return found end
  -- Without pods there is nothing to disrupt: the workload is at zero.
  if condition.reason == "InsufficientPods" and dig(budget, "status", "expectedPods") == 0 then return found end

  local reason, since = text_of(condition.reason) or "DisruptionAllowed=False", condition.lastTransitionTime
  local labels = dig(budget, "spec", "selector", "matchLabels")
  for _, name in ipairs(names_of(labels)) do
    local text = ("%s, expected pdb pod label %s=%s"):format(reason, name, labels[name])
    add(found, budget, name, text, since, name, labels[name])
  end
  for i, expression in ipairs(dig(budget, "spec", "selector", "matchExpressions") or {}) do
    local text = ("%s, expected pods matching %s"):format(reason, selector.describe(expression))
    add(found, budget, ("matchExpressions[%d]"):format(i - 1), text, since, expression.key, table.unpack(selector.values(expression)))
  end
  return found
end

return {
  api = 1, kind = "analyzer", name = "PodDisruptionBudget",
  description = "Budgets that have allowed no disruption for ten minutes",
  watches = { "policy/v1/PodDisruptionBudget" },
  fields = {
    "spec.selector", "status.conditions[].type", "status.conditions[].status", "status.conditions[].reason",
    "status.conditions[].lastTransitionTime", "status.expectedPods", "status.currentHealthy", "status.desiredHealthy",
  },
  rules = {
    blocked = { -- every rollout uses the budget up for a while
      severity = "medium", grace = 600,
      evidence = {
        "status.conditions[type=DisruptionAllowed].status", "status.conditions[type=DisruptionAllowed].reason", "status.currentHealthy",
        "status.desiredHealthy", "spec.selector",
      },
    },
  },
  run = run,
}
