--- What is wrong with a TLS certificate for those who ask for it by name.

local k8sgpt = require "k8sgpt"

local tls = {}

local function day(time) return time:sub(1, 10) end

--- The problems of a certificate, as what follows "a TLS certificate which"; looked at again when it expires or begins to be valid.
---@param ctx k8sgpt.ReadContext
---@param pem? string nil: there is none
---@param hosts string[] the names that it is asked for by; a certificate that names no host (subjectAltName) is judged by its dates alone
---@return {rule: "expired"|"no-certificate"|"other-host", text: string, value: string, host?: string, names?: string[]}[] names: those of the
--- certificate, which value shows
function tls.problems(ctx, pem, hosts)
  local certificate = pem and k8sgpt.certificate(pem, hosts)
  if not certificate then return { { rule = "no-certificate", text = "holds no certificate", value = pem and #pem .. " bytes" or "(absent)" } } end
  if ctx.after(0, certificate.notAfter) then
    return { { rule = "expired", text = "expired on " .. day(certificate.notAfter), value = "notAfter " .. certificate.notAfter } }
  end
  if not ctx.after(0, certificate.notBefore) then
    return { { rule = "expired", text = "is not valid before " .. day(certificate.notBefore), value = "notBefore " .. certificate.notBefore } }
  end
  local found = {}
  for _, host in ipairs(#certificate.names > 0 and certificate.strangers or {}) do
    found[#found + 1] = { rule = "other-host", text = "is not for " .. host, host = host, names = certificate.names,
      value = table.concat(certificate.names, ", ") }
  end
  return found
end

return tls
