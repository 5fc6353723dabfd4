--- Where a pod of Prometheus has its configuration from, and what is wrong with it (Prometheus docs: Configuration). Messages are
--- those that Prometheus itself prints.

local evidence = require "k8sgpt.evidence"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

local dig = object.dig

local CONFIG_MAP = "v1/ConfigMap"

-- Keys that are looked at. All that the ConfigMaps of a cluster hold would have to be kept otherwise.
local FILES = { ["prometheus.yml"] = true, ["prometheus.yaml"] = true, ["config.yml"] = true, ["config.yaml"] = true }

local prometheus = {
  CONFIG_MAP = CONFIG_MAP,
  -- What a policy that asks `config` declares of v1/ConfigMap, and of its subject v1/Pod.
  CONFIG_MAP_FIELDS = {},
  POD_FIELDS = {
    "spec.containers[].name", "spec.containers[].args", "spec.containers[].command", "spec.containers[].volumeMounts[].name",
    "spec.containers[].volumeMounts[].mountPath", "spec.volumes[].name", "spec.volumes[].configMap.name", "spec.volumes[].configMap.items",
    "spec.volumes[].secret.secretName", "spec.volumes[].secret.items", "status.phase",
  },
}
for file in pairs(FILES) do table.insert(prometheus.CONFIG_MAP_FIELDS, ('data["%s"]'):format(file)) end
table.sort(prometheus.CONFIG_MAP_FIELDS)

--------------------------------------------------------------------------------------------------------------------------------
-- The configuration of a pod
--------------------------------------------------------------------------------------------------------------------------------

local function is_prometheus(pod)
  local labels = pod.metadata.labels
  if dig(labels, "app") == "prometheus" or dig(labels, "app.kubernetes.io/name") == "prometheus" then return true end
  for _, container in ipairs(dig(pod, "spec", "containers") or {}) do
    if container.name == "prometheus" then return true end
  end
  return false
end

-- --config.file is Prometheus' own; containers that reload it have --config-file.
local function path_of(container)
  for _, list in ipairs { container.args or {}, container.command or {} } do
    for _, argument in ipairs(list) do
      local path = argument:match("^%-%-?config[.-]file=(.+)$")
      if path then return path end
    end
  end
end

-- The volume that a path lies in, the innermost, and the path within it.
local function place_of(container, path)
  local name, inner, longest
  for _, mount in ipairs(container.volumeMounts or {}) do
    local folder = (mount.mountPath or ""):gsub("/+$", "") .. "/"
    if path:sub(1, #folder) == folder and (not longest or #folder > longest) then
      name, inner, longest = mount.name, path:sub(#folder + 1), #folder
    end
  end
  return name, inner
end

local function key_of(source, file)
  for _, item in ipairs(source.items or {}) do
    if item.path == file then return item.key end
  end
  return not source.items and file or nil
end

local function found_in(kind, namespace, name, key, text)
  return { text = text, name = name, is_secret = kind == "Secret",
    evidence = evidence.at(("%s %s/%s: data[%s], bytes"):format(kind, namespace, name, key), #text) }
end

local function from_config_map(ctx, namespace, source, file)
  local key = key_of(source, file)
  local map = FILES[key] and ctx.get(CONFIG_MAP, namespace, source.name)
  local text = map and dig(map, "data", key)
  return text and found_in("ConfigMap", namespace, source.name, key, text)
end

local GZIP = "\x1f\x8b" -- RFC 1952: the two bytes that it begins with; prometheus-operator packs what it generates

local function from_secret(ctx, namespace, source, file)
  local key = key_of(source, file)
  local text = key and ctx.secret_content(namespace, source.secretName, key)
  if text and text:sub(1, #GZIP) == GZIP then text = k8sgpt.gunzip(text) end
  return text and found_in("Secret", namespace, source.secretName, key, text)
end

local function from_volume(ctx, pod, name, file)
  local namespace = pod.metadata.namespace
  for _, volume in ipairs(dig(pod, "spec", "volumes") or {}) do
    if volume.name == name and volume.configMap then return from_config_map(ctx, namespace, volume.configMap, file) end
    if volume.name == name and volume.secret then return from_secret(ctx, namespace, volume.secret, file) end
  end
end

---@class k8sgpt.PrometheusConfig
---@field text string
---@field name string of the ConfigMap or Secret
---@field is_secret boolean
---@field evidence {path: string, value: string} where it stands; not what, as it may hold passwords

--- The configuration that a pod of Prometheus runs with. For analyzers that say remote and secret_content.
---@param ctx k8sgpt.RemoteContext
---@param pod k8sgpt.View
---@return k8sgpt.PrometheusConfig? nil: it is no pod of Prometheus, it is over or goes, or its file is in none of the places looked at
function prometheus.config(ctx, pod)
  local phase = dig(pod, "status", "phase")
  if pod.metadata.deletionTimestamp or phase == "Succeeded" or phase == "Failed" or not is_prometheus(pod) then return nil end
  for _, container in ipairs(dig(pod, "spec", "containers") or {}) do
    local path = path_of(container)
    local volume, file = place_of(container, path or "")
    local found = volume and from_volume(ctx, pod, volume, file)
    if found then return found end
  end
end

--------------------------------------------------------------------------------------------------------------------------------
-- What is wrong with it
--------------------------------------------------------------------------------------------------------------------------------

local NO_SCRAPES = "no scrape configurations. Prometheus will not scrape any metrics."
local INVALID = "error validating Prometheus YAML configuration: "

-- Units in the order in which a duration may have them.
local UNITS = { { "y", 31536000 }, { "w", 604800 }, { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "ms", 0.001 } }
local DEFAULT_INTERVAL = 60

---@return number? seconds nil where it is none
local function seconds_of(text)
  if text == "0" then return 0 end
  local total, rest = 0, text
  for _, unit in ipairs(UNITS) do
    local number, after = rest:match("^(%d+)" .. unit[1] .. "(.*)$")
    if number and not (unit[1] == "m" and after:find("^s")) then
      total, rest = total + tonumber(number) * unit[2], after
    end
  end
  return rest == "" and text ~= "" and total or nil
end

-- The first of these fields that is no duration, as a message.
local function bad_duration(section, fields)
  for _, field in ipairs(fields) do
    local value = section[field]
    if value == "" then return "empty duration string" end
    if value ~= nil and value ~= k8sgpt.null and not seconds_of(tostring(value)) then
      return ('not a valid duration string: "%s"'):format(tostring(value))
    end
  end
end

local function duration(section, field)
  local value = section[field]
  return value ~= nil and value ~= k8sgpt.null and seconds_of(tostring(value)) or nil
end

local function is_section(value) return type(value) == "table" and k8sgpt.type(value) == "object" end

local function global_problem(global)
  local problem = bad_duration(global, { "scrape_interval", "scrape_timeout", "evaluation_interval" })
  if problem then return problem end
  local timeout = duration(global, "scrape_timeout")
  if timeout and timeout > (duration(global, "scrape_interval") or DEFAULT_INTERVAL) then
    return "global scrape timeout greater than scrape interval"
  end
end

-- As Prometheus reads them: first each entry by itself, then all together.
local function scrape_problem(entries, global)
  for _, entry in ipairs(entries) do
    local problem = is_section(entry) and bad_duration(entry, { "scrape_interval", "scrape_timeout" })
    if problem then return problem end
    if is_section(entry) and not object.text(entry.job_name) then return "job_name is empty" end
  end
  local seen = {}
  for _, entry in ipairs(entries) do
    if entry == k8sgpt.null then return "empty or null scrape config section" end
    local name = is_section(entry) and entry.job_name
    local interval = name and (duration(entry, "scrape_interval") or duration(global, "scrape_interval") or DEFAULT_INTERVAL)
    local timeout = name and duration(entry, "scrape_timeout")
    if timeout and timeout > interval then
      return ('scrape timeout greater than scrape interval for scrape config with job name "%s"'):format(name)
    end
    if name and seen[name] then return ('found multiple scrape configs with job name "%s"'):format(name) end
    seen[name or 0] = name
  end
end

-- Upstream counts lines from 0 where the parser, and not its scanner, stumbles, and leaves line 0 out.
local function as_upstream(message)
  local line, what = message:match("^line (%d+): (.*)$")
  local counted = math.tointeger(tonumber(line)) - (what:find("^did not find expected") and 1 or 0)
  if counted == 0 or line == "1" then return "yaml: " .. what end
  return ("yaml: line %d: %s"):format(counted, what)
end

local TAGS = { array = "seq", string = "str", integer = "int", float = "float", boolean = "bool" }

local function no_mapping(value, is_secret)
  local kind = k8sgpt.type(value)
  local shown = (kind == "array" or is_secret) and "" or (" `%s`"):format(tostring(value))
  return ("yaml: unmarshal errors:\n  line 1: cannot unmarshal !!%s%s into config.plain"):format(TAGS[kind] or kind, shown)
end

--- The jobs of a configuration and what else it scrapes.
---@param config any
---@return table[] jobs
---@return boolean is_more files that hold further ones
local function scrapes(config)
  local entries, files = dig(config, "scrape_configs"), dig(config, "scrape_config_files")
  return type(entries) == "table" and entries or {}, type(files) == "table" and #files > 0
end

--- What is wrong with a configuration. One that is not read at all scrapes nothing either, which upstream says as well.
---@param source k8sgpt.PrometheusConfig
---@return {rule: "invalid"|"no-scrapes", text: string}[]
function prometheus.problems(source)
  local config, why, is_syntax = k8sgpt.yaml_decode(source.text)
  if why and not is_syntax then return {} end -- it may be good: aliases, for one, are
  local found = {}
  local function add(rule, said) found[#found + 1] = { rule = rule, text = said } end
  if config == nil then config = {} end
  local global = is_section(config) and is_section(config.global) and config.global or {}
  local problem = why and as_upstream(why) or not is_section(config) and no_mapping(config, source.is_secret) or global_problem(global)
  local entries, is_more = scrapes(is_section(config) and config or {})
  if problem then add("invalid", INVALID .. problem) end
  local of_jobs = not problem and scrape_problem(entries, global)
  if of_jobs then add("invalid", INVALID .. of_jobs) end
  if problem or #entries == 0 and not is_more then add("no-scrapes", NO_SCRAPES) end
  return found
end

--- The jobs that find their targets in Kubernetes.
---@param text string YAML
---@return table[] jobs of scrape_configs, in their order
function prometheus.discovering_jobs(text)
  local config, jobs = k8sgpt.yaml_decode(text), {}
  for _, entry in ipairs(is_section(config) and scrapes(config) or {}) do
    if is_section(entry) and type(entry.kubernetes_sd_configs) == "table" then jobs[#jobs + 1] = entry end
  end
  return jobs
end

return prometheus
