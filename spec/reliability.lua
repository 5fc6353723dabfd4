--- What the operator has to withstand: the rows of docs/reliability.md, which tools/docs/reliability.lua writes from them and from what
--- the tests measured (support/figures.lua, support/figure.h).

---@class Requirement
---@field id string what tests record their figures under
---@field title string what must hold
---@field source string where the requirement comes from
---@field target string how it is tested, and what counts as met
---@field tests string[] the files that prove it; each names a test after the id
---@field limits table<string, number> the largest value that a figure may have, by what was measured

---@type Requirement[]
return {
  {
    id = "latency",
    title = "A fault becomes a Result at once",
    source = "the reason for this operator: upstream takes 20 s",
    target = "watch event read until Result written: ≤ 50 ms on a real API server",
    tests = { "spec/e2e/pipeline_spec.lua" },
    limits = { ["a watch event read until its Result is written, mean"] = 50 },
  },
}
