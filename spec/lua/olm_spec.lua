package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local olm = require "k8sgpt.olm"

describe("olm", function()
  it("says why by reason and message, or by whichever there is", function()
    assert.equal("Why: because", olm.because("Why", "because"))
    assert.equal("Why", olm.because("Why", ""))
    assert.equal("because", olm.because(nil, "because"))
    assert.is_nil(olm.because("", nil))
  end)

  it("shows the first condition that is not true and says anything", function()
    local function first(...) return (olm.first_said { status = { conditions = { ... } } }) end
    assert.equal("B: b", first({ status = "True", reason = "A" }, { status = "False", reason = "", message = "" }, { reason = "B", message = "b" }))
    assert.is_nil(first({ status = "True", reason = "A" }))
    assert.is_nil((olm.first_said {}))
  end)

  it("adds a failure for a condition that does not hold", function()
    local found, condition = {}, { type = "Serving", status = "False", reason = "Why", message = "not served", lastTransitionTime = "2026-03-01T09:00:00Z" }
    local catalog = { kind = "ClusterCatalog", metadata = { name = "ops" }, status = { conditions = { condition } } }
    olm.condition(found, catalog, "not-served", "Serving", function(c) return c.status == "False" end)
    olm.condition(found, catalog, "not-served", "Progressing", function() return false end)
    assert.same({}, found)
    olm.condition(found, catalog, "not-served", "Serving", function(c) return c.status == "True" end)
    assert.same({ {
      rule = "not-served", text = "OLMv1 ClusterCatalog: ops has condition of type Serving, reason Why: not served",
      since = "2026-03-01T09:00:00Z", sensitive = { "ops" },
    } }, found)
  end)
end)
