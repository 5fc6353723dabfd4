--- Every leaf of a CRD's schema, and values that somebody may give it: none, empty, very large, and ones that make no sense. (Acto,
--- SOSP'23, finds defects of operators this way.)

local json = require "cjson"
local lyaml = require "lyaml"
local program = require "support.program"

local sweep = {}

-- Kubernetes' own types, given whole.
local CORE_TYPES <const> = {
  ["spec.resources"] = { limits = { cpu = "a lot" } },
  ["spec.securityContext"] = { runAsUser = "root" },
  ["spec.containerSecurityContext"] = { privileged = "maybe" },
}

local LONG_CHARACTERS <const>, MANY <const> = 4096, 64

--- The absence of a value, and a list without items, which cjson cannot write.
sweep.ABSENT, sweep.NO_ITEMS = setmetatable({}, { __name = "absent" }), "@no-items@"

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

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

local function values_of(schema, path)
  local kind = CORE_TYPES[path] and "core" or schema.additionalProperties and "map" or schema.type
  local values = { absent = sweep.ABSENT }
  for name, value in pairs(assert(VALUES[kind], path .. ": " .. tostring(kind))) do values[name] = value end
  if kind == "core" then values.odd = CORE_TYPES[path] end
  if kind == "array" then
    values.long = many(function(i) return schema.items.enum and schema.items.enum[1] or "item-" .. i end)
    values.odd = { "", " ", "no such thing" }
  end
  return values
end

local function add_leaves(schema, path, out)
  local below = schema.properties or schema.items and schema.items.properties
  if CORE_TYPES[path] or not below then
    out[#out + 1] = { path = path, values = values_of(schema, path) }
    return
  end
  for _, name in ipairs(sorted_keys(below)) do add_leaves(below[name], path .. "." .. name, out) end
end

--- The leaves of spec, in the order of their paths.
---@param file string a CustomResourceDefinition
---@return {path: string, values: table<string, any>}[]
function sweep.leaves(file)
  local leaves = {}
  add_leaves(lyaml.load(program.read(file)).spec.versions[1].schema.openAPIV3Schema.properties.spec, "spec", leaves)
  return leaves
end

--- A copy with another value at a path; in lists that of the first item.
---@param object table a whole object
---@return table
function sweep.with(object, path, value)
  local copy = json.decode(json.encode(object))
  local at, names = copy, {}
  for name in path:gmatch("[^.]+") do names[#names + 1] = name end
  for i = 1, #names - 1 do
    at = at[names[i]]
    at = at[1] or at
  end
  at[names[#names]] = value ~= sweep.ABSENT and value or nil
  return copy
end

--- A JSON patch that makes this the spec.
---@return string
function sweep.patch(object)
  local text = json.encode { { op = "replace", path = "/spec", value = object.spec } }
  return (text:gsub("\\/", "/"):gsub('"' .. sweep.NO_ITEMS .. '"', "[]"))
end

return sweep
