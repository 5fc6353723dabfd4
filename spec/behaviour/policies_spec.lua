--- The tables of the built-in analyzers as a whole: every rule is found in one of its cases, with what it rests on.

package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local json = require "cjson"
local lfs = require "lfs"

local BINARY <const> = (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"
local ANALYZERS <const> = "policies/analyzers"

-- Findings by "analyzers/NAME/RULE".
local function found_in_tables()
  local pipe, found = assert(io.popen(BINARY .. " policy test -o json policies")), {}
  for line in pipe:lines() do
    local case = json.decode(line)
    for _, finding in ipairs(case.found or {}) do
      local rule = case.policy .. "/" .. finding.rule
      found[rule] = found[rule] or {}
      table.insert(found[rule], finding)
    end
  end
  pipe:close()
  return found
end

-- Of reports with over a hundred entries: spec/lua/entries_spec.lua.
local function is_tried_elsewhere(rule) return rule == "more" end

describe("every rule of an analyzer", function()
  local found = found_in_tables()
  for name in lfs.dir(ANALYZERS) do
    local policy = name:sub(1, 1) ~= "." and dofile(("%s/%s/policy.lua"):format(ANALYZERS, name))
    for rule in pairs(policy and policy.rules or {}) do
      local test = is_tried_elsewhere(rule) and function() end or it
      test(("has a case and rests on evidence: %s/%s"):format(name, rule), function()
        local findings = found[("analyzers/%s/%s"):format(name, rule)]
        assert.is_truthy(findings, "no case of policy_test.yaml finds it")
        for _, finding in ipairs(findings) do
          assert.is_truthy(finding.evidence and finding.evidence[1], "a finding of it shows no evidence: " .. finding.text)
        end
      end)
    end
  end
end)
