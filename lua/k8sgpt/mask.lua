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

--- Replaces what is sensitive, and longer names that begin or end with it.
---@param text string
---@param sensitive string[]
---@param key string from mask.key
---@return string text
---@return {unmasked: string, masked: string}[] pairs those that occur, the longest first
function mask.apply(text, sensitive, key)
  local masks, found = {}, {}
  for _, value in ipairs(sensitive) do
    for _, name in ipairs(k8sgpt.names_with(text, value)) do masks[name] = masks[name] or mask.of(name, key) end
  end
  local masked, hits = k8sgpt.replace(text, masks)
  for i, name in ipairs(hits) do found[i] = { unmasked = name, masked = masks[name] } end
  return masked, found
end

--- As apply, with pairs that there are already.
---@param text string
---@param known {unmasked: string, masked: string}[]
---@return string
function mask.hide(text, known)
  local masks = {}
  for _, pair in ipairs(known) do masks[pair.unmasked] = pair.masked end
  return (k8sgpt.replace(text, masks))
end

--- Puts the names back into an answer.
---@param text string
---@param known {unmasked: string, masked: string}[]
---@return string
function mask.restore(text, known)
  local names = {}
  for _, pair in ipairs(known) do names[pair.masked] = pair.unmasked end
  return (k8sgpt.replace(text, names, "anywhere")) -- two masks may stand side by side
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
