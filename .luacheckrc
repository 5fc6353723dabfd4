std = "lua54"
max_line_length = 160
files["spec/**/*_spec.lua"] = { std = "lua54+busted" }
-- Editor stubs: functions without a body.
files["lua/k8sgpt/meta.lua"] = { ignore = { "211", "212", "241", "631" } }
-- A policy gets everything through ctx and require.
files["policies"] = { std = { read_globals = { "require", "assert", "error", "ipairs", "pairs", "pcall", "select", "tonumber", "tostring", "type", "math", "string", "table", "utf8", "next", "rawequal", "rawget", "rawlen", "rawset", "setmetatable", "getmetatable" } } }
