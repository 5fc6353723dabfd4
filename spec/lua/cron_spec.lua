package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local cron = require "k8sgpt.cron"

-- 2026-03-01T10:10:00Z, a Sunday
local NOW = 1772359800

local function at(text, after, format)
  local time = cron.next(assert(cron.parse(text)), after or NOW)
  return time and os.date(format or "!%Y-%m-%d %H:%M", time)
end

describe("cron", function()
  it("finds the next time", function()
    for text, expected in pairs {
      ["* * * * *"] = "2026-03-01 10:11",
      ["*/5 * * * *"] = "2026-03-01 10:15",
      ["10 10 * * *"] = "2026-03-02 10:10",
      ["11 10 1 * *"] = "2026-03-01 10:11",
      ["0 3 * * *"] = "2026-03-02 03:00",
      ["7-9,30 9-17/4 * * *"] = "2026-03-01 13:07",
      ["50/5 * * * *"] = "2026-03-01 10:50",
      ["0 0 31 * *"] = "2026-03-31 00:00",
      ["0 0 29 2 *"] = "2028-02-29 00:00",
      ["0 0 1 JAN *"] = "2027-01-01 00:00",
      ["0 12 ? * mon-fri"] = "2026-03-02 12:00",
      ["0 0 * * 6"] = "2026-03-07 00:00",
      ["0 12 * * SUN"] = "2026-03-01 12:00",
      ["@hourly"] = "2026-03-01 11:00", ["@daily"] = "2026-03-02 00:00", ["@weekly"] = "2026-03-08 00:00",
      ["@monthly"] = "2026-04-01 00:00", ["@yearly"] = "2027-01-01 00:00", ["@midnight"] = "2026-03-02 00:00",
      ["@every 1h30m"] = "2026-03-01 11:40",
      ["TZ=Europe/Berlin 0 3 * * *"] = "2026-03-02 03:00", ["CRON_TZ=UTC @hourly"] = "2026-03-01 11:00",
    } do
      assert.equal(expected, at(text), text)
    end
  end)

  it("takes either of two restricted fields of days, and both where one is a star", function()
    assert.equal("2026-03-02", at("0 0 15 * 1", NOW, "!%Y-%m-%d"))
    assert.equal("2026-03-15", at("0 0 15 * *", NOW, "!%Y-%m-%d"))
    assert.equal("2026-03-03", at("0 0 */2 * 1,2", NOW + 86400, "!%Y-%m-%d")) -- a star with a step is a restriction
    assert.equal("2026-03-02", at("0 0 * * 1", NOW, "!%Y-%m-%d"))
  end)

  it("knows what never comes", function()
    assert.is_nil(at("0 0 30 2 *"))
    assert.is_nil(at(", * * * *"))
  end)

  it("counts over the ends of months, years and centuries", function()
    local schedule = cron.parse("0 0 * * *")
    for _, start in ipairs { 951696000, 4107456000, 1704067200 - 86400, 0 } do -- 2000-02-28, 2100-02-28, the end of 2023, 1970
      for day = 0, 3 do
        local time = start + day * 86400
        assert.equal(time + 86400, cron.next(schedule, time))
      end
      assert.equal(os.date("!%d", start + 86400), at("0 0 " .. os.date("!%d", start + 86400) .. " * *", start, "!%d"))
    end
    assert.equal("2100-03-01", at("0 0 1 3 *", 4107456000, "!%Y-%m-%d"))
    assert.equal("2104-02-29", at("0 0 29 2 *", 4107456000, "!%Y-%m-%d"))
  end)

  it("tells a time zone", function()
    assert.is_true(cron.parse("TZ=Asia/Tokyo 0 3 * * *").zoned)
    assert.is_false(cron.parse("0 3 * * *").zoned)
  end)

  it("says what is wrong in the controller's words", function()
    for text, expected in pairs {
      [""] = "empty spec string",
      ["*/5 * * *"] = "expected exactly 5 fields, found 4: [*/5 * * *]",
      ["* * * * * *"] = "expected exactly 5 fields, found 6: [* * * * * *]",
      ["@fortnightly"] = "unrecognized descriptor: @fortnightly",
      ["a b c d e"] = 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax',
      ["60 * * * *"] = "end of range (60) above maximum (59): 60",
      ["* * 0 * *"] = "beginning of range (0) below minimum (1): 0",
      ["* * * * 7"] = "end of range (7) above maximum (6): 7",
      ["5-1 * * * *"] = "beginning of range (5) beyond end of range (1): 5-1",
      ["1-2-3 * * * *"] = "too many hyphens: 1-2-3",
      ["*/2/3 * * * *"] = "too many slashes: */2/3",
      ["*/0 * * * *"] = "step of range should be a positive number: */0",
      ["*/-1 * * * *"] = "negative number (-1) not allowed: -1",
      ["-1 * * * *"] = 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax',
      ["@every soon"] = 'failed to parse duration @every soon: time: invalid duration "soon"',
    } do
      assert.same({ nil, expected }, { cron.parse(text) }, text)
    end
  end)
end)
