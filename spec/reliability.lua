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
return {}
