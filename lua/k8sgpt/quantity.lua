--- Amounts of resources as Kubernetes writes them: "500Mi", "1.5", "2e3" (Kubernetes API reference: Quantity).

local quantity = {}

local FACTORS = { [""] = 1, n = 1e-9, u = 1e-6, m = 1e-3, k = 1e3, M = 1e6, G = 1e9, T = 1e12, P = 1e15, E = 1e18 }
for i, unit in ipairs { "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" } do FACTORS[unit] = 1024.0 ^ i end

--- Its value, near enough to compare.
---@param text any
---@return number? nil for what is none
function quantity.value(text)
  if math.type(text) then return text end
  if type(text) ~= "string" then return nil end
  local number, unit = text:match("^([+-]?%d*%.?%d*)([A-Za-z]*)$")
  if not unit then number, unit = text:match("^([+-]?%d*%.?%d*[eE][+-]?%d+)$"), "" end
  local value, factor = tonumber(number or ""), FACTORS[unit]
  return value and factor and value * factor
end

return quantity
