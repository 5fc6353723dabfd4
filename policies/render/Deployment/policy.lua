--- The engine itself: `k8sgpt serve` in a pod.

local engine_size = require "k8sgpt.engine_size"
local environment = require "k8sgpt.environment"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"
local render = require "k8sgpt.render"

local dig, text = object.dig, object.text

local REPOSITORY = "ghcr.io/k8sgpt-ai/k8sgpt"

-- Another one, another pod: an engine adds custom analyzers by names that it does not know, and neither changes nor forgets one.
local CUSTOM = "k8sgpt.ai/custom-analyzers"

local function image(spec) return (text(spec.repository) or REPOSITORY) .. ":" .. (text(spec.version) or "latest") end

-- "250m" as "500m". What an admin set as text that is no quantity stays, for the API server to refuse.
local function times(quantities, factor)
  for name, value in pairs(quantities or {}) do
    local number, unit = tostring(value):match("^(%d+%.?%d*)(.*)$")
    quantities[name] = number and ("%g%s"):format(tonumber(number) * factor, unit) or value
  end
end

-- Requests follow what there is to look at, and limits requests; what the K8sGPT says itself is as it says.
local function resources(ctx, cr, factor)
  local given = render.given(cr, "resources")
  if given or factor == 1 then return given or k8sgpt.copy(ctx.params.resources) end
  local made = k8sgpt.copy(ctx.params.resources)
  times(made.requests, factor)
  times(made.limits, factor)
  return made
end

-- How it was sized, for the next time (lua/k8sgpt/engine_size.lua).
local function annotations(cr, size)
  local given = render.given(cr, "deploymentAnnotations")
  if size.factor == 1 then return given end
  return render.merged({ [engine_size.FACTOR] = tostring(size.factor) }, given)
end

local function container(ctx, cr, spec, size)
  return {
    name = "k8sgpt", image = image(spec), imagePullPolicy = text(spec.imagePullPolicy),
    args = { "serve" },
    env = environment.of(spec),
    ports = { { containerPort = 8080, protocol = "TCP" } },
    resources = resources(ctx, cr, size.factor),
    securityContext = render.given(cr, "containerSecurityContext"),
    volumeMounts = { { name = "k8sgpt-vol", mountPath = "/k8sgpt-data" } },
  }
end

-- The engine of another cluster reads the kubeconfig, and has no use for an account here.
local function look_elsewhere(cr, pod)
  local kubeconfig, c = cr.spec.kubeconfig, pod.containers[1]
  local folder = "/tmp/" .. cr.metadata.name
  c.args[#c.args + 1] = "--kubeconfig=" .. folder .. "/kubeconfig"
  c.volumeMounts[#c.volumeMounts + 1] = { name = "kubeconfig", mountPath = folder, readOnly = true }
  pod.volumes[#pod.volumes + 1] = {
    name = "kubeconfig", secret = { secretName = kubeconfig.name, items = { { key = kubeconfig.key, path = "kubeconfig" } } },
  }
  if render.has_account(cr) then return end
  -- Not left out: the deprecated field serviceAccount, which the server fills in, would bring back the one of before.
  pod.serviceAccountName = "default"
  pod.automountServiceAccountToken = false
end

local function account(ctx, cr)
  return ctx.options.dynamicRbac and render.account_name(cr.metadata.namespace) or render.FIXED_ACCOUNT
end

local function pod_spec(ctx, cr, spec, size)
  local pod = {
    serviceAccountName = account(ctx, cr),
    imagePullSecrets = render.given(cr, "imagePullSecrets"),
    nodeSelector = render.given(cr, "nodeSelector"),
    securityContext = render.given(cr, "securityContext"),
    containers = { container(ctx, cr, spec, size) },
    volumes = { { name = "k8sgpt-vol", emptyDir = {} } },
  }
  if not render.is_local(cr) then look_elsewhere(cr, pod) end
  return pod
end

-- The selector is fixed for the life of a Deployment, and upstream's: podLabels may add to it, and not change it.
local function pod_labels(cr)
  local labels = render.merged({}, dig(cr, "spec", "podLabels"))
  labels.app = cr.metadata.name
  return labels
end

local function pod_annotations(cr)
  local given, lines = render.given(cr, "podAnnotations"), {}
  for i, analyzer in ipairs(dig(cr, "spec", "customAnalyzers") or {}) do
    lines[i] = ("%s %s %s"):format(analyzer.name, dig(analyzer, "connection", "url"), dig(analyzer, "connection", "port"))
  end
  if #lines == 0 then return given end
  table.sort(lines)
  return render.merged(given or {}, { [CUSTOM] = k8sgpt.sha256(table.concat(lines, "\n")):sub(1, 16) })
end

-- Where nobody counted, as offline, the least that spec.engine.scaling permits; without it one replica, as upstream has it.
local function unsized(cr)
  return { replicas = math.max(1, dig(cr, "spec", "engine", "scaling", "minReplicas") or 1), factor = 1 }
end

---@param ctx k8sgpt.ReadContext
---@param cr k8sgpt.View
---@param size? k8sgpt.Size
local function wanted(ctx, cr, size)
  if not render.is_wanted(ctx, cr) then return {} end
  local meta, spec = cr.metadata, cr.spec or {}
  size = size or unsized(cr)
  return { render.own(cr, {
    apiVersion = "apps/v1", kind = "Deployment",
    metadata = {
      name = meta.name, namespace = meta.namespace,
      labels = render.merged({ app = meta.name }, spec.deploymentLabels), annotations = annotations(cr, size),
    },
    spec = {
      replicas = size.replicas,
      selector = { matchLabels = { app = meta.name } },
      template = {
        metadata = { labels = pod_labels(cr), annotations = pod_annotations(cr) },
        spec = pod_spec(ctx, cr, spec, size),
      },
    },
  }) }
end

return {
  api = 1, kind = "render", name = "Deployment", description = "The K8sGPT engine of one K8sGPT", order = 50,
  writes = { "apps/v1/Deployment" },
  params = { resources = { limits = { cpu = "1", memory = "512Mi" }, requests = { cpu = "200m", memory = "256Mi" } } },
  render = wanted,
}
