--- Pods of Prometheus with a configuration that it refuses, or that scrapes nothing. Texts are upstream's.

local mask = require "k8sgpt.mask"
local prometheus = require "k8sgpt.prometheus"

local function run(ctx, pod)
  local found, meta = {}, pod.metadata
  local config = prometheus.config(ctx, pod)
  for i, problem in ipairs(config and prometheus.problems(config) or {}) do
    problem.as = { kind = "PrometheusConfigValidate" }
    problem.evidence = { config.evidence }
    problem.sensitive = mask.sensitive(problem.text, meta.namespace, meta.name)
    found[i] = mask.also(problem, meta.namespace, config.name)
  end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "PrometheusConfigValidate",
  description = "Pods of Prometheus with a configuration that it refuses, or that scrapes nothing",
  watches = { "v1/Pod", { prometheus.CONFIG_MAP, fields = prometheus.CONFIG_MAP_FIELDS } },
  fields = prometheus.POD_FIELDS,
  remote = true,
  secret_content = true,
  rules = { invalid = { severity = "high" }, ["no-scrapes"] = { severity = "medium" } },
  run = run,
}
