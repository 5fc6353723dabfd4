--- What custom analyzers and engines report (schema.v1.Result), as objects with failures for ctx.report.
--
-- They know neither rules nor keys: the text of a failure, without what changes from one run to the next, stands for both.

local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

local text = object.text

local reported = { RULE = "reported" }

-- Whatever a peer says becomes an object of the API server, which takes 1.5 MB at most.
local MAX_NAME, MAX_KEY, MAX_TEXT, MAX_FAILURES, MAX_ALL = 253, 200, 16 * 1024, 200, 256 * 1024

-- At most so many bytes, and no part of a character.
local function cut(words, most)
  if #words <= most then return words end
  local last = most - #"…"
  while last > 0 and words:byte(last + 1) & 0xC0 == 0x80 do last = last - 1 end
  return words:sub(1, last) .. "…"
end

-- A word at a time: "%w*%d%w*" would look at a word without digits from each of its letters anew.
local function without_digits(word) return word:find("%d") and "#" or word end

--- A text as what it says of any run: every word that has a digit in it (numbers, hashes, addresses, times) is "#".
---@param words string
---@return string key of at most 200 bytes, the same for texts that differ in such words only
function reported.key(words)
  local key = cut(words, MAX_TEXT):gsub("%w+", without_digits):gsub("%s+", " "):gsub("#[#.:,-]*#", "#")
  if #key <= MAX_KEY then return key end
  return cut(key, MAX_KEY - 9) .. "-" .. k8sgpt.sha256(key):sub(1, 8)
end

local function pairs_of(sensitive)
  local list = {}
  for _, item in ipairs(sensitive or {}) do
    if text(item.unmasked) and text(item.masked) then list[#list + 1] = { unmasked = item.unmasked, masked = item.masked } end
  end
  return k8sgpt.array(list)
end

-- The same key a second time is the second of its kind.
local function distinct(key, seen)
  seen[key] = (seen[key] or 0) + 1
  return seen[key] == 1 and key or ("%s (%d)"):format(key, seen[key])
end

local function failures_of(errors)
  local list, seen, bytes = {}, {}, 0
  for _, item in ipairs(errors or {}) do
    local words = text(item.text)
    if words and #list < MAX_FAILURES and bytes < MAX_ALL then
      words = cut(words, MAX_TEXT)
      bytes = bytes + #words
      list[#list + 1] = { rule = reported.RULE, key = distinct(reported.key(words), seen), text = words, sensitive = pairs_of(item.sensitive) }
    end
  end
  return k8sgpt.array(list)
end

-- Engines name objects "namespace/name", cluster-scoped ones "name", some "/name"; what is shown is what they say.
local function place_of(name)
  local namespace, rest = name:match("^([^/]+)/(.+)$")
  if namespace then return namespace, rest end
  return "", (name:gsub("^/+", ""))
end

--- An object with its failures; nil when the result says nothing: no object, or nothing wrong with it.
---@param result k8sgpt.View|table schema.v1.Result
---@param analyzer? string who reports; nil: engines name their analyzers after kinds
---@param is_explained? boolean false: nobody was asked for details, those of before stay
---@return k8sgpt.Reported?
function reported.object(result, analyzer, is_explained)
  local shown = cut(text(result.name) or analyzer or "", MAX_NAME)
  local kind = cut(text(result.kind) or analyzer or "", MAX_NAME)
  local failures = failures_of(result.error)
  local namespace, name = place_of(shown)
  if name == "" or kind == "" or #failures == 0 then return nil end
  if shown:sub(1, 1) == "/" then
    for _, failure in ipairs(failures) do failure.as = { name = shown } end
  end
  return {
    analyzer = analyzer or kind, kind = kind, namespace = namespace, name = name,
    parentObject = text(result.parentObject) or "", failures = failures,
    details = is_explained ~= false and cut(result.details or "", MAX_ALL) or nil,
  }
end

return reported
