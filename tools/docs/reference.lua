--- Writes docs/reference.md to standard output, with the parts that the program itself knows: help texts and metrics.
--
--   lua5.4 tools/docs/reference.lua build/k8sgpt-operator
--
-- Fails when the page is silent about an environment variable or metric of the sources, or about a reason that the steps give.

local BINARY <const> = assert(arg[1], "usage: reference.lua EXECUTABLE")
local PAGE <const> = "docs/reference.md"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("a")
  assert(pipe:close(), command)
  return text
end

local function each_file(where, visit)
  for path in output_of("find " .. where .. " | LC_ALL=C sort"):gmatch("[^\n]+") do visit(read(path)) end
end

local function help()
  local parts = { output_of(BINARY .. " --help") }
  for verb in parts[1]:match("Verbs:\n(.-)\n\n"):gmatch("  ([%a-]+)  ") do parts[#parts + 1] = output_of(("%s %s --help"):format(BINARY, verb)) end
  local out = {}
  for i, text in ipairs(parts) do out[i] = ("```\n%s```\n"):format(text) end
  return table.concat(out, "\n")
end

-- Name, help, type and labels of an initialiser of struct metric_def, by position or by field names; of a call that defines one without labels, too.
local METRIC <const> = '"([%l%d_]+)",%s*[.%a%s=]*"([^"]*)",%s*[.%a%s=]*METRIC_(%u+)([^;]-[%);}])'

local function metrics()
  local families = {}
  each_file("src -name '*.c'", function(text)
    for name, text_help, kind, rest in text:gmatch(METRIC) do
      local labels = {}
      for label in (rest:match("%b{}") or rest):gmatch('"([%l%d_]+)"') do labels[#labels + 1] = label end
      families[#families + 1] = ("| `%s` | %s | %s | %s |"):format(name, kind:lower(), table.concat(labels, ", "), (text_help:gsub("<", "&lt;")))
    end
  end)
  table.sort(families)
  return "| name | type | labels | meaning |\n|---|---|---|---|\n" .. table.concat(families, "\n") .. "\n"
end

local page, problems = read(PAGE), {}

local function fill(name, text)
  local first, last = ("<!-- %s: begin -->\n"):format(name), ("<!-- %s: end -->"):format(name)
  local from, to = select(2, page:find(first, 1, true)), page:find(last, 1, true)
  assert(from and to, PAGE .. " has no place for " .. name)
  page = page:sub(1, from) .. text .. page:sub(to)
end

local function want(word, what)
  if not page:find("`" .. word .. "`", 1, true) then problems[#problems + 1] = ("%s: says nothing of the %s %s"):format(PAGE, what, word) end
end

fill("help", help())
fill("metrics", metrics())
each_file("src -name '*.c'", function(text)
  for name in text:gmatch('"(k8sgpt_[%l_]+)"') do want(name, "metric") end
  for name in text:gmatch('getenv%("([%u_%d]+)"%)') do want(name, "environment variable") end
end)
each_file("policies/steps lua/k8sgpt/conditions.lua -name '*.lua'", function(text)
  for reason in text:gmatch('fails%([^,()]+, "(%u%a+)"') do want(reason, "reason") end
  for reason in text:gmatch('holds%([^,()]+, "(%u%a+)"') do want(reason, "reason") end
  for type, reason in text:gmatch('ctx%.condition%("?(%a+)"?, "%a+", "(%a+)"') do
    want(reason, "reason")
    if type:match("^%u") then want(type, "condition") end
  end
end)
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end
io.write(page)
