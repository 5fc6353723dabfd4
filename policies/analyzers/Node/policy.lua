--- Nodes that say that something is wrong with them, say nothing any more, or are forgotten cordoned. Texts are upstream's where it
--- has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

-- The kubelet posts its status at least every five minutes, changed or not (KubeletConfiguration: nodeStatusReportFrequency). Its
-- Lease would tell sooner, but would wake this policy six times a minute for every node.
local SILENT_SECONDS = 900

local PRESSURE = { MemoryPressure = true, DiskPressure = true, PIDPressure = true }

local function add(found, node, rule, key, text, since)
  found[#found + 1] = { rule = rule, key = key, text = text, since = since, sensitive = mask.sensitive(text, node.metadata.name) }
end

-- Conditions of others (node-problem-detector, EKS, GKE, AKS): named after a problem, or after something good.
local function is_good(type, endings)
  for _, ending in ipairs(endings) do
    local before = #type - #ending
    if type:sub(before + 1) == ending and type:sub(before - 2, before) ~= "Not" then return true end
  end
  return false
end

---@return string? rule nil: healthy
local function judge(condition, params)
  local type, status = condition.type, condition.status
  if type == "Ready" then return status ~= "True" and "not-ready" or nil end
  if type == "NetworkUnavailable" then return status ~= "False" and "network" or nil end
  if PRESSURE[type] then return status ~= "False" and "pressure" or nil end
  for _, ignored in ipairs(params.ignored) do
    if type == ignored then return nil end
  end
  if status == "Unknown" then return "unknown" end
  local is_well = (status == "True") == is_good(type, params.good_endings)
  return not is_well and "problem" or nil
end

local function silence(ctx, found, node)
  local ready = object.condition(node, "Ready")
  if dig(ready, "status") ~= "True" or not ctx.after(SILENT_SECONDS, ready.lastHeartbeatTime) then return end
  local text = ("%s has not posted its status since %s, though its Ready condition is True"):format(node.metadata.name, ready.lastHeartbeatTime)
  add(found, node, "silent", nil, text, ready.lastHeartbeatTime)
end

local function cordon(found, node)
  if not dig(node, "spec", "unschedulable") then return end
  local since
  for _, taint in ipairs(dig(node, "spec", "taints") or {}) do
    if taint.key == "node.kubernetes.io/unschedulable" then since = taint.timeAdded end
  end
  local text = ("%s is cordoned (unschedulable)"):format(node.metadata.name)
  add(found, node, "cordoned", nil, since and text .. " since " .. since or text, since)
end

local function run(ctx, node)
  local found, name = {}, node.metadata.name
  if node.metadata.deletionTimestamp then return found end
  for _, condition in ipairs(dig(node, "status", "conditions") or {}) do
    local rule = judge(condition, ctx.params)
    if rule then
      local text = ("%s has condition of type %s, reason %s: %s"):format(name, condition.type, condition.reason or "", condition.message or "")
      add(found, node, rule, condition.type, text, condition.lastTransitionTime)
    end
  end
  silence(ctx, found, node)
  cordon(found, node)
  return found
end

local fields = { "spec.unschedulable", "spec.taints[].key", "spec.taints[].timeAdded" }
for _, field in ipairs { "type", "status", "reason", "message", "lastTransitionTime", "lastHeartbeatTime" } do
  fields[#fields + 1] = "status.conditions[]." .. field
end

return {
  api = 1,
  kind = "analyzer",
  name = "Node",
  description = "Nodes that are not ready, under pressure, silent or cordoned for long",
  watches = { "v1/Node" },
  fields = fields,
  params = {
    good_endings = { "Ready", "Healthy", "Available", "Running", "Connected", "Synced", "Enabled", "Passed", "Up", "OK", "Ok" },
    ignored = { "EtcdIsVoter" }, -- of k3s: a learner is no fault (upstream's exception)
  },
  rules = {
    ["not-ready"] = { -- a new node waits for its network, an updated kubelet starts again
      severity = "critical", grace = 60,
      evidence = evidence.condition("{key}"),
    },
    network = { severity = "high", grace = 60, evidence = evidence.condition("{key}") },
    pressure = { severity = "high", evidence = evidence.condition("{key}") },
    problem = { severity = "high", evidence = evidence.condition("{key}") },
    unknown = { severity = "low", grace = 300, evidence = evidence.condition("{key}") }, -- a check that ran into its time limit once
    silent = { severity = "high", evidence = { "status.conditions[type=Ready].status", "status.conditions[type=Ready].lastHeartbeatTime" } },
    cordoned = { -- maintenance takes its time
      severity = "low", grace = 86400,
      evidence = { "spec.unschedulable", "spec.taints[key=node.kubernetes.io/unschedulable].timeAdded" },
    },
  },
  run = run,
}
