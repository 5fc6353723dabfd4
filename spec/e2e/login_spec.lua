--- Logging in to a real kube-apiserver by every way that a kubeconfig has. Whom the server took us for, its audit log tells.

local control_plane = require "support.control_plane"
local figures = require "support.figures"
local json = require "cjson"
local objects = require "support.objects"
local operator = require "support.operator"
local program = require "support.program"

describe("a real API server", function()
  local plane, folder, op, seen_bytes

  local function apply(path, text)
    local url = ("%s%s?fieldManager=test&force=true"):format(plane.url, path)
    local body, status = plane:http(url, { method = "PATCH", type = "application/apply-patch+yaml", body = text })
    if status > 201 then error(("%s: %d %s"):format(path, status, body)) end
  end

  setup(function()
    plane = control_plane.start { audit = true }
    plane:install_crds(operator.CRDS)
    apply("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/everybody", [[{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding,
      metadata: {name: everybody}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin},
      subjects: [{kind: Group, name: "system:authenticated", apiGroup: rbac.authorization.k8s.io}]}]])
  end)
  teardown(function() plane:stop() end)
  before_each(function()
    folder = program.folder()
    seen_bytes = #program.read(plane.audit_log)
  end)
  after_each(operator.clean)

  --- Users that the operator was to the server in this test, and how many of its requests were refused.
  ---@return string[] users
  ---@return integer refused
  local function users()
    local found, refused = {}, 0
    for line in program.read(plane.audit_log):sub(seen_bytes + 1):gmatch("[^\n]+") do
      local ok, event = pcall(json.decode, line)
      if ok and (event.userAgent or ""):find("^k8sgpt%-operator") then
        if event.responseStatus.code == 401 then refused = refused + 1 else found[event.user.username] = true end
      end
    end
    local list = {}
    for name in pairs(found) do list[#list + 1] = name end
    table.sort(list)
    return list, refused
  end

  local function start(kubeconfig)
    op = operator.start(kubeconfig)
    op:await_ready()
    return op
  end

  local function logs_in(user_fields, name, options)
    start(plane:write_kubeconfig("login", user_fields, options))
    assert.are.same({ name }, (users()))
    assert.are.equal(0, (op:metric("k8sgpt_api_requests_total", { code = { "401", "<error>" } })))
  end

  local function plugin(lines)
    local path = folder .. "/login"
    program.write(path, "#!/bin/sh\n" .. lines .. "\n")
    os.execute("chmod 700 " .. path)
    return ("exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: %s}"):format(path)
  end

  local function gives(status)
    program.write(folder .. "/credential", json.encode { apiVersion = "client.authentication.k8s.io/v1", kind = "ExecCredential", status = status })
    return plugin(("echo run >>%s/runs; cat %s/credential"):format(folder, folder))
  end

  --- Makes the operator send something, until there is what is waited for.
  local function until_asked(what, look)
    local serial = 0
    program.await(what, function()
      serial = serial + 1
      plane:request("POST", "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/k8sgpts", objects.k8sgpt({}, "poke-" .. serial))
      return look()
    end, 0.5, 90)
    plane:request("DELETE", "/apis/core.k8sgpt.ai/v1alpha1/namespaces/default/k8sgpts")
  end

  it("takes a client certificate", function()
    local cert, key = plane.ca:issue("jane", { groups = { "team" } })
    logs_in(("client-certificate: %s, client-key: %s"):format(cert, key), "jane")
  end)

  it("takes a token", function()
    logs_in("token: " .. plane:token("default", "holder", 600), "system:serviceaccount:default:holder")
  end)

  it("takes what a plugin in shell prints: a token", function()
    logs_in(gives { token = plane:token("default", "plugged", 600), expirationTimestamp = "2999-01-01T00:00:00Z" }, "system:serviceaccount:default:plugged")
    assert.are.equal("run\n", program.read(folder .. "/runs"))
  end)

  it("takes what a plugin in shell prints: a client certificate", function()
    local cert, key = plane.ca:issue("joe", {})
    logs_in(gives { clientCertificateData = program.read(cert), clientKeyData = program.read(key) }, "joe")
  end)

  it("is reached through a proxy", function()
    local proxy = program.start { "lua5.4", "spec/support/connect_proxy.lua" }
    local port = proxy:await_line("its port", function(line) return (line.text or ""):match("^(%d+)\n") end)
    local path = plane:write_kubeconfig("login", "token: " .. plane:token("default", "far", 600))
    program.write(path, (program.read(path):gsub("certificate%-authority:", "proxy-url: 'http://127.0.0.1:" .. port .. "', certificate-authority:")))
    start(path)
    assert.are.same({ "system:serviceaccount:default:far" }, (users()))
    proxy:await_line("a tunnel", function(line) return (line.text or ""):find(plane.url:match("//(.*)"), 1, true) end)
    op:stop()
    proxy:kill()
  end)

  --- kube-apiserver has known no passwords since 1.19, and takes whoever brings one for nobody.
  it("takes a name and password for nobody's, and the log says who gave us those", function()
    op = operator.start(plane:write_kubeconfig("login", "username: jane, password: canary-password"))
    local why = op:await_line("the refusal", function(line) return (line.msg or ""):find("takes us for nobody", 1, true) and line.msg end)
    assert.is_truthy(why:find("login.kubeconfig, context default", 1, true), why)
    assert.is_nil(program.read(op.log):find("canary", 1, true))
  end)

  it("refuses a token that is none, and the log says who gave us that", function()
    op = operator.start(plane:write_kubeconfig("login", "token: canary-token"))
    local why = op:await_line("the refusal", function(line) return (line.msg or ""):find("does not accept our credentials", 1, true) and line.msg end)
    assert.is_truthy(why:find("login.kubeconfig, context default", 1, true), why)
    assert.is_nil(program.read(op.log):find("canary", 1, true))
  end)

  it("refuses an account that is gone: its token's file is read again, and nothing fails", function()
    local token_file = folder .. "/token"
    program.write(token_file, plane:token("default", "old", 600))
    logs_in("tokenFile: " .. token_file, "system:serviceaccount:default:old")
    program.write(token_file .. ".new", plane:token("default", "new", 600))
    os.rename(token_file .. ".new", token_file)
    plane:request("DELETE", "/api/v1/namespaces/default/serviceaccounts/old")
    until_asked("the new account", function() return #users() == 2 end)
    local names, refused = users()
    local failed = 0
    for _, line in ipairs(op:lines()) do failed = failed + (line.msg == "run failed" and 1 or 0) end
    assert.are.same({ "system:serviceaccount:default:new", "system:serviceaccount:default:old" }, names)
    assert.is_true(refused <= 1)
    assert.are.equal(0, failed)
    figures.record("rotation", "refusals by a real API server while an account is replaced", refused)
    figures.record("rotation", "failed runs while an account is replaced", failed)
  end)

  it("refuses an account that is gone: the plugin runs again", function()
    logs_in(gives { token = plane:token("default", "first", 600) }, "system:serviceaccount:default:first")
    gives { token = plane:token("default", "second", 600) }
    plane:request("DELETE", "/api/v1/namespaces/default/serviceaccounts/first")
    until_asked("the new account", function()
      for _, name in ipairs(users()) do
        if name == "system:serviceaccount:default:second" then return true end
      end
    end)
    assert.are.equal("run\nrun\n", program.read(folder .. "/runs"))
  end)

  it("sees another user after SIGHUP", function()
    local path = plane:write_kubeconfig("login", "token: " .. plane:token("default", "before", 600))
    start(path)
    plane:write_kubeconfig("login", "token: " .. plane:token("default", "after", 600))
    os.execute("kill -HUP " .. op.pid)
    program.await("the new account", function() return #users() == 2 end)
    op:await_ready()
  end)
end)
