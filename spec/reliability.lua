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
    id = "crash-consistency",
    title = "Killed at any write, the operator comes to the same end",
    source = "Sieve (OSDI'22), intermediate states",
    target = "SIGKILL before each write is sent, before its answer and after it (a K8sGPT comes, a fault is mended, a K8sGPT goes): Results, "
      .. "statuses and finalizers as undisturbed, no write after; news on record is told once, other news at most twice",
    tests = { "spec/behaviour/operator/crash_spec.lua", "spec/behaviour/operator/crash_end_spec.lua" },
    limits = { ["slowest way from a restart to the end"] = 10 },
  },
  {
    id = "soak",
    title = "Random faults and changes for hours leave nothing behind",
    source = "client-go's informers run for months; here every byte is ours to free",
    target = "connections cut, held up, doubled, refused while objects, K8sGPTs and policies change: in the end what a new operator says of the "
      .. "same objects, no write after, findings told in turns; memory: < 1 MB a day (under an hour: < 1 MB), no more descriptors",
    tests = { "spec/soak/run.lua" },
    limits = {
      ["growth of the operator's own memory from the first to the last quarter"] = 1, ["descriptors more in the end than at first"] = 8,
      ["from the last fault to rest"] = 60,
    },
  },
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
  {
    id = "rotation",
    title = "Tokens, certificate authorities and client certificates rotate without a failed request: read again after 60 s at most and when the server or a "
      .. "handshake refuses, kept while a file cannot be read or is no whole PEM",
    source = "bound tokens rotate hourly; kubernetes/kubernetes#119483 for authorities",
    target = "links swapped as the kubelet does it, files empty, missing and cut: at most one 401 a swap and no failed request; connections of an "
      .. "old authority are not used again",
    tests = { "spec/unit/kube/login_test.c", "spec/unit/kube/trust_test.c", "spec/e2e/login_spec.lua" },
    limits = {
      ["refusals by the server a swapped token file"] = 1,
      ["failed requests while token files are swapped, empty or missing"] = 0,
      ["failed requests while the certificate authority is exchanged"] = 0,
      ["refusals by a real API server while an account is replaced"] = 1,
      ["failed runs while an account is replaced"] = 0,
    },
  },
  {
    id = "login",
    title = "Every way of a kubeconfig to log in: client certificate, token, tokenFile, basic, credential plugins (time-limited, no shell), "
      .. "proxy-url, tls-server-name",
    source = "client-go; client.authentication.k8s.io/v1",
    target = "a plugin that hangs is ended with all its children after 30 s (shortened in tests), a noisy one at 1 MiB; one run at a time, pauses "
      .. "after failures",
    tests = {
      "spec/unit/net/process_test.c", "spec/unit/kube/config_test.c", "spec/unit/kube/login_test.c", "spec/unit/kube/trust_test.c",
      "spec/e2e/login_spec.lua",
    },
    limits = {
      ["time that a hanging plugin goes on after its deadline"] = 1,
      ["time that a request waits beyond the deadline of a hanging plugin"] = 1,
      ["time until two noisy plugins are refused"] = 5,
    },
  },
}
