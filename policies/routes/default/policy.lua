--- Who is told of a finding: the operator's log, and every sink of the K8sGPT.

local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local function run(_, _, _, cr)
  local routes = { { sink = "log" } }
  if text_of(dig(cr, "spec", "sink", "type")) then routes[#routes + 1] = { sink = "default" } end
  for _, sink in ipairs(dig(cr, "spec", "sinks") or {}) do routes[#routes + 1] = { sink = sink.name } end
  return routes
end

return { api = 1, kind = "route", name = "default", description = "Every finding goes to the operator's log and to all sinks", run = run }
