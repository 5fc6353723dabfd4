--- Test tables of policies whose objects bear names that nobody could have in a text by chance.

local mask = require "k8sgpt.mask"

local canaries = {}

--- What every name begins with: characters that mean something to patterns. Names that were prefixes of each other still are.
canaries.MARK = "zq.+("

local function set(words)
  local out = {}
  for word in words:gmatch("%S+") do out[word] = true end
  return out
end

-- Fields that name something of the cluster; of labels and selectors, all values do.
local NAMING = set [[
  name namespace host hostname image ref nodeName claimName secretName serviceName serviceAccountName ingressClassName
  storageClassName gatewayClassName volumeName ip address controllerName controller job_name server container
]]
local MAPS = set "labels matchLabels selector"

-- Fields with a vocabulary of their own.
local FIXED_FIELDS = set [[
  apiVersion kind type reason status phase rule operator result severity checkID vulnerabilityID mode failurePolicy
  addressType restartPolicy volumeBindingMode apiGroup group
]]

-- Names that mean something to Kubernetes or to a policy, of ports, and words that messages have as well.
local FIXED_NAMES = set [[
  default kube-system cluster-admin prometheus http https admin metrics use-annotation catalog config ReplicaSet true false null
]]

-- The scalar at a place: quoted, or plain with colons that end no key. Within brackets plain ones end earlier.
local function scalar_at(text, at, is_flow)
  local scalar = text:match('^"[^"\n]*"', at) or text:match("^'[^'\n]*'", at)
  if scalar then return scalar end
  scalar = text:match(is_flow and "^[^,%[%]{}:\n]+" or "^[^:\n]+", at) or text:sub(at, at)
  local more = text:match(is_flow and "^:[^%s,%[%]{}:]+[^,%[%]{}:\n]*" or "^:[^%s:]+[^:\n]*", at + #scalar)
  while more do
    scalar = scalar .. more
    more = text:match(is_flow and "^:[^%s,%[%]{}:]+[^,%[%]{}:\n]*" or "^:[^%s:]+[^:\n]*", at + #scalar)
  end
  return scalar
end

-- Where in a text of YAML we are: the last key, how deep in brackets, how far indented, and where the labels began.
local Place = {}
Place.__index = Place

function Place:blank(piece)
  local fresh = piece:match("\n( *)$")
  if not fresh then return end
  self.indent = #fresh
  if self.map_indent and self.indent <= self.map_indent then self.map_indent = nil end
end

function Place:bracket(piece)
  self.depth = self.depth + ((piece == "{" or piece == "[") and 1 or -1)
  if piece == "{" and self.map_indent == self.indent and MAPS[self.key] then self.map_depth, self.map_indent = self.depth, nil end
  if self.map_depth and self.depth < self.map_depth then self.map_depth = nil end
end

function Place:enter(key)
  self.key = key
  if MAPS[key] and not self.map_depth and not self.map_indent then self.map_indent = self.indent end
end

function Place:in_labels() return self.map_depth ~= nil or self.map_indent ~= nil and self.indent > self.map_indent end

-- Scalars of a YAML text, in its style of the test tables: `each` gets whether one is a key, the last key before it and whether
-- that is within labels, and returns what to write in its place.
---@param text string
---@param each fun(scalar: string, is_key: boolean, key: string, in_labels: boolean): string
---@return string
local function rewrite(text, each)
  local out, at, place = {}, 1, setmetatable({ key = "", depth = 0, indent = 0 }, Place)
  while at <= #text do
    local blank = text:match("^[%s,:]+", at) or text:match("^%- ", at) or text:match("^#[^\n]*", at) or text:match("^[|>][-+]?%s*\n", at)
    local bracket = text:match("^[%[%]{}]", at)
    local piece = blank or bracket or scalar_at(text, at, place.depth > 0)
    local written = piece
    if blank then
      place:blank(piece)
    elseif bracket then
      place:bracket(piece)
    else
      local is_key = text:find("^:[%s]", at + #piece) ~= nil
      written = each(piece, is_key, place.key, place:in_labels())
      if is_key then place:enter(piece) end
    end
    out[#out + 1], at = written, at + #piece
  end
  return table.concat(out)
end

local function bare(scalar) return scalar:match("^[\"'](.*)[\"']$") or scalar end

--- The names in a text of objects.
---@param text string YAML
---@param names table<string, true> they are added
function canaries.collect(text, names)
  rewrite(text, function(scalar, is_key, key, in_labels)
    local name = bare(scalar)
    local is_name = not is_key and (in_labels or NAMING[key]) and not FIXED_NAMES[name]
    if is_name and #name > 1 and not tonumber(name) and not name:find("^[/%s-]") and not name:find("^system:") then names[name] = true end
    return scalar
  end)
end

--- The text with other names.
---@param text string YAML
---@param names table<string, true>
---@return string
function canaries.plant(text, names)
  local known = {}
  for name in pairs(names) do known[#known + 1] = { unmasked = name, masked = canaries.MARK .. name } end
  return (rewrite(text, function(scalar, is_key, key)
    if is_key or FIXED_FIELDS[key] then return scalar end
    local planted = mask.hide(bare(scalar), known)
    if planted == bare(scalar) then return scalar end
    local quote = scalar:match("^[\"']") or "'"
    return quote .. (scalar:find("^[\"']") and planted or planted:gsub("'", "''")) .. quote
  end))
end

return canaries
