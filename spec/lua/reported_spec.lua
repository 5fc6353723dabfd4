package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local reported = require "k8sgpt.reported"

local function keys_of(...)
  local errors = {}
  for i, text in ipairs { ... } do errors[i] = { text = text } end
  local keys = {}
  for i, failure in ipairs(reported.object({ kind = "Pod", name = "a/b", error = errors }).failures) do keys[i] = failure.key end
  return keys
end

describe("reported", function()
  it("takes texts that differ in numbers, hashes, addresses and times for one", function()
    local same = {
      { "back-off 10s restarting", "back-off 5m20s restarting" },
      { "pod web-6d4b75cb6d-x7x2p is down", "pod web-58c9f7d5c4-9qk8z is down" },
      { "disk of 10.0.0.1:9100 is 91.5 % full", "disk of 10.0.12.7:9100 is 99 % full" },
      { "image sha256:0a1b2c  is gone", "image sha256:9f8e7d is gone" },
    }
    for _, pair in ipairs(same) do assert.are.equal(reported.key(pair[1]), reported.key(pair[2])) end
    assert.are.equal("pod web-# is down", reported.key(same[2][1]))
  end)

  it("tells texts apart by their words", function()
    assert.are_not.equal(reported.key("disk is full"), reported.key("disk is gone"))
    local long = ("word "):rep(100)
    assert.are_not.equal(reported.key(long .. "end"), reported.key(long .. "other end"))
    assert.is_true(#reported.key(long) <= 200)
  end)

  it("gives equal texts keys of their own, in order", function()
    assert.are.same({ "disk # is full", "disk # is full (2)", "disk # is full (3)" }, keys_of("disk 1 is full", "disk 2 is full", "disk 3 is full"))
  end)

  it("reads names as engines write them", function()
    local function place(name)
      local o = reported.object({ kind = "K", name = name, error = { { text = "t" } } })
      return { o.namespace, o.name, o.failures[1].as and o.failures[1].as.name }
    end
    assert.are.same({ "shop", "web" }, place("shop/web"))
    assert.are.same({ "", "node-1" }, place("node-1"))
    assert.are.same({ "shop", "pod/container" }, place("shop/pod/container"))
    assert.are.same({ "", "hook.example.org", "/hook.example.org" }, place("/hook.example.org"))
  end)

  it("names analyzer and object after who reports where the result does not", function()
    local o = reported.object({ kind = "", name = "", error = { { text = "t" } } }, "host-health")
    assert.are.same({ "host-health", "host-health", "host-health" }, { o.analyzer, o.kind, o.name })
    assert.are.equal("Pod", reported.object({ kind = "Pod", name = "a/b", error = { { text = "t" } } }).analyzer)
  end)

  it("takes an empty result for nothing found", function()
    for _, result in ipairs { {}, { name = "a/b", kind = "Pod", error = {} }, { name = "a/b", kind = "Pod", error = { { text = "" } } } } do
      assert.is_nil(reported.object(result, "host-health"))
    end
    assert.is_nil(reported.object({ kind = "Pod", name = "", error = { { text = "t" } } }))
  end)

  it("keeps what the API server would refuse for its size within bounds", function()
    local errors = {}
    for i = 1, 1000 do errors[i] = { text = ("é"):rep(20000) .. i } end
    local o = reported.object({ kind = ("k"):rep(1000), name = "a/" .. ("n"):rep(1000), error = errors, details = ("x"):rep(10 ^ 6) })
    local bytes = 0
    for _, failure in ipairs(o.failures) do
      bytes = bytes + #failure.text
      assert.is_truthy(utf8.len(failure.text))
      assert.is_true(#failure.key <= 210)
    end
    assert.is_true(bytes <= 300 * 1024)
    assert.is_true(#o.kind <= 253 and #o.name <= 253 and #o.details <= 256 * 1024)
  end)

  it("hands pairs of names and masks on, and the words of the AI along", function()
    local o = reported.object {
      kind = "Pod", name = "a/b", details = "restart it", parentObject = "Deployment/b",
      error = { { text = "b is down", sensitive = { { unmasked = "b", masked = "X" }, { unmasked = "", masked = "Y" } } }, { text = "other" } },
    }
    assert.are.same({ { unmasked = "b", masked = "X" } }, o.failures[1].sensitive)
    assert.are.equal("restart it", o.details)
    assert.is_nil(reported.object({ kind = "Pod", name = "a/b", details = "", error = { { text = "t" } } }, nil, false).details)
    assert.are.equal("Deployment/b", o.parentObject)
  end)
end)
