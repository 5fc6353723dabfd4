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
local function is_answered(state) return state ~= nil and state.state == "answered" end
local function is_silent(state) return state == nil or state.state == "waiting" end

-- The answer that findings of one share come from: where it failed, the one without AI, or that of another replica.
local function current(known, suffix)
  local analysis, plain, instead = known[calls.ANALYSIS .. suffix], known[calls.PLAIN .. suffix], known[calls.INSTEAD .. suffix]
  if not is_failing(analysis) then return analysis end
  return is_answered(plain) and plain or is_answered(instead) and instead or analysis
end

local function is_asked(known, suffix) return known[calls.ANALYSIS .. suffix] or known[calls.CONFIG .. suffix] end

--- How each share stands; there is one where nothing is split.
local function shares_of(known)
  local list = {}
  local function add(suffix)
    list[#list + 1] = {
      config = known[calls.CONFIG .. suffix], analysis = known[calls.ANALYSIS .. suffix], instead = known[calls.INSTEAD .. suffix],
      plain_name = calls.PLAIN .. suffix, current = current(known, suffix),
    }
  end
  while is_asked(known, "-" .. #list + 1) do add("-" .. #list + 1) end
  if #list == 0 then add("") end
  return list
end

local function pick(list, accept)
  local found = {}
  for _, share in ipairs(list) do
    if accept(share) then found[#found + 1] = share end
  end
  return found
end

-- What each share's answer says, and where there are several, what it was asked for.
local function messages(found, list, of)
  local parts = {}
  for i, share in ipairs(found) do
    local state = of(share)
    local asked = #list > 1 and object.dig(state, "request", "filters")
    parts[i] = state.message .. (asked and (", asked for %s"):format(table.concat(asked, ", ")) or "")
  end
  return table.concat(parts, "; ")
end

local function current_of(share) return share.current end
local function analysis_of(share) return share.analysis end

local function available(list)
  local type, refused = "EngineAvailable", pick(list, function(share) return is_failing(share.config) end)[1]
  if refused then return fails(type, UNAVAILABLE[refused.config.reason] or "NotConfigured", refused.config.message .. KEPT) end
  if #pick(list, function(share) return is_silent(share.current) end) == #list then return fails(type, "NotReady", "the engine has not answered yet") end
  local away = pick(list, function(share) return is_failing(share.current) and UNAVAILABLE[share.current.reason] end)
  if #away > 0 then return fails(type, UNAVAILABLE[away[1].current.reason], messages(away, list, current_of) .. KEPT) end
  local replaced = pick(list, function(share) return share.current and share.current == share.instead end)
  if #replaced == 0 then return holds(type, "Answering", "the engine answers") end
  return holds(type, "Answering", ("%d of %d replicas do; another one is asked in place of the rest: %s")
    :format(#list - #replaced, #list, messages(replaced, list, analysis_of)))
end

local function first_of(errors)
  local shown = { table.unpack(errors, 1, MAX_ERRORS) }
  if #errors > MAX_ERRORS then shown[#shown + 1] = ("%d more"):format(#errors - MAX_ERRORS) end
  return table.concat(shown, "; ")
end

local function errors_of(list)
  local errors = {}
  for _, share in ipairs(list) do
    for _, message in ipairs(object.dig(share.current, "head", "errors") or {}) do errors[#errors + 1] = message end
  end
  return errors
end

local function analysed(list)
  local type, failing = "Analysed", pick(list, function(share) return is_failing(share.current) end)
  if #failing > 0 then return fails(type, "AnalyzerFailed", messages(failing, list, current_of) .. KEPT) end
  if #pick(list, function(share) return is_silent(share.current) end) > 0 then return fails(type, "NotYet", "the engine has not analysed yet") end
  local errors = errors_of(list)
  if #errors > 0 then return fails(type, "AnalyzerFailed", first_of(errors) .. ". What they found before stays as it is.") end
  local plain = pick(list, function(share) return share.current.name == share.plain_name end)[1]
  if plain then
    return fails(type, "AIFailed", plain.analysis.message .. ". Findings are current, explanations are not; AI is asked again later.")
  end
  return holds(type, "Current", "the engine's analysis is up to date")
end

local function explained(list)
  local type = "ExplanationAvailable"
  local without = pick(list, function(share)
    local by_another = is_answered(share.instead) and object.dig(share.instead, "request", "explain")
    return is_failing(share.analysis) and not by_another
  end)[1]
  if not without then return holds(type, "Explained", "the engine asks its AI") end
  return fails(type, "AIFailed", without.analysis.message)
end

--- Conditions in place of those about analyzers in the operator.
---@param peers k8sgpt.PollState[]
---@return k8sgpt.Condition available
---@return k8sgpt.Condition analysed
function engine_state.conditions(peers)
  local list = shares_of(calls.by_name(peers))
  return available(list), analysed(list)
end

--- Whether findings are explained, where that is asked for.
---@param peers k8sgpt.PollState[]
---@return k8sgpt.Condition
function engine_state.explanation(peers) return explained(shares_of(calls.by_name(peers))) end

return engine_state
