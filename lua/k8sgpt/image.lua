--- Names of container images (grammar: github.com/distribution/reference): [host[:port]/]path[:tag][@digest].

local image = {}

local function is_tag(text) return #text <= 128 and text:find("^[%w_][%w_.-]*$") ~= nil end

local function is_digest(text)
  local algorithm, hex = text:match("^([%w+._-]+):(%x+)$")
  return algorithm ~= nil and algorithm:find("^%a") ~= nil and #hex >= 32
end

-- Lower case, with single dots, one or two underscores or any number of dashes between the rest.
local function is_component(text)
  if not text:find("^%l") and not text:find("^%d") then return false end
  if not text:find("[%l%d]$") or text:find("[^%l%d._-]") then return false end
  for separator in text:gmatch("[._-]+") do
    if separator ~= "." and separator ~= "_" and separator ~= "__" and separator:find("[^-]") then return false end
  end
  return true
end

local function is_host(text)
  local name = text:match("^(.-):%d+$") or text
  for label in (name .. "."):gmatch("(.-)%.") do
    if not label:find("^%w[%w-]*$") or label:sub(-1) == "-" then return false end
  end
  return true
end

-- As the reference implementation tells hosts from paths: a dot, a port or capitals, or the name localhost.
local function looks_like_host(text) return text:find("[.:%u]") ~= nil or text == "localhost" end

--- Whether a text names an image in the way that registries and container runtimes take it.
---@param text string
---@return boolean
function image.is_reference(text)
  local rest, digest = text:match("^(.-)@(.*)$")
  if digest and not is_digest(digest) then return false end
  rest = rest or text
  local name, tag = rest:match("^(.+):([^/]*)$")
  if tag and not is_tag(tag) then return false end
  local host, path = (name or rest):match("^([^/]+)/(.+)$")
  if not host or not looks_like_host(host) then host, path = nil, name or rest end
  if host and not is_host(host) then return false end
  for component in (path .. "/"):gmatch("(.-)/") do
    if not is_component(component) then return false end
  end
  return true
end

--- Whether a text ends in a digest that fixes the image for good: @sha256: and 64 hex digits in lower case.
---@param text string
---@return boolean
function image.is_pinned(text)
  local hex = text:match("@sha256:([%da-f]+)$")
  return hex ~= nil and #hex == 64
end

return image
