--- The roles that the operator needs, for the verb rbac: as YAML with who needs what, or as a List in JSON.

local k8sgpt = require "k8sgpt"
local roles = require "k8sgpt.roles"

local array = k8sgpt.array

local function as_json(input)
  local items = array {}
  for _, role in ipairs(roles.of(input)) do
    items[#items + 1] = roles.object(role)
    items[#items + 1] = roles.binding(role, input.account)
  end
  return array { k8sgpt.json_encode({ apiVersion = "v1", kind = "List", items = items }, "pretty") }
end

local WIDTH <const>, MARGIN <const> = 100, "      # "

-- "analyzers/Pod" and "analyzers/Service" are "analyzers Pod, Service".
local function origins(by)
  local parts, kinds = {}, {}
  for _, origin in ipairs(by) do
    local kind, name = origin:match("^([%l ]+)/(%S+)$")
    if kind and kinds[kind] then
      parts[kinds[kind]] = parts[kinds[kind]] .. ", " .. name
    else
      parts[#parts + 1] = kind and kind .. " " .. name or origin
      if kind then kinds[kind] = #parts end
    end
  end
  return table.concat(parts, "; ")
end

local function comment(out, text)
  local line = ""
  for word in text:gmatch("%S+") do
    if line ~= "" and #line + #word >= WIDTH then
      out[#out + 1] = MARGIN .. line .. "\n"
      line = ""
    end
    line = line .. (line ~= "" and " " or "") .. word
  end
  out[#out + 1] = MARGIN .. line .. "\n"
end

local function put_rule(out, rule)
  out[#out + 1] = ('  - apiGroups: [%s]\n    resources:\n'):format(rule.apiGroup == "" and '""' or rule.apiGroup)
  local said
  for _, item in ipairs(rule.resources) do
    local text = origins(item.by)
    if text ~= said then comment(out, text) end
    said = text
    out[#out + 1] = ("      - %s\n"):format(item.name)
  end
  if rule.name then out[#out + 1] = ("    resourceNames: [%s]\n"):format(rule.name) end
  out[#out + 1] = ("    verbs: [%s]\n"):format(table.concat(rule.verbs, ", "))
end

local function put_head(out, kind, name, namespace)
  out[#out + 1] = ("---\napiVersion: %s/v1\nkind: %s\nmetadata:\n  name: %s\n"):format(roles.GROUP, kind, name)
  if namespace then out[#out + 1] = ("  namespace: %s\n"):format(namespace) end
end

local function put_binding(out, role, account)
  put_head(out, role.kind .. "Binding", role.binding, role.namespace)
  out[#out + 1] = ("roleRef:\n  apiGroup: %s\n  kind: %s\n  name: %s\n"):format(roles.GROUP, role.kind, role.name)
  out[#out + 1] = ("subjects:\n  - kind: ServiceAccount\n    name: %s\n    namespace: %s\n"):format(account.name, account.namespace)
end

local function as_yaml(input)
  local out = array { ("# Made by k8sgpt-operator %s rbac: what it may do, and who needs it.\n"):format(input.version) }
  for _, role in ipairs(roles.of(input)) do
    put_head(out, role.kind, role.name, role.namespace)
    out[#out + 1] = "rules:\n"
    for _, rule in ipairs(role.rules) do put_rule(out, rule) end
    put_binding(out, role, input.account)
  end
  return out
end

local function render(_, input) return input.format == "json" and as_json(input) or as_yaml(input) end

return {
  api = 1, kind = "report", name = "rbac", description = "The roles that the operator needs", render = render,
  params = { about = "rights" }, -- not a diagnosis
}
