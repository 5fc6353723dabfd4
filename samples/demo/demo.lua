--- The demo: a cluster with a faulty shop in it, and the operator at work on it.
--
--   lua5.4 samples/demo/demo.lua OPERATOR FOLDER [--keep]
--
-- FOLDER takes logs, the kubeconfig and the folder that overrides are dropped into. Whatever the demo starts it ends, unless --keep.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local api = require "api"
local json = require "cjson"
local process = require "process"
local screen = require "screen"

local say, title, quote = screen.say, screen.title, process.quote

local OPERATOR, FOLDER, KEEP = arg[1], arg[2], arg[3] == "--keep"
assert(OPERATOR and FOLDER, "usage: demo.lua OPERATOR FOLDER [--keep]")
local KUBECONFIG <const> = FOLDER .. "/kubeconfig"
local POLICIES <const> = FOLDER .. "/policies"
local SAMPLES <const> = here:match("^(.*)/demo$") or "samples"
local ROOT <const> = SAMPLES:match("^(.*)/samples$") or "."

--- What is wrong in the shop: "Kind namespace/name" of the object, one that a controller made without the random end of its name.
local MENDED <const>, SILENCED <const>, SILENCED_TOO <const> = "Service shop/orders", "Deployment shop/catalog", "ReplicaSet shop/catalog"
local FAULTS = { "Pod shop/payments", "Pod shop/emails", "Pod shop/search", MENDED, SILENCED, SILENCED_TOO }

---@type demo.Program[]
local started = {}

local function start(name, arguments)
  local program = process.start(name, quote(OPERATOR) .. " " .. arguments, ("%s/%s.log"):format(FOLDER, name), KEEP)
  started[#started + 1] = program
  local pids <close> = assert(io.open(FOLDER .. "/pids", "a"))
  pids:write(program.pid, "\n")
  return program
end

local function read_all(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function write_all(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

--- Ends what an earlier demo with KEEP=1 left running: those of its processes that still are this program.
local function end_earlier()
  local file = io.open(FOLDER .. "/pids")
  if not file then return end
  for pid in file:lines() do
    local image = process.capture(("readlink /proc/%s/exe 2>/dev/null"):format(pid)):gsub(" %(deleted%)", "")
    if image ~= "" and image == process.capture("realpath " .. quote(OPERATOR)) then process.stop(pid) end
  end
  file:close()
end

--- Days since 1970-01-01 of a date in the Gregorian calendar.
local function days(year, month, day)
  year = month > 2 and year or year - 1
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return 365 * year + year // 4 - year // 100 + year // 400 + of_year - 719468
end

local function seconds_of(year, month, day, hour, minute, second)
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

--- The shop as if it had been looked at right now: the samples' times, moved by as much as is between their moment and this one.
local function shop_of_today(path)
  local shift = os.time() - seconds_of(2026, 3, 1, 10, 0, 0)
  return (read_all(path):gsub("(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)Z", function(...)
    local parts = {}
    for i, text in ipairs({ ... }) do parts[i] = math.tointeger(text) end
    return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds_of(table.unpack(parts)) + shift)
  end))
end

local function load_arguments()
  local arguments = {}
  for path in process.capture("ls " .. quote(SAMPLES) .. "/shop/*.yaml"):gmatch("[^\n]+") do
    local copy = FOLDER .. "/shop/" .. path:match("[^/]+$")
    write_all(copy, shop_of_today(path))
    arguments[#arguments + 1] = "--load " .. quote(copy)
  end
  return table.concat(arguments, " ")
end

local function start_cluster()
  title("A cluster: the embedded API server with the shop in it, our CRDs, samples/valid_k8sgpt.yaml")
  local program = start("dev-cluster", ("dev-cluster --listen 127.0.0.1:0 --kubeconfig-out %s %s"):format(quote(KUBECONFIG), load_arguments()))
  process.await_log(program, "an address", function(line) return line:match("%d+%.%d+%.%d+%.%d+:%d+") end)
  local server = api.of_kubeconfig(KUBECONFIG)
  for file in process.capture("ls " .. quote(ROOT) .. "/crd/*.yaml"):gmatch("[^\n]+") do
    server:apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" .. read_all(file):match("\n  name: ([%w.]+)"), file)
  end
  server:apply("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/k8sgpts/k8sgpt-sample", SAMPLES .. "/valid_k8sgpt.yaml")
  local pods, deployments = server:get("/api/v1/namespaces/shop/pods"), server:get("/apis/apps/v1/namespaces/shop/deployments")
  say("  %s: namespace shop with %d deployments and %d pods", server.server, #deployments.items, #pods.items)
  return server
end

---@class demo.Operator
---@field program demo.Program
---@field shown integer lines of the log sink that were shown
---@field metrics string address

local function decoded(line)
  local ok, entry = pcall(json.decode, line)
  return ok and type(entry) == "table" and entry or nil
end

---@return demo.Operator
local function start_operator()
  title("The operator: k8sgpt-operator run --engine embedded --policy-dir %s", POLICIES)
  local program = start("operator", ("run --engine embedded --kubeconfig %s --metrics-bind-address 127.0.0.1:0 --health-probe-bind-address 127.0.0.1:0 \
    --policy-dir %s --log-format json"):gsub("%s+", " "):format(quote(KUBECONFIG), quote(POLICIES)))
  local metrics = process.await_log(program, "its metrics address", function(line)
    local entry = decoded(line)
    return entry and entry.msg == "listening" and entry.what == "metrics" and entry.address
  end)
  return { program = program, shown = 0, metrics = metrics }
end

--- Shows lines of the log sink as they come, those that were not shown before, until one is accepted.
---@param operator demo.Operator
---@param accept fun(change: string, finding: table): boolean?
local function show_findings(operator, what, accept)
  local seen = 0
  process.await_log(operator.program, what, function(line)
    local entry = decoded(line)
    if not entry or entry.logger ~= "sink.log" then return end
    seen = seen + 1
    if seen <= operator.shown then return end
    operator.shown = seen
    local change = entry.msg:match("^finding (%a+)$")
    screen.finding(entry.ts, change, entry.finding)
    return accept(change, entry.finding)
  end)
end

--- True when an object is, or was made for, what FAULTS calls `fault`.
local function is_of(fault, object)
  return object == fault or object:sub(1, #fault + 1) == fault .. "-"
end

--- True when each fault of the shop but those `gone` is among the objects, and none of those.
---@param objects table<string, any> by "Kind namespace/name"
---@param gone? table<string, true>
local function are_there(objects, gone)
  for _, fault in ipairs(FAULTS) do
    local found = false
    for object in pairs(objects) do found = found or is_of(fault, object) end
    if found == (gone ~= nil and gone[fault] == true) then return false end
  end
  return true
end

---@param gone? table<string, true>
local function show_results(server, gone)
  server:await_results("the faults of the shop" .. (gone and ", without what is settled" or ""), function(results) return are_there(results, gone) end)
  screen.server_table(server:result_table())
end

local function show_faults(operator, server)
  title("What it finds, as the log sink tells it, and the policy that decided it")
  local open = {}
  show_findings(operator, "all faults of the shop", function(_, finding)
    open[("%s %s/%s"):format(finding.kind, finding.namespace, finding.name)] = true
    return are_there(open, { [SILENCED_TOO] = true }) -- which follows from the Deployment: no news, but a Result
  end)
  title("kubectl get results")
  show_results(server)
end

local MAIN_METRICS = { "^k8sgpt_number_of_results{", "^k8sgpt_findings{", "^k8sgpt_finding_detection_seconds_count", "^k8sgpt_finding_detection_seconds_sum",
  '^k8sgpt_store_objects{resource="pods"}', '^k8sgpt_policy_runs_total{kind="analyzer"', "^process_resident_memory_bytes" }

local function show_metrics(operator)
  title("curl http://%s/metrics (the main ones)", operator.metrics)
  local text = process.capture(("curl -sS --max-time %d http://%s/metrics"):format(process.LIMIT_SECONDS, operator.metrics))
  local rows = {}
  for _, pattern in ipairs(MAIN_METRICS) do
    for line in text:gmatch("[^\n]+") do
      if line:find(pattern) then rows[#rows + 1] = table.pack(line:match("^(.*) (%S+)$")) end
    end
  end
  if #rows == 0 then process.fail("no metrics at %s", operator.metrics) end
  screen.columns({ "SERIES", "VALUE" }, rows)
end

--- Does what people and the endpoints controller do: the Service selects its pods, whose addresses then are its endpoints.
local function mend_orders(server)
  local pods = server:get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dorders").items
  local endpoints, addresses = {}, {}
  for i, pod in ipairs(pods) do
    local target = { kind = "Pod", namespace = "shop", name = pod.metadata.name, uid = pod.metadata.uid }
    endpoints[i] = { addresses = { pod.status.podIP }, conditions = { ready = true, serving = true, terminating = false }, targetRef = target }
    addresses[i] = { ip = pod.status.podIP, targetRef = target }
  end
  local ports = { { name = "http", port = 8080, protocol = "TCP" } }
  local slices = server:get("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dorders").items
  server:merge("/api/v1/namespaces/shop/services/orders", { spec = { selector = { app = "orders" } } })
  server:merge("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/" .. slices[1].metadata.name, { endpoints = endpoints, ports = ports })
  server:merge("/api/v1/namespaces/shop/endpoints/orders", { subsets = { { addresses = addresses, ports = ports } } })
end

local function await_news(operator, object)
  show_findings(operator, object .. " resolved", function(change, finding)
    return change == "resolved" and ("%s %s/%s"):format(finding.kind, finding.namespace, finding.name) == object
  end)
end

local function mend(operator, server)
  title("A fault is mended: the Service orders selects app=orders, as its pods are called, no longer app=order")
  mend_orders(server)
  await_news(operator, MENDED)
  show_results(server, { [MENDED] = true })
end

local function override(operator, server)
  local name <const> = "filters.default.lua"
  title("An override is dropped into %s, without a restart: %s", POLICIES, name)
  screen.file(here .. "/override/" .. name)
  -- Moved, not copied, into place: a file that is half there would be refused.
  write_all(FOLDER .. "/" .. name, read_all(here .. "/override/" .. name))
  assert(os.rename(FOLDER .. "/" .. name, POLICIES .. "/" .. name))
  await_news(operator, SILENCED)
  show_results(server, { [MENDED] = true, [SILENCED] = true, [SILENCED_TOO] = true })
end

local function show_tail(program)
  io.stderr:write(("---- the last lines of %s (pid %s)\n"):format(program.log, program.pid))
  io.stderr:write((process.capture("tail -n 25 " .. quote(program.log))))
end

local function run()
  end_earlier()
  os.execute(("rm -rf %s && mkdir -p %s %s"):format(quote(FOLDER), quote(FOLDER .. "/shop"), quote(POLICIES)))
  local begin = process.uptime()
  local server = start_cluster()
  local operator = start_operator()
  show_faults(operator, server)
  show_metrics(operator)
  mend(operator, server)
  override(operator, server)
  title("That was all, in %.1f s", process.uptime() - begin)
end

local function leave_running()
  local pids = {}
  for i, program in ipairs(started) do pids[i] = program.pid end
  say("  Both programs go on. Look around:\n")
  say("    export KUBECONFIG=%s", (process.capture("realpath " .. quote(KUBECONFIG)):gsub("\n", "")))
  say("    kubectl get results; kubectl get pods -n shop; tail -f %s/operator.log", FOLDER)
  say("\n  Policies put into %s take effect at once. To stop: kill %s", POLICIES, table.concat(pids, " "))
end

local ok, problem = xpcall(run, function(e) return type(e) == "table" and e or { message = debug.traceback(e, 2) } end)
if not ok then
  io.stderr:write("demo: ", problem.message, "\n")
  for _, program in ipairs(started) do show_tail(program) end
end
if ok and KEEP then
  leave_running()
else
  for i = #started, 1, -1 do process.stop(started[i].pid) end
end
os.exit(ok)
