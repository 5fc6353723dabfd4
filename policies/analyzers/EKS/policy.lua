--- What Amazon EKS itself says is wrong with a cluster (EKS API reference: DescribeCluster, ClusterHealth). Names and texts are upstream's.

local evidence = require "k8sgpt.evidence"
local k8sgpt = require "k8sgpt"
local object = require "k8sgpt.object"

-- There is one in every cluster.
local SUBJECT = "kube-system"

local function quoted(text) return k8sgpt.json_encode(tostring(text)) end

-- A list as the SDK of AWS prints it: in one line up to three.
local function list_of(items)
  local out = {}
  for i, item in ipairs(items) do out[i] = quoted(item) end
  if #out <= 3 then return "[" .. table.concat(out, ",") .. "]" end
  return "[\n    " .. table.concat(out, ",\n    ") .. "\n  ]"
end

local function printed(issue)
  local lines = {}
  for _, field in ipairs { { "Code", "code" }, { "Message", "message" } } do
    local text = object.text(issue[field[2]])
    if text then lines[#lines + 1] = ("  %s: %s"):format(field[1], quoted(text)) end
  end
  if issue.resourceIds then lines[#lines + 1] = "  ResourceIds: " .. list_of(issue.resourceIds) end
  return "{\n" .. table.concat(lines, ",\n") .. "\n}"
end

local function clusters(ctx)
  if ctx.params.cluster ~= "" then return { ctx.params.cluster } end
  local answer = ctx.aws("eks", "/clusters")
  return answer and answer.clusters or {}
end

local function run(ctx, namespace)
  local found, seen = {}, {}
  if namespace.metadata.name ~= SUBJECT then return found end
  for _, cluster in ipairs(clusters(ctx)) do
    local answer = ctx.aws("eks", "/clusters/" .. cluster)
    for _, issue in ipairs(object.dig(answer, "cluster", "health", "issues") or {}) do
      local key = ("%s/%s"):format(cluster, issue.code)
      if not seen[key] then
        found[#found + 1] = {
          rule = "issue", key = key, text = printed(issue), as = { kind = "EKS", name = "AWS/EKS" },
          evidence = { evidence.at(("Cluster %s of EKS: health.issues[].code"):format(cluster), issue.code) },
          sensitive = { cluster, table.unpack(issue.resourceIds or {}) },
        }
        seen[key] = true
      end
    end
  end
  return found
end

return {
  api = 1, kind = "analyzer", name = "EKS",
  description = "What Amazon EKS says is wrong with a cluster",
  watches = { "v1/Namespace" },
  remote = true,
  aws = true,
  rules = { issue = { severity = "high" } },
  params = { cluster = "" },
  run = run,
}
