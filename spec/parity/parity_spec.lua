--- What we find in a recorded cluster, beside what upstream's engine finds in it, by the one-shot diagnosis and by the running operator.

local json = require "cjson"
local lfs = require "lfs"
local operator = require "support.operator"
local parity = require "support.parity"
local program = require "support.program"

--- The analyzers that are held to the recording. Others that exist are judged too, and what they lack is printed.
--- A case may be left open, for a reason.
local DONE <const> = {
  Pod = {}, Deployment = {}, ReplicaSet = {}, PersistentVolumeClaim = {}, Service = {}, StatefulSet = {}, Node = {}, DaemonSet = {}, Job = {},
  CronJob = {}, ValidatingWebhookConfiguration = {}, MutatingWebhookConfiguration = {}, ConfigMap = {}, HorizontalPodAutoscaler = {},
  PodDisruptionBudget = {}, NetworkPolicy = {}, GatewayClass = {}, Gateway = {}, HTTPRoute = {}, Storage = {}, Security = {}, ClusterCatalog = {},
  ClusterExtension = {}, ClusterServiceVersion = {}, Subscription = {}, InstallPlan = {}, CatalogSource = {}, OperatorGroup = {}, PolicyReport = {},
  ClusterPolicyReport = {}, ScaledObject = {}, PrometheusConfigValidate = {}, PrometheusConfigRelabelReport = {}, Ingress = {},
}

local recording = parity.recording()

local function exists(analyzer) return lfs.attributes("policies/analyzers/" .. analyzer, "mode") == "directory" end

local function existing()
  local filters = {}
  for _, filter in ipairs(recording.filters) do
    if exists(filter) then filters[#filters + 1] = filter end
  end
  return filters
end

local function without_open(lines, open)
  local rest = {}
  for _, line in ipairs(lines) do
    if not open[line:match("^%S+")] then rest[#rest + 1] = line end
  end
  return rest
end

local function report(filter, j)
  print(("parity %-30s sound %2d/%-2d  false positives %d/%-2d  missed by upstream %d/%d"):format(filter, j.sound - #j.lost, j.sound, #j.kept,
    j.false_positives, j.missed - #j.unseen, j.missed))
  if DONE[filter] then return end
  for what, lines in pairs { lost = j.lost, kept = j.kept, unseen = j.unseen } do
    for _, line in ipairs(lines) do print(("       %-6s %s"):format(what, line)) end
  end
end

--- Judges every analyzer that exists, by what `found` has.
local function judge(found, loud)
  for _, filter in ipairs(existing()) do
    local j, open = parity.judge(recording, found, filter), DONE[filter]
    if loud then report(filter, j) end
    if open then
      local lacking = { lost = without_open(j.lost, open), kept = without_open(j.kept, open), unseen = without_open(j.unseen, open) }
      assert.are.same({ lost = {}, kept = {}, unseen = {} }, lacking, filter)
    end
  end
end

local function analyze(more)
  local words = { operator.BINARY, "analyze", "--from", parity.FOLDER .. "/objects", "--now", recording.now, "-o", "json" }
  for _, filter in ipairs(existing()) do table.move({ "--filter", filter }, 1, 2, #words + 1, words) end
  for _, word in ipairs(more or {}) do words[#words + 1] = word end
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = program.quote(word) end
  local pipe = assert(io.popen(("bash -c 'TIMEFORMAT=\"cpu %%U %%S\"; time \"$@\" 2>/dev/null' - %s 2>&1"):format(table.concat(quoted, " "))))
  local text = pipe:read("a")
  pipe:close()
  local output, user, system = text:match("^(.-)cpu ([%d.]+) ([%d.]+)\n$")
  return json.decode(output), tonumber(user) + tonumber(system)
end

local function found_by_analyze()
  local answer, cpu_seconds = analyze()
  local found = parity.found()
  assert.are.same({}, answer.errors)
  for _, result in ipairs(answer.results) do
    for _, failure in ipairs(result.error) do parity.add(found, result.analyzer, result.kind, result.name, failure.Text) end
  end
  return found, cpu_seconds
end

local function found_by(results)
  local found = parity.found()
  for _, result in pairs(results) do
    for _, failure in ipairs(result.spec.error) do parity.add(found, result.spec.analyzer, result.spec.kind, result.spec.name, failure.text) end
  end
  return found
end

local function count(set)
  local n = 0
  for _ in pairs(set) do n = n + 1 end
  return n
end

--- The recording in the embedded API server, with a K8sGPT for all that exists.
local function recorded_cluster()
  local filters = existing()
  local cluster = operator.cluster({
    { apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", metadata = { name = "parity", namespace = "default" },
      spec = { analysis = { interval = "1h" }, filters = filters } },
  }, { load = parity.files() })
  return cluster
end

describe("The recording", function()
  after_each(operator.clean)

  it("is judged as it wants by analyze", function()
    if not recording then return pending("there is no recording at " .. parity.FOLDER) end
    local found, cpu_seconds = found_by_analyze()
    print(("parity analyze: %.3f s of CPU for %d analyzers"):format(cpu_seconds, #existing()))
    judge(found, true)
  end)

  it("is judged so by the operator too", function()
    if not recording then return pending("there is no recording at " .. parity.FOLDER) end
    local wanted = found_by_analyze()
    local cluster = recorded_cluster()
    cluster:operator { "--now", recording.now, "--secret-content" }
    local found, goal = parity.found(), count(wanted.texts)
    while count(found.texts) < goal do -- as long as it gets on
      local before = count(found.texts)
      program.await(function() return ("more than %d of %d findings"):format(before, goal) end, function()
        found = found_by(cluster:results())
        return count(found.texts) > before
      end, 0.1)
    end
    assert.are.same(wanted.texts, found.texts)
    judge(found)
  end)
end)
