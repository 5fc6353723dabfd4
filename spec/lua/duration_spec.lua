package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local duration = require "k8sgpt.duration"

describe("duration", function()
  it("reads seconds, minutes and hours", function()
    assert.equal(20, duration.seconds("20s"))
    assert.equal(300, duration.seconds("5m"))
    assert.equal(3600, duration.seconds("1h"))
    assert.equal(0, duration.seconds("0s"))
    assert.equal("integer", math.type(duration.seconds("20s")))
  end)

  it("refuses everything else", function()
    for _, text in ipairs { "", "5", "5d", "5m30s", "5.5m", "-5m", " 5m", "5m ", "m", "9000h", "99999999999999999999s" } do
      assert.is_nil(duration.seconds(text), text)
    end
    assert.is_nil(duration.seconds(nil))
    assert.is_nil(duration.seconds(5))
  end)

  it("falls back to half a minute between runs", function()
    assert.equal(30, duration.interval {})
    assert.equal(30, duration.interval { spec = { analysis = { interval = "soon" } } })
    assert.equal(20, duration.interval { spec = { analysis = { interval = "20s" } } })
  end)
end)
