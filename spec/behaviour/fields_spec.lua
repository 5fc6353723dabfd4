--- What each field of a K8sGPT changes of the K8sGPT Deployment: every leaf of the CRD gets another value, and what the verb render prints then
--- differs just where tools/docs/fields.lua says, from which docs/compatibility.md is made.

local crd = require "tools.docs.crd"
local fields = require "tools.docs.fields"
local json = require "cjson"
local oneshot = require "support.oneshot"
local program = require "support.program"

local AZURE <const>, S3 <const> = { ai = { backend = "azureopenai" } }, { credentials = { name = "c" }, s3 = { bucketName = "b", region = "r" } }
local EXPRESSION <const> = { matchExpressions = { { key = "a", operator = "In", values = { "x" } } } }

-- What a field needs beside it to have any effect, or to be valid; by the longest path that begins the field's.
local BESIDE <const> = {
  ["spec.ai.engine"] = AZURE, ["spec.ai.azureAPIType"] = AZURE,
  ["spec.ai.region"] = { ai = { backend = "amazonbedrock", region = "r" } },
  ["spec.ai.secret"] = { ai = { secret = { name = "a", key = "b" } } },
  ["spec.customAnalyzers"] = { customAnalyzers = { { name = "a", connection = { url = "b", port = 1 } } } },
  ["spec.kubeconfig"] = { kubeconfig = { name = "a", key = "b" } },
  ["spec.remoteCache"] = { remoteCache = S3 },
  ["spec.remoteCache.azure"] = { remoteCache = { credentials = { name = "c" }, azure = { storageAccount = "a", containerName = "b" } } },
  ["spec.remoteCache.gcs"] = { remoteCache = { gcs = { bucketName = "b", region = "r", projectId = "p" } } },
  ["spec.remoteCache.interplex"] = { remoteCache = { interplex = { endpoint = "e:1" } } },
  ["spec.engine.scaling"] = { engine = { scaling = { maxReplicas = 9 } } },
  ["spec.namespaceSelector"] = { namespaceSelector = EXPRESSION },
  ["spec.objectSelector"] = { objectSelector = EXPRESSION },
  ["spec.sink"] = { sink = { type = "slack", webhook = "https://a.example", secret = { name = "a", key = "b" } } },
  ["spec.sinks"] = { sinks = { { name = "a", type = "slack", webhook = "https://a.example", secret = { name = "a", key = "b" } } } },
}

-- Values that are valid, where "other" is not.
local VALUES <const> = {
  ["spec.ai.backend"] = "localai", ["spec.ai.maxTokens"] = "100", ["spec.ai.topk"] = "20", ["spec.ai.autoRemediation.similarityRequirement"] = "50",
  ["spec.analysis.interval"] = "7m", ["spec.filters"] = { "Node" }, ["spec.engine.mode"] = "Embedded", ["spec.imagePullPolicy"] = "Always",
  ["spec.sink.webhook"] = "https://b.example", ["spec.sinks.webhook"] = "https://b.example", ["spec.resources"] = { limits = { memory = "1Gi" } },
  ["spec.securityContext"] = { runAsUser = 7 }, ["spec.containerSecurityContext"] = { runAsUser = 7 },
  ["spec.namespaceSelector.matchExpressions.operator"] = "NotIn", ["spec.objectSelector.matchExpressions.operator"] = "NotIn",
}

local function value_of(path, schema)
  if VALUES[path] then return VALUES[path] end
  if schema.enum then return schema.enum[#schema.enum] end
  if schema.type == "array" then return { "other" } end
  if schema.additionalProperties then return { other = "x" } end
  if schema.type == "boolean" then return schema.default ~= true end
  return schema.type == "integer" and 7 or "other"
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for key, item in pairs(value) do made[key] = copy(item) end
  return made
end

local function beside(path)
  local best = ""
  for prefix in pairs(BESIDE) do
    if #prefix > #best and (path .. "."):sub(1, #prefix + 1) == prefix .. "." then best = prefix end
  end
  return copy(BESIDE[best] or {})
end

local LISTS <const> = { customAnalyzers = true, imagePullSecrets = true, matchExpressions = true, sinks = true }

--- Sets a value at a path of a spec; in lists, of the first item.
local function set(spec, path, value)
  local names = {}
  for name in path:gsub("^spec%.", ""):gmatch("[^.]+") do names[#names + 1] = name end
  local at = spec
  for i = 1, #names - 1 do
    at[names[i]] = at[names[i]] or {}
    at = at[names[i]]
    if LISTS[names[i]] then
      at[1] = at[1] or {}
      at = at[1]
    end
  end
  at[names[#names]] = value
  return spec
end

--- As text in which the order of names means nothing.
local function text_of(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text_of(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

local function put_all(facts, prefix, map, except)
  for key, value in pairs(map) do
    if key ~= except then facts[prefix .. key] = text_of(value) end
  end
end

--- What can differ of an object, under the names that the documentation has.
local function add_facts(facts, object)
  local meta = object.metadata
  facts[object.kind .. ".labels"], facts[object.kind .. ".annotations"] = text_of(meta.labels), text_of(meta.annotations)
  if object.kind ~= "Deployment" then
    put_all(facts, object.kind .. ".", object, "metadata")
    return
  end
  local template = object.spec.template
  put_all(facts, "Deployment.", object.spec, "template")
  put_all(facts, "pod.", template.metadata)
  put_all(facts, "pod.", template.spec, "containers")
  put_all(facts, "container.", template.spec.containers[1], "env")
  for _, entry in ipairs(template.spec.containers[1].env) do facts[entry.name] = text_of(entry) end
end

--- The facts of each namespace.
local function render(specs)
  local items = {}
  for i, spec in ipairs(specs) do
    items[i] = { apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", metadata = { name = "main", namespace = "f" .. i }, spec = spec }
  end
  local ended = oneshot.run { "render", "-o", "json", oneshot.snapshot(items) }
  assert.are.same({ "", 0 }, { ended.errors, ended.status })
  local facts = {}
  for _, object in ipairs(json.decode(ended.output).items) do
    local namespace = object.metadata.labels["k8sgpts.k8sgpt.ai/namespace"]
    facts[namespace] = facts[namespace] or {}
    add_facts(facts[namespace], object)
  end
  return facts
end

local function changes(before, after)
  if not before or not after then return { "all of it" } end
  local names = {}
  for name, value in pairs(before) do
    if after[name] ~= value then names[#names + 1] = name end
  end
  for name in pairs(after) do
    if before[name] == nil then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

describe("every field of a K8sGPT", function()
  after_each(program.clean)

  it("changes of the K8sGPT Deployment what the documentation says, and nothing else", function()
    local all, before, after = crd.leaves("k8sgpts", "spec"), {}, {}
    for i, leaf in ipairs(all) do
      before[i], after[i] = beside(leaf.path), set(beside(leaf.path), leaf.path, value_of(leaf.path, leaf.schema))
    end
    local was, is = render(before), render(after)
    local wrong, known = {}, {}
    for i, leaf in ipairs(all) do
      local path = crd.title(leaf)
      local found, said = changes(was["f" .. i], is["f" .. i]), fields.rendered[path] or {}
      known[path] = true
      if text_of(found) ~= text_of(said) then wrong[#wrong + 1] = ("%s changes %s, not %s"):format(path, text_of(found), text_of(said)) end
    end
    for path in pairs(fields.rendered) do
      if not known[path] then wrong[#wrong + 1] = path .. " is no field" end
    end
    assert.are.same({}, wrong)
    assert.is_true(#all > 60)
  end)
end)
