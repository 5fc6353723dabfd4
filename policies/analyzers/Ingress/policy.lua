--- Ingresses that nobody serves, or that lead to what is not there. Texts are upstream's where it has the condition.

local evidence = require "k8sgpt.evidence"
local mask = require "k8sgpt.mask"
local object = require "k8sgpt.object"
local services = require "k8sgpt.service"
local tls = require "k8sgpt.tls"

local dig, text_of = object.dig, object.text

local INGRESS_CLASS, SERVICE, SECRET = "networking.k8s.io/v1/IngressClass", "v1/Service", "v1/Secret"
local IS_DEFAULT = 'metadata.annotations["ingressclass.kubernetes.io/is-default-class"]'
local ISSUERS = { "cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme" }

-- What controllers of clouds ask for in these annotations needs no IngressClass (as upstream).
local BUILT_IN = { gce = true, ["gce-internal"] = true }

-- Seconds that a new Ingress may be without its certificate: until whoever applies it has come to the Secret, and until one is issued.
local NEW_CERTIFICATE = { tls = 60, issuing = 600 }

-- The same Service or Secret may be named many times.
local function add(found, rule, key, text, ...)
  local id = rule .. " " .. (key or "")
  if not found.seen[id] then
    found.seen[id] = { rule = rule, key = key, text = text, sensitive = mask.sensitive(text, ...) }
    table.insert(found.list, found.seen[id])
  end
  return found.seen[id]
end

local function class(ctx, found, ingress)
  local meta = ingress.metadata
  local named, noted = text_of(dig(ingress, "spec", "ingressClassName")), text_of(dig(meta, "annotations", "kubernetes.io/ingress.class"))
  -- An address tells that a controller has taken it: some take such without a class, and match the annotation without an IngressClass.
  local is_served = not named and #(dig(ingress, "status", "loadBalancer", "ingress") or {}) > 0
  local name = named or noted
  if is_served or BUILT_IN[name] or not ctx.readable(INGRESS_CLASS) then return end
  if name and not ctx.exists(INGRESS_CLASS, nil, name) then
    add(found, "class", name, ("Ingress uses the ingress class %s which does not exist."):format(name), name)
  elseif not name and #ctx.list(INGRESS_CLASS, { index = { IS_DEFAULT, "true" } }) == 0 then
    local text = ("Ingress %s/%s does not specify an Ingress class."):format(meta.namespace, meta.name)
    add(found, "no-class", nil, text, meta.namespace, meta.name)
  end
end

local function backend(ctx, found, namespace, target)
  local name, port = target.name, target.port or {}
  -- An action of the AWS controller, not a Service (AWS Load Balancer Controller docs: Ingress annotations, actions).
  local service = port.name ~= "use-annotation" and ctx.get(SERVICE, namespace, name)
  if service == nil then
    add(found, "service", name, ("Ingress uses the service %s/%s which does not exist."):format(namespace, name), namespace, name)
  elseif service and not services.has_port(service, port.number, port.name) then
    local wanted = tostring(port.name or port.number)
    local text = ("Ingress uses port %s of service %s/%s which does not have it."):format(wanted, namespace, name)
    add(found, "port", name .. ":" .. wanted, text, namespace, name).evidence = { evidence.of(service, "spec.ports") }
  end
end

local function backends(ctx, found, ingress)
  local targets = { dig(ingress, "spec", "defaultBackend", "service") }
  for _, rule in ipairs(dig(ingress, "spec", "rules") or {}) do
    for _, path in ipairs(dig(rule, "http", "paths") or {}) do targets[#targets + 1] = dig(path, "backend", "service") end
  end
  for _, target in ipairs(targets) do backend(ctx, found, ingress.metadata.namespace, target) end
end

-- Hosts of an entry; without any, those of the rules.
local function hosts_of(ingress, entry)
  local hosts = {}
  for _, host in ipairs(entry.hosts or {}) do hosts[#hosts + 1] = text_of(host) end
  if #hosts > 0 then return hosts end
  for _, rule in ipairs(dig(ingress, "spec", "rules") or {}) do hosts[#hosts + 1] = text_of(rule.host) end
  return hosts
end

local function certificate(ctx, found, ingress, entry)
  local namespace, name = ingress.metadata.namespace, entry.secretName
  local pem, unknown = ctx.secret_content(namespace, name, "tls.crt")
  local hosts = hosts_of(ingress, entry)
  for _, problem in ipairs(unknown and {} or tls.problems(ctx, pem, hosts)) do
    local text = ("Ingress uses the secret %s/%s as a TLS certificate which %s."):format(namespace, name, problem.text)
    local failure = add(found, problem.rule, problem.host and name .. ":" .. problem.host or name, text, namespace, name, problem.host)
    failure.evidence = { evidence.at(("Secret %s/%s: tls.crt"):format(namespace, name), problem.value) }
    mask.also(mask.also(failure, table.unpack(hosts)), table.unpack(problem.names or {}))
  end
end

local function missing_certificate(ctx, found, ingress, name)
  local meta, rule = ingress.metadata, "tls"
  for _, annotation in ipairs(ISSUERS) do
    if dig(meta, "annotations", annotation) then rule = "issuing" end
  end
  -- In an older Ingress the Secret was only just removed or named: that counts from now.
  local is_new = (ctx.age(meta.creationTimestamp) or 0) < NEW_CERTIFICATE[rule]
  local text = ("Ingress uses the secret %s/%s as a TLS certificate which does not exist."):format(meta.namespace, name)
  add(found, rule, name, text, meta.namespace, name).since = is_new and meta.creationTimestamp or nil
end

local function certificates(ctx, found, ingress)
  local namespace = ingress.metadata.namespace
  for _, entry in ipairs(dig(ingress, "spec", "tls") or {}) do
    local name = text_of(entry.secretName)
    if not name or not ctx.readable(SECRET, namespace) then goto continue end
    if ctx.exists(SECRET, namespace, name) then
      certificate(ctx, found, ingress, entry)
    else
      missing_certificate(ctx, found, ingress, name)
    end
    ::continue::
  end
end

local function run(ctx, ingress)
  local found = { list = {}, seen = {} }
  if ingress.metadata.deletionTimestamp then return found.list end
  class(ctx, found, ingress)
  backends(ctx, found, ingress)
  certificates(ctx, found, ingress)
  return found.list
end

return {
  api = 1, kind = "analyzer", name = "Ingress",
  description = "Ingresses that nobody serves, or that lead to what is not there",
  watches = {
    "networking.k8s.io/v1/Ingress",
    { INGRESS_CLASS, fields = {} },
    { SERVICE, fields = { "spec.type", "spec.ports[].name", "spec.ports[].port" } },
    { SECRET, fields = {} },
  },
  fields = {
    'metadata.annotations["kubernetes.io/ingress.class"]', 'metadata.annotations["cert-manager.io/cluster-issuer"]',
    'metadata.annotations["cert-manager.io/issuer"]', 'metadata.annotations["kubernetes.io/tls-acme"]', "spec.ingressClassName",
    "spec.defaultBackend.service", "spec.rules[].http.paths[].backend.service", "spec.rules[].host", "spec.tls[].secretName", "spec.tls[].hosts",
    "status.loadBalancer.ingress",
  },
  indexes = { [INGRESS_CLASS] = { IS_DEFAULT } },
  remote = true,
  secret_content = true,
  rules = {
    ["no-class"] = { severity = "medium", grace = 3, evidence = { "spec.ingressClassName" } }, -- tools create what belongs together one after another
    class = { severity = "high", grace = 3, evidence = { "spec.ingressClassName?", 'metadata.annotations["kubernetes.io/ingress.class"]?' } },
    service = {
      severity = "high", grace = 3,
      evidence = { "spec.rules[].http.paths[backend.service.name={key}].backend.service", "spec.defaultBackend.service?" },
    },
    port = { severity = "high", grace = 3, evidence = { "spec.rules[].http.paths[].backend.service", "spec.defaultBackend.service?" } },
    tls = { severity = "high", grace = NEW_CERTIFICATE.tls, evidence = { "spec.tls[secretName={key}].secretName" } },
    issuing = { severity = "high", grace = NEW_CERTIFICATE.issuing, evidence = { "spec.tls[secretName={key}].secretName" } },
    expired = { severity = "high", evidence = { "spec.tls[secretName={key}].secretName" } },
    ["no-certificate"] = { severity = "high", grace = 60, evidence = { "spec.tls[secretName={key}].secretName" } },
    ["other-host"] = { severity = "medium", evidence = { "spec.tls[].hosts?" } },
  },
  run = run,
}
