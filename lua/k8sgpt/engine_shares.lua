--- Which replica of an engine is asked for what: the analyzers of a K8sGPT, split over its replicas.

local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

local dig = object.dig

local shares = {}

--- The first port of an engine's Service.
shares.PORT = "grpc"

--- So many replicas share an analysis at most. Each takes up to four of the questions that ctx.poll has room for.
shares.MOST = 20

-- A split stays until the busiest replica has half again as much as it need have: a new one asks all of them at once.
local WORTH_IT <const> = 1.5

-- Where a Service has but one port, it need not have a name.
local function port_of(slice, name)
  for _, port in ipairs(slice.ports or {}) do
    if port.name == name or name == shares.PORT and not object.text(port.name) then return port.port end
  end
end

--- All replicas that are ready, by their addresses.
---@param slices table[] EndpointSlices of the Service: the controller gives them its labels (Kubernetes docs, "EndpointSlices")
---@param name string of the port
---@return {address: string, pod: string}[] "HOST:PORT"
function shares.replicas(slices, name)
  local list, seen = {}, {}
  for _, slice in ipairs(slices) do
    local port = port_of(slice, name)
    for _, endpoint in ipairs(port and slice.endpoints or {}) do
      local host = endpoint.addresses[1]
      local address = (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
      -- No condition: as ready as can be (EndpointConditions: nil is to be taken for true).
      local is_ready = dig(endpoint, "conditions", "ready") ~= false
      if is_ready and not seen[address] then
        seen[address], list[#list + 1] = true, { address = address, pod = dig(endpoint, "targetRef", "name") or address }
      end
    end
  end
  table.sort(list, function(a, b) return a.address < b.address end)
  return list
end

--- Where they are asked.
---@param slices table[]
---@return string[] "HOST:PORT"
function shares.addresses(slices)
  local list = {}
  for i, replica in ipairs(shares.replicas(slices, shares.PORT)) do list[i] = replica.address end
  return list
end

local function load_of(filters, weigh)
  local sum = 0
  for _, name in ipairs(filters) do sum = sum + weigh(name) end
  return sum
end

local function busiest(split, weigh)
  local most = 0
  for _, filters in ipairs(split) do most = math.max(most, load_of(filters, weigh)) end
  return most
end

-- The heaviest first, each to who has least so far.
local function spread(filters, parts, weigh)
  local order, split, loads = { table.unpack(filters) }, {}, {}
  table.sort(order, function(a, b)
    local x, y = weigh(a), weigh(b)
    return x > y or x == y and a < b
  end)
  for i = 1, parts do split[i], loads[i] = {}, 0 end
  for _, name in ipairs(order) do
    local least = 1
    for i = 2, parts do
      if loads[i] < loads[least] then least = i end
    end
    loads[least] = loads[least] + weigh(name)
    table.insert(split[least], name)
  end
  return split
end

local function same_set(a, b)
  local set, count = {}, 0
  for _, name in ipairs(a) do set[name] = true end
  for _, name in ipairs(b) do
    if not set[name] then return false end
    count = count + 1
  end
  return count == #a
end

-- How it was split before, if that was among these for the same.
local function former(before, addresses, filters)
  local split, all = {}, {}
  for i, address in ipairs(addresses) do
    local share = before[i]
    if not share or share.address ~= address then return nil end
    split[i] = share.filters
    table.move(share.filters, 1, #share.filters, #all + 1, all)
  end
  return not before[#addresses + 1] and same_set(filters, all) and split or nil
end

---@class k8sgpt.Share
---@field suffix string of the names of its polls: "" where nothing is split, else "-1", "-2" …
---@field address string "HOST:PORT"
---@field filters string[] none: those that the engine has

--- The split that is to be. It depends on what there is to look at when it is made, and then stays while replicas and filters do.
---@param addresses string[] at least one
---@param filters string[]
---@param weigh fun(filter: string): integer
---@param before k8sgpt.Share[] the split of now, {} where there is none
---@return k8sgpt.Share[] one for each replica that has something to do
function shares.of(addresses, filters, weigh, before)
  local used = { table.unpack(addresses, 1, math.min(#addresses, #filters, shares.MOST)) }
  local split, old = spread(filters, #used, weigh), former(before, used, filters)
  if old and busiest(old, weigh) <= WORTH_IT * busiest(split, weigh) then split = old end
  local list = {}
  for i, address in ipairs(used) do list[i] = { suffix = "-" .. i, address = address, filters = k8sgpt.array(split[i]) } end
  return list
end

--- The same for a status.
---@param list k8sgpt.Share[]
---@return {endpoint: string, filters: string[]}[]? nil where nothing is split
function shares.shown(list)
  if list[1].suffix == "" then return nil end
  local shown = k8sgpt.array {}
  for i, share in ipairs(list) do shown[i] = { endpoint = share.address, filters = share.filters } end
  return shown
end

return shares
