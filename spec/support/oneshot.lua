--- The verbs that look at a cluster once, run to their end.

local json = require "cjson"
local operator = require "support.operator"
local program = require "support.program"

local oneshot = {}

--- How a run ended.
---@class Ended
---@field output string
---@field errors string
---@field status integer

---@param words string[] the verb first
---@param input? string standard input
---@return Ended
function oneshot.run(words, input)
  local folder = program.folder()
  program.write(folder .. "/in", input or "")
  local quoted = { program.quote(operator.BINARY) }
  for i, word in ipairs(words) do quoted[i + 1] = program.quote(word) end
  local ok, how, code = os.execute(("timeout -k 1 %d %s <%s/in >%s/out 2>%s/err"):format(program.LIMIT_SECONDS, table.concat(quoted, " "), folder,
    folder, folder))
  assert(ok or how == "exit", "ended by a signal")
  return { output = program.read(folder .. "/out"), errors = program.read(folder .. "/err"), status = ok and 0 or code }
end

--- Objects in a file, as `kubectl get -o json` writes them.
---@param objects table[]
---@return string path
function oneshot.snapshot(objects)
  local path = program.folder() .. "/snapshot.json"
  program.write(path, json.encode { apiVersion = "v1", kind = "List", items = #objects > 0 and objects or json.empty_array })
  return path
end

--- analyze -o json of a file.
---@param path string
---@param ... string further flags
---@return table answer
---@return Ended ended
function oneshot.analyze(path, ...)
  local ended = oneshot.run { "analyze", "--from", path, "-o", "json", ... }
  if ended.output == "" then error(("status %d: %s"):format(ended.status, ended.errors), 2) end
  return json.decode(ended.output), ended
end

--- "Pod default/web: image", sorted.
---@param answer table from analyze
---@return string[]
function oneshot.found(answer)
  local lines = {}
  for _, result in ipairs(answer.results) do
    for _, failure in ipairs(result.error) do lines[#lines + 1] = ("%s %s: %s"):format(result.kind, result.name, failure.rule) end
  end
  table.sort(lines)
  return lines
end

return oneshot
