--- What is accepted without effect yet, and says so.

local objects = require "support.objects"
local operator = require "support.operator"

describe("not there yet:", function()
  after_each(operator.clean)

  it("AI and remediation; the sample as upstream has it, but for a sink that nobody answers for", function()
    local cr = objects.k8sgpt {
      ai = { enabled = true, model = "gpt-4o-mini", backend = "openai", secret = { name = "s", key = "k" }, autoRemediation = { enabled = true } },
      sink = { type = "slack", webhook = "http://127.0.0.1:1/canary-4711" }, noCache = false, version = "v0.3.48",
    }
    local cluster = operator.cluster { cr, objects.image_error("web") }
    local op = cluster:operator()
    assert.are.equal("openai", cluster:await_result("Pod default/web").spec.backend)
    for _, type in ipairs { "ExplanationAvailable", "Remediation" } do
      assert.are.equal("False", cluster:await_condition(cr, type, "NotImplemented").status)
    end
    assert.is_nil(cluster:await_condition(cr, "Notified", "SinkFailing").message:find("canary", 1, true))
    op:await_news("opened Pod default/web image")
    op:stop()
    assert.is_nil(require("support.program").read(op.log):find("canary-4711", 1, true)) -- an address with a secret in it

    op = cluster:operator()
    cluster:patch(cr, { spec = { ai = require("cjson").null } })
    cluster:await_condition(cr, "ExplanationAvailable", "NotRequested")
    cluster:await_condition(cr, "Remediation", "NotRequested")
    op:stop()
  end)
end)
