---@meta
-- The policy contract: every field of a policy, every ctx call, every value that goes in or comes out.
--
-- Editors read this file as type stubs; nothing requires it at run time. Where prose elsewhere differs, this file wins. What is
-- not named here is not there: policies run without io, os, debug, package, load, coroutine and collectgarbage.

--------------------------------------------------------------------------------------------------------------------------------
-- Values
--------------------------------------------------------------------------------------------------------------------------------

--- A read-only view of a Kubernetes object or a part of it. No copy is made. Fields are read as obj.status.phase; arrays by index,
--- #list, ipairs(list); objects by pairs(obj), in document order. A JSON null reads as nil (object.is_null tells them apart). Two views
--- are equal (==) when their contents are. A view is dead once the call that received it has returned, and reading a field that
--- the policy did not declare is an error that names the field.
---@class k8sgpt.View

--- RFC 3339, as Kubernetes writes times: "2026-03-01T10:10:00Z".
---@alias k8sgpt.Time string

--- "v1/Pod", "apps/v1/Deployment".
---@alias k8sgpt.GVK string

---@alias k8sgpt.Severity "critical"|"high"|"medium"|"low"

--- One thing that is wrong with the object at hand.
---@class k8sgpt.Failure
---@field rule string a name that the policy declares in `rules`
---@field key? string tells several failures of one rule apart: a container, a label, an event's reason. The same rule and key twice is an error
---@field text string for people; may hold counters and names, is not part of the finding's identity
---@field severity? k8sgpt.Severity default: the rule's
---@field since? k8sgpt.Time since when it is so; default: when it was first seen
---@field sensitive? string[] parts of text and evidence that must not leave the cluster unmasked
---@field evidence? {path: string, value: string}[] what it rests on beyond the rule's evidence, which comes before it (k8sgpt.evidence); 12 entries are shown, of a value 512 bytes
---@field as? k8sgpt.As what it is about, where that is not the object as such: failures of each become a Result of their own

--- What is shown instead of the kind and the name of the object, for such as upstream calls by other names.
---@class k8sgpt.As
---@field kind? string "Storage/PersistentVolume"; default: the object's kind
---@field name? string "/hook.example.org", a webhook of a configuration; default: "namespace/name", of a cluster-scoped object "name"

--- A failure that is open (or just resolved) for one K8sGPT, as keep, route and sink policies get it.
---@class k8sgpt.Finding
---@field id string 64 hex digits; the same as long as it is the same fault
---@field change? "opened"|"changed"|"resolved" absent for keep
---@field time? k8sgpt.Time of the change
---@field cluster string name of the cluster, "" where none was given
---@field cr {namespace: string, name: string} the K8sGPT it is reported for
---@field analyzer string
---@field kind string of the object
---@field namespace string "" for a cluster-scoped object
---@field name string
---@field as? k8sgpt.As where it is shown under another kind or name
---@field rule string
---@field key string "" where the failure has none
---@field severity k8sgpt.Severity
---@field text string
---@field sensitive (string|{unmasked: string, masked: string})[] as in k8sgpt.GroupFinding
---@field parentObject string "Kind/namespace/name" of the root owner, "" where there is none
---@field cause? k8sgpt.Cause what it follows from; for route and sink. Absent for cause and keep: what follows depends on what is open, not the reverse
---@field labels? table<string, string> of the object; for keep
---@field annotations? table<string, string> of the object, those under k8sgpt.ai/; for keep
---@field policy string name of the analyzer policy that decided
---@field layer "builtin"|"cluster"|"object" where that policy comes from
---@field firstSeen k8sgpt.Time

--- The finding that is to be mended first: correlate policies said from which finding another follows, from which that one follows, and
--- so on to this one. Where they follow from each other in a circle, it is the most severe of them (of equals the lowest id).
---@class k8sgpt.Cause
---@field id string
---@field analyzer string
---@field kind string of its object
---@field namespace string
---@field name string
---@field rule string
---@field severity k8sgpt.Severity
---@field told boolean somebody was told of it, or is about to be

--- An open finding as ctx.findings_of gives it.
---@class k8sgpt.OpenFinding
---@field id string
---@field analyzer string
---@field kind string of the object
---@field namespace string
---@field name string
---@field rule string
---@field key string
---@field severity k8sgpt.Severity

--------------------------------------------------------------------------------------------------------------------------------
-- Policies
--------------------------------------------------------------------------------------------------------------------------------

--- What a policy file returns. Unknown fields are an error.
---@class k8sgpt.Policy
---@field api 1
---@field kind "step"|"render"|"analyzer"|"correlate"|"filter"|"route"|"sink"|"report"
---@field name string letters, digits and -; the name of its folder
---@field description? string one line; needed of an analyzer
---@field mode? "replace"|"wrap" in a higher layer: instead of the policy below (default), or around it (ctx.next)
---@field enabled? false in a higher layer: switches the policy below off; nothing but api, kind, name is given then
---@field watches? (k8sgpt.GVK|{[1]: k8sgpt.GVK, fields: string[], subject?: boolean})[] what it may read; an analyzer's first is its subject, as are those marked so
---@field fields? string[] what it reads of the first subject beyond metadata: paths, each with its subtree; [] stands for an array's elements; with # at the end ("data#") integers say how long texts are, in place of the texts, unless another policy reads these
---@field indexes? table<k8sgpt.GVK, string[]> paths that ctx.list may ask by
---@field rules? table<string, k8sgpt.Rule> an analyzer's rules
---@field remote? boolean an analyzer that may ask the world while it runs (k8sgpt.RemoteContext)
---@field logs? boolean a remote analyzer that reads logs of pods
---@field secret_content? boolean a remote analyzer that reads what is in Secrets, where --secret-content permits it
---@field aws? boolean a remote analyzer that asks APIs of AWS; inactive where there are no credentials
---@field writes? k8sgpt.GVK[] step, render: the kinds of objects that it writes; needed of a render policy. What such a policy writes is watched
---@field follows? k8sgpt.GVK[] render: kinds of objects that others make of what it writes, and give its labels: EndpointSlices of a Service. They are watched too (ctx.managed)
---@field order? integer correlate: those of a lower one are asked first, of the same by name; the first that names a finding decides; render: what they want is applied in this order; default 0
---@field params? table defaults of ctx.params; a params.yaml in any layer replaces single fields of it
---@field run? fun(ctx, subject): any step (the K8sGPT), analyzer (the object); route: fun(ctx: k8sgpt.ReadContext, finding: k8sgpt.Finding, change: "opened"|"changed"|"resolved", cr: k8sgpt.View): k8sgpt.Route[]
---@field cause? fun(ctx: k8sgpt.CorrelateContext, finding: k8sgpt.Finding): k8sgpt.OpenFinding? correlate: the open finding that this one follows from, one that ctx.findings_of gave; nil: none that this policy knows of
---@field select? fun(ctx: k8sgpt.ReadContext, cr: k8sgpt.View): string[] filter: names of the analyzers that this K8sGPT wants
---@field keep? fun(ctx: k8sgpt.ReadContext, finding: k8sgpt.Finding, cr: k8sgpt.View): boolean, string? filter: false and a reason hides the finding; beside true, what could not be looked at
---@field request? fun(ctx: k8sgpt.ReadContext, finding: k8sgpt.Finding, config: k8sgpt.SinkConfig): k8sgpt.SinkRequest sink
---@field response? fun(ctx: k8sgpt.ReadContext, reply: k8sgpt.SinkReply): k8sgpt.SinkOutcome sink
---@field render? fun(ctx: k8sgpt.ReadContext, report: k8sgpt.Report|k8sgpt.Needs): string[] report: the text, in pieces of at most 1 MiB; of a diagnosis, unless params.about says "rights"; render: fun(ctx: k8sgpt.ReadContext, cr: k8sgpt.View, size?: k8sgpt.Size): table[]?, k8sgpt.Failed? the whole objects that there are to be, each made by own or share of "k8sgpt.render"; {} for none. Objects that it does not return any more are removed

---@class k8sgpt.Rule
---@field severity k8sgpt.Severity
---@field grace? integer seconds that it must have lasted before it opens; default 0
---@field settle? integer seconds that it must be gone before it resolves; default 0
---@field evidence? string[] paths of the subject's `fields` that it rests on: names, ["quoted names"], [] (every element), [type=Ready] or [name={key}] (the first element with that text; {key} is the failure's). The operator reads them and shows them with the finding, "(absent)" for one that leads to nothing, unless it ends in ?

--- Where a finding goes. Without `sink` names nobody is told.
---@class k8sgpt.Route
---@field sink string "log", or a name in spec.sinks ("default" is spec.sink)
---@field send_resolved? boolean default true

--- The entry of spec.sink or spec.sinks that a sink is asked for.
---@class k8sgpt.SinkConfig
---@field name string what routes call it; "default" for spec.sink
---@field type string the sink policy's name
---@field url string "" where a Secret holds it
---@field secret boolean a Secret holds the URL: no policy sees it, the host reads it when it sends
---@field channel? string
---@field username? string
---@field icon_url? string
---@field config table<string, string> further settings, {} where there are none

--- What a sink wants done for one finding: a line in the operator's log, or an HTTP request that the host sends.
---@class k8sgpt.SinkRequest
---@field log? boolean write the finding as a log line
---@field method? "POST"|"PUT"
---@field url? string left out where config.secret is true: the host fills it in
---@field headers? table<string, string>
---@field body? string

---@class k8sgpt.SinkReply
---@field status integer
---@field body string
---@field retryAfterSeconds integer 0 where the server gave none

--- nil: delivered when the status is 2xx, tried again on 429 and 5xx, otherwise failed for good.
---@alias k8sgpt.SinkOutcome nil|{ref: string}|k8sgpt.Failed

--------------------------------------------------------------------------------------------------------------------------------
-- ctx: the only door to the world
--------------------------------------------------------------------------------------------------------------------------------

--- What every policy gets.
---@class k8sgpt.Context
---@field params table the policy's parameters, read-only
---@field options {engine: "deployment"|"embedded", engineAddress: string, resultLogging: boolean, dynamicRbac: boolean, cluster: string, namespaces: string[]} what the process was started with; no namespaces: all
local Context = {}

--- Adds a line to the operator's log.
---@param level "debug"|"info"|"warn"|"error"
---@param message string
function Context.log(level, message) end

--- Notes why a decision was taken, for `policy test --trace` and explanations.
---@param reason string
function Context.trace(reason) end

--- In a wrapping policy: what the policy below returns for the same arguments, or for those given.
---@param ... any plain values and views
---@return any ...
function Context.next(...) end

--- An error that may pass: return nil, ctx.retry(30, "why").
---@param seconds number
---@param message string
---@return k8sgpt.Failed
function Context.retry(seconds, message) end

--- An error that will not pass by itself: return nil, ctx.permanent("why").
---@param message string
---@return k8sgpt.Failed
function Context.permanent(message) end

---@class k8sgpt.Failed

--- Reads of the caches: analyzers, correlate policies, filters, routes, sinks and steps. Every read is recorded, also of what is not there: when any of it
--- changes, the policy runs again. A kind that may not be read raises "forbidden", which cannot be caught: the run counts as
--- failed and earlier findings stay. Kinds must be declared in `watches`.
---@class k8sgpt.ReadContext: k8sgpt.Context
local ReadContext = {}

---@param gvk k8sgpt.GVK
---@param namespace? string nil or "" for a cluster-scoped kind
---@param name? string nil: nothing is read
---@return k8sgpt.View? nil when it does not exist
function ReadContext.get(gvk, namespace, name) end

--- As get, but depends on nothing but whether it exists.
---@param gvk k8sgpt.GVK
---@param namespace? string
---@param name? string nil: false
---@return boolean
function ReadContext.exists(gvk, namespace, name) end

--- The objects that satisfy all that is given, sorted by namespace and name. At least one of ns, labels, owner, index is needed.
--- With a limit only the first so many: who asks whether there is one at all pays for one.
---@param gvk k8sgpt.GVK
---@param query {ns?: string, labels?: table<string,string>|k8sgpt.View, owner?: string, index?: {[1]: string, [2]: string}, limit?: integer} owner: a uid; index: a declared path and the value there
---@return k8sgpt.View[]
function ReadContext.list(gvk, query) end

--- Events about an object, newest first: matched by kind, namespace and name, and by uid where the event has one.
---@param object k8sgpt.View
---@param query? {type?: "Normal"|"Warning", reasons?: string[]}
---@return k8sgpt.View[]
function ReadContext.events(object, query) end

--- The object that controls this one, of any kind, as a view of its metadata, apiVersion and kind. Where its kind is not readable, of
--- the reference alone. nil when nothing controls it.
---@param object k8sgpt.View
---@return k8sgpt.View?
function ReadContext.parent(object) end

--- False when the cluster denies reading this kind or does not have it: then skip the check that needs it; what is denied is shown in the
--- status. Rights may differ by namespace: name the one that is read.
---@param gvk k8sgpt.GVK
---@param namespace? string nil: in any
---@return boolean
function ReadContext.readable(gvk, namespace) end

--- Seconds since t; 0 for a time in the future, nil for nil or no time. Schedules nothing.
---@param t? k8sgpt.Time
---@return number?
function ReadContext.age(t) end

--- True once t is `seconds` old. Until then false, and the policy runs again at that moment. nil: false.
---@param seconds number
---@param t? k8sgpt.Time
---@return boolean
function ReadContext.after(seconds, t) end

---@class k8sgpt.AnalyzerContext: k8sgpt.ReadContext

--- What analyzers with remote = true can do besides: ask for what no cache holds. They are suspended until there is an answer. nil and a
--- message where it could not be had: what the run finds then opens, but what was found before is not taken back, the analyzer shows as
--- failing, and it asks again soon. Each answer has 10 s, all of a run 30 s.
---@class k8sgpt.RemoteContext: k8sgpt.AnalyzerContext
local RemoteContext = {}

--- The end of the log of a container, 128 KiB at most, as the container wrote it: any bytes. Needs logs = true.
---@param pod k8sgpt.View
---@param options {container: string, previous?: boolean, tail?: integer} previous: of the run before; tail: so many lines, 100 (1 to 1000)
---@return string? text nil where there is none (yet)
---@return string? message why it could not be read
function RemoteContext.logs(pod, options) end

--- The bytes under one key of a Secret. Needs secret_content = true.
---@param namespace string
---@param name string
---@param key string
---@return string? bytes nil where there is no such Secret or key
---@return string? message why it could not be read; also that it is not permitted, which counts as no failure
function RemoteContext.secret_content(namespace, name, key) end

--- What a GET of an API of AWS answers, in the region and as the role of the operator. Needs aws = true.
---@param service string "eks"
---@param path string "/clusters"
---@return table? answer its JSON
---@return string? message why it could not be asked
function RemoteContext.aws(service, path) end

---@class k8sgpt.CorrelateContext: k8sgpt.ReadContext
local CorrelateContext = {}

--- What is open about an object for the K8sGPT at hand, found by any analyzer and hidden by no filter; the most severe first. Needs no
--- watch.
---@param kind string "Node"
---@param namespace? string nil or "" for a cluster-scoped kind
---@param name? string nil: nothing is read
---@return k8sgpt.OpenFinding[]
function CorrelateContext.findings_of(kind, namespace, name) end

--- Steps: reads, and requests that suspend the step until the host has an answer. A failed request returns nil and a message.
---@class k8sgpt.StepContext: k8sgpt.ReadContext
local StepContext = {}

--- Server-side apply with our field manager. Nothing is sent where the cache shows that nothing would change; and of what render policies
--- want, nothing while somebody keeps undoing it and the wait for that is not over.
---@param object table apiVersion, kind, metadata.name and all fields that we own
---@param options? {subresource?: "status", force?: boolean}
---@return table? object as the server has it now
---@return string? message
function StepContext.apply(object, options) end

--- The object as the API server has it now: a request, where ctx.get reads caches. For what nobody watches.
---@param reference table|k8sgpt.View apiVersion, kind, metadata.namespace, metadata.name
---@return table? object
---@return string? message
function StepContext.fetch(reference) end

--- The objects that the render policies want for this K8sGPT, in the order in which they are to be applied.
---@param size? k8sgpt.Size how large its Deployment is to be; nil where spec.engine.scaling is absent
---@return table[]? objects
---@return string? message names the policy that failed
function StepContext.render(size) end

--- How many objects there are of some kinds, as the API server counts them; at most a minute old.
---@param kinds k8sgpt.GVK[] at most 64
---@param namespace string "": all
---@return {counts: table<k8sgpt.GVK, integer>, failed: {kind: k8sgpt.GVK, reason: string}[]}? census a kind that the server does not have counts 0
---@return string? message
function StepContext.count(kinds, namespace) end

--- What there is of all that render policies write: what belongs to this K8sGPT (label k8sgpts.k8sgpt.ai/name), and what those of its
--- namespace share (k8sgpts.k8sgpt.ai/namespace alone). `followers` are those that others made of it. Once a step has asked, changes of it
--- have the steps run again.
---@return {objects: table[], followers: table[], unreadable: {kind: k8sgpt.GVK, reason: string, followed: boolean}[]}? without managedFields
---@return string? message
function StepContext.managed() end

--- A JSON merge patch (RFC 7386); k8sgpt.null deletes a field.
---@param reference table|k8sgpt.View apiVersion, kind, metadata.namespace, metadata.name
---@param patch table
---@param options? {subresource?: "status"}
---@return table? object
---@return string? message
function StepContext.patch(reference, patch, options) end

--- Deletes, if it is still the object of that uid and resourceVersion, where the reference has them. What is gone already counts as deleted.
---@param reference table|k8sgpt.View
---@return boolean? done
---@return string? message
function StepContext.delete(reference) end

--- Runs the filters for this K8sGPT: from now on its findings are those of these analyzers.
---@param options? {interval?: integer, nothing?: boolean} nothing: none of the analyzers here is wanted, others diagnose; interval: after so many seconds analyzers that ask the world ask again; absent: never
---@return {analyzers: string[], unknown: string[]}
function StepContext.choose(options) end

--- How the embedded diagnosis of this K8sGPT stands.
---@return k8sgpt.Diagnosis
function StepContext.diagnosis() end

---@class k8sgpt.Diagnosis
---@field synced boolean every cache it needs is filled
---@field waiting string[] "v1/Pod: why it is not readable yet"
---@field analyzers {name: string, state: "active"|"inactive"|"failing", reason: string, denied: string, withheld: string}[] denied: what an active one may not read; withheld: what it did without as it is not permitted to look
---@field problems {critical: integer, high: integer, medium: integer, low: integer} open findings
---@field peers k8sgpt.PollState[] what is asked by ctx.poll
---@field undelivered {sink: string, message: string}[] notifications that could not be delivered
---@field unknown string[] names that the filters asked for and no analyzer bears
---@field policies k8sgpt.BundleState

---@class k8sgpt.BundleState
---@field hash string
---@field problem string "" when all files are in use
---@field lastGood boolean a newer bundle was refused as a whole; the one before stays in use
---@field overrides {name: string, layer: string, source: string}[]
---@field tripped {name: string, source: string, message: string}[] policies that the breaker took out of use

--- Says all that other processes are to be asked by gRPC (src/grpc/proto/k8sgpt.proto), from now on: each on its own, at its interval; one
--- that differs from before at once; one that does not answer again soon, then ever more rarely. An answer, and a failure that is new, start
--- a run.
---@param list k8sgpt.Poll[]
---@return k8sgpt.PollState[]? states
---@return string? message
function StepContext.poll(list) end

---@class k8sgpt.Question
---@field target string "http://HOST:PORT" (no TLS) or "https://HOST:PORT"
---@field method "Analyze"|"AddConfig"|"RemoveConfig"|"ListIntegrations"|"Query"|"Run"
---@field request? table the message, names as in protobuf's JSON form ("labelSelector")
---@field timeout integer seconds for an answer, up to an hour
---@field maxBytes? integer of an answer, unpacked; default 4 MiB

---@class k8sgpt.Poll: k8sgpt.Question
---@field name string of its own; where custom analyzers report, that of the analyzer
---@field interval integer seconds from an answer to the next question
---@field calmAfter? integer after so many failures in a row it is asked ever more rarely than the interval says, at least once an hour

---@class k8sgpt.PollState
---@field name string
---@field target string
---@field request? table
---@field state "waiting"|"answered"|"failing"
---@field reason string why it fails, in CamelCase: Unreachable, Timeout, Unsupported (no such method, or no gRPC) …
---@field message string the same for people; "" unless it fails
---@field head? table the last answer, of Analyze without its results
---@field news boolean there is an answer that ctx.answer has not handed out whole

--- Asks another process once by gRPC, and waits: for what is done once, or costs too much to be asked again and again. Not for Analyze, whose
--- answer comes in parts.
---@param question k8sgpt.Question
---@return table? answer the message
---@return string? message
function StepContext.call(question) end

--- Says which engines' metrics the operator is to show with its own, from now on, and no others': it fetches each page at its interval, sooner
--- and ever more rarely while it does not come. What they say starts no run.
---@param list k8sgpt.Scrape[]
---@return boolean? done
---@return string? message
function StepContext.scrape(list) end

---@class k8sgpt.Scrape
---@field url string of a page in Prometheus' text format
---@field pod string which of several engines it is, the label engine_pod of what is shown; "" where there is one
---@field interval integer seconds from one page to the next
---@field timeout integer seconds for a page

--- The next part of an answer; nil where there is none any more.
---@param name string
---@return k8sgpt.PollAnswer?
---@return string? message
function StepContext.answer(name) end

---@class k8sgpt.PollAnswer
---@field head table the message, of Analyze without its results
---@field items table[] of Analyze: some of its results
---@field last boolean nothing follows

--- Takes in what others found: from now on these are findings like any other.
---@param objects k8sgpt.Reported[]
---@return boolean? done
---@return string? message
function StepContext.report(objects) end

---@class k8sgpt.Reported
---@field analyzer string
---@field apiVersion? string
---@field kind string
---@field namespace? string
---@field name string
---@field parentObject? string
---@field details? string what an AI said of the object; nil: what it said before stays
---@field failures k8sgpt.Failure[]

--- What was reported since ctx.answer gave the first part of an answer was all of it: what these analyzers (nil: all that report) said of
--- other objects is over. "Storage" stands for "Storage/PersistentVolume" too.
---@param of {analyzers?: string[], except?: string[]}
---@return boolean done
function StepContext.reported(of) end

--- The objects whose findings differ from what was published last, at most 64 a call: call until it returns an empty list.
---@return k8sgpt.Group[]
function StepContext.findings() end

--- All failures of one analyzer and one object: what becomes one Result.
---@class k8sgpt.Group
---@field id string
---@field analyzer string
---@field apiVersion string
---@field kind string
---@field namespace string
---@field name string
---@field as? k8sgpt.As where it is shown under another kind or name
---@field parentObject string
---@field details string what an AI said of the object, "" where it was not asked
---@field cause? k8sgpt.Cause of its most severe finding that has one elsewhere
---@field firstSeen k8sgpt.Time
---@field changed k8sgpt.Time
---@field resolved? k8sgpt.Time set when no finding is open any more
---@field findings k8sgpt.GroupFinding[] open ones first, then those just resolved
---@field notifications {sink: string, finding: string, sent: k8sgpt.Time, ref: string}[]
---@field resultName? string the name of the Result that there is already
---@field formerName? string that of a Result of upstream's operator about the same; it goes once ours is written
---@field delivered boolean everybody who wants the news has it: a resolved group can go

---@class k8sgpt.GroupFinding: k8sgpt.Failure
---@field id string
---@field state "open"|"resolved"
---@field severity k8sgpt.Severity
---@field sensitive (string|{unmasked: string, masked: string})[] as the analyzer gave them; pairs where it was read back from a Result

--- What a one-shot diagnosis (the verb analyze) found.
---@class k8sgpt.Report
---@field source string what was looked at, for people: the files, or the address of the server; "" in an anonymous report
---@field file? string the one file that was read
---@field anonymize boolean names of the cluster are not to be seen
---@field colour boolean it goes to a terminal that shows colours
---@field version string of this build
---@field time k8sgpt.Time the clock of the diagnosis
---@field cluster string tells clusters apart, and makes masks that nobody else can guess: the uid of namespace kube-system, or what the snapshot has
---@field analyzers k8sgpt.ReportAnalyzer[] those that were chosen
---@field failing {kind: string, name: string, failed: integer, reason: string}[] filters and correlate policies that failed, and how often
---@field groups k8sgpt.Group[] with the open findings; in the order of analyzers, then by namespace and name

---@class k8sgpt.ReportAnalyzer
---@field name string
---@field kind string of its objects
---@field description string
---@field state "active"|"inactive"|"unread"|"failing" inactive: the cluster lacks its kind; unread: something may not or could not be read; failing: the policy failed
---@field reason string why it is not active; of an active one, which kinds it had to do without
---@field withheld string what an active one did without as it is not permitted to look, or the snapshot does not have it
---@field failed integer objects that could not be judged
---@field rules {name: string, severity: k8sgpt.Severity}[]

--- What an operator needs of the API server (the verb rbac), as the report policy "rbac" gets it.
---@class k8sgpt.Needs
---@field format "yaml"|"json"
---@field version string of this build
---@field namespaces string[] those that it looks into; none: all
---@field electionNamespace string where its Lease is
---@field account {namespace: string, name: string} its ServiceAccount
---@field own {gvk: k8sgpt.GVK, subresource?: string, name?: string, verbs: string[], why: string}[] its requests that no policy asks for
---@field reads {gvk: k8sgpt.GVK, subresource?: "log", by: string, subject: boolean, widens: boolean}[] by: "analyzers/Pod". widens false: needs nothing of kinds that no other policy reads
---@field writes? {gvk: k8sgpt.GVK, by: string}[] what K8sGPT Deployments consist of; by: "render/Service"
---@field follows? {gvk: k8sgpt.GVK, by: string}[] what others make of that
---@field engine? string[] the analyzers of K8sGPT Deployments: nobody may grant an engine a right that he does not hold

--- Brings Results to what is given: {group = id, result = object} writes what differs, {group = id} deletes. Returns when all are done;
--- what failed is retried with the next run.
---@param items {group: string, result?: table}[]
---@return string[]? written ids of the groups whose Result was written or deleted
---@return string? message of the first that failed
function StepContext.publish(items) end

--- Sets a condition of the K8sGPT. Conditions and status are written once, after the last step, if they differ.
---@param type string
---@param status "True"|"False"|"Unknown"
---@param reason string CamelCase
---@param message string
function StepContext.condition(type, status, reason, message) end

--- Sets fields of the K8sGPT's status.
---@param fields table
function StepContext.status(fields) end

--- Records an Event about the K8sGPT.
---@param type "Normal"|"Warning"
---@param reason string CamelCase
---@param message string
function StepContext.event(type, reason, message) end

--- return ctx.requeue(seconds): end this run, run again then. Further steps are skipped.
---@param seconds number
function StepContext.requeue(seconds) end

--- return ctx.stop(reason): end this run; it runs again when something changes. Further steps are skipped.
---@param reason string
function StepContext.stop(reason) end

--------------------------------------------------------------------------------------------------------------------------------
-- require "k8sgpt": what C provides to every policy
--------------------------------------------------------------------------------------------------------------------------------

---@class k8sgpt
---@field null userdata JSON null, to write one
local k8sgpt = {}

--- Marks a table as a JSON array, so that an empty one is [] and not {}. Returns the same table.
---@generic T
---@param list T[]
---@return T[]
function k8sgpt.array(list) end

--- Lower-case hex SHA-256 of a string, or of a list of strings such that {"ab", "c"} and {"a", "bc"} differ.
---@param input string|string[]
---@return string
function k8sgpt.sha256(input) end

--- Lower-case hex HMAC-SHA-256 (RFC 2104).
---@param key string
---@param message string
---@return string
function k8sgpt.hmac_sha256(key, message) end

--- What gzip (RFC 1952) packed, 1 MiB at most.
---@param bytes string
---@return string? text
---@return string? message when it is not gzip, cut off, or larger
function k8sgpt.gunzip(bytes) end

---@class k8sgpt.Certificate
---@field notBefore k8sgpt.Time
---@field notAfter k8sgpt.Time
---@field names string[] the host names that it is for (subjectAltName)
---@field strangers string[] of the hosts that were given, those that it is not for; the subject's common name counts for nothing (RFC 9525)

--- The first certificate of a PEM text, which is the server's own where there is a chain.
---@param pem string
---@param hosts? string[]
---@return k8sgpt.Certificate?
---@return string? message when it holds none
function k8sgpt.certificate(pem, hosts) end

--- Puts other texts in place of literal values: the longest first, those of one length in the order of their bytes, and nothing inside what
--- was put there. "words" (the default): a value counts unless it cuts a word of letters, digits and "_".
---@param text string
---@param by table<string, string> what to put in place of what; "" stands nowhere
---@param where? "words"|"anywhere"
---@return string text
---@return string[] values those that were replaced, in that order
function k8sgpt.replace(text, by, where) end

--- The names of a text that have a value in them as a whole word: with "-" and "." and what is joined by them, in the order of the text.
---@param text string
---@param value string
---@return string[]
function k8sgpt.names_with(text, value) end

--- JSON text of a value. style "go" escapes as Go's encoding/json does; keys of tables come sorted, those of views in document order.
---@param value any
---@param style? "compact"|"pretty"|"go"
---@return string
function k8sgpt.json_encode(value, style) end

--- @param text string
--- @return any value
--- @return string? message when it does not parse
function k8sgpt.json_decode(text) end

--- The one document of a YAML text, as Kubernetes reads YAML; nil without a message when it holds none.
--- @param text string
--- @return any value
--- @return string? message when it does not parse
--- @return boolean? is_syntax true: it is not YAML; false: it has what is not read here (aliases, tags of one's own, several documents)
function k8sgpt.yaml_decode(text) end

--- A deep copy of a view as plain tables; null becomes k8sgpt.null.
---@param view k8sgpt.View
---@return table
function k8sgpt.copy(view) end

--- The value at a path of a view or table, nil as soon as a part of the path is missing.
---@param value any
---@param ... string|integer keys
---@return any
function k8sgpt.dig(value, ...) end

--- True for a JSON null in a view (which reads as nil).
---@param view k8sgpt.View
---@param key string
---@return boolean
function k8sgpt.is_null(view, key) end

--- "string", "integer", "float", "boolean", "array", "object", "null": the JSON type of a value, a view's included.
---@param value any
---@return string
function k8sgpt.type(value) end

return k8sgpt
