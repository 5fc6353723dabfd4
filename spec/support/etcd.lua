--- An etcd of a test, through its JSON gateway (etcd docs, "gRPC gateway").

local json = require "cjson"
local mime = require "mime"
local program = require "support.program"

local etcd = {}
etcd.__index = etcd

local TRANSACTION_OPERATIONS <const> = 1000

local function encode(text) return (mime.b64(text)) end

--- The end of the range of all keys with this prefix: its last byte plus one.
local function range_end(prefix) return prefix:sub(1, -2) .. string.char(prefix:byte(-1) + 1) end

---@param url string
function etcd.at(url) return setmetatable({ url = url }, etcd) end

--- What must run beside --listen-client-urls for this module.
etcd.FLAGS = { "--max-txn-ops=" .. TRANSACTION_OPERATIONS, "--unsafe-no-fsync", "--log-level=error" }

function etcd:call(method, request)
  local path = os.tmpname()
  program.write(path, json.encode(request))
  local output, status = program.run { "curl", "-sS", "--fail-with-body", "--data-binary", "@" .. path, self.url .. "/v3/" .. method }
  os.remove(path)
  if status ~= 0 then error(("etcd %s: %s"):format(method, output), 2) end
  return json.decode(output)
end

local function range(self, prefix)
  return self:call("kv/range", { key = encode(prefix), range_end = encode(range_end(prefix)), keys_only = true }).kvs or {}
end

--- All keys that start so.
---@return string[]
function etcd:keys(prefix)
  local keys = {}
  for i, item in ipairs(range(self, prefix)) do keys[i] = mime.unb64(item.key) end
  return keys
end

--- Writes and deletes in one transaction after another.
---@param puts table<string, string> value by key
---@param deletes? string[] keys
function etcd:change(puts, deletes)
  local operations = {}
  local function flush()
    if #operations > 0 then self:call("kv/txn", { success = operations }) end
    operations = {}
  end
  local function add(operation)
    operations[#operations + 1] = operation
    if #operations == TRANSACTION_OPERATIONS then flush() end
  end
  for _, key in ipairs(deletes or {}) do add { request_delete_range = { key = encode(key) } } end
  for key, value in pairs(puts) do add { request_put = { key = encode(key), value = encode(value) } } end
  flush()
end

---@return integer revision of the newest write
function etcd:revision() return math.tointeger(tonumber(self:call("kv/range", { key = encode("/") }).header.revision)) end

--- Moves with every write and delete of a key that starts so, but for those that are left out. Names the key that was written last.
---@param is_left_out fun(key: string): boolean
---@return string
function etcd:fingerprint(prefix, is_left_out)
  local newest, last, count = 0, "", 0
  for _, item in ipairs(range(self, prefix)) do
    local key, revision = mime.unb64(item.key), math.tointeger(tonumber(item.mod_revision))
    if not is_left_out(key) then
      count = count + 1
      if revision > newest then newest, last = revision, key end
    end
  end
  return ("%d of %d, %s"):format(newest, count, last)
end

--- Forgets all revisions but the newest: a watch from an older one is gone.
function etcd:compact() self:call("kv/compaction", { revision = tostring(self:revision()), physical = true }) end

return etcd
