--- Killed before, during or after any of its writes while something ends, an operator that starts again leaves nothing behind
--- (crash-consistency).

local crash = require "support.crash"
local objects = require "support.objects"
local operator = require "support.operator"

local MENDED <const> = {
  name = "a fault is mended", has_k8sgpt = true,
  act = function(site) site.cluster:patch(objects.image_error("image"), objects.mended(), "status") end,
  over = function(site) return crash.knows(site, 2) and crash.results(site) == 2 end,
}

local DELETED <const> = {
  name = "a K8sGPT is deleted", has_k8sgpt = true,
  act = function(site) site.cluster:delete(site.k8sgpt) end,
  over = function(site) return not site.cluster:find(site.k8sgpt) and crash.results(site) == 0 end,
}

describe("an operator that is killed comes to the same end", function()
  after_each(operator.clean)
  teardown(crash.record)

  for point, words in pairs(crash.POINTS) do
    it(("when %s: at each of its writes, %s"):format(MENDED.name, words), function()
      assert.is_true(crash.at_each_write(MENDED, point) >= 3) -- what is told, the deletion of the Result, the status of the K8sGPT
    end)

    it(("when %s: at each of its writes, %s"):format(DELETED.name, words), function()
      assert.is_true(crash.at_each_write(DELETED, point) >= 4) -- three deletions and the finalizer
    end)
  end
end)
