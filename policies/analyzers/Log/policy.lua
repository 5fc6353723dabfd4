--- Containers whose logs tell of trouble. Texts are upstream's.

local evidence = require "k8sgpt.evidence"
local log = require "k8sgpt.log"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig = object.dig

local function look(ctx, pod, name, is_previous)
  local tail = ctx.params.tail
  local text = ctx.logs(pod, { container = name, previous = is_previous, tail = tail })
  local line, number = log.trouble(text or "", ctx.params.words)
  if not line then return nil end
  local which = is_previous and "the run before" or "now"
  return line, evidence.at(("Log of container %s, %s: line"):format(name, which), ("%d of the last %d"):format(number, tail))
end

local function add(found, rule, pod, name, text, where)
  local meta = pod.metadata
  found[#found + 1] = mask.also({
    rule = rule, key = name, text = text, evidence = { where }, as = { name = ("%s/%s/%s"):format(meta.namespace, meta.name, name) },
    sensitive = mask.sensitive(text, meta.namespace, meta.name, name),
  }, name)
end

-- What has not run yet has no log, and what has ended well is over.
local function has_something_to_say(status)
  local ended = dig(status, "state", "terminated")
  return dig(status, "state", "running") ~= nil or ended ~= nil and ended.exitCode ~= 0
end

local function container(ctx, found, pod, status)
  local name, last = status.name, dig(status, "lastState", "terminated")
  if has_something_to_say(status) then
    local line, where = look(ctx, pod, name, false)
    if line then add(found, "log", pod, name, line, where) end
  end
  if last and not ctx.after(ctx.params.previous_seconds, last.finishedAt) then
    local line, where = look(ctx, pod, name, true)
    if line then add(found, "previous-log", pod, name, "previous container logs: " .. line, where) end
  end
end

local function run(ctx, pod)
  local found, phase = {}, dig(pod, "status", "phase")
  if pod.metadata.deletionTimestamp or phase == "Succeeded" then return found end
  for _, field in ipairs { "initContainerStatuses", "containerStatuses" } do
    for _, status in ipairs(dig(pod, "status", field) or {}) do container(ctx, found, pod, status) end
  end
  return found
end

local FIELDS = { "status.phase" }
for _, list in ipairs { "initContainerStatuses", "containerStatuses" } do
  for _, field in ipairs { "name", "restartCount", "state.running.startedAt", "state.terminated.exitCode", "lastState.terminated.finishedAt" } do
    FIELDS[#FIELDS + 1] = ("status.%s[].%s"):format(list, field)
  end
end

return {
  api = 1, kind = "analyzer", name = "Log",
  description = "Containers whose logs tell of trouble",
  watches = { "v1/Pod" },
  fields = FIELDS,
  remote = true,
  logs = true,
  rules = {
    log = { severity = "medium", settle = 600 },
    ["previous-log"] = { severity = "medium", evidence = { "status.containerStatuses[name={key}].restartCount?" } },
  },
  params = { tail = 100, words = { "error", "exception", "fail" }, previous_seconds = 3600 },
  run = run,
}
