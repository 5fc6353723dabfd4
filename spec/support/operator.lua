--- A cluster with the CRDs in it and the operator at work on it, each made for one test.
--
--   local operator = require "support.operator"
--   local cluster = operator.cluster { objects.k8sgpt(), objects.crash_loop("web") }
--   local op = cluster:operator()
--   cluster:await_result("Pod default/web")
--   operator.clean()                        -- after each test

local json = require "cjson"
local program = require "support.program"
local web = require "support.web"

local operator = { clean = program.clean, await = program.await }
operator.BINARY = os.getenv("K8SGPT_OPERATOR") or (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"

local await = program.await

local http = web.http
operator.http = http

--------------------------------------------------------------------------------------------------------------------------------
-- The cluster
--------------------------------------------------------------------------------------------------------------------------------

local cluster = {}
cluster.__index = cluster

local CRDS <const> = { "crd/core.k8sgpt.ai_k8sgpts.yaml", "crd/core.k8sgpt.ai_results.yaml", "crd/core.k8sgpt.ai_mutations.yaml" }
operator.CRDS = CRDS

local function plural(kind) return kind:lower() .. (kind:sub(-1) == "s" and "es" or "s") end

--- Path of an object, or with `collection` of the list that it is in.
local function path_of(object, collection)
  local meta = object.metadata
  local root = object.apiVersion:find("/", 1, true) and "/apis/" or "/api/"
  local scope = object.kind == "Namespace" and "" or "/namespaces/" .. (meta.namespace or "default")
  return ("%s%s%s/%s%s"):format(root, object.apiVersion, scope, plural(object.kind), collection and "" or "/" .. meta.name)
end
operator.path_of = path_of

--- The embedded API server, or with CLUSTER=real in the environment a real one.
local backend = require(os.getenv("CLUSTER") == "real" and "support.real_cluster" or "support.embedded_cluster")

--- Starts a cluster that has these objects, stored as they are.
---@param objects? table[]
---@param options? {crds?: boolean, deny?: string[], listen?: string, load?: string[]} load: files with further objects
function operator.cluster(objects, options)
  options = options or {}
  local server = backend.start(operator.BINARY, options.crds == false and {} or CRDS, objects or {}, options, plural)
  return setmetatable({ server = server, kubeconfig = server.kubeconfig, url = server.url, address = server.address }, cluster)
end

--- Ends the API server, and with it all watches.
function cluster:stop() self.server:stop() end

--- Moves with every write of anybody.
---@return string
function cluster:version() return self.server:version() end

--- One request; `options` as support.web has them.
---@return string body
---@return integer status 0 when nobody answered
---@return string headers
function cluster:http(path, options) return self.server:http(path, options) end

--- The decoded answer; an error when the server refuses.
---@return any
function cluster:request(method, path, body, content_type, accept)
  return (web.request(function(options) return self:http(path, options) end, method, path, body, content_type, accept, 3))
end

function cluster:get(path, accept) return self:request("GET", path, nil, nil, accept) end

--- What there is of these objects.
---@param paths string[]
---@return table[] objects; false for one that is not there
function cluster:get_all(paths)
  local urls, objects = {}, {}
  for i, path in ipairs(paths) do urls[i] = self.url .. path end
  for i, answer in ipairs(web.get_all(urls, self.server.flags())) do objects[i] = answer.status == 200 and json.decode(answer.body) end
  return objects
end

--- Follows an object: a program whose lines are watch events. Whoever starts it kills it.
function cluster:watch(object)
  local path = ("%s?watch=1&fieldSelector=metadata.name=%s"):format(path_of(object, true), object.metadata.name)
  return program.start({ "curl", "-sSN", self.url .. path, table.unpack(self.server.flags()) }, { lasting = program.folder() })
end

---@return table? nil when it does not exist
function cluster:find(object)
  local text, status = self:http(path_of(object))
  return status == 200 and json.decode(text) or nil
end

--- Creates an object and gives it its status, as the API server and a controller do.
---@return table as it is stored
function cluster:create(object)
  local namespace = object.metadata.namespace
  if namespace and namespace ~= "default" and object.kind ~= "Namespace" then
    self:http("/api/v1/namespaces", { method = "POST", body = json.encode({ metadata = { name = namespace } }) }) -- may be there
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

--- What a real API server has to itself, and leaves without endpoints while it starts.
local OWN <const> = "default/kubernetes"

--- What is under "Kind namespace/name" of the faulty object. The status of a Result is a write of its own: without it, it is not there yet.
---@return table<string, table>
function cluster:results(namespace)
  local found = {}
  for _, result in ipairs(self:get(("/apis/core.k8sgpt.ai/v1alpha1/namespaces/%s/results"):format(namespace or "default")).items) do
    if result.status and result.spec.name ~= OWN then found[result.spec.kind .. " " .. result.spec.name] = result end
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

---@return table of a K8sGPT; empty before the operator has said anything about it
function cluster:status(k8sgpt) return (self:find(k8sgpt) or {}).status or {} end

---@return table<string, table> conditions by type
function cluster:conditions(k8sgpt)
  local found = {}
  for _, condition in ipairs(self:status(k8sgpt).conditions or {}) do found[condition.type] = condition end
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

--- How long it was at work while it answered such a request: what waits for a busy machine counts for nothing.
---@return number seconds of its processor time, in steps of 0.01
function running:heartbeat_work()
  local before = self:cpu_seconds()
  self:heartbeat()
  return self:cpu_seconds() - before
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
