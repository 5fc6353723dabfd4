package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local selector = require "k8sgpt.selector"

local function one(key, operator, ...)
  return { matchExpressions = { { key = key, operator = operator, values = select("#", ...) > 0 and { ... } or nil } } }
end

describe("selector", function()
  it("is satisfied by any labels where it asks for none", function()
    for _, empty in ipairs { {}, { matchLabels = {} }, { matchExpressions = {} } } do
      assert.is_true(selector.matches(empty, nil))
      assert.is_true(selector.matches(empty, { app = "web" }))
    end
    assert.is_true(selector.matches(nil, nil))
  end)

  it("wants every label of matchLabels, and names the first that is missing", function()
    local wanted = { matchLabels = { tier = "front", app = "web" } }
    assert.is_true(selector.matches(wanted, { app = "web", tier = "front", other = "x" }))
    local matches, unmet = selector.matches(wanted, { tier = "back" })
    assert.is_false(matches)
    assert.equal("app=web", unmet)
    assert.same({ false, "tier=front" }, { selector.matches(wanted, { app = "web", tier = "back" }) })
  end)

  it("holds each operator to a label that fits, another one and none", function()
    local expected = {
      { one("env", "In", "a", "b"), true, false, false, "env In (a, b)" },
      { one("env", "NotIn", "a", "b"), false, true, true, "env NotIn (a, b)" },
      { one("env", "Exists"), true, true, false, "env Exists" },
      { one("env", "DoesNotExist"), false, false, true, "env DoesNotExist" },
    }
    for _, case in ipairs(expected) do
      local wanted, text = case[1], case[5]
      for i, labels in ipairs { { env = "b" }, { env = "c" }, {} } do
        local matches, unmet = selector.matches(wanted, labels)
        assert.equal(case[i + 1], matches, text)
        assert.equal(not matches and text or nil, unmet)
      end
      assert.equal(case[4], (selector.matches(wanted, nil)), text)
    end
  end)

  it("wants labels and expressions, all of them", function()
    local wanted = { matchLabels = { app = "web" }, matchExpressions = { { key = "env", operator = "Exists" }, { key = "old", operator = "DoesNotExist" } } }
    assert.is_true(selector.matches(wanted, { app = "web", env = "a" }))
    assert.is_false(selector.matches(wanted, { app = "web" }))
    assert.is_false(selector.matches(wanted, { env = "a" }))
    assert.is_false(selector.matches(wanted, { app = "web", env = "a", old = "x" }))
  end)

  it("takes no label for granted that an unknown operator asks for", function()
    assert.is_false(selector.matches(one("env", "in", "a"), { env = "a" }))
  end)

  it("says what is wrong with a selector", function()
    assert.is_nil(selector.problem(nil))
    assert.is_nil(selector.problem { matchLabels = { app = "web" } })
    for _, good in ipairs { one("env", "In", "a"), one("env", "NotIn", "a"), one("env", "Exists"), one("env", "DoesNotExist") } do
      assert.is_nil(selector.problem(good))
    end
    assert.equal('has an operator "in": write In, NotIn, Exists or DoesNotExist', selector.problem(one("env", "in", "a")))
    assert.equal("has env In without values: list at least one", selector.problem(one("env", "In")))
    assert.equal("has env Exists (a), which takes no values: leave them out", selector.problem(one("env", "Exists", "a")))
  end)
end)
