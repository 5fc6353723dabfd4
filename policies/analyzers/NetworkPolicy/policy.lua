--- Network policies that let everything pass, or apply to nothing. Texts are upstream's.

local endpoints = require "k8sgpt.endpoints"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local selector = require "k8sgpt.selector"

local dig = object.dig

local function is_empty(list)
  local count = 0
  for _ in pairs(list or {}) do count = count + 1 end
  return count == 0
end

local function failure(rule, text, meta, wanted, more)
  local found = { rule = rule, text = text, sensitive = mask.sensitive(text, meta.namespace, meta.name), evidence = { more } }
  return { mask.also(found, table.unpack(selector.names(wanted))) }
end

-- A rule without peers and ports allows all of them; a policy without rules none (Kubernetes docs: Network Policies).
---@return string? path of that rule
local function allows_all(policy)
  for i, rule in ipairs(dig(policy, "spec", "ingress") or {}) do
    if is_empty(rule.from) and is_empty(rule.ports) then return ("spec.ingress[%d]"):format(i - 1) end
  end
  for i, rule in ipairs(dig(policy, "spec", "egress") or {}) do
    if is_empty(rule.to) and is_empty(rule.ports) then return ("spec.egress[%d]"):format(i - 1) end
  end
end

-- The query that finds the fewest pods: by labels where there are any, or by each value that an expression lists.
local function queries(namespace, wanted)
  local labels = wanted.matchLabels
  if not is_empty(labels) then return { { ns = namespace, labels = labels } } end
  for _, expression in ipairs(wanted.matchExpressions) do
    if expression.operator == "In" then
      local list = {}
      for i, value in ipairs(selector.values(expression)) do list[i] = { ns = namespace, labels = { [expression.key] = value } } end
      return list
    end
  end
  return { { ns = namespace } }
end

local function selects_pods(ctx, namespace, wanted)
  local is_simple = is_empty(wanted.matchExpressions)
  for _, query in ipairs(queries(namespace, wanted)) do
    query.limit = is_simple and 1 or nil
    for _, pod in ipairs(ctx.list("v1/Pod", query)) do
      if is_simple or selector.matches(wanted, pod.metadata.labels) then return true end
    end
  end
  return false
end

local function run(ctx, policy)
  local meta, wanted = policy.metadata, dig(policy, "spec", "podSelector") or {}
  if meta.deletionTimestamp then return {} end
  if is_empty(wanted.matchLabels) and is_empty(wanted.matchExpressions) then
    local path = allows_all(policy)
    if not path then return {} end
    return failure("allows-all", ("Network policy allows traffic to all pods: %s"):format(meta.name), meta, wanted, evidence.at(path, "no peers, no ports"))
  end
  if selects_pods(ctx, meta.namespace, wanted) then return {} end
  -- What it is for was scaled to zero.
  if not is_empty(wanted.matchLabels) and endpoints.are_unwanted(ctx, meta.namespace, wanted.matchLabels) then return {} end
  return failure("no-pods", ("Network policy is not applied to any pods: %s"):format(meta.name), meta, wanted)
end

return {
  api = 1, kind = "analyzer", name = "NetworkPolicy",
  description = "Network policies that let everything pass, or apply to no pod",
  watches = {
    "networking.k8s.io/v1/NetworkPolicy",
    { "v1/Pod", fields = {} },
    { "apps/v1/Deployment", fields = { "spec.replicas", "spec.template.metadata.labels" } },
    { "apps/v1/StatefulSet", fields = { "spec.replicas", "spec.template.metadata.labels" } },
  },
  fields = { "spec.podSelector", "spec.ingress[].from", "spec.ingress[].ports", "spec.egress[].to", "spec.egress[].ports" },
  rules = {
    ["allows-all"] = { severity = "medium", evidence = { "spec.podSelector" } },
    ["no-pods"] = { severity = "low", grace = 300, evidence = { "spec.podSelector" } }, -- tools create it before the workload; Jobs come and go
  },
  run = run,
}
