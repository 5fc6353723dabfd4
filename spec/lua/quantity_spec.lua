package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local quantity = require "k8sgpt.quantity"

describe("quantity", function()
  it("reads what the API writes", function()
    for text, expected in pairs {
      ["0"] = 0, ["1"] = 1, ["1.5"] = 1.5, [".5"] = 0.5, ["-1"] = -1, ["+2"] = 2, ["100m"] = 0.1, ["2k"] = 2000, ["1M"] = 1000000, ["3G"] = 3e9,
      ["1Ki"] = 1024, ["500Mi"] = 500 * 1048576, ["1Gi"] = 1073741824, ["2Ti"] = 2 * 1099511627776, ["2e3"] = 2000, ["1E3"] = 1000, ["1E"] = 1e18,
      ["5n"] = 5e-9,
    } do
      assert.near(expected, quantity.value(text), math.abs(expected) * 1e-12 + 1e-15, text)
    end
    assert.equal(7, quantity.value(7)) -- YAML written by hand
  end)

  it("knows what is none", function()
    for _, text in ipairs { "", "Mi", "1 Gi", "1Zi", "one", "1e", "--1", "." } do assert.is_nil(quantity.value(text), text) end
    assert.is_nil(quantity.value(nil))
    assert.is_nil(quantity.value({}))
  end)
end)
