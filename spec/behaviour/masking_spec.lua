--- What is masked of what the built-in analyzers find: all tables of cases again, with names that stand out.

package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local canaries = require "support.canaries"
local json = require "cjson"
local lfs = require "lfs"
local mask = require "k8sgpt.mask"
local program = require "support.program"

local BINARY <const> = (os.getenv("BUILD") or "build") .. "/k8sgpt-operator"
local ANALYZERS <const> = "policies/analyzers"
local KEY <const> = mask.key("cluster", "uid")

local function files(folder)
  local pipe = assert(io.popen("cd " .. folder .. " && find . -name '*.yaml' | sort"))
  local paths = {}
  for path in pipe:lines() do paths[#paths + 1] = path:sub(3) end
  pipe:close()
  return paths
end

-- A copy of the analyzers whose cases speak of canaries.
local function planted()
  local folder = program.folder()
  for name in lfs.dir(ANALYZERS) do
    local from, names = ANALYZERS .. "/" .. name, {}
    if name:sub(1, 1) ~= "." then
      os.execute(("mkdir -p %s/analyzers && cp -r %s %s/analyzers"):format(folder, from, folder))
      for _, path in ipairs(files(from)) do
        if path ~= "policy_test.yaml" then canaries.collect(program.read(from .. "/" .. path), names) end
      end
      for _, path in ipairs(files(from)) do
        local text = program.read(from .. "/" .. path)
        if path == "policy_test.yaml" then
          text = text:gsub("subject: (%b{})", function(subject) return "subject: " .. canaries.plant(subject, names) end)
        else
          text = canaries.plant(text, names)
        end
        program.write(("%s/analyzers/%s/%s"):format(folder, name, path), text)
      end
    end
  end
  return folder
end

-- Everything that a case's findings say, masked.
local function masked(finding)
  local words = { finding.text }
  for _, item in ipairs(finding.evidence or {}) do
    words[#words + 1] = item.path
    words[#words + 1] = item.value
  end
  for i, text in ipairs(words) do words[i] = mask.apply(text, finding.sensitive or {}, KEY) end
  return words
end

-- "analyzers/Pod/image" of all that are declared.
local function rules()
  local all = {}
  for name in lfs.dir(ANALYZERS) do
    local policy = name:sub(1, 1) ~= "." and dofile(("%s/%s/policy.lua"):format(ANALYZERS, name))
    for rule in pairs(policy and policy.rules or {}) do
      if rule ~= "more" then all[#all + 1] = ("analyzers/%s/%s"):format(name, rule) end -- names nothing (spec/lua/entries_spec.lua)
    end
  end
  assert(#all > 100)
  return all
end

describe("masks", function()
  after_each(program.clean)

  it("hide every name in every text and evidence", function()
    local pipe = assert(io.popen(("%s policy test -o json %s"):format(BINARY, planted())))
    local leaks, found = {}, {}
    for line in pipe:lines() do
      local case = json.decode(line)
      for _, finding in ipairs(case.found or {}) do
        local rule = case.policy .. "/" .. finding.rule
        found[rule] = true
        for _, text in ipairs(masked(finding)) do
          -- A mask with a rest of a name behind it hides another, shorter name.
          local rest = text:match("masked%-%x+[-.]%w+")
          if text:find(canaries.MARK, 1, true) or rest then leaks[#leaks + 1] = ("%s: %s: %s"):format(rule, case.case, text) end
        end
      end
    end
    pipe:close()
    assert.are.equal("", table.concat(leaks, "\n"))
    for _, rule in ipairs(rules()) do assert.is_true(found[rule], "no case of canaries finds " .. rule) end
  end)
end)
