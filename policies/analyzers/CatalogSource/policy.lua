--- CatalogSources of OLM v0 that OLM cannot talk to. The text is upstream's.

local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local function run(_, source)
  local meta, connection = source.metadata, dig(source, "status", "connectionState")
  local state = text_of(dig(connection, "lastObservedState"))
  if not state or state:upper() == "READY" or meta.deletionTimestamp then return {} end
  local address = connection.address or ""
  local text = ("connectionState=%s (address=%s)"):format(state, address)
  return { {
    rule = "not-ready",
    text = text,
    -- gRPC lets go of a connection that nobody uses, and takes it up again with the next question.
    severity = state:upper() == "IDLE" and "low" or nil,
    since = connection.lastConnect or meta.creationTimestamp,
    sensitive = mask.sensitive(text, address, meta.namespace, meta.name),
  } }
end

return {
  api = 1,
  kind = "analyzer",
  name = "CatalogSource",
  description = "CatalogSources (OLM v0) that OLM cannot talk to",
  watches = { "operators.coreos.com/v1alpha1/CatalogSource" },
  fields = { "status.connectionState" },
  rules = {
    ["not-ready"] = { -- the pod that serves it starts, or restarts
      severity = "high", grace = 120,
      evidence = { "status.connectionState.lastObservedState", "status.connectionState.address" },
    },
  },
  run = run,
}
