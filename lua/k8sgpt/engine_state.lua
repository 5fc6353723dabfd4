--- How it stands with the engine of a K8sGPT Deployment, as conditions.

local calls = require "k8sgpt.engine_calls"
local conditions = require "k8sgpt.conditions"
local object = require "k8sgpt.object"

local holds, fails = conditions.holds, conditions.fails

local engine_state = {}

-- So many errors of analyzers are shown.
local MAX_ERRORS = 5

local UNAVAILABLE = {
  Unreachable = "Unreachable", Timeout = "Unreachable", Cancelled = "Unreachable", Forbidden = "Forbidden", Unauthorized = "Forbidden",
  Unsupported = "VersionSkew", SyntaxError = "VersionSkew",
}

local KEPT = ". What was found before stays as it is."

local function is_failing(state) return state ~= nil and state.state == "failing" end

-- The answer that findings come from.
local function current(known)
  local analysis, plain = known[calls.ANALYSIS], known[calls.PLAIN]
  if is_failing(analysis) and plain and plain.state == "answered" then return plain end
  return analysis
end

local function available(known)
  local type, config, state = "EngineAvailable", known[calls.CONFIG], current(known)
  if is_failing(config) then return fails(type, UNAVAILABLE[config.reason] or "NotConfigured", config.message .. KEPT) end
  if not state or state.state == "waiting" then return fails(type, "NotReady", "the engine has not answered yet") end
  local reason = state.state == "failing" and UNAVAILABLE[state.reason]
  if not reason then return holds(type, "Answering", "the engine answers") end
  return fails(type, reason, state.message .. KEPT)
end

local function first_of(errors)
  local shown = { table.unpack(errors, 1, MAX_ERRORS) }
  if #errors > MAX_ERRORS then shown[#shown + 1] = ("%d more"):format(#errors - MAX_ERRORS) end
  return table.concat(shown, "; ")
end

local function analysed(known)
  local type, state = "Analysed", current(known)
  if not state or state.state == "waiting" then return fails(type, "NotYet", "the engine has not analysed yet") end
  if state.state == "failing" then return fails(type, "AnalyzerFailed", state.message .. KEPT) end
  local errors = object.dig(state, "head", "errors") or {}
  if #errors > 0 then return fails(type, "AnalyzerFailed", first_of(errors) .. ". What they found before stays as it is.") end
  if state.name == calls.PLAIN then
    return fails(type, "AIFailed", known[calls.ANALYSIS].message .. ". Findings are current, explanations are not; AI is asked again later.")
  end
  return holds(type, "Current", "the engine's analysis is up to date")
end

local function explained(known)
  local type, state = "ExplanationAvailable", known[calls.ANALYSIS]
  if not is_failing(state) then return holds(type, "Explained", "the engine asks its AI") end
  return fails(type, "AIFailed", state.message)
end

--- Conditions in place of those about analyzers in the operator.
---@param peers k8sgpt.PollState[]
---@return k8sgpt.Condition available
---@return k8sgpt.Condition analysed
function engine_state.conditions(peers)
  local known = calls.by_name(peers)
  return available(known), analysed(known)
end

--- Whether findings are explained, where that is asked for.
---@param peers k8sgpt.PollState[]
---@return k8sgpt.Condition
function engine_state.explanation(peers) return explained(calls.by_name(peers)) end

return engine_state
