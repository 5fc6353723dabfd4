package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local entries = require "k8sgpt.entries"

local asked

local function rule_of(entry) return entry.bad and (entry.rule or "r") or nil end

local function failure_of(entry, rule)
  asked = asked + 1
  return { rule = rule, key = entry.key, text = entry.key }
end

local function failures(list)
  asked = 0
  return entries.failures(list, rule_of, failure_of)
end

local function many(count)
  local list = {}
  for i = 1, count do list[i] = { bad = true, key = tostring(i) } end
  return list
end

describe("entries", function()
  it("are judged one by one, each rule and key once", function()
    local list = {
      { key = "a" }, { bad = true, key = "b" }, { bad = true, key = "b" }, { bad = true, key = "b", rule = "s" }, { bad = true, key = "c" },
    }
    local keys = {}
    for i, failure in ipairs(failures(list)) do keys[i] = failure.rule .. failure.key end
    assert.same({ "rb", "sb", "rc" }, keys)
    assert.same({}, failures(nil))
  end)

  it("are counted where there are too many", function()
    assert.equal(100, #failures(many(100)))
    local found = failures(many(103))
    assert.equal(101, #found)
    assert.equal("3 more entries of this report are not listed", found[101].text)
    assert.equal("103", found[101].evidence[1].value)
    assert.equal(100, asked)
  end)
end)
