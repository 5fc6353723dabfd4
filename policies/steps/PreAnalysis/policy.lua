--- Fourth step: who looks at what. In the operator the filters choose analyzers, and custom ones are asked; or an engine is asked for all,
--- once it can be.

local calls = require "k8sgpt.engine_calls"
local custom = require "k8sgpt.custom"
local duration = require "k8sgpt.duration"
local engine = require "k8sgpt.engine"
local engine_metrics = require "k8sgpt.engine_metrics"
local engine_shares = require "k8sgpt.engine_shares"
local engine_size = require "k8sgpt.engine_size"
local k8sgpt = require "k8sgpt"
local managed = require "k8sgpt.managed"
local object = require "k8sgpt.object"

-- Conditions of a Deployment that say why no pod is ready, the most telling first.
local TELLING = { { "ReplicaFailure", "True" }, { "Progressing", "False" }, { "Available", "False" } }

local function why_not_ready(deployment)
  for _, pair in ipairs(TELLING) do
    local condition = object.condition(deployment, pair[1])
    if condition and condition.status == pair[2] and object.text(condition.message) then return ": " .. condition.message end
  end
  return ""
end

-- A pod that is on its way has still to be told what the one of before knows: until it is alone, nobody knows which one would answer. Where it
-- does not get on, the one of before goes on.
local function is_being_replaced(deployment)
  local status, generation = deployment.status or {}, deployment.metadata.generation or 0
  local progress = object.condition(deployment, "Progressing")
  if progress and progress.status == "False" then return false end
  return (status.observedGeneration or generation) < generation or (status.replicas or 0) > (status.updatedReplicas or 0)
end

local function name_of(cr) return ("%s/%s"):format(cr.metadata.namespace, cr.metadata.name) end

-- Behind the Service it could be either; replicas that are asked by their own addresses are each told first.
local function is_to_be_told(objects, cr, addresses)
  return #addresses < 2 and calls.has_config(cr) and is_being_replaced(managed.find(objects, "Deployment", cr.metadata.name))
end

-- As upstream: one replica that is ready will do, also one of before while a change rolls out. Its address is that of the Service.
---@return string? address of gRPC
---@return string? missing why there is none
---@return string? metrics their address
local function look_at(objects, cr)
  local meta, name = cr.metadata, name_of(cr)
  local deployment, service = managed.find(objects, "Deployment", meta.name), managed.find(objects, "Service", meta.name)
  if not deployment then return nil, ("Deployment %s is about to be made"):format(name) end
  if (object.dig(deployment, "status", "readyReplicas") or 0) == 0 then
    return nil, ("Deployment %s has no replica that is ready%s"):format(name, why_not_ready(deployment))
  end
  local address = service and calls.address(service)
  return address, not address and ("Service %s has no address yet"):format(name) or nil, service and calls.address(service, engine_metrics.PORT)
end

-- Where an answer cannot be taken in, what was found before stays; the others go on.
local function take(ctx, states, take_one)
  for _, state in ipairs(states) do
    if state.news then
      local done, message = take_one(state)
      if not done then ctx.log("warn", ("the answer of %s was not taken in: %s"):format(state.name, message)) end
    end
  end
end

local function cannot_ask(ctx, message) return nil, ctx.retry(5, "nobody can be asked: " .. message) end

local function choose_and_ask(ctx, cr)
  -- Before the choice, which ends what nobody reports any more.
  local states, message = ctx.poll(k8sgpt.array(custom.polls(cr, ctx.params.custom_timeout)))
  if not states then return cannot_ask(ctx, message) end
  local chosen = ctx.choose { interval = duration.interval(cr) }
  ctx.trace(("%d analyzers chosen, %d names unknown"):format(#chosen.analyzers, #chosen.unknown))
  take(ctx, states, function(state) return custom.take(ctx, state.name) end)
end

-- A cache that an engine was told of it has until it is told to forget it. Not while it is told anything else: it writes a file each time.
local function take_back_cache(ctx, cr, addresses)
  if not object.text(object.dig(cr, "status", "engine", "remoteCache")) or calls.cache(cr) then return true end
  ctx.poll(k8sgpt.array {})
  for _, address in ipairs(addresses) do
    local done, message = ctx.call(calls.removal(address, ctx.params.config_timeout))
    if not done then
      message = "spec.remoteCache was taken away, and the engine still has it: " .. message
      ctx.condition("EngineAvailable", "False", "NotConfigured", message)
      return nil, message
    end
  end
  return true
end

-- Where replicas can be told apart and there are several, each is asked for its share; else the Service chooses whom to ask. Analyzers whose
-- objects could not be counted weigh alike.
local function split(ctx, cr, addresses, known)
  local kinds, namespace = engine_size.counted(cr)
  local census = #kinds > 0 and ctx.count(k8sgpt.array(kinds), namespace) or { counts = {} }
  local function weigh(analyzer) return engine_size.weight(analyzer, census.counts) end
  return engine_shares.of(addresses, engine_size.analyzers(cr), weigh, calls.split(known))
end

-- What an answer leads to is asked at once: the analysis after the configuration, the one without AI after one that AI spoiled.
local function poll_engine(ctx, cr, shares, peers)
  local function poll(known) return ctx.poll(calls.polls(cr, shares, calls.by_name(known), ctx.params)) end
  local states, message = poll(peers)
  if not states then return nil, message end
  return poll(states)
end

-- Of several replicas each shows its own. Nothing depends on whether they come.
local function fetch_metrics(ctx, slices, address)
  local replicas = engine_shares.replicas(slices, engine_metrics.PORT)
  if #replicas < 2 then replicas = { address and { address = address } } end
  local done, message = ctx.scrape(engine_metrics.scrapes(replicas, ctx.params))
  if not done then ctx.log("warn", "the metrics of the engine cannot be fetched: " .. message) end
end

local function ask_engine(ctx, cr, address, addresses)
  local done, why = take_back_cache(ctx, cr, #addresses > 1 and addresses or { address })
  if not done then return nil, ctx.retry(0, why) end
  local peers = ctx.diagnosis().peers
  local shares = #addresses > 1 and split(ctx, cr, addresses, calls.by_name(peers)) or calls.whole(cr, address)
  local states, message = poll_engine(ctx, cr, shares, peers)
  if not states then return cannot_ask(ctx, message) end
  ctx.status { engine = {
    mode = "Deployment", version = "", endpoint = address, remoteCache = calls.cache(cr) or "", shares = engine_shares.shown(shares),
  } }
  ctx.choose { nothing = true }
  take(ctx, states, function(state) return calls.take(ctx, state, shares, calls.explains(cr)) end)
end

-- Where there may be several replicas, those of the Service.
local function slices_of(ctx, cr)
  if not engine_size.is_asked(cr) then return {} end
  return managed.followers(ctx, "EndpointSlice")
end

local function not_ready(ctx, missing)
  ctx.poll(k8sgpt.array {}) -- who comes next is told first
  ctx.condition("EngineAvailable", "False", "NotReady", missing)
  ctx.condition("Ready", "False", "NotReady", missing)
  return ctx.stop("no engine")
end

-- An address that the operator was given stands for an engine that is ready.
local function await_and_ask(ctx, cr)
  local given = object.text(ctx.options.engineAddress)
  if given then
    fetch_metrics(ctx, {}, ("%s:%d"):format(given:match("^(.*):%d+$") or given, ctx.params.metrics_port))
    return ask_engine(ctx, cr, given, {})
  end
  local objects, message = managed.all(ctx)
  if not objects then return nil, ctx.retry(0, message) end
  local address, missing, metrics = look_at(objects, cr)
  if not address then return not_ready(ctx, missing) end
  local slices, why = slices_of(ctx, cr)
  if not slices then return nil, ctx.retry(0, why) end
  local addresses = engine_shares.addresses(slices)
  if is_to_be_told(objects, cr, addresses) then
    return not_ready(ctx, ("Deployment %s is being replaced, and its new pod has to be told of caches and custom analyzers first"):format(name_of(cr)))
  end
  fetch_metrics(ctx, slices, metrics)
  return ask_engine(ctx, cr, address, addresses)
end

---@param ctx k8sgpt.StepContext
---@param cr k8sgpt.View
local function run(ctx, cr)
  if engine.is_deployment(ctx, cr) then return await_and_ask(ctx, cr) end
  return choose_and_ask(ctx, cr)
end

return {
  api = 1, kind = "step", name = "PreAnalysis", description = "Chooses the analyzers and asks custom ones, or awaits and asks an engine", run = run,
  params = {
    custom_timeout = 10, config_timeout = 10, analysis_timeout = 300,
    metrics_interval = 30, metrics_timeout = 5, metrics_port = engine_metrics.NUMBER,
  },
}
