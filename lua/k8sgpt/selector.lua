--- Label selectors: matchLabels and matchExpressions, all of which must hold (Kubernetes API reference: LabelSelector).

local object = require "k8sgpt.object"

local selector = {}

-- What each operator holds of a label's value (nil: there is no such label) and the listed ones. NotIn holds without the label.
local HOLDS = {
  In = function(value, listed) return value ~= nil and listed[value] ~= nil end,
  NotIn = function(value, listed) return value == nil or listed[value] == nil end,
  Exists = function(value) return value ~= nil end,
  DoesNotExist = function(value) return value == nil end,
}
local WANTS_VALUES = { In = true, NotIn = true }

local function set_of(values)
  local set = {}
  for _, value in ipairs(values or {}) do set[value] = true end
  return set
end

--- The values of an expression.
---@param expression k8sgpt.View|table an entry of matchExpressions
---@return string[]
function selector.values(expression)
  local values = {}
  for i, value in ipairs(expression.values or {}) do values[i] = value end
  return values
end

--- An expression for people: "tier In (db, queue)".
---@param expression k8sgpt.View|table
---@return string
function selector.describe(expression)
  local values, text = selector.values(expression), expression.key .. " " .. expression.operator
  return #values > 0 and ("%s (%s)"):format(text, table.concat(values, ", ")) or text
end

--- All labels and values that a selector names.
---@param wanted? k8sgpt.View|table {matchLabels?, matchExpressions?}
---@return string[]
function selector.names(wanted)
  local names = {}
  for name, value in pairs(object.dig(wanted, "matchLabels") or {}) do table.move({ name, value }, 1, 2, #names + 1, names) end
  for _, expression in ipairs(object.dig(wanted, "matchExpressions") or {}) do
    names[#names + 1] = expression.key
    for _, value in ipairs(selector.values(expression)) do names[#names + 1] = value end
  end
  return names
end

--- Whether labels satisfy a selector. No selector and an empty one are satisfied by any; of an operator that does not exist, nothing
--- is known to hold.
---@param wanted? k8sgpt.View|table {matchLabels?, matchExpressions?}
---@param labels? k8sgpt.View|table<string, string>
---@return boolean
---@return string? unmet the first condition that does not hold, for people
function selector.matches(wanted, labels)
  local pairs_wanted, names = object.dig(wanted, "matchLabels") or {}, {}
  for name in pairs(pairs_wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if object.dig(labels, name) ~= pairs_wanted[name] then return false, name .. "=" .. pairs_wanted[name] end
  end
  for _, expression in ipairs(object.dig(wanted, "matchExpressions") or {}) do
    local holds = HOLDS[expression.operator]
    if not holds or not holds(object.dig(labels, expression.key), set_of(expression.values)) then return false, selector.describe(expression) end
  end
  return true
end

--- What is wrong with a selector, beyond what its schema says.
---@param wanted? k8sgpt.View|table
---@return string? problem for people
function selector.problem(wanted)
  for _, expression in ipairs(object.dig(wanted, "matchExpressions") or {}) do
    local operator, count = expression.operator, #(expression.values or {})
    if not HOLDS[operator] then return ("has an operator %q: write In, NotIn, Exists or DoesNotExist"):format(tostring(operator)) end
    if WANTS_VALUES[operator] and count == 0 then return ("has %s without values: list at least one"):format(selector.describe(expression)) end
    if not WANTS_VALUES[operator] and count > 0 then return ("has %s, which takes no values: leave them out"):format(selector.describe(expression)) end
  end
end

return selector
