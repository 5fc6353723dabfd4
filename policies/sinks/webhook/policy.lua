--- Any HTTP server: the finding as it is, as JSON, without the list of what is sensitive in it.

local k8sgpt = require "k8sgpt"
local message = require "k8sgpt.message"

local FIELDS = {
  "id", "change", "time", "cluster", "cr", "analyzer", "kind", "namespace", "name", "rule", "key", "severity", "text", "parentObject",
  "cause", "evidence", "policy", "layer", "firstSeen",
}

local function request(_, finding, config)
  local shown = {}
  for _, field in ipairs(FIELDS) do shown[field] = finding[field] end
  return message.post(config, "application/json", k8sgpt.json_encode(shown))
end

-- A server that calls it by a name of its own may say so, as {"ref": "…"}.
local function response(_, reply)
  if reply.status < 200 or reply.status > 299 then return nil end
  local answer = k8sgpt.json_decode(reply.body)
  local ref = k8sgpt.type(answer) == "object" and answer.ref
  if type(ref) == "string" and ref ~= "" then return { ref = ref } end
end

return { api = 1, kind = "sink", name = "webhook", description = "The finding as JSON to an HTTP server", request = request, response = response }
