--- Sixth step: brings the Results to what the diagnosis found. In a steady cluster there is nothing to bring.

local mask = require "k8sgpt.mask"
local result = require "k8sgpt.result"

local RESULT = "core.k8sgpt.ai/v1alpha1/Result"

-- A group that is resolved stays as long as somebody waits for the news.
local function item_of(ctx, cr, group, key)
  if group.resolved and group.delivered then return { group = group.id } end
  local stored = ctx.get(RESULT, cr.metadata.namespace, group.resultName or group.formerName)
  return { group = group.id, result = result.render(group, cr, key, stored) }
end

-- Upstream's --enable-result-logging: a line for each Result that was created or updated.
local function log_written(ctx, items, written)
  local by_group = {}
  for _, item in ipairs(items) do by_group[item.group] = item.result end
  for _, id in ipairs(written) do
    if by_group[id] then ctx.log("info", result.log_line(by_group[id])) end
  end
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  local key = mask.key(ctx.options.cluster, cr.metadata.uid)
  local groups = ctx.findings()
  while #groups > 0 do
    local items = {}
    for i, group in ipairs(groups) do items[i] = item_of(ctx, cr, group, key) end
    local written, message = ctx.publish(items)
    -- What failed is offered again with the next run; asking on would turn in a circle.
    if not written then return nil, ctx.retry(5, "not all Results could be written: " .. message) end
    if ctx.options.resultLogging then log_written(ctx, items, written) end
    groups = ctx.findings()
  end
end

return {
  api = 1, kind = "step", name = "ResultStatus", description = "Writes the Results",
  watches = { { RESULT, fields = { "status" } } }, run = run,
}
