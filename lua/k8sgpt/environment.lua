--- The environment of the engine's container, in upstream's order: AI provider, cache and cloud credentials.

local object = require "k8sgpt.object"

local dig, text = object.dig, object.text

local environment = {}

-- What the CRD gives where an `ai` leaves them out; without any `ai` the engine needs them too, or it does not start.
local DEFAULTS = { model = "gpt-4o-mini", backend = "openai", maxTokens = "2048", topk = "50" }

-- The files of the engine go into the volume: its root may be read-only.
local FIXED = {
  { name = "XDG_CONFIG_HOME", value = "/k8sgpt-data/.config" },
  { name = "XDG_CACHE_HOME", value = "/k8sgpt-data/.cache" },
  { name = "K8SGPT_TOP_P", value = "0" }, -- the engine leaves top_p out then; some models refuse it beside a temperature
}

-- By cache: a variable, and the key of the Secret that it comes from.
local CACHE_KEYS = {
  azure = { { "AZURE_CLIENT_ID", "azure_client_id" }, { "AZURE_TENANT_ID", "azure_tenant_id" }, { "AZURE_CLIENT_SECRET", "azure_client_secret" } },
  s3 = { { "AWS_ACCESS_KEY_ID", "aws_access_key_id" }, { "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key" } },
}

-- Fields of spec.ai that are passed on where they are set, in this order.
local PASSED = {
  { "K8SGPT_PROVIDER_ID", "providerId" }, { "K8SGPT_BASEURL", "baseUrl" }, { "K8SGPT_ENGINE", "engine" },
  { "K8SGPT_AZURE_API_TYPE", "azureAPIType" }, { "K8SGPT_CUSTOM_HEADERS", "customHeaders" }, { "K8SGPT_PROXY_ENDPOINT", "proxyEndpoint" },
}

-- A name may stand in the list once only (Container.env is keyed by it): the last one counts, as in a container.
local function collector()
  local list, place = {}, {}
  local function put(entry)
    place[entry.name] = place[entry.name] or #list + 1
    list[place[entry.name]] = entry
  end
  return list, put
end

local function from_secret(name, secret, key, is_optional)
  return { name = name, valueFrom = { secretKeyRef = { name = secret, key = key, optional = is_optional or nil } } }
end

-- The cache that is used is the first of s3, azure and gcs (lua/k8sgpt/engine.lua); it alone gets credentials.
local function put_cache(put, cache)
  local secret = text(dig(cache, "credentials", "name"))
  local kind = cache and (cache.s3 and "s3" or cache.azure and "azure")
  for _, pair in ipairs(secret and CACHE_KEYS[kind] or {}) do put(from_secret(pair[1], secret, pair[2])) end
end

-- What clouds know a caller by.
local function put_cloud(put, backend, ai, secret)
  local region = text(ai.region)
  if backend == "amazonbedrock" then
    for _, name in ipairs(secret and { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY" } or {}) do put(from_secret(name, secret, name)) end
    put { name = "AWS_DEFAULT_REGION", value = region }
  elseif backend == "googlevertexai" and region then
    put { name = "K8SGPT_PROVIDER_REGION", value = region }
  elseif backend == "ibmwatsonxai" and secret and not text(ai.providerId) then
    put(from_secret("K8SGPT_PROVIDER_ID", secret, "K8SGPT_PROVIDER_ID", true))
  end
end

---@param spec k8sgpt.View|table of a K8sGPT that step Init took
---@return table[] for Container.env
function environment.of(spec)
  local ai = spec.ai or {}
  local list, put = collector()
  local backend, secret = text(ai.backend) or DEFAULTS.backend, text(dig(ai, "secret", "name"))
  put { name = "K8SGPT_MODEL", value = text(ai.model) or DEFAULTS.model }
  put { name = "K8SGPT_BACKEND", value = backend }
  put { name = "K8SGPT_MAX_TOKENS", value = text(ai.maxTokens) or DEFAULTS.maxTokens }
  put { name = "K8SGPT_TOP_K", value = text(ai.topk) or DEFAULTS.topk }
  for _, entry in ipairs(FIXED) do put(entry) end
  if secret and backend ~= "amazonbedrock" then put(from_secret("K8SGPT_PASSWORD", secret, text(dig(ai, "secret", "key")))) end
  put_cache(put, spec.remoteCache)
  for _, pair in ipairs(PASSED) do
    local value = text(ai[pair[2]])
    if value then put { name = pair[1], value = value } end
  end
  put_cloud(put, backend, ai, secret)
  return list
end

return environment
