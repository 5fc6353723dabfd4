--- A certificate authority for tests, by the openssl command: server and client certificates, and keys that sign tokens.
--
--   local ca = certificates.authority(folder)
--   local cert, key = ca:issue("server", { san = "IP:127.0.0.1,DNS:localhost" })
--   local cert, key = ca:issue("alice", { groups = { "team" } })     -- CN alice, O team: user and groups to an API server

local program = require "support.program"

local certificates = {}

local authority = {}
authority.__index = authority

local function openssl(...)
  local output, status = program.run { "openssl", ... }
  if status ~= 0 then error("openssl " .. table.concat({ ... }, " ") .. ":\n" .. output, 3) end
end

--- A private key for elliptic curve signatures.
---@return string path
function certificates.key(path)
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
  return path
end

--- Its public half.
---@return string path
function certificates.public_key(key, path)
  openssl("pkey", "-in", key, "-pubout", "-out", path)
  return path
end

---@param folder string where its files go
---@param name? string
function certificates.authority(folder, name)
  name = name or "ca"
  local self = setmetatable({ folder = folder, cert = ("%s/%s.crt"):format(folder, name) }, authority)
  self.key = certificates.key(("%s/%s.key"):format(folder, name))
  openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=" .. name, "-days", "30", "-out", self.cert)
  return self
end

--- One that was made before, by its fields.
function certificates.at(fields) return setmetatable(fields, authority) end

---@param name string the common name
---@param options? {san?: string, groups?: string[]}
---@return string cert path
---@return string key path
function authority:issue(name, options)
  options = options or {}
  local base = ("%s/%s"):format(self.folder, name:gsub("[^%w.-]", "_"))
  local subject = ""
  for _, group in ipairs(options.groups or {}) do subject = subject .. "/O=" .. group end
  certificates.key(base .. ".key")
  openssl("req", "-new", "-key", base .. ".key", "-subj", ("%s/CN=%s"):format(subject, name), "-out", base .. ".csr")
  program.write(base .. ".ext", options.san and "subjectAltName=" .. options.san .. "\n" or "extendedKeyUsage=clientAuth\n")
  openssl("x509", "-req", "-in", base .. ".csr", "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "30", "-extfile", base .. ".ext",
    "-out", base .. ".crt")
  return base .. ".crt", base .. ".key"
end

return certificates
