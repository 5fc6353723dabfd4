--- Folders of policies, as people write them and as the kubelet mounts them.

local lfs = require "lfs"
local program = require "support.program"

local policies = {}

local function make_folders(path)
  for parent in path:gmatch("()/") do
    local folder = path:sub(1, parent - 1)
    if folder ~= "" then lfs.mkdir(folder) end
  end
end

--- Puts a file into place in one step, as careful editors do.
function policies.put(folder, path, text)
  local staged = program.folder() .. "/staged"
  program.write(staged, text)
  make_folders(folder .. "/" .. path)
  assert(os.rename(staged, folder .. "/" .. path))
end

---@param files table<string, string> text by path
---@return string folder
function policies.folder(files)
  local folder = program.folder()
  for path, text in pairs(files) do policies.put(folder, path, text) end
  return folder
end

local mounts = 0

--- What the kubelet does with a ConfigMap (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go): a new folder with all files, a link to it renamed
--- over ..data, links of the keys through ..data, and the old folder removed.
---@param folder string
---@param files table<string, string> text by key
function policies.mount(folder, files)
  mounts = mounts + 1
  local name = ("..2026_03_01_10_00_%02d.%d"):format(mounts % 60, mounts)
  local old = lfs.symlinkattributes(folder .. "/..data", "target")
  assert(lfs.mkdir(folder .. "/" .. name))
  for key, text in pairs(files) do program.write(folder .. "/" .. name .. "/" .. key, text) end
  assert(lfs.link(name, folder .. "/..data_tmp", true))
  assert(os.rename(folder .. "/..data_tmp", folder .. "/..data"))
  for key in pairs(files) do
    if not lfs.symlinkattributes(folder .. "/" .. key) then assert(lfs.link("..data/" .. key, folder .. "/" .. key, true)) end
  end
  for key in lfs.dir(folder) do
    if key:sub(1, 1) ~= "." and not files[key] then os.remove(folder .. "/" .. key) end
  end
  if old then os.execute("rm -rf " .. program.quote(folder .. "/" .. old)) end
end

return policies
