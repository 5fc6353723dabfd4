--- A recording of cluster states with what upstream's engine says of them, and a verdict on each of its findings. It lies beside the
--- repository and need not be there; its README tells the files.

local json = require "cjson"
local lfs = require "lfs"
local program = require "support.program"

local parity = {}
parity.FOLDER = os.getenv("PARITY") or "../shared/parity"

local function load(name) return json.decode(program.read(parity.FOLDER .. "/" .. name)) end

---@class Recording
---@field now string the clock of the recording
---@field filters string[]
---@field verdicts table[]
---@field missed table[]

---@return Recording? nil where there is none
function parity.recording()
  if program.read(parity.FOLDER .. "/meta.json") == "" then return nil end
  local meta = load("meta.json")
  return { now = meta.now, filters = meta.filters, verdicts = load("verdicts.json"), missed = load("missed.json") }
end

--- The files with the objects.
---@return string[]
function parity.files()
  local files = {}
  for name in lfs.dir(parity.FOLDER .. "/objects") do
    if name:find("%.jsonl$") then files[#files + 1] = parity.FOLDER .. "/objects/" .. name end
  end
  table.sort(files)
  return files
end

--- What was found, to be looked up: by object, and by object and text.
---@class Found
---@field objects table<string, true>
---@field texts table<string, true>

local function key(...) return table.concat({ ... }, "\0") end

---@return Found
function parity.found() return { objects = {}, texts = {} } end

---@param found Found
function parity.add(found, analyzer, kind, name, text)
  found.objects[key(analyzer, kind, name)] = true
  found.texts[key(analyzer, kind, name, text)] = true
end

--- Strictly: every sound finding with its text, no false positive, and something about every object whose fault upstream misses.
--- Of the whole cluster, without what the recording itself calls debatable.
---@class Judgement
---@field sound integer
---@field lost string[] sound findings that are not there
---@field false_positives integer
---@field kept string[] false positives that are there
---@field missed integer faults that upstream misses
---@field unseen string[] those of them that nothing tells of: "CASE object: fault"

---@param recording Recording
---@param found Found
---@param filter string
---@return Judgement
function parity.judge(recording, found, filter)
  local j = { sound = 0, lost = {}, false_positives = 0, kept = {}, missed = 0, unseen = {} }
  for _, v in ipairs(recording.verdicts) do
    local is_of_cluster = false
    for _, scope in ipairs(v.scopes) do is_of_cluster = is_of_cluster or scope == "cluster" end
    if v.filter == filter and is_of_cluster and not v.debatable then
      local there, line = found.texts[key(filter, v.kind, v.name, v.text)], ("%s %s: %s"):format(v.case, v.name, v.text)
      if v.verdict == "sound" then
        j.sound = j.sound + 1
        if not there then j.lost[#j.lost + 1] = line end
      else
        j.false_positives = j.false_positives + 1
        if there then j.kept[#j.kept + 1] = line end
      end
    end
  end
  for _, m in ipairs(recording.missed) do
    if m.filter == filter then
      j.missed = j.missed + 1
      if not found.objects[key(filter, m.kind, m.name)] then j.unseen[#j.unseen + 1] = ("%s %s: %s"):format(m.case, m.name, m.fault) end
    end
  end
  return j
end

return parity
