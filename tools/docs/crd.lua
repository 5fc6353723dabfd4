--- The fields that a CRD of crd/ has, for docs/compatibility.md and for the tests that look at every one of them.

local lyaml = require "lyaml"

local crd = {}

-- Types of Kubernetes' own, given whole: what is in them is described, filled in and judged by Kubernetes.
local WHOLE <const> = {
  ["spec.resources"] = true, ["spec.securityContext"] = true, ["spec.containerSecurityContext"] = true, -- of K8sGPT
  ["spec.resource"] = true, ["spec.result"] = true, -- of Mutation
}

---@class Field
---@field path string "spec.ai.model"; lists are no part of it
---@field schema table
---@field is_leaf boolean
---@field is_whole boolean a leaf with fields that are Kubernetes' own; the documentation calls it "spec.resources.*"

---@return string[]
function crd.sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function add(path, schema, out)
  local below = schema.properties or schema.items and schema.items.properties
  local is_whole = WHOLE[path] ~= nil
  local is_leaf = is_whole or not below
  out[#out + 1] = { path = path, schema = schema, is_leaf = is_leaf, is_whole = is_whole }
  for _, name in ipairs(is_leaf and {} or crd.sorted_keys(below)) do add(path .. "." .. name, below[name], out) end
  return out
end

--- All fields, each before those in it, in the order of their paths.
---@param plural string "k8sgpts"
---@param part "spec"|"status"
---@return Field[]
function crd.fields(plural, part)
  local file <close> = assert(io.open("crd/core.k8sgpt.ai_" .. plural .. ".yaml"))
  local schema = lyaml.load(file:read("a")).spec.versions[1].schema.openAPIV3Schema
  return add(part, schema.properties[part], {})
end

--- Those of them that have no fields in them.
---@return Field[]
function crd.leaves(plural, part)
  local leaves = {}
  for _, field in ipairs(crd.fields(plural, part)) do
    if field.is_leaf then leaves[#leaves + 1] = field end
  end
  return leaves
end

--- What the documentation calls a leaf.
---@param leaf Field
---@return string
function crd.title(leaf) return leaf.is_whole and leaf.path .. ".*" or leaf.path end

return crd
