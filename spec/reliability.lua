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
  {
    id = "scope",
    title = "Rights by namespace, kinds that come and go, groups that are broken",
    source = "RBAC and discovery: Kubernetes docs, client-go's back-off",
    target = "Roles alone: no request beyond them, what is missing named, alive ≤ 45 s after a grant; a new CRD ≤ 2 s; a broken group delays nothing else",
    tests = { "spec/e2e/scope_spec.lua", "spec/unit/kube/scope_test.c", "spec/unit/kube/crds_test.c" },
    limits = {
      ["a right granted until what it shows is a Result"] = 45, ["a new kind served until its analyzer works"] = 2,
      ["a fault beside a broken API group until its Result"] = 5,
    },
  },
}
