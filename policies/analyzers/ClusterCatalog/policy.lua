--- ClusterCatalogs of OLM v1 that cannot be fetched or are not served. Texts are upstream's.

local evidence = require "k8sgpt.evidence"
local image = require "k8sgpt.image"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local olm = require "k8sgpt.olm"

local dig, text_of = object.dig, object.text

local function add(found, catalog, rule, what, ...)
  local text = ("%s has error: %s"):format(catalog.metadata.name, what)
  found[#found + 1] = { rule = rule, text = text, sensitive = mask.sensitive(text, catalog.metadata.name, ...) }
end

local function images(found, catalog)
  local wanted = dig(catalog, "spec", "source", "image", "ref")
  if wanted and not image.is_reference(wanted) then
    add(found, catalog, "image", "invalid image ref format in spec.source.image.ref: " .. wanted, wanted)
  end
  if not dig(catalog, "status", "resolvedSource") then return end
  local resolved = dig(catalog, "status", "resolvedSource", "image", "ref") or ""
  if not text_of(resolved) then add(found, catalog, "unresolved", "missing status.resolvedSource.image.ref") end
  if not image.is_pinned(resolved) then
    add(found, catalog, "digest", "status.resolvedSource.image.ref must end with @sha256:<digest>")
    mask.also(found[#found], resolved)
  end
end

local function is_served(condition) return condition.status == "True" or condition.reason == "UserSpecifiedUnavailable" end
local function has_succeeded(condition) return condition.reason == "Succeeded" end

local function run(_, catalog)
  local found = {}
  if catalog.metadata.deletionTimestamp then return found end
  images(found, catalog)
  olm.condition(found, catalog, "not-served", "Serving", is_served)
  olm.condition(found, catalog, "not-progressing", "Progressing", has_succeeded)
  return found
end

local fields = { "spec.source.image.ref", "status.resolvedSource.image.ref" }
table.move(olm.FIELDS, 1, #olm.FIELDS, #fields + 1, fields)

return {
  api = 1,
  kind = "analyzer",
  name = "ClusterCatalog",
  description = "ClusterCatalogs (OLM v1) that cannot be fetched or are not served",
  watches = { "olm.operatorframework.io/v1/ClusterCatalog" },
  fields = fields,
  rules = {
    image = { severity = "high", evidence = { "spec.source.image.ref" } },
    unresolved = { severity = "medium", evidence = { "status.resolvedSource.image.ref" } },
    digest = { severity = "medium", evidence = { "status.resolvedSource.image.ref" } },
    ["not-served"] = { severity = "high", grace = 300, evidence = evidence.condition("Serving") }, -- a catalog takes minutes to be pulled and unpacked
    ["not-progressing"] = { severity = "medium", grace = 300, settle = 600, evidence = evidence.condition("Progressing") }, -- each retry ends differently
  },
  run = run,
}
