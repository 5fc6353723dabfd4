package.path = "lua/?.lua;spec/support/?.lua;" .. package.path

local log = require "k8sgpt.log"

local WORDS <const> = { "error", "exception", "fail" }

local function trouble(text) return (log.trouble(text, WORDS)) end

describe("log", function()
  it("tells trouble from what only looks like it, pair by pair", function()
    for harmless, real in pairs {
      ["done, 0 errors"] = "done, 10 errors", ["12 passed, 0 failed"] = "12 passed, 20 failed", ["found no errors"] = "found errors",
      ["ended without any error"] = "ended with an error", ["no exceptions seen"] = "exceptions seen", ["no failures"] = "failures",
      ["sync error=nil"] = "sync error=timeout", ["error: <nil>"] = "error: nilpotent", ['{"err":null,"error": null}'] = '{"error":"null pointer"}',
      ['error=""'] = 'error="x"', ["error: none"] = "error: no one", ["hasError=false"] = "hasError=true", ["errors=0 warnings=1"] = "errors=3",
      ["error_count: 0"] = "error: 0.5 s too late", ["failed=0"] = "failed=7", ["failed: false"] = "failed: true",
      ["failover to replica 2"] = "replica 2 failed", ["fail-safe mode"] = "mode failed", ["falls back, failback done"] = "fallback failed",
      ["error_log is on"] = "error in log", ["error handler installed"] = "handler error", ["loaded /etc/nginx/errors/50x.html"] = "cannot load: error 50",
      ["writes to stderr"] = "error on stdout",
      ["level=info msg=\"error rate\""] = "level=error msg=rate", ['{"level":"debug","e":"error"}'] = '{"level":"warn","e":"error"}',
      ["2026-03-01 10:00:00,123 INFO error budget"] = "2026-03-01 10:00:00,123 WARN error budget", ["[info] error page set"] = "[warn] page error set",
      ["I0301 10:00:00.000000 1 a.go:1] error is on"] = "E0301 10:00:00.000000 1 a.go:1] error is on",
    } do
      assert.is_nil(trouble(harmless), harmless)
      assert.are.equal(real, trouble(real))
    end
  end)

  it("finds trouble beside what is harmless, and far into a line", function()
    assert.are.equal("0 errors, then an error", trouble("0 errors, then an error"))
    local line = ("x"):rep(5000) .. " error"
    assert.are.equal(#"…" + 600, #trouble(line))
  end)

  it("names the first line and its number", function()
    local line, number = log.trouble("fine\n\nfine\nAn Error here\nerror\n", WORDS)
    assert.are.same({ "An Error here", 4 }, { line, number })
  end)

  it("gives up on a log of nothing but such words", function()
    assert.is_nil(trouble(("0 errors "):rep(10000)))
    assert.is_nil(trouble(("0 errors\n"):rep(1000) .. "error\n"))
  end)
end)
