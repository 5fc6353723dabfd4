--- Result objects: what one group of failures looks like in the API.
--
-- Upstream's fields keep their meaning (CRD results.core.k8sgpt.ai); ours stand beside them.

local k8sgpt = require "k8sgpt"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local array = k8sgpt.array

local result = {
  API_VERSION = "core.k8sgpt.ai/v1alpha1",
  LABEL_NAME = "k8sgpts.k8sgpt.ai/name",
  LABEL_NAMESPACE = "k8sgpts.k8sgpt.ai/namespace",
  LABEL_BACKEND = "k8sgpts.k8sgpt.ai/backend",
}

local MAX_READABLE = 200 -- of the 253 characters of a name; the hash takes nine
local RANK = { low = 1, medium = 2, high = 3, critical = 4 }

--- What upstream calls the kind of object: its own, unless the analyzer says otherwise.
---@param group k8sgpt.Group|k8sgpt.Finding
---@return string
function result.kind(group) return object.dig(group, "as", "kind") or group.kind end

--- How an engine names an object: "ns/name", a cluster-scoped one "name", unless the analyzer says otherwise.
---@param group k8sgpt.Group|k8sgpt.Finding
---@return string
function result.object_name(group)
  local shown = object.dig(group, "as", "name")
  if shown then return shown end
  if group.namespace == "" then return group.name end
  return group.namespace .. "/" .. group.name
end

--- metadata.name: readable, and different for any two groups of any two K8sGPTs of a namespace.
---@param group k8sgpt.Group
---@param cr k8sgpt.View
---@return string
function result.name(group, cr)
  local meta = cr.metadata
  local parts = { meta.namespace .. "/" .. meta.name, group.analyzer, group.kind, group.namespace, group.name }
  if group.as then
    parts[#parts + 1] = group.as.kind or ""
    parts[#parts + 1] = group.as.name or ""
  end
  local hash = k8sgpt.sha256(parts)
  local readable = result.kind(group) .. "-" .. result.object_name(group)
  readable = readable:lower():gsub("[^a-z0-9]", "-"):sub(1, MAX_READABLE):gsub("%-+$", "")
  return readable .. "-" .. hash:sub(1, 8)
end

--- Upstream's hash, byte for byte: compact JSON as Go writes it, these keys in this order.
---@param kind string
---@param name string "ns/name"
---@param parent string
---@param texts string[]
---@return string
function result.content_hash(kind, name, parent, texts)
  local function go(value) return k8sgpt.json_encode(value, "go") end
  return k8sgpt.sha256(('{"Kind":%s,"Name":%s,"ParentObject":%s,"ErrorCount":%d,"ErrorTexts":%s}')
    :format(go(kind), go(name), go(parent), #texts, go(array(texts))))
end

--- What selects the Results of a K8sGPT.
---@param cr k8sgpt.View
---@return table<string, string>
function result.selector(cr)
  return { [result.LABEL_NAME] = cr.metadata.name, [result.LABEL_NAMESPACE] = cr.metadata.namespace }
end

-- The open failures; of a group without any, the last ones, so that a reader of a resolved Result sees what it was about.
local function shown(group)
  local open, last = {}, {}
  for _, finding in ipairs(group.findings) do
    local to = finding.state == "open" and open or last
    to[#to + 1] = finding
  end
  return #open > 0 and open or last
end

local function copy(list, fields)
  local out = {}
  for i, item in ipairs(list or {}) do
    out[i] = {}
    for _, field in ipairs(fields) do out[i][field] = item[field] end
  end
  return array(out)
end

-- All that is shown of a finding in words of the cluster.
local function words_of(finding)
  local words = { finding.text }
  for _, item in ipairs(finding.evidence or {}) do
    words[#words + 1] = item.path
    words[#words + 1] = item.value
  end
  return table.concat(words, "\n")
end

-- An analyzer names what is sensitive; a finding that was read back from a Result has the pairs already.
local function sensitive_of(finding, key)
  local pairs_of, names = {}, {}
  for _, item in ipairs(finding.sensitive or {}) do
    if type(item) == "string" then names[#names + 1] = item else pairs_of[#pairs_of + 1] = item end
  end
  if key and #names > 0 then pairs_of = select(2, mask.apply(words_of(finding), names, key)) end
  return copy(pairs_of, { "unmasked", "masked" })
end

local function error_of(finding, key)
  return {
    text = finding.text,
    sensitive = sensitive_of(finding, key),
    rule = finding.rule,
    key = object.text(finding.key),
    severity = finding.severity,
    evidence = finding.evidence and #finding.evidence > 0 and finding.evidence or nil,
  }
end

local function errors_of(findings, key)
  local errors, worst = {}, "low"
  for i, finding in ipairs(findings) do
    errors[i] = error_of(finding, key)
    if RANK[finding.severity] > RANK[worst] then worst = finding.severity end
  end
  return array(errors), worst
end

-- group.changed moves with the set of failures and with severities, never with a text: as long as it is what the stored Result says,
-- the Result is in the same life as before. One of upstream's says nothing of changes; its life goes on in ours.
local function lifecycle(group, stored)
  if group.resolved then return "resolved" end
  local status = object.dig(stored, "status")
  if not object.dig(status, "changed") then return object.text(object.dig(status, "lifecycle")) or "created" end
  if status.changed ~= group.changed or status.lifecycle == "resolved" then return "updated" end
  return status.lifecycle
end

-- Which object is to be mended first.
local function cause_of(group)
  local cause = group.cause
  return cause and { kind = cause.kind, namespace = cause.namespace, name = cause.name } or nil
end

local function metadata_of(group, cr)
  local meta = cr.metadata
  local labels = result.selector(cr)
  labels[result.LABEL_BACKEND] = object.dig(cr, "spec", "ai", "backend") or ""
  return {
    name = group.resultName or result.name(group, cr),
    namespace = meta.namespace,
    labels = labels,
    -- So that the next process knows which object a Result of another name is about.
    annotations = group.as and { ["k8sgpt.ai/object"] = ("%s/%s/%s"):format(group.kind, group.namespace, group.name) } or nil,
    ownerReferences = array {
      { apiVersion = result.API_VERSION, kind = "K8sGPT", name = meta.name, uid = meta.uid, controller = true, blockOwnerDeletion = true },
    },
  }
end

local function status_of(group, spec, stored)
  local texts = {}
  for i, failure in ipairs(spec.error) do texts[i] = failure.text end
  return {
    lifecycle = lifecycle(group, stored),
    contentHash = result.content_hash(spec.kind, spec.name, spec.parentObject, texts),
    webhook = "",
    firstSeen = group.firstSeen,
    changed = group.changed,
    resolved = group.resolved,
    findings = copy(group.findings, { "id", "rule", "state" }),
    notifications = copy(group.notifications, { "sink", "finding", "sent", "ref" }),
  }
end

--- What a Result says of a group.
---@param group k8sgpt.Group
---@param backend string who is asked for explanations, "" for nobody
---@param key? string for masks: mask.key; without one nothing is called sensitive, which takes most of the time
---@return table
function result.spec(group, backend, key)
  local errors, severity = errors_of(shown(group), key)
  return {
    backend = backend,
    kind = result.kind(group),
    name = result.object_name(group),
    error = errors,
    details = group.details or "",
    parentObject = group.parentObject,
    cause = cause_of(group),
    autoRemediationStatus = {},
    analyzer = group.analyzer,
    severity = severity,
  }
end

--- The Result of a group. The same group, K8sGPT and stored Result give the same object, and so does the result when it is stored.
---@param group k8sgpt.Group
---@param cr k8sgpt.View
---@param key string for masks: mask.key
---@param stored? k8sgpt.View the Result as it is now
---@return table
function result.render(group, cr, key, stored)
  local spec = result.spec(group, object.dig(cr, "spec", "ai", "backend") or "", key)
  return {
    apiVersion = result.API_VERSION,
    kind = "Result",
    metadata = metadata_of(group, cr),
    spec = spec,
    status = status_of(group, spec, stored),
  }
end

--- The log line of --enable-result-logging, keys in upstream's order, names masked.
---@param rendered table from render
---@return string
function result.log_line(rendered)
  local parts = {}
  for i, failure in ipairs(rendered.spec.error) do
    parts[i] = ("{%s []}"):format(mask.hide(failure.text, failure.sensitive))
  end
  local function go(value) return k8sgpt.json_encode(value, "go") end
  return ('{"Name":%s,"Kind":%s,"Error":%s,"Details":%s}'):format(go(rendered.spec.name), go(rendered.spec.kind),
    go(#parts > 0 and "Error [" .. table.concat(parts, " ") .. "]" or ""), go(rendered.spec.details))
end

return result
