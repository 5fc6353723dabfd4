--- Masks for names that must not leave the cluster.
--
-- A mask is "masked-" and the first 12 hex digits of HMAC-SHA-256(key, value): the same in every run, so that caches of answers
-- hit and texts stay equal, and of no use to whoever lacks the key. Unlike upstream's (fresh random bytes a run, an unescaped
-- pattern), values are literal, whole words only, the longest first, and a mask is never masked again. A longer name that begins or ends
-- with one, as those of pods do with their workload's, is masked as a whole.

local k8sgpt = require "k8sgpt"

local mask = {}

local PREFIX, DIGITS = "masked-", 12

-- The same few names come again and again: those that were masked last, by the key that was used last.
local MAX_KNOWN = 500
local cache, cache_key, count = {}, nil, 0

--- The key of one K8sGPT in one cluster.
---@param cluster string what identifies the cluster: the uid of namespace kube-system
---@param uid string metadata.uid of the K8sGPT
---@return string
function mask.key(cluster, uid) return k8sgpt.sha256({ "k8sgpt.mask", cluster, uid }) end

---@param value string
---@param key string
---@return string
function mask.of(value, key)
  if key ~= cache_key or count == MAX_KNOWN then cache, cache_key, count = {}, key, 0 end
  local masked = cache[value]
  if not masked then
    masked = PREFIX .. k8sgpt.hmac_sha256(key, value):sub(1, DIGITS)
    cache[value], count = masked, count + 1
  end
  return masked
end

-- What a word, and what a name, is made of, by byte.
local WORD, NAME = {}, { [("."):byte()] = true, [("-"):byte()] = true }
for byte = 0, 255 do
  if string.char(byte):find("^[%w_]") then WORD[byte], NAME[byte] = true, true end
end

local function is_word(text, at) return WORD[text:byte(at)] end

-- A match counts unless it cuts a word: "app" is not in "myapp", but it is in "my-app".
local function is_whole(text, first, last)
  local cut_before = first > 1 and is_word(text, first - 1) and is_word(text, first)
  local cut_after = last < #text and is_word(text, last) and is_word(text, last + 1)
  return not cut_before and not cut_after
end

local function find_plain(text, value, from) return text:find(value, from, true) end

local function find_whole(text, value, from)
  local first, last = find_plain(text, value, from)
  while first and not is_whole(text, first, last) do first, last = find_plain(text, value, first + 1) end
  return first, last
end

-- Pieces at odd places are still open to replacement, those at even places are replaced.
local function split(pieces, value, replacement, find)
  local out, hit = {}, false
  for i, piece in ipairs(pieces) do
    local from = 1
    if i % 2 == 1 then
      local first, last = find(piece, value, 1)
      while first do
        hit = true
        out[#out + 1] = piece:sub(from, first - 1)
        out[#out + 1] = replacement
        from = last + 1
        first, last = find(piece, value, from)
      end
    end
    out[#out + 1] = piece:sub(from)
  end
  return out, hit
end

local function longest_first(a, b)
  if #a ~= #b then return #a > #b end
  return a < b
end

local function replace(text, map, find)
  local order = {}
  for value in pairs(map) do
    if value ~= "" then order[#order + 1] = value end
  end
  table.sort(order, longest_first)
  local pieces, hits = { text }, {}
  for _, value in ipairs(order) do
    local hit
    pieces, hit = split(pieces, value, map[value], find)
    if hit then hits[#hits + 1] = value end
  end
  return table.concat(pieces), hits
end

-- The name that a match is part of: what is called after something, by - or . and more, gives it away.
local function whole_name(text, first, last)
  local from, to = first, last
  while NAME[text:byte(from - 1)] do from = from - 1 end
  while NAME[text:byte(to + 1)] do to = to + 1 end
  while from < first and not is_word(text, from) do from = from + 1 end
  while to > last and not is_word(text, to) do to = to - 1 end
  return text:sub(from, to), to
end

local function add_whole_names(text, value, map, key)
  local first, last = find_whole(text, value, 1)
  while first do
    local name, to = whole_name(text, first, last)
    map[name] = mask.of(name, key)
    first, last = find_whole(text, value, to + 1)
  end
end

--- Replaces what is sensitive, and longer names that begin or end with it.
---@param text string
---@param sensitive string[]
---@param key string from mask.key
---@return string text
---@return {unmasked: string, masked: string}[] pairs those that occur, the longest first
function mask.apply(text, sensitive, key)
  local map, found = {}, {}
  for _, value in ipairs(sensitive) do
    if value ~= "" then
      map[value] = mask.of(value, key)
      add_whole_names(text, value, map, key)
    end
  end
  local masked, hits = replace(text, map, find_whole)
  for i, value in ipairs(hits) do found[i] = { unmasked = value, masked = map[value] } end
  return masked, found
end

--- As apply, with pairs that there are already.
---@param text string
---@param known {unmasked: string, masked: string}[]
---@return string
function mask.hide(text, known)
  local map = {}
  for _, pair in ipairs(known) do map[pair.unmasked] = pair.masked end
  return (replace(text, map, find_whole))
end

--- Puts the names back into an answer.
---@param text string
---@param known {unmasked: string, masked: string}[]
---@return string
function mask.restore(text, known)
  local map = {}
  for _, pair in ipairs(known) do map[pair.masked] = pair.unmasked end
  return (replace(text, map, find_plain)) -- two masks may stand side by side
end

--- What is sensitive in a text: the names given, and whatever stands in double quotes, as Kubernetes quotes names in its messages.
---@param text string
---@param ... string? names
---@return string[]
function mask.sensitive(text, ...)
  local out, seen = {}, {}
  local function add(value)
    if value and value ~= "" and not seen[value] and text:find(value, 1, true) then
      seen[value] = true
      out[#out + 1] = value
    end
  end
  for i = 1, select("#", ...) do add((select(i, ...))) end
  for quoted in text:gmatch('"([^"]+)"') do add(quoted) end
  return out
end

--- Adds names that the evidence of a failure shows, and its text need not.
---@param failure k8sgpt.Failure
---@param ... string? names
---@return k8sgpt.Failure the same
function mask.also(failure, ...)
  local seen = {}
  failure.sensitive = failure.sensitive or {}
  for _, value in ipairs(failure.sensitive) do seen[value] = true end
  for i = 1, select("#", ...) do
    local value = (select(i, ...))
    if value and value ~= "" and not seen[value] then
      seen[value] = true
      table.insert(failure.sensitive, value)
    end
  end
  return failure
end

return mask
