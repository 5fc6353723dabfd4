--- The image as a container, by runc, with what Kubernetes gives to a pod of the standard "restricted": a file system that cannot be written, a
-- user without rights, no more capabilities to be had, the account's token, names by /etc/hosts. The network is the machine's.
--
--   local op = container.start({ "run", "--engine=embedded" }, { environment = { "A=b" }, files = { ["/etc/hosts"] = "..." } })

local json = require "cjson"
local program = require "support.program"

local container = { FOLDER = (os.getenv("BUILD") or "build") .. "/image" }

---@return table the image's configuration (OCI Image Format Specification, "Image Configuration")
function container.image() return json.decode(program.read(container.FOLDER .. "/image.json")) end

local function mounts(files)
  local list = {
    { destination = "/proc", type = "proc", source = "proc" },
    { destination = "/dev", type = "tmpfs", source = "tmpfs", options = { "nosuid", "strictatime", "mode=755", "size=65536k" } },
  }
  local folder = program.folder()
  os.execute("chmod 755 " .. folder)
  for path, text in pairs(files) do
    local source = folder .. "/" .. path:gsub("/", ".")
    program.write(source, text)
    list[#list + 1] = { destination = path, type = "bind", source = source, options = { "bind", "ro" } }
  end
  return list
end

--- A bundle of the OCI Runtime Specification, with the image's user and entry point.
local function bundle(arguments, options)
  local config, folder = container.image().config, program.folder()
  local args = { table.unpack(config.Entrypoint) }
  table.move(arguments, 1, #arguments, #args + 1, args)
  local uid, gid = config.User:match("^(%d+):(%d+)$")
  program.write(folder .. "/config.json", json.encode {
    ociVersion = "1.0.2", mounts = mounts(options.files or {}), hostname = "operator",
    root = { path = io.popen("realpath " .. program.quote(container.FOLDER .. "/rootfs")):read("l"), readonly = true },
    process = {
      user = { uid = math.tointeger(uid), gid = math.tointeger(gid) }, args = args, env = options.environment or config.Env, cwd = "/", noNewPrivileges = true,
    },
    linux = { namespaces = { { type = "pid" }, { type = "mount" }, { type = "ipc" }, { type = "uts" } } },
  })
  return folder
end

local serial = 0

---@param arguments string[] after the entry point
---@param options? {environment?: string[], files?: table<string, string>} files: their content by path
---@return table of support.program
function container.start(arguments, options)
  serial = serial + 1
  local folder = bundle(arguments, options or {})
  return program.start { "runc", "--root", folder .. "/state", "run", "--bundle", folder, ("k8sgpt-%s-%d"):format(folder:match("[^/]*$"), serial) }
end

return container
