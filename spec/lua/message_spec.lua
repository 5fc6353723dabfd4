package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local message = require "k8sgpt.message"

describe("message", function()
  it("writes keys in the order given, and leaves out what is empty", function()
    assert.equal('{"b":"1","a":{"c":"2"}}', message.json { { "b", "1" }, { "x", nil }, { "y", "" }, { "a", raw = '{"c":"2"}' } })
    assert.equal("{}", message.json {})
  end)

  it("escapes as upstream's JSON does", function()
    assert.equal('{"text":"\\u003ca\\u003e \\u0026 \\"b\\"\\n"}', message.json { { "text", '<a> & "b"\n' } })
  end)

  it("names objects with and without a namespace", function()
    local finding = { cr = { name = "main" }, kind = "Pod", namespace = "shop", name = "web", severity = "high" }
    assert.equal(">*[main] K8sGPT analysis of the Pod shop/web*", message.title(finding))
    finding.namespace = ""
    assert.equal(">*[main] K8sGPT analysis of the Pod web*", message.title(finding))
    finding.as = { kind = "Security/Pod" }
    assert.equal(">*[main] K8sGPT analysis of the Security/Pod web*", message.title(finding))
  end)

  it("posts without a URL that only the host knows", function()
    assert.is_nil(message.post({ url = "", secret = true }, "text/plain", "x").url)
    assert.same({ method = "POST", url = "http://a", headers = { ["Content-Type"] = "text/plain" }, body = "x" },
      message.post({ url = "http://a" }, "text/plain", "x"))
  end)
end)
