--- How large a K8sGPT Deployment is to be, by how much there is to look at (spec.engine.scaling).
--
-- Objects are those of the kinds that the analyzers of spec.filters list, each kind once, in the namespace that is diagnosed. The API server
-- counts them. Replicas share analyzers, not objects, so that more of them than analyzers would be idle; what is still too much for one
-- makes all of them request more.

local choice = require "k8sgpt.choice"
local engine_shares = require "k8sgpt.engine_shares"
local enginerights = require "k8sgpt.enginerights"
local object = require "k8sgpt.object"

local dig, text = object.dig, object.text

local size = {}

--- Says in a Deployment by how much more its containers request than they would for objectsPerReplica.
size.FACTOR = "k8sgpt.ai/request-factor"

-- What the CRD gives where they are left out.
local LEAST <const>, MOST <const>, PER_REPLICA <const> = 1, 1, 5000

-- An engine lists whole kinds into its memory; beyond this it is no longer replicas that are too small.
local MAX_FACTOR <const> = 8

---@class k8sgpt.Size
---@field replicas integer
---@field factor integer 1, 2, 4 or 8: how much more than usual each replica requests
---@field reason string in CamelCase, for a condition
---@field message string why it is so, for people

---@param cr k8sgpt.View
---@return boolean
function size.is_asked(cr) return dig(cr, "spec", "engine", "scaling") ~= nil end

--- The analyzers that an engine runs for it.
---@param cr k8sgpt.View
---@return string[]
function size.analyzers(cr) return choice.names(dig(cr, "spec", "filters"), choice.CORE) end

--- What the operator can count of what its engine looks at: nothing of another cluster.
---@param cr k8sgpt.View
---@return k8sgpt.GVK[] kinds
---@return string namespace "": all
function size.counted(cr)
  local kinds, seen = {}, {}
  for _, name in ipairs(dig(cr, "spec", "kubeconfig") and {} or size.analyzers(cr)) do
    for _, gvk in ipairs(enginerights.subjects(name)) do
      if not seen[gvk] then seen[gvk], kinds[#kinds + 1] = true, gvk end
    end
  end
  return kinds, text(dig(cr, "spec", "targetNamespace")) or ""
end

-- Less than before only where a tenth more would not need what there is: else a number would flap with each object that comes and goes.
local function steady(before, needed, amount)
  local up, down = needed(amount), needed(amount * 10 / 9)
  if not before or before < up then return up end
  return math.min(before, down)
end

local function bounds(cr)
  local scaling = dig(cr, "spec", "engine", "scaling") or {}
  local least = math.max(1, scaling.minReplicas or LEAST)
  local most = math.min(scaling.maxReplicas or MOST, #size.analyzers(cr), engine_shares.MOST)
  return least, math.max(least, most), scaling.objectsPerReplica or PER_REPLICA
end

local function within(number, least, most) return math.max(least, math.min(number, most)) end

-- Messages stay the same while objects come and go: two digits are enough to see why.
local function about(number)
  local unit = 10 ^ math.max(0, #tostring(number) - 2)
  return math.tointeger(number // unit * unit)
end

local function plural(n, noun) return ("%d %s%s"):format(n, noun, n == 1 and "" or "s") end

local function factor_for(load)
  local factor = 1
  while factor < load and factor < MAX_FACTOR do factor = factor * 2 end
  return factor
end

local function sized(cr, objects, before)
  local least, most, each = bounds(cr)
  local needed = steady(before.replicas, function(amount) return math.max(1, math.ceil(amount / each)) end, objects)
  local replicas = within(needed, least, most)
  local factor = steady(before.factor, factor_for, objects / replicas / each)
  local message = ("%s for about %s, %d for each"):format(plural(replicas, "replica"), plural(about(objects), "object"), each)
  if needed > most then message = ("%s; they would need %d, and no more than %d are permitted or of use"):format(message, about(needed), most) end
  if needed < least then message = message .. "; no fewer are permitted" end
  if factor > 1 then message = ("%s; each requests %d times as much"):format(message, factor) end
  return { replicas = replicas, factor = factor, reason = "Sized", message = message }
end

-- What cannot be counted is not taken for nothing.
local function kept(cr, before, why)
  local least, most = bounds(cr)
  local replicas = within(before.replicas or least, least, most)
  return { replicas = replicas, factor = before.factor or 1, reason = "NotCounted", message = ("%s: %s"):format(plural(replicas, "replica"), why) }
end

--- How large it is now.
---@param deployment? k8sgpt.View|table
---@return {replicas?: integer, factor?: integer}
function size.before(deployment)
  if not deployment then return {} end
  local factor = math.tointeger(tonumber(dig(deployment, "metadata", "annotations", size.FACTOR) or 1))
  return { replicas = dig(deployment, "spec", "replicas"), factor = factor or 1 }
end

--- How large it is to be.
---@param cr k8sgpt.View with spec.engine.scaling
---@param census {counts: table<k8sgpt.GVK, integer>, failed: {kind: k8sgpt.GVK, reason: string}[]} of `size.counted`
---@param before {replicas?: integer, factor?: integer}
---@return k8sgpt.Size
function size.of(cr, census, before)
  if dig(cr, "spec", "kubeconfig") then return kept(cr, {}, "the objects of another cluster are not counted here") end
  local failed = census.failed[1]
  if failed then return kept(cr, before, ("%s cannot be counted: %s"):format(failed.kind, failed.reason)) end
  local objects = 0
  for _, count in pairs(census.counts) do objects = objects + count end
  return sized(cr, objects, before)
end

--- What an analyzer has to look at.
---@param analyzer string
---@param counts table<k8sgpt.GVK, integer>
---@return integer at least 1
function size.weight(analyzer, counts)
  local sum = 1
  for _, gvk in ipairs(enginerights.subjects(analyzer)) do sum = sum + (counts[gvk] or 0) end
  return sum
end

return size
