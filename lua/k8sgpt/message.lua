--- What sinks tell people of a finding. Fields, texts and colours are upstream's, which tells of open faults only; what changed or is
--- over reads alike.

local k8sgpt = require "k8sgpt"
local result = require "k8sgpt.result"

local message = {}

-- What stands behind the title of news that upstream has not.
local SUFFIX = { opened = "", changed = ": severity is now %s", resolved = ": resolved" }

--- An object's JSON with its keys in the order given, as Go would write it. An empty string and nil are left out.
---@param fields {[1]: string, [2]: string?, raw?: string}[] key and value, or JSON as it is
---@return string
function message.json(fields)
  local parts = {}
  for _, field in ipairs(fields) do
    local value = field[2]
    local json = field.raw or value and value ~= "" and k8sgpt.json_encode(value, "go")
    if json then parts[#parts + 1] = k8sgpt.json_encode(field[1], "go") .. ":" .. json end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- One line: whose analysis of which object, and what is new about it.
---@param finding k8sgpt.Finding
---@return string
function message.title(finding)
  local suffix = (SUFFIX[finding.change] or ""):format(finding.severity)
  return (">*[%s] K8sGPT analysis of the %s %s%s*"):format(finding.cr.name, result.kind(finding), result.object_name(finding), suffix)
end

--- A JSON list with the one attachment that says what is wrong, or was.
---@param finding k8sgpt.Finding
---@param type? string its field `type`
---@return string
function message.attachments(finding, type)
  local is_over = finding.change == "resolved"
  return "[" .. message.json {
    { "type", type },
    { "text", ("1. %s\n"):format(finding.text) },
    { "color", is_over and "good" or "danger" },
    { "title", is_over and "Resolved" or "Report" },
  } .. "]"
end

--- The request that posts it to the sink's URL. One that a Secret holds is filled in by the host.
---@param config k8sgpt.SinkConfig
---@param type string
---@param body string
---@return k8sgpt.SinkRequest
function message.post(config, type, body)
  local url = config.url
  return { method = "POST", url = url ~= "" and url or nil, headers = { ["Content-Type"] = type }, body = body }
end

return message
