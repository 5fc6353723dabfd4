--- HTTP requests of tests, by curl.

local json = require "cjson"
local program = require "support.program"

local web = {}

local TOO_MANY_REQUESTS <const> = 429

--- One request.
---@param options? {method?: string, accept?: string, type?: string, body?: string, seconds?: number, flags?: string[]} `flags`: further ones of curl
---@return string body
---@return integer status 0 when nobody answered
---@return string headers
function web.http(url, options)
  options = options or {}
  local words = { "curl", "-sS", "-i", "--max-time", tostring(options.seconds or 5), "-X", options.method or "GET" }
  local function add(...) table.move({ ... }, 1, select("#", ...), #words + 1, words) end
  add("-H", "Accept: " .. (options.accept or "application/json"), table.unpack(options.flags or {}))
  local path = options.body and os.tmpname()
  if path then
    program.write(path, options.body)
    add("-H", "Content-Type: " .. (options.type or "application/json"), "--data-binary", "@" .. path)
  end
  add(url)
  local text = program.run(words)
  if path then os.remove(path) end
  text = text:gsub("\r\n", "\n"):gsub("^HTTP/%S+ 100[^\n]*\n\n", "")
  local head, body = text:match("^(HTTP/.-\n)\n(.*)$")
  if not head then return text, 0, "" end
  return body, math.tointeger(head:match("^HTTP/%S+ (%d+)")), head
end

--- Several things at once, on one connection.
---@param urls string[]
---@param flags? string[] further ones of curl
---@return {body: string, status: integer}[] in the order of the URLs
function web.get_all(urls, flags)
  local words = { "curl", "-sS", "--max-time", "5", "-w", "\n=%{http_code}\n", table.unpack(flags or {}) }
  table.move(urls, 1, #urls, #words + 1, words)
  local answers = {}
  for body, status in program.run(words):gmatch("(.-)\n=(%d+)\n") do answers[#answers + 1] = { body = body, status = math.tointeger(status) } end
  return answers
end

--- Also as the YAML that an apply patch is, which knows no \/.
local function encode(value) return (json.encode(value):gsub("\\/", "/")) end

--- The decoded answer; an error when the server refuses, at the level that error() counts from here. One that says to come back later, as
--- kube-apiserver does while it makes the storage of a new CRD, is asked again.
---@param send fun(options: table): string, integer one request, as web.http has its options
---@return any
function web.request(send, method, path, body, content_type, accept, level)
  local text, status
  program.await(function() return ("%s %s: %d %s"):format(method, path, status, text) end, function()
    text, status = send { method = method, body = body and encode(body), type = content_type, accept = accept }
    return status ~= TOO_MANY_REQUESTS
  end, 0.2)
  if status < 200 or status > 299 then error(("%s %s: %d %s"):format(method, path, status, text), level) end
  return json.decode(text)
end

return web
