package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local choice = require "k8sgpt.choice"
local enginerights = require "k8sgpt.enginerights"

describe("the rights of an engine", function()
  it("are known for every analyzer of the core set", function()
    for _, name in ipairs(choice.CORE) do assert.is_true(#enginerights.rules { name } > 0, name) end
  end)

  it("are to read, and of Secrets to get those that are named", function()
    for _, need in ipairs(enginerights.needs(enginerights.analyzers())) do
      for _, verb in ipairs(need.verbs) do
        assert.is_true(verb == "get" or verb == "list" and need.gvk ~= "v1/Secret", need.by)
      end
    end
  end)

  it("are none for what it does not know, and the same whoever names an analyzer how often", function()
    assert.are.same({}, enginerights.rules { "Trivy" })
    assert.are.same(enginerights.rules { "Pod", "Log" }, enginerights.rules { "Log", "Pod", "Log" })
  end)

  it("have the logs of pods", function()
    local found
    for _, rule in ipairs(enginerights.rules { "Log" }) do
      for _, resource in ipairs(rule.resources) do found = found or resource == "pods/log" and rule.verbs end
    end
    assert.are.same({ "get" }, found)
  end)
end)
