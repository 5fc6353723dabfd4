--- What an API server makes of server-side apply, as far as the operator rests on it: the embedded one here, and the real one alike.

local json = require "cjson"
local operator = require "support.operator"

local APPLY <const> = "application/apply-patch+yaml"

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

--- A list whose items have a key: variables of a container.
local variables = { path = "/apis/apps/v1/namespaces/default/deployments/" }

function variables.with(name, items)
  local env = {}
  for i, item in ipairs(items) do env[i] = { name = item, value = "x" } end
  local pod = { containers = { { name = "c", image = "i", env = env } } }
  return {
    apiVersion = "apps/v1", kind = "Deployment", metadata = { name = name },
    spec = { selector = { matchLabels = { app = name } }, template = { metadata = { labels = { app = name } }, spec = pod } },
  }
end

function variables.of(object)
  local items = {}
  for i, entry in ipairs(object.spec.template.spec.containers[1].env) do items[i] = entry.name end
  return table.concat(items, " ")
end

--- A list that is a set: finalizers.
local finalizers = { path = "/api/v1/namespaces/default/configmaps/" }

function finalizers.with(name, items)
  local list = {}
  for i, item in ipairs(items) do list[i] = "example.com/" .. item end
  return { apiVersion = "v1", kind = "ConfigMap", metadata = { name = name, finalizers = list } }
end

function finalizers.of(object) return (table.concat(object.metadata.finalizers, " "):gsub("example%.com/", "")) end

--- What one manager applied, what another one applies then, and the order that comes of it.
local ORDERS <const> = {
  { "a b c", "c a", "b c a" },
  { "a b c", "x a", "x a b c" },
  { "a b c", "a x c", "a b x c" },
  { "a b c", "c x", "a b c x" },
  { "a b c", "x y", "a b c x y" },
  { "a b c d", "d c b a", "d c b a" },
  { "a b c d e", "e x b", "a c d e x b" },
  { "d f b a", "e f c b", "d e f c b a" },
}

describe("server-side apply", function()
  after_each(operator.clean)

  for what, list in pairs { ["items with a key"] = variables, ["items of a set"] = finalizers } do
    it("puts " .. what .. " into the order of who applies last, and leaves those of others where they were", function()
      local cluster = operator.cluster()
      for i, order in ipairs(ORDERS) do
        local name = "order-" .. i
        local function apply(manager, items)
          return cluster:request("PATCH", list.path .. name .. "?fieldManager=" .. manager, list.with(name, words(items)), APPLY)
        end
        apply("theirs", order[1])
        assert.are.equal(order[3], list.of(apply("ours", order[2])), order[1] .. ", then " .. order[2])
      end
    end)
  end

  it("knows an item again whose key is left to its default", function()
    local cluster = operator.cluster()
    local wanted = variables.with("main", { "a" })
    wanted.spec.template.spec.imagePullSecrets = { {} }
    for _ = 1, 2 do
      local object = cluster:request("PATCH", variables.path .. "main?fieldManager=ours", wanted, APPLY)
      assert.are.equal(1, #object.spec.template.spec.imagePullSecrets)
    end
  end)

  it("gives a list that was shortened and is as before again the order of before", function()
    local cluster = operator.cluster()
    local function apply(items)
      return variables.of(cluster:request("PATCH", variables.path .. "main?fieldManager=ours", variables.with("main", words(items)), APPLY))
    end
    for _, items in ipairs { "a b c d", "a d", "a b c d", "d a", "x d b" } do assert.are.equal(items, apply(items)) end
  end)

  it("takes no field that the CRD does not declare", function()
    local cluster = operator.cluster()
    local api_version, name = "core.k8sgpt.ai/v1alpha1", "strange"
    local function refusal(spec)
      local wanted = { apiVersion = api_version, kind = "Result", metadata = { name = name }, spec = spec }
      spec.backend, spec.details, spec.kind, spec.name, spec.parentObject = "b", "", "Pod", "n", ""
      local path = "/apis/" .. api_version .. "/namespaces/default/results/" .. name .. "?fieldManager=ours"
      local body, status = cluster:http(path, { method = "PATCH", type = APPLY, body = json.encode(wanted):gsub("\\/", "/") })
      assert.are.equal(500, status, body)
      return json.decode(body).message
    end
    local undeclared = "failed to create typed patch object (/strange; core.k8sgpt.ai/v1alpha1, Kind=Result): %s: field not declared in schema"
    assert.are.equal(undeclared:format ".spec.mood", refusal { mood = "x" })
    assert.are.equal(undeclared:format ".spec.error[1].mood", refusal { error = { { text = "t" }, { mood = "x" } } })
  end)
end)
