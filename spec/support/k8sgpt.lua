--- Stand-in for the module that the C host provides, so that Lua libraries and policies can be tested without it. The same contract: meta.lua.

local k8sgpt = { null = setmetatable({}, { __tostring = function() return "null" end }) }

local arrays = setmetatable({}, { __mode = "k" })

function k8sgpt.array(list)
  arrays[list] = true
  return list
end

local K = {}
do -- FIPS 180-4: the fractional parts of the cube roots of the first 64 primes
  local n = 2
  while #K < 64 do
    local prime = true
    for d = 2, math.floor(n ^ 0.5) do prime = prime and n % d ~= 0 end
    if prime then K[#K + 1] = math.floor((n ^ (1 / 3) % 1) * 2 ^ 32) end
    n = n + 1
  end
end

local function rotate(x, n) return ((x >> n) | (x << (32 - n))) & 0xffffffff end

local function compress(h, w)
  for i = 17, 64 do
    local s0 = rotate(w[i - 15], 7) ~ rotate(w[i - 15], 18) ~ (w[i - 15] >> 3)
    local s1 = rotate(w[i - 2], 17) ~ rotate(w[i - 2], 19) ~ (w[i - 2] >> 10)
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & 0xffffffff
  end
  local v = table.move(h, 1, 8, 1, {})
  for i = 1, 64 do
    local e, a = v[5], v[1]
    local t1 = v[8] + (rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)) + ((e & v[6]) ~ (~e & v[7])) + K[i] + w[i]
    local t2 = (rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)) + ((a & v[2]) ~ (a & v[3]) ~ (v[2] & v[3]))
    table.move(v, 1, 7, 2)
    v[5], v[1] = (v[5] + t1) & 0xffffffff, (t1 + t2) & 0xffffffff
  end
  for i = 1, 8 do h[i] = (h[i] + v[i]) & 0xffffffff end
end

local function digest(text)
  local h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
  local padded = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. (">I8"):pack(#text * 8)
  for at = 1, #padded, 64 do
    compress(h, { (">I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4"):unpack(padded, at) })
  end
  return (">I4I4I4I4I4I4I4I4"):pack(table.unpack(h))
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

function k8sgpt.sha256(input)
  if type(input) == "string" then return hex(digest(input)) end
  local parts = {}
  for i, part in ipairs(input) do parts[i] = (">I8"):pack(#part) .. part end
  return hex(digest(table.concat(parts)))
end

function k8sgpt.hmac_sha256(key, message)
  if #key > 64 then key = digest(key) end
  key = key .. ("\0"):rep(64 - #key)
  local function xor(byte)
    return (key:gsub(".", function(c) return string.char(c:byte() ~ byte) end))
  end
  return hex(digest(xor(0x5c) .. digest(xor(0x36) .. message)))
end

local function cuts(text, at) return text:sub(at - 1, at):find("^[%w_][%w_]$") ~= nil end

-- The next place of a value, from byte `from` on.
local function find(text, value, from, whole_words)
  local first, last = text:find(value, from, true)
  if not first or not whole_words or not (cuts(text, first) or cuts(text, last + 1)) then return first, last end
  return find(text, value, first + 1, whole_words)
end

-- Pieces at odd places are still open to replacement, those at even places are replaced.
local function split(pieces, value, by, whole_words)
  local out, hit = {}, false
  for i, piece in ipairs(pieces) do
    local from = 1
    local first, last = nil, nil
    if i % 2 == 1 then first, last = find(piece, value, 1, whole_words) end
    while first do
      out[#out + 1], out[#out + 2], hit, from = piece:sub(from, first - 1), by, true, last + 1
      first, last = find(piece, value, from, whole_words)
    end
    out[#out + 1] = piece:sub(from)
  end
  return out, hit
end

function k8sgpt.replace(text, by, where)
  local order, pieces, hits = {}, { text }, {}
  for value in pairs(by) do
    if value ~= "" then order[#order + 1] = value end
  end
  table.sort(order, function(a, b)
    if #a ~= #b then return #a > #b end
    return a < b
  end)
  for _, value in ipairs(order) do
    local hit
    pieces, hit = split(pieces, value, by[value], where ~= "anywhere")
    if hit then hits[#hits + 1] = value end
  end
  return table.concat(pieces), hits
end

function k8sgpt.names_with(text, value)
  local names = {}
  local first, last = find(text, value, 1, true)
  while value ~= "" and first do
    local before = text:sub(1, first - 1):match("[%w_.-]*$"):match("[%w_].*") or ""
    local after = text:sub(last + 1):match("^[%w_.-]*"):match(".*[%w_]") or ""
    names[#names + 1] = before .. value .. after
    first, last = find(text, value, last + #after + 1, true)
  end
  return names
end

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text, style)
  text = text:gsub('[%c"\\]', function(c) return SHORT[c] or ("\\u%04x"):format(c:byte()) end)
  if style == "go" then
    text = text:gsub("[<>&]", function(c) return ("\\u%04x"):format(c:byte()) end)
    text = text:gsub("\u{2028}", "\\u2028"):gsub("\u{2029}", "\\u2029")
  end
  return '"' .. text .. '"'
end

function k8sgpt.json_encode(value, style)
  if value == k8sgpt.null then return "null" end
  if type(value) == "string" then return quote(value, style) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if arrays[value] or value[1] ~= nil then
    for i, item in ipairs(value) do parts[i] = k8sgpt.json_encode(item, style) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quote(key, style) .. ":" .. k8sgpt.json_encode(value[key], style) end
  return "{" .. table.concat(parts, ",") .. "}"
end

function k8sgpt.copy(view)
  if type(view) ~= "table" or view == k8sgpt.null then return view end
  local out = {}
  for key, value in pairs(view) do out[key] = k8sgpt.copy(value) end
  return arrays[view] and k8sgpt.array(out) or out
end

function k8sgpt.is_null(view, key) return rawget(view, key) == k8sgpt.null end

function k8sgpt.type(value)
  if value == nil or value == k8sgpt.null then return "null" end
  if type(value) == "table" then return (arrays[value] or value[1] ~= nil) and "array" or "object" end
  return math.type(value) or type(value)
end

function k8sgpt.dig(obj, ...)
  for i = 1, select("#", ...) do
    local kind = type(obj)
    if kind ~= "table" and kind ~= "userdata" then return nil end
    obj = obj[(select(i, ...))]
  end
  return obj
end

return k8sgpt
