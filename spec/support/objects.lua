--- Objects of the tests: faulty, healthy, and a policy that finds fault where a test wants it.

local objects = {}

local HOUR <const> = 3600

--- RFC 3339, so many seconds ago.
function objects.ago(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - (seconds or 0)) end

local serial = 0
local function meta(name, namespace, more)
  serial = serial + 1
  local m = { name = name, namespace = namespace or "default", uid = ("00000000-0000-4000-8000-%012d"):format(serial), creationTimestamp = objects.ago(HOUR) }
  for key, value in pairs(more or {}) do m[key] = value end
  return m
end

---@param spec? table beside analysis.interval, which is 1h: nothing in a test is to happen because it came round; and beside the three
--- analyzers that the tests are about (filters = false: what the operator chooses)
function objects.k8sgpt(spec, name, namespace)
  local wanted = { analysis = { interval = "1h" }, filters = { "Pod", "Deployment", "Service" } }
  for key, value in pairs(spec or {}) do wanted[key] = value or nil end
  return { apiVersion = "core.k8sgpt.ai/v1alpha1", kind = "K8sGPT", metadata = { name = name or "sample", namespace = namespace or "default" }, spec = wanted }
end

local function pod(name, namespace, phase, status, more)
  local container = { name = "app", ready = false, restartCount = 3, image = "registry.example.com/app:1", imageID = "", state = status }
  return {
    apiVersion = "v1", kind = "Pod", metadata = meta(name, namespace, more),
    spec = { containers = { { name = "app", image = container.image } }, restartPolicy = "Always" },
    status = { phase = phase, containerStatuses = { container } },
  }
end

function objects.healthy_pod(name, namespace, more)
  local made = pod(name, namespace, "Running", { running = { startedAt = objects.ago(HOUR) } }, more)
  made.status.containerStatuses[1].ready = true
  return made
end

--- A fault without grace and settle.
function objects.image_error(name, namespace, more)
  return pod(name, namespace, "Pending", { waiting = { reason = "ImagePullBackOff", message = 'Back-off pulling image "registry.example.com/app:1"' } }, more)
end

--- A fault that settles for ten minutes.
function objects.crash_loop(name, namespace, more)
  local made = pod(name, namespace, "Running", { waiting = { reason = "CrashLoopBackOff", message = "back-off 10s restarting failed container" } }, more)
  made.status.containerStatuses[1].lastState = { terminated = { exitCode = 1, reason = "Error", finishedAt = objects.ago(60) } }
  return made
end

--- The status of a pod that is well.
function objects.mended() return { status = objects.healthy_pod("x").status } end

function objects.deployment(name, namespace, replicas, ready, more)
  return {
    apiVersion = "apps/v1", kind = "Deployment", metadata = meta(name, namespace, more),
    spec = {
      replicas = replicas, selector = { matchLabels = { app = name } },
      template = { metadata = { labels = { app = name } }, spec = { containers = { { name = "app", image = "registry.example.com/app:1" } } } },
    },
    status = { replicas = replicas, readyReplicas = ready },
  }
end

function objects.owned_by(owner)
  local reference = { apiVersion = owner.apiVersion, kind = owner.kind, name = owner.metadata.name, uid = owner.metadata.uid, controller = true }
  return { ownerReferences = { reference } }
end

function objects.replica_set(name, owner)
  return { apiVersion = "apps/v1", kind = "ReplicaSet", metadata = meta(name, owner.metadata.namespace, objects.owned_by(owner)), spec = { replicas = 1 } }
end

function objects.service(name, namespace)
  return {
    apiVersion = "v1", kind = "Service", metadata = meta(name, namespace),
    spec = { selector = { app = name }, ports = { { port = 80, targetPort = 8080 } } },
  }
end

function objects.slice(service, ready)
  return {
    apiVersion = "discovery.k8s.io/v1", kind = "EndpointSlice", addressType = "IPv4",
    metadata = meta(service.metadata.name .. "-1", service.metadata.namespace, { labels = { ["kubernetes.io/service-name"] = service.metadata.name } }),
    endpoints = { { addresses = { "10.0.0.1" }, conditions = { ready = ready } } }, ports = { { port = 8080 } },
  }
end

--- What the analyzer below finds wrong with itself.
---@param data? table<string, string> rule, key, text, severity, since; without a rule it is well
function objects.config(name, data, namespace)
  return { apiVersion = "v1", kind = "ConfigMap", metadata = meta(name, namespace), data = data or { well = "yes" } }
end

--- An analyzer of ConfigMaps that say themselves what is wrong with them: rules plain, slow (grace 1) and sticky (settle 1).
objects.PROBE = [[
return {
  api = 1, kind = "analyzer", name = "Probe", description = "ConfigMaps that say what is wrong with them",
  watches = { "v1/ConfigMap" }, fields = { "data" },
  rules = { plain = { severity = "high" }, slow = { severity = "high", grace = 1 }, sticky = { severity = "high", settle = 1 } },
  run = function(_, map)
    local d = map.data or {}
    if not d.rule then return {} end
    return { { rule = d.rule, key = d.key, text = d.text or "it says so", severity = d.severity, since = d.since } }
  end,
}
]]

--- The K8sGPT that runs nothing but this analyzer.
function objects.probing(spec, name)
  local wanted = { filters = { "Probe" } }
  for key, value in pairs(spec or {}) do wanted[key] = value end
  return objects.k8sgpt(wanted, name)
end

return objects
