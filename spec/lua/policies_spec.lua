package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local tables = require "tables"

local function folders()
  local list, pipe = {}, assert(io.popen "ls -d policies/*/*/")
  for line in pipe:lines() do list[#list + 1] = line:gsub("/$", "") end
  pipe:close()
  return list
end

for _, folder in ipairs(folders()) do
  describe(folder, function()
    for _, case in ipairs(tables.cases(folder)) do
      it(case.name, function() assert.is_nil(case.check()) end)
    end
  end)
end
