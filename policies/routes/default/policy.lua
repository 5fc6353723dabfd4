--- Who is told of a finding: the operator's log, and every sink of the K8sGPT. What follows from a finding that was told is no news.

local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local RANK = { low = 1, medium = 2, high = 3, critical = 4 }

-- Who was told of it before its cause was known is told how it goes on, too.
local function is_inhibited(finding, change, inhibit)
  local cause = finding.cause
  if change ~= "opened" or not cause or not cause.told then return false end
  return inhibit == "always" or inhibit == "not-worse" and RANK[finding.severity] <= RANK[cause.severity]
end

local function run(ctx, finding, change, cr)
  if is_inhibited(finding, change, ctx.params.inhibit) then
    ctx.trace(("it follows from %s %s"):format(finding.cause.kind, finding.cause.name))
    return {}
  end
  local routes = { { sink = "log" } }
  if text_of(dig(cr, "spec", "sink", "type")) then routes[#routes + 1] = { sink = "default" } end
  for _, sink in ipairs(dig(cr, "spec", "sinks") or {}) do routes[#routes + 1] = { sink = sink.name } end
  return routes
end

return {
  api = 1, kind = "route", name = "default",
  description = "Every finding goes to the operator's log and to all sinks, but what follows from another that was told",
  -- Which findings with a cause that was told nobody is told of: those that are not more severe than it ("not-worse"), "always", "never".
  params = { inhibit = "not-worse" },
  run = run,
}
