--- Proves the layering of src from its #include lines.
--
--   lua5.4 tools/layers.lua LAYER...     lowest first; src/main.c is above them all
--
-- Fails with file:line when a file includes something of a layer above its own, when another layer's private header
-- (*_internal.h) or, outside src/script, Lua's API is included, and when headers include each other in a circle.

local rank = {}
for i, layer in ipairs(arg) do rank[layer] = i end
assert(#arg > 0, "usage: layers.lua LAYER...")
local MAIN <const> = #arg + 1

local failures = 0
local function fail(path, line, message, ...)
  failures = failures + 1
  print(("%s:%d: %s"):format(path, line, message:format(...)))
end

local function layer_of(name)
  return name:match("^([^/]+)/")
end

---@return {line: integer, name: string, ours: boolean}[]
local function includes_of(path)
  local found, number = {}, 0
  for line in io.lines(path) do
    number = number + 1
    local bracket, name = line:match('^%s*#%s*include%s*([<"])([^>"]+)')
    if name then found[#found + 1] = { line = number, name = name, ours = bracket == '"' } end
  end
  return found
end

local LUA_API = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

local function check(path, own, include)
  if LUA_API[include.name] and own ~= "script" then
    fail(path, include.line, "%s is for src/script only; see script/call.h", include.name)
  end
  if not include.ours then return end
  local other = layer_of(include.name)
  if not other or not rank[other] then
    if include.name ~= "version.h" then fail(path, include.line, "\"%s\" does not start with a layer's folder", include.name) end
  elseif rank[other] > (rank[own] or MAIN) then
    fail(path, include.line, "%s (layer %s) includes %s (layer %s), which is above it", path:match("[^/]+$"), own, include.name, other)
  elseif other ~= own and include.name:find("_internal%.h$") then
    fail(path, include.line, "%s is private to src/%s", include.name, other)
  end
end

local graph, files = {}, {}
for path in assert(io.popen("find src -name '*.[ch]' | sort")):lines() do files[#files + 1] = path end
for _, path in ipairs(files) do
  local name = path:match("^src/(.*)$")
  local own = layer_of(name) or "main"
  if own ~= "main" and not rank[own] then fail(path, 1, "src/%s is no layer that the Makefile knows", own) end
  graph[name] = includes_of(path)
  for _, include in ipairs(graph[name]) do check(path, own, include) end
end

local state, trail = {}, {}
local function visit(name)
  state[name] = "open"
  trail[#trail + 1] = name
  for _, include in ipairs(graph[name]) do
    if state[include.name] == "open" then
      fail("src/" .. name, include.line, "a circle of includes: %s -> %s", table.concat(trail, " -> "), include.name)
    elseif graph[include.name] and not state[include.name] then
      visit(include.name)
    end
  end
  trail[#trail] = nil
  state[name] = "done"
end
for _, path in ipairs(files) do
  local name = path:match("^src/(.*)$")
  if not state[name] then visit(name) end
end

print(("layers: %d files, %s"):format(#files, failures == 0 and "every include points downwards" or failures .. " wrong includes"))
os.exit(failures == 0)
