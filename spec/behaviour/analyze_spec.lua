--- analyze, of snapshots: what it finds, in which forms it reads and says it, and how it ends.

local json = require "cjson"
local objects = require "support.objects"
local oneshot = require "support.oneshot"
local operator = require "support.operator"
local policies = require "support.policies"
local program = require "support.program"

local analyze, found, run, snapshot = oneshot.analyze, oneshot.found, oneshot.run, oneshot.snapshot

local function at(path, text)
  program.write(path, text)
  return path
end

local function file(text, suffix) return at(program.folder() .. "/objects" .. (suffix or ".yaml"), text) end

local function typed_list(kind, items)
  for _, item in ipairs(items) do item.kind, item.apiVersion = nil, nil end
  return json.encode { apiVersion = "v1", kind = kind .. "List", items = items }
end

--- An analyzer of ConfigMaps that say what is wrong with them (objects.PROBE), as flags.
local function probing(...)
  return "--policy-dir", policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE }, "--filter", "Probe", ...
end

describe("analyze", function()
  after_each(operator.clean)

  it("finds nothing in a healthy snapshot, and ends with 0", function()
    local answer, ended = analyze(snapshot { objects.healthy_pod("web") })
    assert.are.same({ provider = "", errors = {}, status = "OK", problems = 0, results = {}, time = answer.time }, answer)
    assert.are.same({ 0, "" }, { ended.status, ended.errors })
    assert.matches("^No problems found in %S+ by %d+ analyzers\n$", run({ "analyze", "--from", snapshot { objects.healthy_pod("web") } }).output)
  end)

  it("says what it found in upstream's JSON and ours beside it, and ends with 1", function()
    local deployment = objects.deployment("web", "shop", 1, 1)
    local set = objects.replica_set("web-1", deployment)
    local answer, ended = analyze(snapshot { deployment, set, objects.image_error("web-1-x", "shop", objects.owned_by(set)) }, "--filter", "Pod")
    assert.are.equal(1, ended.status)
    assert.are.same({ "ProblemDetected", 1 }, { answer.status, answer.problems })
    local failure = answer.results[1].error[1]
    assert.are.same({
      kind = "Pod", name = "shop/web-1-x", details = "", parentObject = "Deployment/shop/web", analyzer = "Pod", severity = "high",
      error = { { Text = 'Back-off pulling image "registry.example.com/app:1"', KubernetesDoc = "", Sensitive = failure.Sensitive, rule = "image", key = "app",
        severity = "high", evidence = failure.evidence } },
    }, answer.results[1])
    assert.are.equal("status.containerStatuses[name=app].state.waiting", failure.evidence[1].path)
    for _, pair in ipairs(failure.Sensitive) do assert.matches("^masked%-%x+$", pair.Masked) end
  end)

  it("ends with 0 all the same where --exit-zero is given", function()
    local _, ended = analyze(snapshot { objects.image_error("web") }, "--exit-zero")
    assert.are.equal(0, ended.status)
  end)

  describe("reads", function()
    local function pod(name) return objects.image_error(name, "shop") end
    local WANTED <const> = { "Pod shop/a: image", "Pod shop/b: image" }

    it("a list, and lists of a kind", function()
      assert.are.same(WANTED, found(analyze(snapshot { pod("a"), pod("b") })))
      assert.are.same(WANTED, found(analyze(file(typed_list("Pod", { pod("a"), pod("b") })))))
    end)
    it("JSON, an object a line", function()
      assert.are.same(WANTED, found(analyze(file(json.encode(pod("a")) .. "\n" .. json.encode(pod("b")) .. "\n", ".jsonl"))))
    end)
    it("YAML of several documents", function()
      assert.are.same(WANTED, found(analyze(file("---\n" .. json.encode(pod("a")) .. "\n---\n# nothing\n---\n" .. json.encode(pod("b")) .. "\n"))))
    end)
    it("standard input", function()
      local ended = run({ "analyze", "--from", "-", "-o", "json" }, json.encode(pod("a")) .. json.encode(pod("b")))
      assert.are.same(WANTED, found(json.decode(ended.output)))
    end)
    it("several files, and all of a folder", function()
      local folder = policies.folder { ["a.json"] = json.encode(pod("a")), ["deep/b.yml"] = json.encode(pod("b")), ["notes.txt"] = "no objects" }
      assert.are.same(WANTED, found(analyze(folder)))
      assert.are.same(WANTED, found(analyze(folder .. "/a.json", "--from", folder .. "/deep/b.yml")))
    end)
    it("of an object that is there twice the later one", function()
      local mended = objects.healthy_pod("b", "shop")
      assert.are.same({ "Pod shop/a: image" }, found(analyze(file(json.encode(pod("b")) .. json.encode(pod("a")) .. json.encode(mended), ".json"))))
    end)
  end)

  describe("chooses", function()
    local function shop()
      return snapshot {
        objects.image_error("a", "shop", { labels = { app = "a" } }), objects.image_error("b", "warehouse", { labels = { app = "b" } }),
        objects.deployment("c", "shop", 3, 0), objects.image_error("d", "shop", { annotations = { ["k8sgpt.ai/ignore"] = "Pod" } }),
      }
    end

    it("the core set of analyzers, or those that are named", function()
      assert.are.same({ "Deployment shop/c: unavailable", "Pod shop/a: image", "Pod warehouse/b: image" }, found(analyze(shop())))
      assert.are.same({ "Deployment shop/c: unavailable" }, found(analyze(shop(), "--filter", "Deployment", "--filter", "Service")))
      assert.are.same({ "Deployment shop/c: unavailable" }, found(analyze(shop(), "--filter", "-Pod")))
    end)
    it("namespaces", function()
      assert.are.same({ "Pod warehouse/b: image" }, found(analyze(shop(), "--namespace", "ware*")))
      assert.are.same({ "Pod shop/a: image", "Pod warehouse/b: image" },
        found(analyze(shop(), "--namespace", "shop", "--namespace", "warehouse", "--filter", "Pod")))
    end)
    it("labels", function()
      assert.are.same({ "Pod warehouse/b: image" }, found(analyze(shop(), "--selector", "app notin (a),app")))
      assert.are.same({ "Pod shop/a: image" }, found(analyze(shop(), "--selector", "app=a")))
    end)
    it("by policies of one's own", function()
      assert.are.same({ "ConfigMap default/map: plain" }, found(analyze(snapshot { objects.config("map", { rule = "plain" }) }, probing())))
    end)
  end)

  describe("has a clock", function()
    local SINCE <const>, LATER <const> = "2026-03-01T10:00:00Z", "2026-03-01T10:00:01Z"

    local function maps(since, made)
      local map = objects.config("map", { rule = "slow", since = since }) -- its grace is one second
      map.metadata.creationTimestamp = made
      return snapshot { map }
    end

    it("that stands at the newest moment of the snapshot", function()
      local answer = analyze(maps(SINCE, SINCE), probing())
      assert.are.same({ SINCE, {} }, { answer.time, found(answer) })
      answer = analyze(maps(SINCE, LATER), probing())
      assert.are.same({ LATER, { "ConfigMap default/map: slow" } }, { answer.time, found(answer) })
    end)
    it("that is set, and counts grace from a fault's own time", function()
      assert.are.same({}, found(analyze(maps(SINCE, LATER), probing("--now", SINCE))))
      assert.are.same({ "ConfigMap default/map: slow" }, found(analyze(maps(SINCE, SINCE), probing("--now", LATER))))
    end)
    it("and does not wait for a fault without one", function()
      assert.are.same({ "ConfigMap default/map: slow" }, found(analyze(maps(nil, SINCE), probing())))
    end)
    it("and another grace, or none", function()
      assert.are.same({}, found(analyze(maps(SINCE, LATER), probing("--grace", "2s"))))
      assert.are.same({ "ConfigMap default/map: slow" }, found(analyze(maps(SINCE, SINCE), probing("--grace", "0"))))
    end)
  end)

  describe("takes what is not in the snapshot", function()
    local function ingress(secret)
      return {
        apiVersion = "networking.k8s.io/v1", kind = "Ingress",
        metadata = { name = "web", namespace = "shop", uid = "u", creationTimestamp = objects.ago(3600) },
        spec = { ingressClassName = "nginx", tls = { { secretName = secret } } },
      }
    end
    local function secret(name) return { apiVersion = "v1", kind = "Secret", metadata = { name = name, namespace = "shop" } } end
    local CLASS <const> = { apiVersion = "networking.k8s.io/v1", kind = "IngressClass", metadata = { name = "nginx" } }

    it("for Secrets as unknown, for other kinds as none", function()
      local function found_of(list) return found(analyze(snapshot(list), "--now", objects.ago(0))) end
      assert.are.same({ "Ingress shop/web: tls" }, found_of { CLASS, ingress("cert"), secret("other") })
      assert.are.same({}, found_of { CLASS, ingress("cert"), secret("cert") })
      assert.are.same({}, found_of { CLASS, ingress("cert") })
      assert.are.same({ "Ingress shop/web: class" }, found_of { ingress("cert") })
    end)
    it("for a custom resource that nothing speaks of as not served", function()
      local folder = policies.folder { ["analyzers/Robot/policy.lua"] = [[
        return { api = 1, kind = "analyzer", name = "Robot", description = "Robots", watches = { "example.com/v1/Robot", "v1/ConfigMap" },
          fields = {}, rules = { broken = { severity = "high" } }, run = function() return { { rule = "broken", text = "it is" } } end }]] }
      local function suite(list)
        local ended = run { "analyze", "--from", snapshot(list), "--policy-dir", folder, "--filter", "Robot", "-o", "junit" }
        return ended.output:match('tests="%d+" failures="(%d+)" errors="%d+" skipped="(%d+)"')
      end
      assert.are.same({ "0", "1" }, { suite { objects.config("map") } })
      assert.are.same({ "1", "0" }, { suite { { apiVersion = "example.com/v1", kind = "Robot", metadata = { name = "r" } } } })
    end)
  end)

  describe("shows what follows from what", function()
    -- A claim that lost its volume, the pod that waits for it, and the Service that has no other pod.
    local function chain()
      local pod = objects.healthy_pod("db-0", "shop", { labels = { app = "db" } })
      pod.spec.volumes = { { name = "disk", persistentVolumeClaim = { claimName = "disk" } } }
      pod.status = { phase = "Pending", conditions = {
        { type = "PodScheduled", status = "False", reason = "Unschedulable", message = 'persistentvolumeclaim "disk" is lost' },
      } }
      local claim = { apiVersion = "v1", kind = "PersistentVolumeClaim", metadata = { name = "disk", namespace = "shop", uid = "claim" },
        spec = { volumeName = "pv" }, status = { phase = "Lost" } }
      local service = objects.service("db", "shop")
      return snapshot { pod, claim, service, objects.slice(service, false), objects.image_error("alone", "shop") }
    end

    local function causes(answer)
      local list = {}
      for _, result in ipairs(answer.results) do
        local cause = result.cause
        list[result.kind .. " " .. result.name] = cause and ("%s %s/%s"):format(cause.kind, cause.namespace, cause.name) or "none"
      end
      return list
    end

    it("to the root", function()
      local path = chain()
      local answer = analyze(path)
      local CLAIM <const> = "PersistentVolumeClaim shop/disk"
      assert.are.same({ [CLAIM] = "none", ["Pod shop/db-0"] = CLAIM, ["Service shop/db"] = CLAIM, ["Pod shop/alone"] = "none" }, causes(answer))
      local text = run({ "analyze", "--from", path }).output
      local order = {}
      for line in text:gmatch("[^\n]+") do
        order[#order + 1] = line:match("^%u.*") or line:match("^  %l+ +[%w-]+ +(%u.*)")
      end
      assert.are.same({ CLAIM, "Pod shop/db-0", "Service shop/db", "Pod shop/alone" }, order)
    end)
    it("of what was looked at", function()
      local answer = analyze(chain(), "--filter", "Pod", "--filter", "Service")
      assert.are.same({ ["Pod shop/db-0"] = "none", ["Service shop/db"] = "Pod shop/db-0", ["Pod shop/alone"] = "none" }, causes(answer))
      assert.are.equal("none", causes(analyze(chain(), "--filter", "Service"))["Service shop/db"])
    end)
    it("by correlate policies of one's own", function()
      local folder = policies.folder { ["correlate/mine/policy.lua"] = [[
        return { api = 1, kind = "correlate", name = "mine", order = -1, cause = function(ctx, finding)
          if finding.name == "disk" then return ctx.findings_of("Pod", "shop", "alone")[1] end
        end }]] }
      local found_causes = causes(analyze(chain(), "--policy-dir", folder))
      for _, name in ipairs { "PersistentVolumeClaim shop/disk", "Pod shop/db-0", "Service shop/db" } do
        assert.are.equal("Pod shop/alone", found_causes[name], name)
      end
    end)
  end)

  describe("says it", function()
    local function shop()
      local deployment = objects.deployment("web", "shop", 3, 0)
      local set = objects.replica_set("web-1", deployment)
      return snapshot { deployment, set, objects.image_error("web-1-a", "shop", objects.owned_by(set)) }
    end

    it("to people: by cause, without colours where no terminal is", function()
      local path = shop()
      local ended = run { "analyze", "--from", path }
      assert.are.equal(1, ended.status)
      assert.are.equal(([[
Deployment shop/web
  critical  unavailable
            Deployment shop/web has 3 replicas but 0 are available with status running
  high      image        Pod shop/web-1-a
            Back-off pulling image "registry.example.com/app:1"

2 problems of 2 objects in %s: 1 critical, 1 high
]]):format(path), ended.output)
    end)
    it("to people in colours on a terminal", function()
      local command = ("%s analyze --from %s"):format(operator.BINARY, shop())
      local function on_terminal(environment)
        local pipe = assert(io.popen(("env -u NO_COLOR TERM=xterm %s script -qec %s /dev/null </dev/null"):format(environment, program.quote(command))))
        local text = pipe:read("a")
        pipe:close()
        return text
      end
      assert.matches("\27[31mhigh", on_terminal(""), 1, true)
      assert.not_matches("\27", on_terminal("NO_COLOR=1"), 1, true)
      assert.not_matches("\27", on_terminal("TERM=dumb"), 1, true)
    end)
    it("to CI, as XML and SARIF", function()
      local xml = run { "analyze", "--from", shop(), "-o", "junit" }
      assert.are.equal(1, xml.status)
      assert.matches('<failure type="image" message="Back-off pulling image &quot;registry.example.com/app:1&quot;">', xml.output, 1, true)
      assert.matches("cause: Deployment/shop/web<", xml.output, 1, true)
      local path = shop()
      local sarif = json.decode(run({ "analyze", "--from", path, "-o", "sarif" }).output)
      local one = sarif.runs[1]
      assert.are.same({ "2.1.0", 2, true }, { sarif.version, #one.results, one.invocations[1].executionSuccessful })
      for _, result in ipairs(one.results) do
        assert.are.equal(result.ruleId, one.tool.driver.rules[result.ruleIndex + 1].id)
        assert.are.equal(path, result.locations[1].physicalLocation.artifactLocation.uri)
        assert.matches("^%x+$", result.partialFingerprints["findingId/v1"])
        assert.are.equal(result.ruleId == "Pod/image" and "Deployment/shop/web" or nil, result.properties.cause)
      end
    end)
    it("as a report policy of one's own wants it", function()
      local folder = policies.folder { ["reports/short/policy.lua"] = [[
        return { api = 1, kind = "report", name = "short", render = function(_, report) return { #report.groups .. " objects\n" } end }]] }
      assert.are.equal("2 objects\n", run({ "analyze", "--from", shop(), "--policy-dir", folder, "-o", "short" }).output)
    end)
    it("without names", function()
      local canaries = { "na.me-of-a", "name-of+space", "names(pace", "na.me-of-a-space", "other-names+pace" }
      local pod = objects.image_error(canaries[1], canaries[2], { ownerReferences = {
        { apiVersion = "example.com/v1", kind = "Robot", name = canaries[3], uid = "u", controller = true },
      } })
      pod.status.containerStatuses[1].state.waiting.message = ("%s is not %s of %s in %q, as in %s"):format(canaries[1],
        canaries[4], canaries[2], canaries[4], canaries[5])
      local path = snapshot { pod, objects.image_error("b", canaries[5]) }
      local plain = run { "analyze", "--from", path, "-o", "json" }
      for _, canary in ipairs(canaries) do assert.matches(canary, plain.output, 1, true) end
      for _, report in ipairs { "text", "json", "junit", "sarif" } do
        local masked = run({ "analyze", "--from", path, "-o", report, "--anonymize" }).output
        assert.matches("masked-", masked, 1, true)
        for _, canary in ipairs(canaries) do
          assert.not_matches(canary, (masked:gsub(path:gsub("%p", "%%%0"), "")), 1, true)
        end
      end
      local evidence = analyze(path, "--anonymize").results[1].error[1].evidence[1]
      assert.matches("status.containerStatuses[name=masked-", evidence.path, 1, true)
      assert.matches("masked-", evidence.value, 1, true)
    end)
  end)

  describe("refuses", function()
    local function refused(status, problem, ...)
      local ended = run { "analyze", ... }
      assert.are.same({ status, "" }, { ended.status, ended.output })
      assert.matches("analyze: " .. problem, ended.errors, 1, true)
      assert.is_nil(ended.errors:gsub("Run '[^\n]*\n", ""):match("\n."), ended.errors)
    end

    it("flags that make no sense", function()
      local path = snapshot {}
      refused(2, "unknown or incomplete flag --no-such-flag", "--no-such-flag")
      refused(2, "unexpected argument surplus", "--from", path, "surplus")
      refused(2, "--from is a snapshot: --kubeconfig and --context do not go with it", "--from", path, "--context", "x")
      refused(2, "--now takes a time such as 2026-03-01T10:10:00Z, not noon", "--from", path, "--now", "noon")
      refused(2, "--grace takes a duration such as 30s, 5m, 1h or 0, not 5", "--from", path, "--grace", "5")
      refused(2, "--timeout takes a duration such as 30s or 5m, not 0", "--timeout", "0")
      refused(2, '"a b" is no label selector: write app=web,tier in (a,b),!old', "--from", path, "--selector", "a b")
      refused(2, "--policy-dir: there is no folder /no/such/folder", "--policy-dir", "/no/such/folder")
    end)
    it("analyzers and reports that are not there, and names those that are", function()
      local path = snapshot { objects.config("map") }
      refused(2, "there is no analyzer Pot; there are CatalogSource, ", "--from", path, "--filter", "Pod", "--filter", "Pot")
      assert.matches(", VulnerabilityReport\n$", run({ "analyze", "--from", path, "--filter", "Pot" }).errors)
      refused(2, "-o: there is no report xml; there are json, junit, sarif, text", "--from", path, "-o", "xml")
    end)
    it("namespaces that are not there, but not those that are well or are chosen by a pattern", function()
      local path = snapshot { objects.healthy_pod("a", "shop"), { apiVersion = "v1", kind = "Namespace", metadata = { name = "bare" } } }
      refused(2, "--namespace: there is no namespace shpo in what was read", "--from", path, "--namespace", "shop", "--namespace", "shpo")
      for _, name in ipairs { "shop", "bare", "team-*" } do assert.are.equal(0, run({ "analyze", "--from", path, "--namespace", name }).status, name) end
    end)
    it("to lose a report that cannot be written", function()
      local path = program.quote(snapshot { objects.config("map") })
      local pipe = io.popen(("%s analyze --from %s 2>&1 >/dev/full; echo $?"):format(operator.BINARY, path))
      assert.are.equal("analyze: cannot write the report: No space left on device\n4\n", pipe:read("a"))
      pipe:close()
    end)
    it("files that hold no objects, with file and place", function()
      refused(4, "cannot open /no/such/file: No such file or directory", "--from", "/no/such/file")
      local path = file("kind: Pod\napiVersion: v1\nmetadata: {name: a}\n---\nreplicas: 3\n")
      refused(4, path .. ": document 2: no Kubernetes object: it lacks apiVersion", "--from", path)
      path = file("kind: [\n")
      refused(4, path .. ": line 2: did not find expected node content", "--from", path)
      path = file('{"kind":"Pod"\n,"x":}')
      refused(4, path .. ": line 2: a value expected", "--from", path)
      path = file('{"apiVersion":"v1","kind":"List","items":[{"kind":"Pod","apiVersion":"v1","metadata":{}}]}')
      refused(4, path .. ": document 1, item 1: no Kubernetes object: it lacks metadata.name", "--from", path)
      path = file("\0\1\2")
      refused(4, path .. ": line 1: control characters are not allowed", "--from", path)
      path = file("a: " .. ("x"):rep(16 * 1024 * 1024))
      refused(4, path .. ": line 1: a YAML document of more than 16 MiB; write it as JSON", "--from", path)
      path = file("")
      refused(4, path .. ": there are no objects in it", "--from", path)
      refused(4, "standard input: there are no objects in it", "--from", "-")
      path = policies.folder { ["notes.txt"] = "no objects" }
      refused(4, path .. ": there are no objects in it", "--from", path)
    end)
    it("policies that do not load", function()
      local folder = policies.folder { ["analyzers/Pod/policy.lua"] = "return {" }
      refused(3, folder .. "/analyzers/Pod/policy.lua:1: ", "--from", snapshot { objects.config("map") }, "--policy-dir", folder)
    end)
  end)

  it("does not call whole what a correlate policy or a filter failed on", function()
    local POLICY <const> = [[return { api = 1, kind = "%s", name = "mine", %s = function(_, finding) if finding.name == "b" then error("oops") end end }]]
    for folder_name, parts in pairs { correlate = { "correlate", "cause" }, filters = { "filter", "keep" } } do
      local folder = policies.folder { [folder_name .. ".mine.lua"] = POLICY:format(table.unpack(parts)) }
      local path = snapshot { objects.image_error("a"), objects.image_error("b"), objects.image_error("c") }
      local answer, ended = analyze(path, "--policy-dir", folder, "--exit-zero")
      assert.are.equal(3, ended.status)
      assert.matches("^%[%l+ mine%] failed: .*oops", answer.errors[1])
    end
  end)

  it("shows what the README says", function()
    local command, output = program.read("README.md"):match("\n%$ k8sgpt%-operator (analyze [^\n]*)\n(.-)```")
    local words = {}
    for word in command:gmatch("%S+") do words[#words + 1] = word end
    assert.are.equal(output, run(words).output)
  end)

  it("does not call healthy what a policy failed on, and tells what else it found", function()
    local folder = policies.folder { ["analyzers/Probe/policy.lua"] = objects.PROBE:gsub("if not d.rule", "if d.well then error('oops') end %0") }
    local path = snapshot { objects.config("a", { well = "no" }), objects.config("b", { rule = "plain" }) }
    local answer, ended = analyze(path, "--policy-dir", folder, "--filter", "Probe", "--exit-zero")
    assert.are.equal(3, ended.status)
    assert.are.same({ "ConfigMap default/b: plain" }, found(answer))
    assert.matches("^%[Probe%] 1 objects could not be judged: .*oops", answer.errors[1])
    assert.matches("not whole [Probe] 1 objects could not be judged", run({ "analyze", "--from", path, "--policy-dir", folder, "--filter", "Probe" }).output, 1,
      true)
  end)
end)
