--- Where engines show what they cost and what their analyzers count, for ctx.scrape.

local k8sgpt = require "k8sgpt"

local engine_metrics = {}

--- The port of an engine's Service that leads to its metrics. The first one is for gRPC, as upstream has it.
engine_metrics.PORT = "metrics"

--- The port that `k8sgpt serve` shows them on.
engine_metrics.NUMBER = 8081

--- What is to be fetched.
---@param engines {address: string, pod?: string}[] "HOST:PORT" of the metrics of each; pod: which one it is, where a K8sGPT has several
---@param timing {metrics_interval: integer, metrics_timeout: integer} seconds
---@return k8sgpt.Scrape[]
function engine_metrics.scrapes(engines, timing)
  local list = k8sgpt.array {}
  for i, engine in ipairs(engines) do
    list[i] = {
      url = ("http://%s/metrics"):format(engine.address), pod = engine.pod or "",
      interval = timing.metrics_interval, timeout = timing.metrics_timeout,
    }
  end
  return list
end

return engine_metrics
