--- Storage classes, volumes and claims that somebody should look at. Texts are upstream's, and so are the kinds: Storage/KIND.

local claims = require "k8sgpt.claim"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local quantity = require "k8sgpt.quantity"

local dig = object.dig

local CLASS, VOLUME, CLAIM = "storage.k8s.io/v1/StorageClass", "v1/PersistentVolume", "v1/PersistentVolumeClaim"
local IS_DEFAULT = 'metadata.annotations["storageclass.kubernetes.io/is-default-class"]'

local SMALL_BYTES = 1073741824 -- upstream's threshold, 1Gi

local function failure(subject, rule, text, more)
  local out = more or {}
  out.rule, out.text, out.as = rule, text, { kind = "Storage/" .. subject.kind }
  out.sensitive = mask.sensitive(text, subject.metadata.namespace, subject.metadata.name)
  return out
end

local function small(subject, amount)
  local bytes = quantity.value(amount)
  if not bytes or bytes >= SMALL_BYTES then return nil end
  return failure(subject, "small", ("%s %s has small capacity (%s)"):format(subject.kind, subject.metadata.name, amount))
end

local function class(ctx, subject)
  if dig(subject, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") ~= "true" then return {} end
  local defaults = #ctx.list(CLASS, { index = { IS_DEFAULT, "true" } })
  if defaults < 2 then return {} end
  local text = ("Multiple default StorageClasses found (%d), which can cause confusion"):format(defaults)
  return { failure(subject, "defaults", text) }
end

-- That of a volume in use is its claim's.
local function volume(_, subject)
  local found, phase, name = {}, dig(subject, "status", "phase"), subject.metadata.name
  if phase == "Released" then
    found[1] = failure(subject, "released", ("PersistentVolume %s is in Released state and should be cleaned up"):format(name))
  elseif phase == "Failed" then
    found[1] = failure(subject, "failed", ("PersistentVolume %s is in Failed state"):format(name))
  end
  if phase ~= "Bound" then found[#found + 1] = small(subject, dig(subject, "spec", "capacity", "storage")) end
  return found
end

local function claim(ctx, subject)
  local phase, meta = dig(subject, "status", "phase"), subject.metadata
  if phase == "Lost" then
    return { failure(subject, "lost", ("PersistentVolumeClaim %s is in Lost state"):format(meta.name)) }
  end
  if phase ~= "Pending" then return { small(subject, dig(subject, "spec", "resources", "requests", "storage")) } end
  if claims.waits(ctx, subject) then return {} end
  local text = ("PersistentVolumeClaim %s is in Pending state"):format(meta.name)
  return { failure(subject, "pending", text, { since = meta.creationTimestamp }) }
end

local CHECKS = { StorageClass = class, PersistentVolume = volume, PersistentVolumeClaim = claim }

return {
  api = 1, kind = "analyzer", name = "Storage",
  description = "Storage classes, volumes and claims that somebody should look at",
  watches = {
    { CLASS, fields = { IS_DEFAULT } },
    { VOLUME, fields = { "status.phase", "spec.capacity.storage" }, subject = true },
    { CLAIM, fields = { "status.phase", "spec.storageClassName", "spec.resources.requests.storage" }, subject = true },
    table.unpack(claims.WATCHES),
  },
  indexes = { [CLASS] = { IS_DEFAULT }, ["v1/Pod"] = claims.INDEXES["v1/Pod"] },
  rules = {
    defaults = { severity = "medium", evidence = { 'metadata.annotations["storageclass.kubernetes.io/is-default-class"]' } },
    released = { severity = "low", grace = 300, evidence = { "status.phase" } }, -- one that is to be deleted takes a moment
    failed = { severity = "high", evidence = { "status.phase" } },
    lost = { severity = "critical", evidence = { "status.phase" } },
    pending = { severity = "medium", grace = 60, evidence = { "status.phase" } }, -- seconds a provisioner may take
    small = { severity = "low", evidence = { "spec.capacity.storage?", "spec.resources.requests.storage?" } },
  },
  run = function(ctx, subject)
    return subject.metadata.deletionTimestamp and {} or CHECKS[subject.kind](ctx, subject)
  end,
}
