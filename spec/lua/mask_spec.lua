package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local mask = require "k8sgpt.mask"

local KEY = mask.key("cluster", "uid")

describe("mask", function()
  it("is the same in every run and another one under another key", function()
    assert.equal(mask.of("shop", KEY), mask.of("shop", mask.key("cluster", "uid")))
    assert.not_equal(mask.of("shop", KEY), mask.of("shop", mask.key("cluster", "other")))
    assert.not_equal(mask.key("ab", "c"), mask.key("a", "bc"))
    assert.matches("^masked%-%x%x%x%x%x%x%x%x%x%x%x%x$", mask.of("shop", KEY))
  end)

  it("takes the longest first", function()
    local text, pairs_of = mask.apply("web-7f and web", { "web", "web-7f" }, KEY)
    assert.equal(mask.of("web-7f", KEY) .. " and " .. mask.of("web", KEY), text)
    assert.same({ { unmasked = "web-7f", masked = mask.of("web-7f", KEY) }, { unmasked = "web", masked = mask.of("web", KEY) } }, pairs_of)
  end)

  it("takes whole words only, and every character for itself", function()
    assert.equal("myapp apps app_1", (mask.apply("myapp apps app_1", { "app" }, KEY)))
    assert.equal(mask.of("my-app", KEY) .. "/" .. mask.of("app", KEY) .. ".", (mask.apply("my-app/app.", { "app" }, KEY)))
    assert.equal("axb", (mask.apply("axb", { "a.b" }, KEY)))
    assert.equal("a%" .. mask.of("%d+", KEY), (mask.apply("a%%d+", { "%d+" }, KEY)))
  end)

  it("never masks inside a mask", function()
    local digits = mask.of("web", KEY):match("%x+$")
    local text = mask.apply("web", { "web", "masked", digits }, KEY)
    assert.equal(mask.of("web", KEY), text)
  end)

  it("names only pairs that occur", function()
    local text, pairs_of = mask.apply("nothing here", { "web", "" }, KEY)
    assert.equal("nothing here", text)
    assert.same({}, pairs_of)
  end)

  it("hides with pairs that there are", function()
    assert.equal("pod X of Y", mask.hide("pod web of shop", { { unmasked = "web", masked = "X" }, { unmasked = "shop", masked = "Y" } }))
  end)

  -- Whatever the text and the names are: no name is left as a whole word, and the way back gives the text.
  it("loses nothing and leaves nothing", function()
    local state = 20260301
    local function random(n)
      state = (state * 1103515245 + 12345) % 2 ^ 31
      return state // 65536 % n + 1
    end
    local alphabet = { "a", "b", "ab", "-", "/", ".", " ", "%", '"', "é" }
    local function word(length)
      local out = {}
      for i = 1, random(length) do out[i] = alphabet[random(#alphabet)] end
      return table.concat(out)
    end
    for _ = 1, 500 do
      local text, names = word(20), { word(4), word(3), word(2) }
      local masked, pairs_of = mask.apply(text, names, KEY)
      assert.equal(text, mask.restore(masked, pairs_of))
      for _, name in ipairs(names) do
        local plain = (" " .. masked .. " "):gsub("masked%-%x+", "#")
        if name:match("^%a+$") then assert.is_nil(plain:find("[^%w_]" .. name .. "[^%w_]")) end
      end
    end
  end)

  it("finds what a message quotes, and those of the names that occur", function()
    assert.same({ "shop", "edge-tls" }, mask.sensitive('secret "edge-tls" of shop', "shop", "web", nil))
    assert.same({ "a" }, mask.sensitive('"a" and "a" and ""'))
  end)
end)
