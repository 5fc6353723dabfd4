--- A cluster with the CRDs in it and the operator at work on it, each made for one test.
--
--   local operator = require "support.operator"
--   local cluster = operator.cluster { objects.k8sgpt(), objects.crash_loop("web") }
--   local op = cluster:operator()
--   cluster:await_result("Pod default/web")
--   operator.clean()                        -- after each test

local json = require "cjson"
local program = require "support.program"

local operator = { clean = program.clean, await = program.await }
operator.BINARY = os.getenv("K8SGPT_OPERATOR") or (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"

local quote, await = program.quote, program.await

--- One HTTP request.
---@param options? {method?: string, accept?: string, type?: string, body?: string}
---@return string body
---@return integer status 0 when nobody answered
---@return string headers
local function http(url, options)
  options = options or {}
  local words = { "curl -sS -i --max-time 5 -X", options.method or "GET", "-H", quote("Accept: " .. (options.accept or "application/json")) }
  if options.body then
    local type = quote("Content-Type: " .. (options.type or "application/json"))
    table.move({ "-H", type, "--data-binary", quote(options.body) }, 1, 4, #words + 1, words)
  end
  local pipe = assert(io.popen(("%s %s 2>&1"):format(table.concat(words, " "), quote(url))))
  local text = pipe:read("a"):gsub("\r\n", "\n"):gsub("^HTTP/%S+ 100[^\n]*\n\n", "")
  pipe:close()
  local head, body = text:match("^(HTTP/.-\n)\n(.*)$")
  if not head then return text, 0, "" end
  return body, math.tointeger(head:match("^HTTP/%S+ (%d+)")), head
end
operator.http = http

--------------------------------------------------------------------------------------------------------------------------------
-- The cluster
--------------------------------------------------------------------------------------------------------------------------------

local cluster = {}
cluster.__index = cluster

local CRDS <const> = { "crd/core.k8sgpt.ai_k8sgpts.yaml", "crd/core.k8sgpt.ai_results.yaml", "crd/core.k8sgpt.ai_mutations.yaml" }
operator.CRDS = CRDS

local PLURALS <const> = { K8sGPT = "k8sgpts", EndpointSlice = "endpointslices", Ingress = "ingresses" }

local function plural(kind) return PLURALS[kind] or kind:lower() .. "s" end

--- Path of an object, or with `collection` of the list that it is in.
local function path_of(object, collection)
  local meta = object.metadata
  local root = object.apiVersion:find("/", 1, true) and "/apis/" or "/api/"
  local scope = object.kind == "Namespace" and "" or "/namespaces/" .. (meta.namespace or "default")
  return ("%s%s%s/%s%s"):format(root, object.apiVersion, scope, plural(object.kind), collection and "" or "/" .. meta.name)
end
operator.path_of = path_of

--- Starts a cluster that has these objects, stored as they are.
---@param objects? table[]
---@param options? {crds?: boolean, deny?: string[], listen?: string}
function operator.cluster(objects, options)
  options = options or {}
  local folder = program.folder()
  local arguments = { operator.BINARY, "dev-cluster", "--listen", options.listen or "127.0.0.1:0", "--kubeconfig-out", folder .. "/kubeconfig" }
  local function add(flag, value) arguments[#arguments + 1], arguments[#arguments + 2] = flag, value end
  if options.crds ~= false then
    for _, path in ipairs(CRDS) do add("--load", path) end
  end
  for _, gvk in ipairs(options.deny or {}) do add("--deny", gvk) end
  if objects and #objects > 0 then
    program.write(folder .. "/objects.json", json.encode({ apiVersion = "v1", kind = "List", items = objects }))
    add("--load", folder .. "/objects.json")
  end
  local self = setmetatable({ kubeconfig = folder .. "/kubeconfig", program = program.start(arguments) }, cluster)
  self.url = self.program:await_line("the cluster is ready", function(line) return (line.text or ""):match("ready on (%S+)") end)
  self.address = self.url:match("//(.*)")
  return self
end

--- The decoded answer; an error when the server refuses.
---@return any
function cluster:request(method, path, body, content_type, accept)
  local text, status = http(self.url .. path, { method = method, body = body and json.encode(body), type = content_type, accept = accept })
  if status < 200 or status > 299 then error(("%s %s: %d %s"):format(method, path, status, text), 2) end
  return json.decode(text)
end

function cluster:get(path, accept) return self:request("GET", path, nil, nil, accept) end

---@return table? nil when it does not exist
function cluster:find(object)
  local text, status = http(self.url .. path_of(object))
  return status == 200 and json.decode(text) or nil
end

--- Creates an object and gives it its status, as the API server and a controller do.
---@return table as it is stored
function cluster:create(object)
  local namespace = object.metadata.namespace
  if namespace and namespace ~= "default" and object.kind ~= "Namespace" then
    http(self.url .. "/api/v1/namespaces", { method = "POST", body = json.encode({ metadata = { name = namespace } }) }) -- may be there
  end
  local made = self:request("POST", path_of(object, true), object)
  if object.status then made = self:patch(object, { status = object.status }, "status") end
  return made
end

--- A JSON merge patch.
function cluster:patch(object, patch, subresource)
  return self:request("PATCH", path_of(object) .. (subresource and "/" .. subresource or ""), patch, "application/merge-patch+json")
end

function cluster:delete(object) return self:request("DELETE", path_of(object)) end

--- What is under "Kind namespace/name" of the faulty object. The status of a Result is a write of its own: without it, it is not there yet.
---@return table<string, table>
function cluster:results(namespace)
  local found = {}
  for _, result in ipairs(self:get(("/apis/core.k8sgpt.ai/v1alpha1/namespaces/%s/results"):format(namespace or "default")).items) do
    if result.status then found[result.spec.kind .. " " .. result.spec.name] = result end
  end
  return found
end

local function names_of(results)
  local names = {}
  for name in pairs(results) do names[#names + 1] = name end
  table.sort(names)
  return "[" .. table.concat(names, ", ") .. "]"
end

--- Waits for exactly these Results.
---@param wanted string[] "Kind namespace/name"
---@return table<string, table>
function cluster:await_results(wanted, namespace)
  table.sort(wanted)
  local text, have = "[" .. table.concat(wanted, ", ") .. "]", nil
  return await(function() return ("Results %s; there are %s\n%s"):format(text, names_of(have), self.op and self.op:tail() or "") end, function()
    have = self:results(namespace)
    return names_of(have) == text and have
  end)
end

--- Waits for a Result, and for what is to hold of it.
---@param accept? fun(result: table): boolean
---@return table
function cluster:await_result(name, accept, namespace)
  local have
  return await(function() return ("Result %s; there is %s\n%s"):format(name, json.encode(have), self.op and self.op:tail() or "") end, function()
    have = self:results(namespace)
    local result = have[name]
    return result and (not accept or accept(result)) and result
  end)
end

---@return table<string, table> conditions by type
function cluster:conditions(k8sgpt)
  local found = {}
  local object = self:find(k8sgpt)
  for _, condition in ipairs(object and object.status and object.status.conditions or {}) do found[condition.type] = condition end
  return found
end

--- Waits until a condition of a K8sGPT has a reason.
---@return table condition
function cluster:await_condition(k8sgpt, type, reason)
  local have
  return await(function() return ("%s %s; it is %s\n%s"):format(type, reason, json.encode(have), self.op and self.op:tail() or "") end, function()
    have = self:conditions(k8sgpt)
    return have[type] and have[type].reason == reason and have[type]
  end)
end

--- The newest resourceVersion: it moves with every write of anybody.
---@return string
function cluster:version() return self:get("/api/v1/namespaces").metadata.resourceVersion end

--------------------------------------------------------------------------------------------------------------------------------
-- The operator
--------------------------------------------------------------------------------------------------------------------------------

local running = setmetatable({}, { __index = program })
running.__index = running

---@param kubeconfig string
---@param flags? string[]
---@return table
function operator.start(kubeconfig, flags)
  local arguments = { operator.BINARY, "run", "--engine", "embedded", "--kubeconfig", kubeconfig, "--metrics-bind-address", "127.0.0.1:0",
    "--health-probe-bind-address", "127.0.0.1:0" }
  for _, flag in ipairs(flags or {}) do arguments[#arguments + 1] = flag end
  local self = setmetatable(program.start(arguments), running)
  local function address(what)
    return self:await_line("its address for " .. what, function(line) return line.msg == "listening" and line.what == what and line.address end)
  end
  self.metrics_url, self.health_url = "http://" .. address("metrics") .. "/metrics", "http://" .. address("health")
  return self
end

--- Starts an operator for this cluster.
---@param flags? string[]
function cluster:operator(flags)
  self.op = operator.start(self.kubeconfig, flags)
  return self.op
end

--- Probes: "/healthz" or "/readyz".
---@return string body
---@return integer status
function running:probe(path) return http(self.health_url .. path) end

--- Seconds from connecting to the end of the answer, which has to be "ok".
---@return number
function running:heartbeat()
  local pipe = assert(io.popen(("curl -sS --max-time 5 -w ' %%{time_total}' %s/healthz 2>&1"):format(self.health_url)))
  local text = pipe:read("a")
  pipe:close()
  return tonumber(text:match("^ok ([%d.]+)$")) or error("/healthz: " .. text, 2)
end

function running:await_ready()
  local body
  return await(function() return "ready; it says: " .. body .. "\n" .. self:tail() end, function()
    local text, status = self:probe("/readyz")
    body = text
    return status == 200
  end)
end

---@return {name: string, labels: table<string, string>, value: number}[]
function running:metrics()
  local series = {}
  for line in http(self.metrics_url):gmatch("[^\n]+") do
    local name, labels, value = line:match("^([%w_:]+)(%b{}) (%S+)$")
    if not name then name, value = line:match("^([%w_:]+) (%S+)$") end
    if name then
      local one = { name = name, labels = {}, value = tonumber(value) }
      for label, text in (labels or ""):gmatch('([%w_]+)="([^"]*)"') do one.labels[label] = text end
      series[#series + 1] = one
    end
  end
  return series
end

--- Sum of the series of a family that have these labels; a list of values stands for any of them.
---@return number sum
---@return integer count
function running:metric(name, labels)
  local sum, count = 0, 0
  for _, one in ipairs(self:metrics()) do
    local is_meant = one.name == name
    for label, value in pairs(labels or {}) do
      local among = type(value) ~= "table" and one.labels[label] == value
      for _, item in ipairs(type(value) == "table" and value or {}) do among = among or one.labels[label] == item end
      is_meant = is_meant and among
    end
    if is_meant then sum, count = sum + one.value, count + 1 end
  end
  return sum, count
end

--- Waits until so many further runs of K8sGPTs are over.
function running:await_runs(count)
  local function runs() return (self:metric("controller_runtime_reconcile_total")) end
  local from = runs()
  await(count .. " runs", function() return runs() >= from + count end, 0.02)
end

--- What the log sink was told so far.
---@return {change: string, finding: table}[]
function running:news()
  local news = {}
  for _, line in ipairs(self:lines()) do
    if line.logger == "sink.log" then news[#news + 1] = { change = line.msg:match("^finding (%a+)$"), finding = line.finding } end
  end
  return news
end

--- As lines, to compare: "opened Pod default/web crash-loop".
---@return string[]
function running:told()
  local told = {}
  for i, item in ipairs(self:news()) do
    local f = item.finding
    told[i] = ("%s %s %s/%s %s"):format(item.change, f.kind, f.namespace, f.name, f.rule)
  end
  return told
end

--- Waits for a piece of news.
---@param line string as told gives it
---@return table finding
function running:await_news(line)
  return self:await_line(line, function(entry)
    local f = entry.logger == "sink.log" and entry.finding
    if f and ("%s %s %s/%s %s"):format(entry.msg:match("^finding (%a+)$"), f.kind, f.namespace, f.name, f.rule) == line then return f end
  end)
end

--- Waits for a log line with these words in its message or error.
function running:await_log(words)
  return self:await_line("a line about " .. words, function(entry)
    return ((entry.msg or entry.text or "") .. " " .. (entry.error or "")):find(words, 1, true) and entry
  end)
end

return operator
