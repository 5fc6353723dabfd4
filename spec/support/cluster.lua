--- Stand-in for the host of an analyzer: a cluster of plain tables, views that refuse what was not declared, and a clock.

local k8sgpt = require "k8sgpt"

local cluster = {}
cluster.__index = cluster

local function gvk_of(object) return object.apiVersion .. "/" .. object.kind end

local function seconds(time)
  local y, mo, d, h, mi, s = tostring(time):match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  return y and os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = s, isdst = false }
end

---@param objects table[]
---@param now string
---@param forbidden? string[] kinds that may not be read
function cluster.new(objects, now, forbidden)
  local self = setmetatable({ by_gvk = {}, now = assert(seconds(now)), forbidden = {} }, cluster)
  for _, gvk in ipairs(forbidden or {}) do self.forbidden[gvk] = true end
  for _, object in ipairs(objects) do
    local list = self.by_gvk[gvk_of(object)] or {}
    self.by_gvk[gvk_of(object)], list[#list + 1] = list, object
  end
  for _, list in pairs(self.by_gvk) do
    table.sort(list, function(a, b)
      local x, y = a.metadata, b.metadata
      if x.namespace ~= y.namespace then return (x.namespace or "") < (y.namespace or "") end
      return x.name < y.name
    end)
  end
  return self
end

-- A tree of declared names; true: the whole subtree.
local function projection(fields)
  local root = { metadata = true, apiVersion = true, kind = true }
  for _, path in ipairs(fields or {}) do
    local node, names = root, {}
    for name in path:gmatch("[^.]+") do names[#names + 1] = name end
    for i, name in ipairs(names) do
      local key, list = name:gsub("%[%]$", "")
      if node == true then break end
      if node[key] ~= true then node[key] = i == #names and true or node[key] or {} end
      node = node[key]
      if list == 1 and node ~= true then
        node["[]"] = node["[]"] or {}
        node = node["[]"]
      end
    end
  end
  return root
end

local function view(value, declared, path)
  if value == k8sgpt.null then return nil end
  if type(value) ~= "table" then return value end
  local function child(key)
    if declared == true then return true, path .. "." .. key end
    if type(key) == "number" then return declared["[]"] or error(("field %s[] is not declared"):format(path), 3), path .. "[]" end
    return declared[key] or error(("field %s.%s is not declared"):format(path, key), 3), path .. "." .. key
  end
  return setmetatable({}, {
    __index = function(_, key) return view(value[key], child(key)) end,
    __newindex = function() error("a view is read-only", 2) end,
    __len = function() return #value end,
    __pairs = function()
      assert(declared == true, "pairs over a part that is not declared as a whole: " .. path)
      local keys, i = {}, 0
      for key in pairs(value) do keys[#keys + 1] = key end
      table.sort(keys, function(a, b) return tostring(a) > tostring(b) end)
      return function()
        i = i + 1
        if keys[i] then return keys[i], view(value[keys[i]], true, path) end
      end
    end,
  })
end

local function labels_match(object, labels)
  for key, value in pairs(labels or {}) do
    if ((object.metadata.labels or {})[key]) ~= value then return false end
  end
  return true
end

local function is_about(event, object)
  local about, meta = event.involvedObject, object.metadata
  return about.kind == object.kind and about.name == meta.name and (about.namespace or "") == (meta.namespace or "")
    and (not about.uid or about.uid == meta.uid)
end

local function event_time(event)
  for _, time in ipairs { event.series and event.series.lastObservedTime or false, event.lastTimestamp or false, event.eventTime or false,
                          event.metadata.creationTimestamp or false } do
    if seconds(time) then return time end
  end
end

-- The host keeps what ctx.events matches and sorts by for every policy that reads events.
local EVENT_FIELDS = { "involvedObject", "type", "reason", "firstTimestamp", "lastTimestamp", "eventTime", "series.lastObservedTime" }

--- A ctx for one run of a policy; `again` afterwards is when it wants to run again, in seconds from now.
function cluster:context(policy, options)
  local declared = {}
  for i, watch in ipairs(policy.watches or {}) do
    if type(watch) == "string" then watch = { watch, fields = i == 1 and policy.fields or {} } end
    local fields = watch[1] == "v1/Event" and table.move(EVENT_FIELDS, 1, #EVENT_FIELDS, 1, {}) or {}
    declared[watch[1]] = projection(table.move(watch.fields or {}, 1, #(watch.fields or {}), #fields + 1, fields))
  end
  local ctx = { params = policy.params or {}, options = options or { engine = "embedded", resultLogging = false, cluster = "" } }
  local function objects(gvk)
    if not declared[gvk] then error(gvk .. " is not declared in watches", 3) end
    if self.forbidden[gvk] then error("forbidden", 0) end
    return self.by_gvk[gvk] or {}
  end
  function ctx.view(object) return view(object, policy.kind == "analyzer" and declared[gvk_of(object)] or true, gvk_of(object)) end
  function ctx.readable(gvk) return not self.forbidden[gvk] end
  function ctx.get(gvk, ns, name)
    for _, object in ipairs(objects(gvk)) do
      if object.metadata.name == name and (object.metadata.namespace or "") == (ns or "") then
        return view(object, declared[gvk], gvk)
      end
    end
  end
  function ctx.exists(gvk, ns, name) return ctx.get(gvk, ns, name) ~= nil end
  function ctx.list(gvk, query)
    assert(query.ns or query.labels or query.owner or query.index, "a list needs an index")
    assert(not query.owner and not query.index, "not in this stand-in")
    local out = {}
    for _, object in ipairs(objects(gvk)) do
      if (not query.ns or query.ns == object.metadata.namespace) and labels_match(object, query.labels) then
        out[#out + 1] = view(object, declared[gvk], gvk)
      end
    end
    return out
  end
  function ctx.events(object, query)
    local found, out, wanted = {}, {}, nil
    for _, reason in ipairs(query and query.reasons or {}) do
      wanted = wanted or {}
      wanted[reason] = true
    end
    for _, event in ipairs(objects("v1/Event")) do
      if is_about(event, object) and (not wanted or wanted[event.reason]) and (not query or not query.type or query.type == event.type) then
        found[#found + 1] = event
      end
    end
    table.sort(found, function(a, b) return event_time(a) > event_time(b) end)
    for i, event in ipairs(found) do out[i] = view(event, declared["v1/Event"], "v1/Event") end
    return out
  end
  function ctx.age(time)
    local at = seconds(time)
    return at and math.max(0, self.now - at)
  end
  function ctx.after(wait, time)
    local age = ctx.age(time)
    if not age then return false end
    if age < wait then ctx.again = math.min(ctx.again or math.huge, wait - age) end
    return age >= wait
  end
  function ctx.log() end
  function ctx.trace() end
  return ctx
end

--- Runs an analyzer as a one-shot analysis does: a failure opens once it has lasted for its rule's grace time.
---@return table[] findings with severity
---@return number? again seconds until it wants to run again
function cluster:analyze(policy, subject)
  local ctx, open, seen = self:context(policy), {}, {}
  local failures = policy.run(ctx, ctx.view(subject))
  for _, failure in ipairs(failures) do
    local rule = assert(policy.rules[failure.rule], "undeclared rule " .. tostring(failure.rule))
    local identity = failure.rule .. "/" .. (failure.key or "")
    assert(not seen[identity], "twice: " .. identity)
    assert(type(failure.text) == "string" and failure.text ~= "", "no text: " .. identity)
    seen[identity] = true
    failure.severity = failure.severity or rule.severity
    if not failure.since or not rule.grace or ctx.after(rule.grace, failure.since) then open[#open + 1] = failure end
  end
  return open, ctx.again
end

return cluster
