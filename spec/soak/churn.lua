--- A cluster in which something always changes: pods, deployments, services, K8sGPTs and policies come, go and change, at random.

local objects = require "support.objects"
local policies = require "support.policies"

local churn = {}
churn.__index = churn

local NAMESPACES <const> = { "default", "team-a", "team-b" }
local PODS <const>, DEPLOYMENTS <const>, SERVICES <const> = 40, 8, 8
--- How often which sort of thing changes, of a hundred.
local PODS_SHARE <const>, DEPLOYMENTS_SHARE <const>, SERVICES_SHARE <const>, K8SGPTS_SHARE <const> = 70, 10, 12, 4

local function pick(list) return list[math.random(#list)] end

--------------------------------------------------------------------------------------------------------------------------------
-- Things
--------------------------------------------------------------------------------------------------------------------------------

--- A thing is an object by its name, which is there or not. `make` gives it in any of its forms; `part` is what a form consists in.
local function thing(make, part) return { make = make, part = part or "status", is_there = false } end

local function pod(n)
  local name, namespace = "pod-" .. n, NAMESPACES[n % #NAMESPACES + 1]
  local labels = { labels = { app = "app-" .. n % SERVICES } }
  return thing(function()
    local make = pick { objects.healthy_pod, objects.healthy_pod, objects.image_error, objects.crash_loop }
    return make(name, namespace, labels)
  end)
end

--- One that its controller has seen: else it would have a minute to do so.
function churn.deployment(name, namespace, ready)
  local made = objects.deployment(name, namespace, 3, ready)
  made.status.observedGeneration = 1
  made.spec.template.spec.containers = { { name = "app", image = "registry.example.com/app:1" } }
  return made
end

local function deployment(n)
  return thing(function() return churn.deployment("web-" .. n, NAMESPACES[n % #NAMESPACES + 1], math.random(0, 3)) end)
end

--- Without an address, which another server would miss in its own list of them and say so in an event.
function churn.service(name, namespace)
  local made = objects.service(name, namespace)
  made.spec.clusterIP = "None"
  return made
end

local function service(n)
  return thing(function()
    local made = churn.service("app-" .. n, NAMESPACES[n % #NAMESPACES + 1])
    made.spec.selector.tier = pick { "front", "back" }
    return made
  end, "spec")
end

local function slice(n)
  return thing(function()
    local made = objects.slice(objects.service("app-" .. n, NAMESPACES[n % #NAMESPACES + 1]), pick { true, false })
    return made
  end, "endpoints")
end

local function k8sgpt(n)
  local filters = { { "Pod" }, { "Pod", "Deployment", "Service" }, { "Service" }, false }
  return thing(function()
    return objects.k8sgpt({ filters = pick(filters), excludeNamespaces = pick { { "team-a" }, { "team-b" } } }, "passing-" .. n)
  end, "spec")
end

--- Files of an override folder, each in some texts; the last says what is broken.
local OVERRIDES <const> = {
  ["filters.default.lua"] = {
    [[return { api = 1, kind = "filter", name = "default", mode = "wrap",
      keep = function(ctx, finding, cr) return finding.namespace ~= "team-b" and ctx.next(finding, cr) end }]],
    [[return { api = 1, kind = "filter", name = "default", mode = "wrap",
      keep = function(ctx, finding, cr) return finding.rule ~= "no-endpoints" and ctx.next(finding, cr) end }]],
    [[return { api = 1, kind = "filter", name = "default", mode = "wrap"]],
  },
  ["analyzers.Deployment.lua"] = { [[return { api = 1, kind = "analyzer", name = "Deployment", enabled = false }]], "return 1" },
}

--------------------------------------------------------------------------------------------------------------------------------
-- Changes
--------------------------------------------------------------------------------------------------------------------------------

---@param cluster table of support.operator
---@param policy_folder string an override folder of the operator
function churn.new(cluster, policy_folder)
  local self = setmetatable({ cluster = cluster, policy_folder = policy_folder, changes = 0, refused = 0 }, churn)
  self.pods, self.deployments, self.services, self.k8sgpts = {}, {}, {}, {}
  for n = 1, PODS do self.pods[n] = pod(n) end
  for n = 1, DEPLOYMENTS do self.deployments[n] = deployment(n) end
  for n = 1, SERVICES do
    self.services[2 * n - 1], self.services[2 * n] = service(n), slice(n)
  end
  for n = 1, 2 do self.k8sgpts[n] = k8sgpt(n) end
  return self
end

--- Refused is what the API server has reason to refuse: a K8sGPT that comes again while its finalizer still holds the last one.
function churn:change(one, object)
  local cluster = self.cluster
  self.changes = self.changes + 1
  local ok
  if not one.is_there then
    ok = pcall(cluster.create, cluster, object)
    one.is_there = ok
  elseif math.random(4) == 1 then
    ok = pcall(cluster.delete, cluster, object)
    one.is_there = false
  else
    ok = pcall(cluster.patch, cluster, object, { [one.part] = object[one.part] }, one.part == "status" and "status" or nil)
    one.is_there = ok
  end
  if not ok then self.refused = self.refused + 1 end
end

--- Makes everything, so that what comes later changes a cluster of about one size.
function churn:fill()
  for _, things in ipairs { self.pods, self.deployments, self.services, self.k8sgpts } do
    for _, one in ipairs(things) do
      self.cluster:create(one.make())
      one.is_there = true
    end
  end
end

function churn:change_policies()
  local names = {}
  for name in pairs(OVERRIDES) do names[#names + 1] = name end
  table.sort(names)
  local name = pick(names)
  self.changes = self.changes + 1
  if math.random(3) == 1 then
    os.remove(self.policy_folder .. "/" .. name)
  else
    policies.put(self.policy_folder, name, pick(OVERRIDES[name]))
  end
end

--- One change of one thing.
function churn:step()
  local draw = math.random(100)
  if draw <= PODS_SHARE then return self:change_one(self.pods) end
  draw = draw - PODS_SHARE
  if draw <= DEPLOYMENTS_SHARE then return self:change_one(self.deployments) end
  draw = draw - DEPLOYMENTS_SHARE
  if draw <= SERVICES_SHARE then return self:change_one(self.services) end
  if draw - SERVICES_SHARE <= K8SGPTS_SHARE then return self:change_one(self.k8sgpts) end
  self:change_policies()
end

function churn:change_one(things)
  local one = pick(things)
  self:change(one, one.make())
end

--- Removes Events that nobody added to for so long: API servers do so after an hour (--event-ttl), the embedded one keeps them.
function churn:expire_events(seconds)
  local oldest = os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - seconds)
  for _, event in ipairs(self.cluster:get("/api/v1/events").items) do
    local at, meta = event.lastTimestamp, event.metadata
    if type(at) == "string" and at < oldest then
      self.cluster:http(("/api/v1/namespaces/%s/events/%s"):format(meta.namespace, meta.name), { method = "DELETE" })
    end
  end
end

--- Ends in policies that a new operator reads the same way: of a broken one it has no last good.
function churn:settle()
  for name in pairs(OVERRIDES) do os.remove(self.policy_folder .. "/" .. name) end
  policies.put(self.policy_folder, "filters.default.lua", OVERRIDES["filters.default.lua"][1])
end

local KINDS <const> = {
  "/api/v1/pods", "/apis/apps/v1/deployments", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/apis/core.k8sgpt.ai/v1alpha1/k8sgpts",
}

--- All that an operator diagnoses and is told to do, as a new cluster takes it; but for the server's own Service, which each has.
---@return table[]
function churn:objects()
  local all = {}
  for _, path in ipairs(KINDS) do
    local list = self.cluster:get(path)
    for _, item in ipairs(list.items) do
      item.apiVersion, item.kind = list.apiVersion, list.kind:gsub("List$", "")
      item.metadata.resourceVersion, item.metadata.managedFields = nil, nil
      if item.kind == "K8sGPT" then item.status, item.metadata.finalizers = nil, nil end
      if item.metadata.name ~= "kubernetes" then all[#all + 1] = item end
    end
  end
  return all
end

return churn
