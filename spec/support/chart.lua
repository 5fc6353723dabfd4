--- The chart and what is made of it, by the tools that its users have: helm, kubeconform and kubectl.
--
--   local text = chart.render({ "--set", "controllerManager.replicas=2" })
--   local output, status = chart.helm(plane, { "install", "tools", chart.FOLDER })
--   local op = chart.operator(plane, "tools")               -- as the installed Deployment runs it
--
-- The programs are built by spec/e2e/tools/build.sh; kubectl is whatever the machine has.

local json = require "cjson"
local operator = require "support.operator"
local program = require "support.program"

local chart = { FOLDER = "deploy/chart" }

local LIMIT_SECONDS <const> = 120

--- Runs a program to its end.
---@param words string[]
---@param input? string what it reads
---@return string output both streams
---@return integer status
function chart.run(words, input)
  local path = program.folder() .. "/input"
  program.write(path, input or "")
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = program.quote(word) end
  local pipe = assert(io.popen(("timeout -k 1 %d %s 2>&1 <%s; echo exit=$?"):format(LIMIT_SECONDS, table.concat(quoted, " "), program.quote(path))))
  local output, status = pipe:read("a"):match("^(.*)exit=(%d+)\n$")
  pipe:close()
  return output, math.tointeger(status)
end

local folder

local function tool(name)
  if not folder then
    local pipe = assert(io.popen("spec/e2e/tools/build.sh chart"))
    folder = pipe:read("l")
    assert(pipe:close() and folder, "the tools of the chart could not be built")
  end
  return folder .. "/" .. name
end

local function followed_by(words, more)
  for _, word in ipairs(more or {}) do words[#words + 1] = word end
  return words
end

---@param plane? table the control plane that it works on
---@param arguments string[]
---@return string output
---@return integer status
function chart.helm(plane, arguments)
  local login = plane and { "env", "KUBECONFIG=" .. plane.kubeconfig, "HOME=" .. plane.folder } or {}
  return chart.run(followed_by(followed_by(login, { tool "helm" }), arguments))
end

---@return string output
---@return integer status
function chart.kubectl(plane, arguments, input)
  return chart.run(followed_by({ "kubectl", "--kubeconfig", plane.kubeconfig, "--cache-dir", plane.folder .. "/kubectl" }, arguments), input)
end

function chart.has_kubectl() return os.execute("command -v kubectl >/dev/null") == true end

---@param namespace string
---@param arguments? string[] of helm template
---@return string manifests
function chart.render(namespace, arguments)
  local output, status = chart.helm(nil, followed_by({ "template", "k8sgpt-operator", chart.FOLDER, "--namespace", namespace }, arguments))
  assert(status == 0, output)
  return output
end

--------------------------------------------------------------------------------------------------------------------------------
-- Schemas
--------------------------------------------------------------------------------------------------------------------------------

--- A definition of the server's OpenAPI document as a JSON schema that takes no unknown fields. Numbers may stand for strings that may be either.
local function strict(node)
  if type(node) ~= "table" then return node end
  local made = {}
  for key, value in pairs(node) do made[key] = strict(value) end
  if made.format == "int-or-string" then return { type = { "string", "integer" } } end
  if type(made.properties) == "table" and not made.additionalProperties then made.additionalProperties = false end
  return made
end

local function each_reference(node, visit)
  for key, value in pairs(node) do
    if key == "$ref" then visit(value:match("^#/definitions/(.*)$")) elseif type(value) == "table" then each_reference(value, visit) end
  end
end

--- A schema with all that it refers to.
local function complete(definitions, name)
  local schema = { ["$ref"] = "#/definitions/" .. name, definitions = {} }
  local function add(wanted)
    if schema.definitions[wanted] then return end
    schema.definitions[wanted] = strict(definitions[wanted])
    each_reference(definitions[wanted], add)
  end
  add(name)
  return schema
end

--- Checks manifests against the schemas of the API server.
---@param skipped? string[] kinds that it has none of
---@return string output
---@return integer status
function chart.kubeconform(plane, manifests, skipped)
  local definitions, schemas = plane:request("GET", "/openapi/v2").definitions, program.folder()
  for name, definition in pairs(definitions) do
    for _, gvk in ipairs(definition["x-kubernetes-group-version-kind"] or {}) do
      local group = gvk.group:match("^[^.]*")
      local file = table.concat({ gvk.kind:lower(), group ~= "" and group or gvk.version, group ~= "" and gvk.version or nil }, "-")
      if manifests:find("kind: " .. gvk.kind .. "\n", 1, true) then
        program.write(("%s/%s.json"):format(schemas, file), json.encode(complete(definitions, name)))
      end
    end
  end
  local location = schemas .. "/{{.ResourceKind}}{{.KindSuffix}}.json"
  local flags = { "-strict", "-schema-location", location, "-skip", table.concat(skipped or {}, ",") }
  return chart.run(followed_by({ tool "kubeconform" }, flags), manifests)
end

--------------------------------------------------------------------------------------------------------------------------------
-- The operator
--------------------------------------------------------------------------------------------------------------------------------

local function named(list, name)
  for _, item in ipairs(list) do
    if item.name == name then return item end
  end
  error("there is no " .. name)
end

--- A ConfigMap as the kubelet mounts it.
local function mount(plane, namespace, spec, path)
  for _, place in ipairs(named(spec.containers, "manager").volumeMounts) do
    if place.mountPath == path then
      local name, copy = named(spec.volumes, place.name).configMap.name, program.folder()
      local data = plane:request("GET", ("/api/v1/namespaces/%s/configmaps/%s"):format(namespace, name)).data
      for key, text in pairs(data) do program.write(copy .. "/" .. key, text) end
      return copy
    end
  end
  error("nothing is mounted at " .. path)
end

--- The arguments of the installed Deployment's pods, with free ports, and their policies copied to where the process finds them.
---@param namespace string
---@param deployment string its name
---@return string[] flags the verb first
---@return string account of the pods
function chart.arguments(plane, namespace, deployment)
  local spec = plane:request("GET", ("/apis/apps/v1/namespaces/%s/deployments/%s"):format(namespace, deployment)).spec.template.spec
  local flags = {}
  for i, flag in ipairs(named(spec.containers, "manager").args) do
    local path = flag:match("^%-%-policy%-dir=(.*)$")
    flags[i] = path and "--policy-dir=" .. mount(plane, namespace, spec, path) or flag:gsub("(%-bind%-address)=.*", "%1=127.0.0.1:0")
  end
  return flags, spec.serviceAccountName
end

--- Starts the operator as the pods of the installed Deployment would run it: with their arguments, their account, and their policies.
---@param namespace string
---@param deployment string its name
function chart.operator(plane, namespace, deployment)
  local flags, account = chart.arguments(plane, namespace, deployment)
  local token = plane:token(namespace, account, 3600)
  return operator.start(plane:write_kubeconfig("installed", "token: " .. token, { namespace = namespace }), { table.unpack(flags, 2) })
end

return chart
