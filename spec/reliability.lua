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
    tests = {
      "spec/behaviour/operator/crash_spec.lua", "spec/behaviour/operator/crash_end_spec.lua", "spec/behaviour/operator/deployment_crash_spec.lua",
    },
    limits = { ["slowest way from a restart to the end"] = 10 },
  },
  {
    id = "mis-operation",
    title = "Whatever a K8sGPT says, it is done, or a condition says what is wrong",
    source = "Acto (SOSP'23)",
    target = "every leaf of the CRD absent, empty, very large, odd, of another type, then reverted: refused by the schema by name, or Ready, or a "
      .. "reason with a message; what was before is back after each; the K8sGPT Deployment's objects are what render prints; no restart",
    tests = { "spec/behaviour/operator/misoperation_spec.lua", "spec/behaviour/operator/misoperation_deployment_spec.lua" },
    limits = { ["restarts of the operator"] = 0 },
  },
  {
    id = "soak",
    title = "Random faults and changes for hours leave nothing behind",
    source = "client-go's informers run for months; here every byte is ours to free",
    target = "connections cut, held up, doubled, refused while objects, K8sGPTs and policies change: in the end what a new operator says of the "
      .. "same objects, no write after, findings told in turns; memory: no growth of 1 MB a day that can be told from chance, < 1 MB from the "
      .. "first to the last quarter; no more descriptors",
    tests = { "spec/soak/run.lua" },
    limits = {
      ["growth of the operator's own memory from the first to the last quarter"] = 1, ["descriptors more in the end than at first"] = 8,
      ["from the last fault to rest"] = 60,
    },
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
    id = "least-rights",
    title = "The rights that rbac prints are enough, and each of them is needed",
    source = "RBAC good practices: Kubernetes docs; upstream's operator may do everything",
    target = "on a real API server: a fault, its owner, sink, Result, rival and end, another leader: nothing denied, every right used; each taken "
      .. "away: the operator says which it lacks, goes on with the rest, and makes good for it once it is back",
    tests = { "spec/e2e/rbac_spec.lua", "spec/behaviour/rbac_spec.lua" },
    limits = {
      ["requests denied while the operator has what rbac prints"] = 0, ["a right taken away until the operator says that it lacks it, at the longest"] = 30,
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
  {
    id = "whole-events",
    title = "A watch event counts only when it is whole; the resourceVersion advances after it was applied",
    source = "client-go reflector",
    target = "a stream cut at every byte of ADDED, MODIFIED, DELETED, BOOKMARK and ERROR, and a streamed list at every byte: the store equals a fresh list",
    tests = { "spec/unit/kube/reflector_cut_test.c" },
    limits = {
      ["cuts of a watch after which a store differs from a fresh list"] = 0,
      ["cuts of a streamed list after which a store differs from a fresh list"] = 0,
    },
  },
  {
    id = "gone-relists",
    title = "410, as an answer or in a stream, lists anew, once; what vanished is told of as deleted",
    source = "client-go reflector",
    target = "one list after a 410; a list that breaks off deletes nothing; after compaction and a restart of the API server converged within 5 s",
    tests = { "spec/unit/kube/reflector_test.c", "spec/e2e/watch_spec.lua" },
    limits = {
      ["lists after 410"] = 1,
      ["converged after compaction and restart in a pause, within"] = 5,
      ["lists of a resource after compaction and restart"] = 1,
    },
  },
  {
    id = "never-back-in-time",
    title = "The store never goes back to an older state",
    source = "Sieve (OSDI '22), KEP-5504",
    target = "older lists, streams and events, and a server that is behind, change nothing; deletes carry uid and resourceVersion",
    tests = { "spec/unit/kube/reflector_back_test.c", "spec/unit/kube/version_test.c", "spec/e2e/watch_spec.lua" },
    limits = {
      ["objects taken back by 3 lists of an older view"] = 0,
      ["writes in 15 s on a second API server whose link to etcd is frozen"] = 0,
    },
  },
  {
    id = "grpc-size",
    title = "Answers by gRPC of any size cost bounded memory, and end by their deadline",
    source = "gRPC over HTTP2",
    target = "10,000 results (60 MB) by grpcio in one answer: memory rises by ≤ 3 × the message until all Results are published; their texts are "
      .. "then in the findings and in the store, beside 4 KB a Result",
    tests = { "spec/unit/grpc/engine_test.c", "spec/behaviour/operator/engine_size_spec.lua" },
    limits = {
      ["memory for 10,000 results in one answer, as a multiple of their size"] = 3,
      ["memory for 10,000 results in one answer until the last Result stands, as a multiple of their size"] = 3,
    },
  },
  {
    id = "grpc-faults",
    title = "A gRPC peer that hangs, dies, breaks off or answers what is no answer is named in a condition, and no Result is lost",
    source = "gRPC over HTTP2: status codes, length-prefixed messages",
    target = "by grpcio and a peer of raw HTTP/2: hang, death, reset, cut frame, no status, another status, no gRPC: each its own error, none taken for an "
      .. "answer; the Result is as it was, byte for byte, and nothing is told; the next good answer ends the condition",
    tests = { "spec/behaviour/operator/engine_calls_spec.lua", "spec/unit/grpc/wire_test.c" },
    limits = { ["Results lost or changed"] = 0 },
  },
  {
    id = "paging",
    title = "Lists come in pages of 500; an expired continue token gives one whole list",
    source = "client-go pager",
    target = "410 on page 2, 3 and 4: no gap, no duplicate",
    tests = { "spec/unit/kube/reflector_test.c" },
    limits = { ["whole lists after an expired continue token"] = 1 },
  },
  {
    id = "streaming-list",
    title = "Lists are streamed where the server can, and what vanished is dropped only when the list is whole",
    source = "KEP-3157",
    target = "a cut before the end loses nothing; a server that refuses, or never marks the end, is asked once a day by all kinds together",
    tests = { "spec/unit/kube/reflector_stream_test.c", "spec/e2e/watch_spec.lua" },
    limits = {
      ["refusals until a client of 7 kinds lists in pages"] = 1,
      ["list requests beside a streamed list"] = 0,
      ["list requests beside streamed lists, by the API server's audit log"] = 0,
    },
  },
  {
    id = "back-off",
    title = "A server in trouble is asked rarely, and all is known again soon after it is well",
    source = "client-go: 0.8 s to 30 s, doubling, with jitter",
    target = "10 minutes of refusals, 500 and 429: at most 0.25 requests a second and watch; recovery within 60 s",
    tests = { "spec/unit/kube/reflector_pace_test.c", "spec/unit/kube/backoff_test.c" },
    limits = {
      ["requests a second and watch while refused"] = 0.25,
      ["requests a second and watch while answered 500"] = 0.25,
      ["requests a second and watch while answered 429"] = 0.25,
      ["until all watches are open after refusals"] = 60,
      ["until all watches are open after 500"] = 60,
      ["until all watches are open after 429"] = 60,
    },
  },
  {
    id = "throttled",
    title = "429 never lists anew, Retry-After is kept, and at most four lists run at once",
    source = "API Priority and Fairness",
    target = "no early request, no list after 429",
    tests = { "spec/unit/kube/reflector_pace_test.c", "spec/unit/kube/reflector_test.c" },
    limits = { ["requests earlier than Retry-After"] = 0, ["lists after 429"] = 0, ["lists at once of 8 watches"] = 4 },
  },
  {
    id = "dead-link",
    title = "A dead link is noticed within 45 s, and a quiet watch is left alone",
    source = "client-go (HTTP/2 ping), kube-rs",
    target = "a black hole (30 s of silence and 10 s without an answer), a half-closed connection, a trickle of a byte a second",
    tests = { "spec/unit/kube/link_test.c", "spec/unit/kube/reflector_stream_test.c", "spec/e2e/watch_spec.lua" },
    limits = {
      ["an API server that is frozen is noticed after"] = 45,
      ["a black hole is noticed, beyond silence and deadline (40 s), within"] = 5000,
      ["a half-closed connection is noticed after"] = 5,
      ["a watch whose event trickles is resumed after"] = 70,
      ["an answer that trickles ends after, of a deadline of 0.4 s"] = 5,
      ["quiet watches ended by the probe"] = 0,
      ["probes while bookmarks come"] = 0,
    },
  },
  {
    id = "lease",
    title = "Of several replicas one acts: by a Lease and locally observed time; no write after the renew deadline; SIGTERM lets go of it",
    source = "client-go leaderelection: 15 s, 10 s, 2 s",
    target = "a leader stopped by SIGSTOP for 20 s in the middle of its writes: 0 late writes, another leads ≤ 18 s; ≤ 3 s after SIGTERM",
    tests = {
      "spec/unit/kube/lease_test.c", "spec/unit/kube/lease_end_test.c",
      "spec/unit/net/http_gate_test.c", "spec/behaviour/operator/leader_spec.lua", "spec/behaviour/operator/standstill_spec.lua",
    },
    limits = {
      ["from the last renewal to the end of all writes"] = 10, ["from SIGSTOP of the leader until another leads"] = 18,
      ["from SIGTERM of the leader until another leads"] = 3, ["writes of a leader that was stopped, after it went on"] = 0,
    },
  },
  {
    id = "one-run-a-key",
    title = "The same K8sGPT never runs twice at once, bursts are one run, a failed run is repeated after 5 ms, doubling to 1000 s",
    source = "client-go workqueue",
    target = "10⁶ wants of 10³ keys: no overlap, none lost",
    tests = { "spec/unit/operator/workqueue_test.c" },
    limits = { ["keys that ran twice at once"] = 0, ["wants without a run"] = 0 },
  },
  {
    id = "server-side-apply",
    title = "Server-side apply with our own field manager and only our own fields; who keeps overwriting them is named, and meets no war of writes",
    source = "Kubernetes docs: Server-Side Apply",
    target = "a rival that writes back at once: ≤ 14 writes of ours in 30 s, and the right state once it stops",
    tests = { "spec/behaviour/operator/contest_spec.lua", "spec/behaviour/operator/steady_spec.lua", "spec/unit/operator/workqueue_test.c" },
    limits = {
      ["writes against a rival that writes at once, in 2.5 s"] = 9, ["writes against a rival that writes at once, in 30 s by the back-off"] = 14,
    },
  },
  {
    id = "shutdown",
    title = "SIGTERM ends it in good order: what is under way is finished and recorded, the Lease let go of",
    source = "Kubernetes docs: Pod Lifecycle, Termination of Pods",
    target = "≤ 3 s, whatever hangs: the API server, a write, a sink",
    tests = { "spec/behaviour/operator/standstill_spec.lua" },
    limits = { ["from SIGTERM to the end"] = 3 },
  },
}
