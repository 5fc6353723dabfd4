package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local image = require "k8sgpt.image"

local HEX64 <const> = ("0123456789abcdef"):rep(4)

describe("image", function()
  it("takes what registries take", function()
    for _, text in ipairs {
      "catalog", "catalog:v1", "team/catalog", "quay.example.com/ops/catalog:v4.1_rc-2", "registry.local:5000/team__a/catalog:v1",
      "localhost/catalog", "UPPER/catalog", "a.b-c/d--e/f_g.h", "registry:5000/catalog", "quay.example.com/catalog@sha256:" .. HEX64,
      "quay.example.com/catalog:v1@sha256:" .. HEX64, "catalog:" .. ("t"):rep(128),
    } do
      assert.is_true(image.is_reference(text), text)
    end
  end)

  it("refuses what they refuse", function()
    for _, text in ipairs {
      "", ":v1", "catalog:", "Catalog", "quay.example.com/Team/catalog", "registry example/catalog", "-registry.example.com/catalog",
      "registry-.example.com/catalog", "a..b/catalog", "team/", "/catalog", "a//b", "team/cat___alog", "team/cat.-alog", "team/-catalog",
      "catalog-", "catalog:v1:v2", "catalog:-v1", "catalog@sha256:12ab", "catalog@" .. HEX64, "catalog:" .. ("t"):rep(129),
    } do
      assert.is_false(image.is_reference(text), text)
    end
  end)

  it("calls pinned what ends in a whole digest", function()
    assert.is_true(image.is_pinned("quay.example.com/catalog@sha256:" .. HEX64))
    for _, text in ipairs { "", "catalog:v1", "c@sha256:" .. HEX64:sub(2), "c@sha256:" .. HEX64:upper(), "c@sha512:" .. HEX64, "c@sha256:" .. HEX64 .. " " } do
      assert.is_false(image.is_pinned(text), text)
    end
  end)
end)
