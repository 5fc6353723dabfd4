--- How jobs of Prometheus choose and label what they find in Kubernetes: no fault, but what people ask to have explained, and nobody gets
--- it who does not name this analyzer. The text is upstream's.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local prometheus = require "k8sgpt.prometheus"

local dig = object.dig

local MAX_JOBS = 6 -- as upstream, so that an answer of an AI stays readable

-- Fields as Prometheus writes them, with what it puts in where one is missing (Prometheus docs: relabel_config).
local RELABEL = {
  { "source_labels" }, { "separator", ";" }, { "regex", "(.*)" }, { "modulus" }, { "target_label" }, { "replacement", "$1" },
  { "action", "replace" },
}
local DISCOVERY = { { "role" }, { "kubeconfig_file", "" }, { "follow_redirects", true }, { "enable_http2", true } }

local function scalar(value)
  if type(value) == "table" then return "[" .. table.concat(value, ", ") .. "]" end
  return value == "" and '""' or tostring(value)
end

local function lines(entry, fields, first, others)
  local out = {}
  for _, field in ipairs(fields) do
    local value = entry[field[1]]
    if value == nil then value = field[2] end
    if value ~= nil then out[#out + 1] = (#out == 0 and first or others) .. field[1] .. ": " .. scalar(value) .. "\n" end
  end
  return table.concat(out)
end

local function list(entries, fields, first, others)
  local out = {}
  for i, entry in ipairs(entries or {}) do out[i] = lines(entry, fields, first, others) end
  return #out > 0 and table.concat(out) or "[]\n"
end

local function run(ctx, pod)
  local found, seen, meta = {}, {}, pod.metadata
  local config = prometheus.config(ctx, pod)
  for _, job in ipairs(config and prometheus.discovering_jobs(config.text) or {}) do
    local name = tostring(dig(job, "job_name") or "")
    if #found < MAX_JOBS and not seen[name] then
      local text = ("job_name:\n%s\nrelabel_configs:\n%s\nkubernetes_sd_configs:\n%s\n")
        :format(name, list(job.relabel_configs, RELABEL, "- ", "  "), list(job.kubernetes_sd_configs, DISCOVERY, "", ""))
      found[#found + 1] = {
        rule = "job", key = name, text = text, as = { kind = "PrometheusConfigRelabelReport" },
        evidence = { config.evidence }, sensitive = mask.sensitive(text, name, meta.namespace, meta.name),
      }
      mask.also(found[#found], meta.namespace, config.name)
      seen[name] = true
    end
  end
  return found
end

return {
  api = 1,
  kind = "analyzer",
  name = "PrometheusConfigRelabelReport",
  description = "How jobs of Prometheus choose and label what they find in Kubernetes (a report, no fault)",
  watches = { "v1/Pod", { prometheus.CONFIG_MAP, fields = prometheus.CONFIG_MAP_FIELDS } },
  fields = prometheus.POD_FIELDS,
  remote = true,
  secret_content = true,
  rules = { job = { severity = "low" } },
  run = run,
}
