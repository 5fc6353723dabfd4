--- What the K8sGPT engine and its Deployment make of a spec: settings with which no pod would start, or every run fail. A schema cannot say
--- them, because they depend on each other or are numbers within strings.

local object = require "k8sgpt.object"

local dig, text = object.dig, object.text

local engine = {}

-- Only azureopenai has them; upstream refuses them elsewhere.
local AZURE_ONLY = { "engine", "azureAPIType" }

-- In the order of precedence: the first that is there is used.
local CACHES = {
  { name = "s3", needs = { "bucketName", "region" }, credentials = true },
  { name = "azure", needs = { "storageAccount", "containerName" }, credentials = true },
  { name = "gcs", needs = { "bucketName", "region", "projectId" } },
  { name = "interplex", needs = { "endpoint" } },
}

local function within(value, least, most)
  local number = value:match("^%d+$") and #value < 10 and tonumber(value)
  return number and number >= least and number <= most
end

-- The engine's flags are integers; it exits on others, and on a topk that is out of its range.
local function numbers_problem(ai)
  local tokens, topk = text(ai.maxTokens), text(ai.topk)
  if tokens and not within(tokens, 1, 999999999) then return ("spec.ai.maxTokens is %q: write a whole number, such as \"2048\""):format(tokens) end
  if topk and not within(topk, 10, 100) then return ("spec.ai.topk is %q: write a whole number from 10 to 100"):format(topk) end
end

local function backend_problem(ai)
  local backend = text(ai.backend) or "openai"
  for _, field in ipairs(AZURE_ONLY) do
    if text(ai[field]) and backend ~= "azureopenai" then
      return ("spec.ai.%s is for azureopenai only, and spec.ai.backend is %s: leave it out"):format(field, backend)
    end
  end
  if backend == "amazonbedrock" and not text(ai.region) then return "spec.ai.region is missing: amazonbedrock needs it" end
  -- Amazon Bedrock's keys have fixed names (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
  if ai.secret and (not text(ai.secret.name) or backend ~= "amazonbedrock" and not text(ai.secret.key)) then
    return "spec.ai.secret needs both the name of a Secret and a key of it"
  end
end

-- An empty one is what upstream's operator plants into objects, and means no limit there; it is not refused.
local function remediation_problem(ai)
  local wanted = text(dig(ai, "autoRemediation", "similarityRequirement"))
  if not wanted or dig(ai, "autoRemediation", "enabled") ~= true then return nil end
  local number = wanted:match("^%d+%.?%d*$") and tonumber(wanted)
  if number and number <= 100 then return nil end
  return ("spec.ai.autoRemediation.similarityRequirement is %q: write a percentage from 0 to 100, without the sign"):format(wanted)
end

local function cache_problem(cache)
  for _, kind in ipairs(CACHES) do
    local settings = cache[kind.name]
    if settings then
      for _, field in ipairs(kind.needs) do
        if not text(settings[field]) then return ("spec.remoteCache.%s.%s is missing"):format(kind.name, field) end
      end
      local has_credentials = not kind.credentials or text(dig(cache, "credentials", "name"))
      return not has_credentials and ("spec.remoteCache.credentials.name is missing: %s needs a Secret"):format(kind.name) or nil
    end
  end
end

--- True when this K8sGPT is to be diagnosed by the K8sGPT Deployment, and not in the operator.
---@param ctx k8sgpt.Context
---@param cr k8sgpt.View
---@return boolean
function engine.is_deployment(ctx, cr)
  return (text(dig(cr, "spec", "engine", "mode")) or ctx.options.engine):lower() ~= "embedded"
end

--- The first setting that the engine would fail on.
---@param spec k8sgpt.View|table of a K8sGPT
---@return string? problem for people
function engine.problem(spec)
  local ai, cache, kubeconfig = spec.ai, spec.remoteCache, spec.kubeconfig
  local problem = ai and (backend_problem(ai) or numbers_problem(ai) or remediation_problem(ai)) or cache and cache_problem(cache)
  if problem then return problem end
  if kubeconfig and not (text(kubeconfig.name) and text(kubeconfig.key)) then
    return "spec.kubeconfig needs both the name of a Secret and a key of it"
  end
end

return engine
