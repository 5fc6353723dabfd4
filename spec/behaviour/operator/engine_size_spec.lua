--- Thousands of results in one answer of an engine, more than one run could pay for, until the last Result stands in the cluster. (grpc-size)

local engine = require "support.engine"
local figures = require "support.figures"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"
local system = require "system"

--- Twenty thousand writes take a minute or more: only where figures are wanted, of an answer nearly as large as one may be (64 MiB). A real
--- API server takes 25 to 300 a second.
local IS_REAL <const> = os.getenv("CLUSTER") == "real"
local IS_MEASURED <const> = os.getenv("FIGURES") ~= nil and not IS_REAL
local MANY <const>, TEXT_BYTES <const> = IS_MEASURED and 10000 or IS_REAL and 500 or 1500, IS_MEASURED and 6000 or 1500
local LIMIT_SECONDS <const> = IS_MEASURED and 500 or 120

--- A text is held in its finding and in the store; so much comes with each, and so much passes through at a time (of it 4 MB for TLS).
local MOST_BYTES <const> = MANY * (2 * TEXT_BYTES + 5000) + 8e6
local IS_HELD_TO_IT <const> = (os.getenv("SANITIZE") or "") == ""

local METADATA <const> = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

--- A line of /proc/PID/status (proc(5)).
local function memory_bytes(op, field)
  return 1024 * math.tointeger(program.read("/proc/" .. op.pid .. "/status"):match(field .. ":%s*(%d+) kB"))
end

--- From now on VmHWM counts anew (proc(5), clear_refs).
local function forget_peak(op) program.write("/proc/" .. op.pid .. "/clear_refs", "5") end

describe("an engine with thousands of results", function()
  after_each(operator.clean)

  if not engine.is_there() then
    pending("needs grpcio, which PyPI did not give")
    return
  end

  it("has them all published, each by two writes, in bounded memory", function()
    local peer = engine.start { Analyze = {} }
    local cr = objects.k8sgpt { engine = { mode = "Deployment" }, analysis = { interval = "1h" }, filters = { "Pod" } }
    local cluster = operator.cluster { cr }
    local op = cluster:operator { "--engine-address", "127.0.0.1:" .. peer.port }
    cluster:await_condition(cr, "Analysed", "Current")
    op:await_ready()
    local rest_bytes, from = memory_bytes(op, "VmRSS"), system.monotime()
    forget_peak(op)
    peer:says { Analyze = { results = MANY, text_bytes = TEXT_BYTES } }
    cluster:patch(cr, { spec = { filters = { "Pod", "Node" } } }) -- another question, asked at once
    local function writes() return op:metric("k8sgpt_api_requests_total", { verb = "apply", resource = "results" }) end
    program.await(function() return ("all Results; %d writes so far\n%s"):format(writes(), op:tail()) end, function() return writes() >= 2 * MANY end, 0.5,
      LIMIT_SECONDS)
    local rise_bytes = memory_bytes(op, "VmHWM") - rest_bytes
    if IS_MEASURED then
      figures.record("grpc-size", "memory for 10,000 results in one answer until the last Result stands, as a multiple of their size",
        rise_bytes / (MANY * TEXT_BYTES))
      figures.record("grpc-size", "10,000 results in one answer, until the last Result stands", system.monotime() - from, "s")
    end
    assert.is_true(not IS_HELD_TO_IT or rise_bytes <= MOST_BYTES, ("memory rises by %d bytes for %d results"):format(rise_bytes, MANY))
    assert.are.equal(MANY, #cluster:get("/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/results", METADATA).items)
    assert.are.equal(2 * MANY, (writes()))
    assert.are.equal(0, (op:metric("controller_runtime_reconcile_errors_total")))
  end)
end)
