--- Slack, by an incoming webhook. The payload is upstream's.

local message = require "k8sgpt.message"

local function request(_, finding, config)
  local body = message.json {
    { "text", message.title(finding) },
    { "attachments", raw = message.attachments(finding, "mrkdwn") },
  }
  return message.post(config, "application/json", body)
end

-- Slack refuses with one word that says why (Slack docs: Sending messages using incoming webhooks, Handling errors).
local function response(ctx, reply)
  local is_final = reply.status >= 400 and reply.status < 500 and reply.status ~= 429
  local word = reply.body:match("^[%a_]+$")
  if is_final and word and #word <= 64 then return nil, ctx.permanent(("Slack answered %d: %s"):format(reply.status, word)) end
end

return { api = 1, kind = "sink", name = "slack", description = "A message in a Slack channel", request = request, response = response }
