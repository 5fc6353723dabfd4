--- Mattermost, by an incoming webhook. The payload is upstream's.

local message = require "k8sgpt.message"

local function request(_, finding, config)
  local body = message.json {
    { "text", message.title(finding) },
    { "channel", config.channel },
    { "username", config.username },
    { "icon_url", config.icon_url },
    { "attachments", raw = message.attachments(finding) },
  }
  return message.post(config, "application/json", body)
end

return { api = 1, kind = "sink", name = "mattermost", description = "A message in a Mattermost channel", request = request }
