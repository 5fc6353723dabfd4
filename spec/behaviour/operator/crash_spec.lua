--- Killed before, during or after any of its writes while it takes up a new K8sGPT, an operator that starts again brings everything to the same
--- end (crash-consistency).

local crash = require "support.crash"
local operator = require "support.operator"

local STORY <const> = {
  name = "a K8sGPT comes and finds faults",
  act = function(site) site.cluster:create(site.k8sgpt) end,
  over = function(site) return crash.knows(site, 3) end,
}

describe("an operator that is killed when " .. STORY.name, function()
  after_each(operator.clean)
  teardown(crash.record)

  for point, words in pairs(crash.POINTS) do
    it("comes to the same end: at each of its writes, " .. words, function()
      assert.is_true(crash.at_each_write(STORY, point) >= 8) -- the finalizer, three Results and their statuses, that of the K8sGPT
    end)
  end

  it("and again in every life, comes to the same end", function() crash.again_and_again(STORY, 5) end)
end)
