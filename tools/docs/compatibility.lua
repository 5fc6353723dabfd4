--- Writes docs/compatibility.md to standard output: what comes of each field of the CRDs.
--
--   lua5.4 tools/docs/compatibility.lua
--
-- The fields come from crd/, what comes of them from fields.lua beside this file. Fails when the one has what the other
-- lacks, or a field is not described.

package.path = arg[0]:match("^(.-)[^/]*$") .. "?.lua;" .. package.path
local crd = require "crd"
local texts = require "fields"

local KINDS <const> = { { "K8sGPT", "k8sgpts" }, { "Result", "results" }, { "Mutation", "mutations" } }

local INTRODUCTION <const> = [[
# Compatibility, field by field

What comes of each field in this version. "Not yet" names the capability that brings the effect; until then the field is accepted and kept, and
where somebody would wait for an effect in vain a condition says so. Fields marked * are not upstream's. What behaves otherwise than upstream is
in [differences.md](differences.md); `kubectl explain k8sgpt.spec` describes the fields themselves.

The last column of K8sGPT says what of the Deployment's objects differs with another value: `container` is the engine's, `pod` the
template's spec, and a name in capitals a variable of its environment. A test changes every field of the CRD and looks.

Made from `crd/` by `make docs`.
]]

local problems = {}
local function problem(...) problems[#problems + 1] = string.format(...) end

local function type_of(schema)
  if schema.type == "array" then return "list of " .. type_of(schema.items) .. "s" end
  if schema.additionalProperties then return "map of " .. type_of(schema.additionalProperties) .. "s" end
  return schema.type or "string"
end

local function default_of(schema)
  local default = schema.default
  if default == nil then return nil end
  return type(default) == "table" and table.concat(default, ", ") or tostring(default)
end

--- "string: a, b; by default a".
local function describe(schema)
  local text, default = type_of(schema), default_of(schema)
  if schema.enum then text = text .. ": " .. table.concat(schema.enum, ", ") end
  if schema.pattern then text = ("%s `%s`"):format(text, schema.pattern:gsub("|", "\\|")) end
  if default then text = text .. "; by default " .. default end
  return text
end

local function is_ours(kind, path)
  for _, prefix in ipairs(texts.ours[kind]) do
    if path == prefix or path:sub(1, #prefix + 1) == prefix .. "." then return true end
  end
  return false
end

-- Of a K8sGPT, what it changes of the Deployment.
local function rendered(kind, path)
  if kind ~= "K8sGPT" then return "" end
  local names = texts.rendered[path]
  return (" %s |"):format(names and "`" .. table.concat(names, "` `") .. "`" or "")
end

local HEAD <const> = {
  K8sGPT = { "| field | type | what comes of it | changes of the K8sGPT Deployment |", "|---|---|---|---|" },
  Result = { "| field | type | what comes of it |", "|---|---|---|" },
}
HEAD.Mutation = HEAD.Result

local function row(kind, field)
  local path = crd.title(field)
  local text, type = texts[kind][path], field.is_whole and "object, as Kubernetes has it" or describe(field.schema)
  if not text then problem("tools/docs/fields.lua: %s has a field %s, of which nothing is said", kind, path) end
  return ("| `%s`%s | %s | %s |%s"):format(path, is_ours(kind, path) and " *" or "", type, text or "", rendered(kind, path))
end

local function section(kind, plural)
  local lines, unused = { "", "## " .. kind, "", HEAD[kind][1], HEAD[kind][2] }, {}
  for path in pairs(texts[kind]) do unused[path] = true end
  for _, part in ipairs { "spec", "status" } do
    for _, field in ipairs(crd.fields(plural, part)) do
      if not field.schema.description then problem("crd: %s %s has no description", kind, field.path) end
      if field.is_leaf then
        unused[crd.title(field)] = nil
        lines[#lines + 1] = row(kind, field)
      end
    end
  end
  for _, path in ipairs(crd.sorted_keys(unused)) do problem("tools/docs/fields.lua: %s has no field %s", kind, path) end
  return table.concat(lines, "\n")
end

local document = INTRODUCTION
for _, kind in ipairs(KINDS) do document = document .. section(kind[1], kind[2]) .. "\n" end
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
io.write(document)
