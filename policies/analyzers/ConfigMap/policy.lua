--- ConfigMaps that nobody uses, that hold nothing or too much. Texts are upstream's.

local consumers = require "k8sgpt.consumers"
local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

-- What is counted, not what it holds, which may be secret.
local function add(found, map, rule, text, counted, number)
  found[#found + 1] = {
    rule = rule, text = text, sensitive = mask.sensitive(text, map.metadata.namespace, map.metadata.name),
    evidence = { evidence.at(counted, number) },
  }
end

-- Where another policy reads the texts themselves, they come instead of their sizes.
local function sizes_of(texts)
  local bytes, count = 0, 0
  for _, text in pairs(texts or {}) do bytes, count = bytes + (math.type(text) and text or #text), count + 1 end
  return bytes, count
end

local function has_one(map, keys)
  for _, key in ipairs(keys) do
    if map and map[key] then return true end
  end
  return false
end

-- One that programs read through the API, or that is there in every namespace: that no pod mounts it says nothing.
local function is_read_by_api(map, params)
  local meta = map.metadata
  local labels, annotations = meta.labels, meta.annotations
  for _, namespace in ipairs(params.system_namespaces) do
    if meta.namespace == namespace then return true end
  end
  for _, name in ipairs(params.published) do
    if meta.name == name then return true end
  end
  local manager = dig(labels, "app.kubernetes.io/managed-by")
  local is_deployed = not manager
  for _, deployer in ipairs(params.deployers) do is_deployed = is_deployed or manager:lower() == deployer end
  return not is_deployed or object.controller(map) ~= nil or has_one(labels, params.labels) or has_one(annotations, params.annotations)
    or dig(labels, "owner") == "helm" or dig(labels, "k8sgpt.ai/dynamically-loaded") == "true"
    or dig(annotations, "k8sgpt.ai/skip-usage-check") == "true"
end

local function run(ctx, map)
  local found, meta = {}, map.metadata
  if meta.deletionTimestamp or is_read_by_api(map, ctx.params) then return found end
  local bytes, texts = sizes_of(map.data)
  local encoded, blobs = sizes_of(map.binaryData)
  bytes = bytes + encoded * 3 // 4 -- base64: four characters for three bytes
  if not consumers.exist(ctx, meta.namespace, meta.name) then
    add(found, map, "unused", ("ConfigMap %s is not used by any pods in the namespace"):format(meta.name),
      "pods, and templates of pods, that use it", 0)
  end
  if texts + blobs == 0 then add(found, map, "empty", ("ConfigMap %s is empty"):format(meta.name), "data, binaryData: keys", 0) end
  if bytes > ctx.params.max_bytes then
    add(found, map, "large", ("ConfigMap %s is larger than 1MB (%d bytes)"):format(meta.name, bytes), "data, binaryData: bytes", bytes)
  end
  return found
end

return {
  api = 1, kind = "analyzer", name = "ConfigMap",
  description = "ConfigMaps that nobody uses, that are empty or too large",
  watches = { "v1/ConfigMap", table.unpack(consumers.watches()) },
  fields = { "data#", "binaryData#", 'metadata.annotations["control-plane.alpha.kubernetes.io/leader"]' },
  indexes = consumers.indexes(),
  params = {
    max_bytes = 1048576, -- what the API server takes (Kubernetes docs: ConfigMaps, "cannot exceed 1 MiB")
    system_namespaces = { "kube-system", "kube-public", "kube-node-lease" },
    published = { "kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert" },
    labels = { "grafana_dashboard", "grafana_datasource", "prometheus_rule", "fluentd_config" }, -- upstream's: sidecars read them
    annotations = { "control-plane.alpha.kubernetes.io/leader" },
    deployers = { "helm", "kustomize", "argocd", "flux", "terraform", "pulumi", "skaffold" }, -- do not read what they deploy
  },
  rules = {
    unused = { severity = "low", grace = 300 }, -- tools create it before what uses it
    empty = { severity = "low", grace = 300 }, -- some are filled later
    large = { severity = "medium" },
  },
  run = run,
}
