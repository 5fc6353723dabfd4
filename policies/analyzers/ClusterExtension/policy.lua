--- ClusterExtensions of OLM v1 that are not installed or do not get on. Texts are upstream's.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local olm = require "k8sgpt.olm"

local dig = object.dig

-- ClusterExtension API: spec.source.catalog.upgradeConstraintPolicy; the API server puts in the first where none is given.
local POLICIES = { CatalogProvided = true, SelfCertified = true }

local function add(found, extension, rule, what)
  local text = ("%s has error: %s"):format(extension.metadata.name, what)
  found[#found + 1] = { rule = rule, text = text, sensitive = mask.sensitive(text, extension.metadata.name) }
end

local function is_installed(condition) return condition.status == "True" end
local function has_succeeded(condition) return condition.reason == "Succeeded" end

local function run(_, extension)
  local found, source = {}, dig(extension, "spec", "source")
  if extension.metadata.deletionTimestamp then return found end
  local policy = dig(source, "catalog", "upgradeConstraintPolicy")
  if policy and not POLICIES[policy] then
    add(found, extension, "upgrade-policy",
      "invalid or missing extension.Spec.Source.Catalog.UpgradeConstraintPolicy (expecting 'SelfCertified' or 'CatalogProvided')")
  end
  if dig(source, "sourceType") ~= "Catalog" then
    add(found, extension, "source-type", "invalid or missing spec.source.sourceType (expecting 'Catalog')")
  end
  olm.condition(found, extension, "not-installed", "Installed", is_installed)
  olm.condition(found, extension, "not-progressing", "Progressing", has_succeeded)
  return found
end

local fields = { "spec.source.sourceType", "spec.source.catalog.upgradeConstraintPolicy" }
table.move(olm.FIELDS, 1, #olm.FIELDS, #fields + 1, fields)

return {
  api = 1,
  kind = "analyzer",
  name = "ClusterExtension",
  description = "ClusterExtensions (OLM v1) that are not installed or do not get on",
  watches = { "olm.operatorframework.io/v1/ClusterExtension" },
  fields = fields,
  rules = {
    ["upgrade-policy"] = { severity = "high", evidence = { "spec.source.catalog.upgradeConstraintPolicy" } },
    ["source-type"] = { severity = "high", evidence = { "spec.source.sourceType" } },
    ["not-installed"] = { severity = "high", grace = 300, evidence = evidence.condition("Installed") }, -- an operator takes minutes to be installed
    ["not-progressing"] = { severity = "medium", grace = 300, settle = 600, evidence = evidence.condition("Progressing") }, -- each retry ends differently
  },
  run = run,
}
