package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local engine_state = require "k8sgpt.engine_state"

local function peer(name, filters, state, more)
  local made = { name = name, state = state, reason = "", message = "", news = false, request = { filters = filters, explain = false }, target = "http://h" }
  for key, value in pairs(more or {}) do made[key] = value end
  return made
end

local function failing(name, filters, reason, message, more)
  more = more or {}
  more.reason, more.message = reason, message
  return peer(name, filters, "failing", more)
end

local function answered(name, filters, errors) return peer(name, filters, "answered", { head = { errors = errors or {} } }) end

--- "True Answering: the engine answers" of both.
local function said(...)
  local list = {}
  for i, condition in ipairs { engine_state.conditions { ... } } do
    list[i] = ("%s %s: %s"):format(condition.status, condition.reason, condition.message)
  end
  return list
end

local POD <const>, NODE <const> = { "Pod", "Job" }, { "Node" }
local ANSWERS <const>, CURRENT <const> = "True Answering: the engine answers", "True Current: the engine's analysis is up to date"

describe("an engine of several replicas", function()
  it("is current once all shares are", function()
    assert.are.same({ ANSWERS, CURRENT }, said(answered("engine-analysis-1", POD), answered("engine-analysis-2", NODE)))
    assert.are.same({ ANSWERS, "False NotYet: the engine has not analysed yet" },
      said(answered("engine-analysis-1", POD), peer("engine-analysis-2", NODE, "waiting")))
    assert.are.same({ "False NotReady: the engine has not answered yet", "False NotYet: the engine has not analysed yet" },
      said(peer("engine-config-1", nil, "waiting"), peer("engine-analysis-2", NODE, "waiting")))
  end)

  it("names the shares that nobody answers for", function()
    local dead = failing("engine-analysis-1", POD, "Unreachable", "refused")
    assert.are.same({
      "False Unreachable: refused, asked for Pod, Job. What was found before stays as it is.",
      "False AnalyzerFailed: refused, asked for Pod, Job. What was found before stays as it is.",
    }, said(dead, answered("engine-analysis-2", NODE)))
    assert.are.same({
      "False Unreachable: refused, asked for Pod, Job; silent, asked for Node. What was found before stays as it is.",
      "False AnalyzerFailed: refused, asked for Pod, Job; silent, asked for Node. What was found before stays as it is.",
    }, said(dead, failing("engine-analysis-instead-1", POD, "Timeout", "no"), failing("engine-analysis-2", NODE, "Timeout", "silent")))
  end)

  it("is current where another replica stands in, and says for whom", function()
    local instead = answered("engine-analysis-instead-1", POD, {})
    assert.are.same({
      "True Answering: 1 of 2 replicas do; another one is asked in place of the rest: refused, asked for Pod, Job", CURRENT,
    }, said(failing("engine-analysis-1", POD, "Unreachable", "refused"), instead, answered("engine-analysis-2", NODE)))
  end)

  it("shows the errors of all shares", function()
    local list = said(answered("engine-analysis-1", POD, { "[Pod] no" }), answered("engine-analysis-2", NODE, { "[Node] nor this" }))
    assert.are.equal("False AnalyzerFailed: [Pod] no; [Node] nor this. What they found before stays as it is.", list[2])
  end)

  it("that refuses its configuration is not asked whom it suits", function()
    local list = said(peer("engine-config-1", nil, "answered"), failing("engine-config-2", nil, "Invalid", "no such cache"), answered("engine-analysis-1", POD))
    assert.are.equal("False NotConfigured: no such cache. What was found before stays as it is.", list[1])
  end)

  it("explains where each share is explained, be it by another replica", function()
    local function explanation(...)
      local condition = engine_state.explanation { ... }
      return condition.status .. " " .. condition.reason
    end
    local dead = failing("engine-analysis-1", POD, "Unreachable", "refused")
    local instead = answered("engine-analysis-instead-1", POD)
    local other = answered("engine-analysis-2", NODE)
    assert.are.equal("False AIFailed", explanation(dead, instead, other))
    instead.request.explain = true
    assert.are.equal("True Explained", explanation(dead, instead, other))
    assert.are.equal("False AIFailed", explanation(other, failing("engine-analysis-1", POD, "ServerError", "no quota")))
    local plain = answered("engine-analysis-without-ai-1", POD)
    assert.are.equal("False AIFailed: no quota. Findings are current, explanations are not; AI is asked again later.",
      said(failing("engine-analysis-1", POD, "ServerError", "no quota"), plain, other)[2])
  end)
end)
