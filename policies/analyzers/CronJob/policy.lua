--- CronJobs that do not start Jobs, or start none that succeeds. Texts are upstream's where it has the condition.

local cron = require "k8sgpt.cron"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"

local dig, text_of = object.dig, object.text

local EPOCH, JOB = "1970-01-01T00:00:00Z", "batch/v1/Job"

-- Seconds that the controller may be late.
local LATE = 600

-- A time zone that no policy can read may shift a schedule by so many seconds (UTC-12 to UTC+14).
local ZONE = 14 * 3600

-- After so many starts without a success it is no single mishap.
local UNSUCCESSFUL = 3

local function add(found, job, rule, text, more)
  local failure = more or {}
  failure.rule, failure.text = rule, text
  failure.sensitive = mask.sensitive(text, job.metadata.namespace, job.metadata.name)
  found[#found + 1] = failure
end

local function epoch(ctx, time) return math.floor(ctx.age(EPOCH) - ctx.age(time) + 0.5) end

--- When the schedule came up for the nth time after `time`, at the latest.
---@return integer? seconds after `time`
local function nth(ctx, job, schedule, n, time)
  local start = epoch(ctx, time)
  local slack = (schedule.zoned or text_of(dig(job, "spec", "timeZone"))) and ZONE or 0
  local moment = start + slack
  for _ = 1, n do moment = moment and cron.next(schedule, moment) end
  return moment and moment + slack - start
end

-- The second time that it is missed: a controller that reads its schedule in another zone than UTC is not late by one.
local function missed(ctx, found, job, schedule)
  local status = job.status or {}
  local is_held = dig(job, "spec", "concurrencyPolicy") == "Forbid" and #(status.active or {}) > 0
  local last = status.lastScheduleTime or job.metadata.creationTimestamp
  local due = not is_held and nth(ctx, job, schedule, 2, last)
  if not due or not ctx.after(due + LATE, last) then return end
  local what = status.lastScheduleTime and "was last scheduled at" or "was never scheduled since"
  add(found, job, "missed", ("CronJob %s %s %s, its schedule is %s"):format(job.metadata.name, what, last, dig(job, "spec", "schedule")))
end

local function some_failed(ctx, job)
  if not ctx.readable(JOB) then return false end
  for _, run in ipairs(ctx.list(JOB, { owner = job.metadata.uid })) do
    if dig(object.condition(run, "Failed"), "status") == "True" then return true end
  end
  return false
end

-- Jobs that run for longer than a few of its periods are no fault as long as they run.
local function unsuccessful(ctx, found, job, schedule)
  local status = job.status or {}
  local success, started = status.lastSuccessfulTime or job.metadata.creationTimestamp, status.lastScheduleTime
  local enough = started and nth(ctx, job, schedule, UNSUCCESSFUL, success)
  if not enough or epoch(ctx, started) < epoch(ctx, success) + enough then return end
  if #(status.active or {}) > 0 and not some_failed(ctx, job) then return end
  local text = status.lastSuccessfulTime and "CronJob %s has not succeeded since %s" or "CronJob %s has never succeeded since it was created at %s"
  add(found, job, "unsuccessful", text:format(job.metadata.name, success), { since = success })
end

local function run(ctx, job)
  local found, name, spec = {}, job.metadata.name, job.spec or {}
  if job.metadata.deletionTimestamp then return found end
  if spec.suspend then
    add(found, job, "suspended", ("CronJob %s is suspended"):format(name))
    return found
  end
  local schedule, problem = cron.parse(spec.schedule or "")
  if not schedule then
    add(found, job, "schedule", ("CronJob %s has an invalid schedule: %s"):format(name, problem))
  end
  if (spec.startingDeadlineSeconds or 0) < 0 then
    add(found, job, "deadline", ("CronJob %s has a negative starting deadline"):format(name))
  elseif schedule then
    missed(ctx, found, job, schedule)
    unsuccessful(ctx, found, job, schedule)
  end
  return found
end

return {
  api = 1, kind = "analyzer", name = "CronJob",
  description = "CronJobs that are suspended, miss their schedule or start nothing that succeeds",
  watches = {
    "batch/v1/CronJob",
    { JOB, fields = { "status.conditions[].type", "status.conditions[].status" } },
  },
  fields = {
    "spec.suspend", "spec.schedule", "spec.timeZone", "spec.startingDeadlineSeconds", "spec.concurrencyPolicy", "status.active[].name",
    "status.lastScheduleTime", "status.lastSuccessfulTime",
  },
  rules = {
    schedule = { severity = "high", evidence = { "spec.schedule" } },
    deadline = { severity = "medium", evidence = { "spec.startingDeadlineSeconds" } },
    missed = { severity = "high", evidence = { "spec.schedule", "status.lastScheduleTime" } },
    unsuccessful = { severity = "high", evidence = { "spec.schedule", "status.lastSuccessfulTime" } },
    suspended = { severity = "low", grace = 86400, evidence = { "spec.suspend" } }, -- maintenance takes its time
  },
  run = run,
}
