--- Writes docs/install.md to standard output, with the table of the chart's values, which deploy/chart/values.yaml has with a comment each.
--
--   lua5.4 tools/docs/install.lua
--
-- Fails when a value has no comment, or when one that the upstream chart has is missing.

local PAGE <const>, VALUES <const> = "docs/install.md", "deploy/chart/values.yaml"

-- Of the chart k8sgpt-operator 0.2.27, those included that its templates read and its values.yaml is silent about.
local UPSTREAM <const> = [[
  controllerManager.annotations controllerManager.kubeRbacProxy.containerSecurityContext controllerManager.kubeRbacProxy.image.repository
  controllerManager.kubeRbacProxy.image.tag controllerManager.kubeRbacProxy.resources controllerManager.labels
  controllerManager.manager.containerSecurityContext controllerManager.manager.enableResultLogging controllerManager.manager.image.repository
  controllerManager.manager.image.tag controllerManager.manager.resources controllerManager.manager.sinkWebhookTimeout
  controllerManager.nodeSelector controllerManager.podSecurityContext controllerManager.replicas dynamicRBAC.enabled fullnameOverride
  grafanaDashboard.enabled grafanaDashboard.folder.annotation grafanaDashboard.folder.name grafanaDashboard.grafanaOperator.enabled
  grafanaDashboard.grafanaOperator.matchLabels grafanaDashboard.label.key grafanaDashboard.label.value grafanaDashboard.namespace
  interplex.enabled kubernetesClusterDomain metricsService.ports metricsService.type nameOverride serviceMonitor.additionalLabels
  serviceMonitor.enabled serviceMonitor.namespace ]]

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

--- The lines below one that are indented more, as one value in braces.
local function nested(lines, at, indent)
  local parts = {}
  for i = at + 1, #lines do
    local spaces, rest = lines[i]:match("^( *)(.*)$")
    if #spaces <= indent then break end
    parts[#parts + 1] = rest
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

---@class Value
---@field name string with the names of the maps that it is in, dots between
---@field default string in YAML
---@field comment string

--- The commented keys in their order, and the names of the uncommented ones that have a value themselves.
---@return Value[]
---@return string[]
local function values(lines)
  local list, silent, path, comment, inside = {}, {}, {}, {}, nil
  for i, line in ipairs(lines) do
    local spaces, key, value = line:match("^( *)([%w]+): ?(.*)$")
    local indent = spaces and #spaces or 0
    if inside and key and indent <= inside then inside = nil end
    if line == "" then comment = {} end
    comment[#comment + 1] = line:match("^ *# ?(.*)$")
    if key and not inside then
      path[indent // 2 + 1] = key
      local name = table.concat(path, ".", 1, indent // 2 + 1)
      if #comment > 0 then
        if value == "" then inside, value = indent, nested(lines, i, indent) end
        list[#list + 1] = { name = name, default = value, comment = table.concat(comment, " ") }
      elseif value ~= "" then
        silent[#silent + 1] = name
      end
      comment = {}
    end
  end
  return list, silent
end

local list, silent = values(lines_of(read(VALUES)))
local rows, known, problems = {}, {}, {}
for i, item in ipairs(list) do
  local is_upstream = UPSTREAM:find(" " .. item.name:gsub("%p", "%%%0") .. "%s") ~= nil
  known[item.name] = true
  rows[i] = ("| `%s` | `%s` | %s | %s |"):format(item.name, item.default, is_upstream and "yes" or "", (item.comment:gsub("|", "\\|"):gsub("<", "&lt;")))
end
for _, name in ipairs(silent) do problems[#problems + 1] = ("%s: no comment says what %s is"):format(VALUES, name) end
for name in UPSTREAM:gmatch("%S+") do
  if not known[name] then problems[#problems + 1] = ("%s: the upstream chart's %s is missing"):format(VALUES, name) end
end
if #problems > 0 then
  io.stderr:write(table.concat(problems, "\n"), "\n")
  os.exit(1)
end

local page = read(PAGE)
local from, to = select(2, page:find("<!-- values: begin -->\n", 1, true)), page:find("<!-- values: end -->", 1, true)
assert(from and to, PAGE .. " has no place for values")
io.write(page:sub(1, from), "| value | default | upstream's | meaning |\n|---|---|---|---|\n", table.concat(rows, "\n"), "\n", page:sub(to))
