package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local k8sgpt = require "k8sgpt"
local prometheus = require "k8sgpt.prometheus"

--- What is said of a configuration, read already.
local function problems(config, why, is_syntax)
  k8sgpt.yaml_decode = function() return config, why, is_syntax end
  local rules = {}
  for i, problem in ipairs(prometheus.problems { text = "" }) do rules[i] = problem.text:gsub("^error validating Prometheus YAML configuration: ", "") end
  return rules
end

local NOTHING <const> = "no scrape configurations. Prometheus will not scrape any metrics."

local function job(interval, timeout)
  return { scrape_configs = { { job_name = "a", scrape_interval = interval, scrape_timeout = timeout } } }
end

describe("prometheus", function()
  after_each(function() k8sgpt.yaml_decode = nil end)

  it("takes durations as Prometheus writes them", function()
    for _, text in ipairs { "0", 0, "15s", "1h30m", "1y2w3d4h5m6s7ms", "500ms", "90s" } do
      assert.same({}, problems(job(text, "0")), text)
    end
    for _, text in ipairs { "tomorrow", "15", 15, "1.5h", "30m1h", "1s1s", "-5s", "s", " 5s", "5S" } do
      assert.same({ ('not a valid duration string: "%s"'):format(text) }, problems(job(text)), text)
    end
    assert.same({ "empty duration string" }, problems(job("")))
  end)

  it("compares timeouts with intervals, whatever units they are in", function()
    local said = { 'scrape timeout greater than scrape interval for scrape config with job name "a"' }
    assert.same({}, problems(job("1m", "60s")))
    assert.same(said, problems(job("1m", "61s")))
    assert.same(said, problems(job("499ms", "500ms")))
    assert.same({}, problems(job(nil, "1m")))
    assert.same(said, problems(job(nil, "2m")))
  end)

  it("names the line as upstream does", function()
    assert.same({ "yaml: did not find expected key", NOTHING }, problems(nil, "line 1: did not find expected key", true))
    assert.same({ "yaml: line 4: did not find expected key", NOTHING }, problems(nil, "line 5: did not find expected key", true))
    assert.same({ "yaml: mapping values are not allowed", NOTHING }, problems(nil, "line 1: mapping values are not allowed", true))
    assert.same({ "yaml: line 5: mapping values are not allowed", NOTHING }, problems(nil, "line 5: mapping values are not allowed", true))
    assert.same({}, problems(nil, "line 5: aliases are not supported", false))
  end)

  it("is not confused by null", function()
    assert.same({ NOTHING }, problems { scrape_configs = k8sgpt.null, global = k8sgpt.null })
    assert.same({ "empty or null scrape config section" }, problems { scrape_configs = { k8sgpt.null } })
    assert.same({}, problems { scrape_configs = { { job_name = "a", scrape_interval = k8sgpt.null } } })
  end)
end)
