package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local k8sgpt = require "k8sgpt"
local mask = require "k8sgpt.mask"
local result = require "k8sgpt.result"

local CR = { metadata = { namespace = "ops", name = "main", uid = "c0ffee" }, spec = { ai = { backend = "openai" } } }
local KEY = mask.key("prod", "c0ffee")

local function finding(id, fields)
  local out = { id = id, rule = "image", key = "app", severity = "high", state = "open", text = 'no image "x"', sensitive = { "x" }, evidence = {} }
  for name, value in pairs(fields or {}) do out[name] = value end
  return out
end

local function group(fields)
  local out = {
    id = "Pod/Pod/shop/web", analyzer = "Pod", apiVersion = "v1", kind = "Pod", namespace = "shop", name = "web", parentObject = "",
    firstSeen = "2026-03-01T10:00:00Z", changed = "2026-03-01T10:00:05Z", findings = { finding "f1" }, notifications = {}, delivered = true,
  }
  for name, value in pairs(fields or {}) do out[name] = value end
  return out
end

describe("result", function()
  it("hashes as upstream does", function()
    assert.equal("5586f12fe4c6e09319282e6df1644ae2b22c1f0ec8c2e525bd0dc0b1f3ea73e1",
      result.content_hash("Pod", "default/my-pod", "", { 'Back-off pulling image "nginxxx"' }))
    assert.equal("47a1c823a3e9fdab91577bce0a6aca1acbd302788c1dd16cba2faabdf225b34f",
      result.content_hash("Ingress", "shop/web", "", { "a < b & c", "second" }))
    assert.equal(k8sgpt.sha256 '{"Kind":"Pod","Name":"a/b","ParentObject":"","ErrorCount":0,"ErrorTexts":[]}', result.content_hash("Pod", "a/b", "", {}))
  end)

  describe("name", function()
    local function name(fields) return result.name(group(fields), CR) end

    it("is readable", function()
      assert.matches("^pod%-shop%-web%-%x%x%x%x%x%x%x%x$", name())
      assert.matches("^node%-n1%-%x%x%x%x%x%x%x%x$", name { kind = "Node", namespace = "", name = "n1" })
    end)

    it("differs where upstream's collide", function()
      assert.not_equal(name { namespace = "a-b", name = "c" }, name { namespace = "a", name = "b-c" })
      assert.not_equal(name { kind = "Service", analyzer = "Service" }, name())
      assert.not_equal(name { as = { kind = "Pod" } }, name())
      assert.not_equal(name { as = { name = "/a.b" } }, name { as = { name = "/a-b" } })
      assert.not_equal(result.name(group(), { metadata = { namespace = "ops", name = "other" } }), name())
    end)

    it("is a name that the API takes, whatever the object is called", function()
      for _, odd in ipairs { "Web.Example.COM", "-x-", ("n"):rep(253), "system:node", "/hook.example.org", "é", "" } do
        local made = name { name = odd }
        assert.is_true(#made <= 209, made)
        assert.matches("^[a-z0-9][-a-z0-9]*[a-z0-9]$", made)
      end
    end)
  end)

  it("names what is sensitive in evidence too, and shows the evidence", function()
    local evidence = { { path = "Pod shop/db-0: status.phase", value = "Pending" }, { path = "spec.serviceName", value = "db-0.x" } }
    local failure = result.render(group { findings = { finding("f1", { sensitive = { "x", "db-0", "none" }, evidence = evidence }) } }, CR, KEY).spec.error[1]
    assert.same(evidence, failure.evidence)
    local names = {}
    for i, pair in ipairs(failure.sensitive) do
      names[i] = pair.unmasked
      assert.equal(mask.of(pair.unmasked, KEY), pair.masked)
    end
    assert.same({ "db-0.x", "db-0", "x" }, names)
  end)

  it("is shown as what the analyzer says, and remembers its object", function()
    local out = result.render(group { as = { kind = "Storage/Pod" } }, CR, KEY)
    assert.same({ "Storage/Pod", "shop/web" }, { out.spec.kind, out.spec.name })
    assert.same({ ["k8sgpt.ai/object"] = "Pod/shop/web" }, out.metadata.annotations)
    out = result.render(group { namespace = "", as = { name = "/hook.example.org" } }, CR, KEY)
    assert.same({ "Pod", "/hook.example.org" }, { out.spec.kind, out.spec.name })
    assert.same({ ["k8sgpt.ai/object"] = "Pod//web" }, out.metadata.annotations)
    assert.is_nil(result.render(group(), CR, KEY).metadata.annotations)
  end)

  it("has upstream's required fields and ours", function()
    local out = result.render(group { parentObject = "Deployment/shop/web" }, CR, KEY)
    assert.same({
      backend = "openai", kind = "Pod", name = "shop/web", details = "", parentObject = "Deployment/shop/web", autoRemediationStatus = {},
      analyzer = "Pod", severity = "high",
      error = { { text = 'no image "x"', sensitive = { { unmasked = "x", masked = mask.of("x", KEY) } }, rule = "image", key = "app", severity = "high" } },
    }, out.spec)
    assert.same({
      ["k8sgpts.k8sgpt.ai/name"] = "main", ["k8sgpts.k8sgpt.ai/namespace"] = "ops", ["k8sgpts.k8sgpt.ai/backend"] = "openai",
    }, out.metadata.labels)
    assert.same({
      { apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", name = "main", uid = "c0ffee", controller = true, blockOwnerDeletion = true },
    }, out.metadata.ownerReferences)
    assert.equal("", out.status.webhook)
    assert.equal(result.content_hash("Pod", "shop/web", "Deployment/shop/web", { 'no image "x"' }), out.status.contentHash)
  end)

  it("writes empty lists as lists and the empty object as an object", function()
    local out = result.render(group { findings = { finding("f1", { sensitive = {} }) } }, { metadata = CR.metadata }, KEY)
    local json = k8sgpt.json_encode(out)
    assert.truthy(json:find('"sensitive":[]', 1, true))
    assert.truthy(json:find('"notifications":[]', 1, true))
    assert.truthy(json:find('"autoRemediationStatus":{}', 1, true))
    assert.equal("", out.spec.backend)
  end)

  it("keeps the pairs of a finding that was read back", function()
    local known = { { unmasked = "x", masked = "masked-before" } }
    local out = result.render(group { findings = { finding("f1", { sensitive = known }) } }, CR, KEY)
    assert.same(known, out.spec.error[1].sensitive)
  end)

  it("shows open failures only, and lists all states", function()
    local findings = { finding("f1", { severity = "low" }), finding("f2", { rule = "unschedulable", severity = "critical", state = "resolved" }) }
    local out = result.render(group { findings = findings }, CR, KEY)
    assert.equal(1, #out.spec.error)
    assert.equal("low", out.spec.severity)
    assert.same({ { id = "f1", rule = "image", state = "open" }, { id = "f2", rule = "unschedulable", state = "resolved" } }, out.status.findings)
  end)

  it("keeps the last failures of what is resolved", function()
    local out = result.render(group { resolved = "2026-03-01T10:05:00Z", findings = { finding("f1", { state = "resolved" }) } }, CR, KEY)
    assert.equal('no image "x"', out.spec.error[1].text)
    assert.equal("resolved", out.status.lifecycle)
  end)

  describe("lifecycle", function()
    local function life(fields, stored) return result.render(group(fields), CR, KEY, stored).status.lifecycle end
    local stored = { status = { lifecycle = "created", changed = "2026-03-01T10:00:05Z" } }

    it("is created, until the set of failures changes", function()
      assert.equal("created", life())
      assert.equal("created", life({ resultName = "r" }, stored))
      assert.equal("updated", life({ resultName = "r", changed = "2026-03-01T11:00:00Z" }, stored))
    end)

    it("goes on from a Result of upstream's", function()
      assert.equal("historical", life({ formerName = "r" }, { status = { lifecycle = "historical" } }))
    end)

    it("comes back from resolved", function()
      assert.equal("updated", life({}, { status = { lifecycle = "resolved", changed = "2026-03-01T10:00:05Z" } }))
    end)
  end)

  it("renders what was stored the same again, so that nothing is written", function()
    local stored
    for _, fields in ipairs { {}, { resultName = "r", changed = "2026-03-01T11:00:00Z" }, { resultName = "r", resolved = "2026-03-01T12:00:00Z" } } do
      stored = result.render(group(fields), CR, KEY, stored)
      fields.resultName = stored.metadata.name
      assert.same(stored, result.render(group(fields), CR, KEY, stored))
    end
  end)

  it("logs upstream's line, without names", function()
    local line = result.log_line(result.render(group(), CR, KEY))
    assert.equal(([[{"Name":"shop/web","Kind":"Pod","Error":"Error [{no image \"%s\" []}]","Details":""}]]):format(mask.of("x", KEY)), line)
  end)
end)
