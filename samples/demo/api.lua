--- What the demo asks of the API server, with curl.

local json = require "cjson"
local process = require "process"

local api = {}
api.__index = api

local RESULTS = "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results"

---@param kubeconfig string path
---@return table
function api.of_kubeconfig(kubeconfig)
  local file <close> = assert(io.open(kubeconfig))
  local text = file:read("a")
  local token = text:match('token"?:%s*"?([^%s",]+)')
  return setmetatable({
    server = assert(text:match('server"?:%s*"?([^%s",]+)'), "no server in " .. kubeconfig),
    curl = "curl -sSk --max-time " .. process.LIMIT_SECONDS .. (token and " -H " .. process.quote("Authorization: Bearer " .. token) or ""),
  }, api)
end

---@param method string
---@param path string
---@param options? {accept?: string, type?: string, file?: string, body?: table}
---@return any body decoded when it is JSON
---@return integer status
function api:request(method, path, options)
  options = options or {}
  local command = { self.curl, "-X", method, "-w", [['\n%{http_code}']], "-H", process.quote("Accept: " .. (options.accept or "application/json")) }
  local body = options.body and json.encode(options.body)
  if options.type then table.insert(command, "-H " .. process.quote("Content-Type: " .. options.type)) end
  if options.file then table.insert(command, "--data-binary @" .. process.quote(options.file)) end
  if body then table.insert(command, "--data-binary " .. process.quote(body)) end
  table.insert(command, process.quote(self.server .. path))
  local output = process.capture(table.concat(command, " ") .. " 2>&1")
  local text, status = output:match("^(.*)\n(%d+)$")
  if not text then process.fail("%s %s: %s", method, path, output) end
  local decoded, value = pcall(json.decode, text)
  return decoded and value or text, math.tointeger(status)
end

local function check(method, path, value, status)
  if status < 200 or status > 299 then
    process.fail("%s %s: %d %s", method, path, status, type(value) == "table" and value.message or tostring(value))
  end
  return value
end

function api:get(path, accept)
  return check("GET", path, self:request("GET", path, { accept = accept }))
end

--- Server-side apply of a YAML file.
function api:apply(path, file)
  local url = path .. "?fieldManager=demo&force=true"
  return check("PATCH", url, self:request("PATCH", url, { type = "application/apply-patch+yaml", file = file }))
end

function api:merge(path, patch)
  return check("PATCH", path, self:request("PATCH", path, { type = "application/merge-patch+json", body = patch }))
end

---@return table a meta.k8s.io/v1 Table of the Results
function api:result_table()
  return self:get(RESULTS, "application/json;as=Table;v=v1;g=meta.k8s.io")
end

--- Waits until the Results are as wanted.
---@param what string for the message when they do not become so
---@param accept fun(results: table<string, table>): boolean by "Kind namespace/name" of the object
function api:await_results(what, accept)
  local list = self:get(RESULTS)
  local results = {}
  local function put(result) results[result.spec.kind .. " " .. result.spec.name] = result end
  local function drop(result) results[result.spec.kind .. " " .. result.spec.name] = nil end
  for _, result in ipairs(list.items) do put(result) end
  if accept(results) then return end
  local url = ("%s%s?watch=1&resourceVersion=%s&timeoutSeconds=%d"):format(self.server, RESULTS, list.metadata.resourceVersion, process.LIMIT_SECONDS)
  local done = process.await(self.curl .. " -N " .. process.quote(url), function(line)
    local event = json.decode(line)
    if event.type == "ERROR" then process.fail("watch of Results: %s", event.object.message) end
    if event.type == "DELETED" then drop(event.object) elseif event.type ~= "BOOKMARK" then put(event.object) end
    return accept(results)
  end)
  if not done then process.fail("the API server has no such Results within %d s: %s", process.LIMIT_SECONDS, what) end
end

return api
