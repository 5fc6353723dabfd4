--- Every leaf of a CRD's schema, and values that somebody may give it: none, empty, very large, and ones that make no sense. (Acto,
--- SOSP'23, finds defects of operators this way.)

local crd = require "tools.docs.crd"
local json = require "cjson"

local sweep = {}

-- What is wrong within a type of Kubernetes' own.
local CORE_TYPES <const> = {
  ["spec.resources"] = { limits = { cpu = "a lot" } },
  ["spec.securityContext"] = { runAsUser = "root" },
  ["spec.containerSecurityContext"] = { privileged = "maybe" },
}

local LONG_CHARACTERS <const>, MANY <const> = 4096, 64

--- The absence of a value, and a list without items, which cjson cannot write.
sweep.ABSENT, sweep.NO_ITEMS = setmetatable({}, { __name = "absent" }), "@no-items@"

local function many(make)
  local list = {}
  for i = 1, MANY do list[i] = make(i) end
  return list
end

local function many_labels()
  local map = {}
  for i = 1, MANY do map["key-" .. i] = "value" end
  return map
end

-- What each type of value may be given, by name.
local VALUES <const> = {
  string = { empty = "", long = ("x"):rep(LONG_CHARACTERS), odd = " no such thing\n\t\"'{{$(rm)}}%s\\ ☃ ", ["of another type"] = 4711 },
  boolean = { yes = true, no = false, ["of another type"] = "maybe" },
  integer = { zero = 0, negative = -1, largest = 2147483647, ["of another type"] = "many" },
  array = { empty = sweep.NO_ITEMS, ["of another type"] = "one" },
  map = { empty = json.decode("{}"), many = many_labels(), odd = { ["no label!"] = ("x"):rep(300) }, ["of another type"] = "one" },
  core = { empty = json.decode("{}"), ["of another type"] = "one" },
}

local function values_of(leaf)
  local schema, path = leaf.schema, leaf.path
  local kind = leaf.is_whole and "core" or schema.additionalProperties and "map" or schema.type
  local values = { absent = sweep.ABSENT }
  for name, value in pairs(assert(VALUES[kind], path .. ": " .. tostring(kind))) do values[name] = value end
  if kind == "core" then values.odd = CORE_TYPES[path] end
  if kind == "array" then
    values.long = many(function(i) return schema.items.enum and schema.items.enum[1] or "item-" .. i end)
    values.odd = { "", " ", "no such thing" }
  end
  return values
end

--- The leaves of a K8sGPT's spec, in the order of their paths.
---@return table[] Fields, as tools/docs/crd.lua has them, with `values` by name
function sweep.leaves()
  local leaves = crd.leaves("k8sgpts", "spec")
  for _, leaf in ipairs(leaves) do leaf.values = values_of(leaf) end
  return leaves
end

local function copy(value) return json.decode(json.encode(value)) end

--- A copy with another value at a path; in lists that of the first item.
---@param object table a whole object
---@param sample table of the same shape: what the object lacks on the way, the copy has from here
---@return table
function sweep.with(object, path, value, sample)
  local whole = copy(object)
  local at, from, names = whole, sample, {}
  for name in path:gmatch("[^.]+") do names[#names + 1] = name end
  for i = 1, #names - 1 do
    local name = names[i]
    from = from[name]
    at[name] = at[name] or copy(from)
    at, from = at[name][1] or at[name], from[1] or from
  end
  at[names[#names]] = value ~= sweep.ABSENT and value or nil
  return whole
end

--- A JSON patch that makes this the spec.
---@return string
function sweep.patch(object)
  local text = json.encode { { op = "replace", path = "/spec", value = object.spec } }
  return (text:gsub("\\/", "/"):gsub('"' .. sweep.NO_ITEMS .. '"', "[]"))
end

return sweep
