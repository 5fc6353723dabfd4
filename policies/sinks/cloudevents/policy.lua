--- A CloudEvent in structured mode (CloudEvents 1.0, HTTP protocol binding). Attributes and data are upstream's.

local k8sgpt = require "k8sgpt"
local message = require "k8sgpt.message"

local SOURCE = "https://github.com/k8sgpt-ai/k8sgpt-operator"
local TYPE = "com.github.k8sgpt-ai.k8sgpt-operator.sinks.cloudevents"

-- The same news is the same event, however often it is sent: a UUID made of a hash (RFC 9562, version 8), not upstream's random one.
local function id_of(finding)
  local hash = k8sgpt.sha256 { finding.id, finding.change, finding.time }
  local variant = ("89ab"):sub(tonumber(hash:sub(17, 17), 16) % 4 + 1):sub(1, 1)
  return ("%s-%s-8%s-%s%s-%s"):format(hash:sub(1, 8), hash:sub(9, 12), hash:sub(14, 16), variant, hash:sub(18, 20), hash:sub(21, 32))
end

local function request(_, finding, config)
  local data = message.json {
    { "text", message.title(finding) },
    { "attachments", raw = message.attachments(finding, "mrkdwn") },
  }
  local body = message.json {
    { "specversion", "1.0" },
    { "id", id_of(finding) },
    { "source", SOURCE },
    { "type", TYPE },
    { "datacontenttype", "application/json" },
    { "time", finding.time },
    { "data", raw = data },
  }
  return message.post(config, "application/cloudevents+json", body)
end

return { api = 1, kind = "sink", name = "cloudevents", description = "A CloudEvent to an HTTP receiver", request = request }
