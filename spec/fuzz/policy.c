/* Policy files: loading and running one ends, whatever it says, within its budget and without a leak. */
#include "fuzz.h"

#include "script/bundle.h"
#include "script/call.h"
#include "script/failures.h"

enum { FUEL = 20000, MAX_REQUESTS = 16 };

/* What the input may wrap, replace or disable. */
static const char *const BUILTIN[POLICY_KINDS] = {
    [POLICY_STEP] = "return { api = 1, kind = 'step', name = 'T', description = 'd', run = function(ctx, cr) return ctx.apply(cr) end }",
    [POLICY_RENDER] = "return { api = 1, kind = 'render', name = 'T', description = 'd', writes = { 'v1/Service' }, order = 2,\n"
                      "render = function(ctx, cr) return { { kind = 'Service' } } end }",
    [POLICY_ANALYZER] = "return { api = 1, kind = 'analyzer', name = 'T', description = 'd', watches = { 'v1/Pod' }, fields = { 'spec' },\n"
                        "rules = { r = { severity = 'low' } }, params = { n = 1 },\n"
                        "run = function(ctx, o) return { { rule = 'r', text = 't', key = o.metadata.name } } end }",
    [POLICY_CORRELATE] = "return { api = 1, kind = 'correlate', name = 'T', order = 2, cause = function(ctx, f)\n"
                         "return ctx.findings_of('Pod', 'shop', 'web')[1] end }",
    [POLICY_FILTER] = "return { api = 1, kind = 'filter', name = 'T', description = 'd', select = function(ctx, cr) return { 'T' } end,\n"
                      "keep = function(ctx, f) return true end }",
    [POLICY_ROUTE] = "return { api = 1, kind = 'route', name = 'T', description = 'd', run = function(ctx, f, change)\n"
                     "return { { sink = 'log' } } end }",
    [POLICY_SINK] = "return { api = 1, kind = 'sink', name = 'T', description = 'd', request = function(ctx, i, config)\n"
                    "return { log = true } end, response = function(ctx, reply) return { ok = true } end }",
    [POLICY_REPORT] = "return { api = 1, kind = 'report', name = 'T', description = 'd', render = function(ctx, input) return 'text' end }",
};

static const char OBJECT[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\"},"
                             "\"spec\":{\"n\":9007199254740993,\"none\":null,\"list\":[1,\"two\",{\"three\":3}],\"empty\":[]},"
                             "\"status\":{\"phase\":\"Running\"}}";
static struct doc *object;

/* ---- the world ----------------------------------------------------------------------------------------------------------------- */

static int get(void *arg, const struct gvk *gvk, struct str ns, struct str name, const struct doc **out, struct err *err) {
    (void)arg, (void)ns;
    if (str_is(name, "denied")) return err_set(err, ERR_FORBIDDEN, "reading %s is forbidden", gvk->text);
    *out = str_is(name, "web") ? object : NULL;
    return 0;
}

static int exists(void *arg, const struct gvk *gvk, struct str ns, struct str name, bool *out, struct err *err) {
    const struct doc *found = NULL;
    int rc = get(arg, gvk, ns, name, &found, err);
    *out = found != NULL;
    return rc;
}

static int list(void *arg, const struct gvk *gvk, const struct store_query *query, struct doc ***out, size_t *count, struct err *err) {
    (void)arg, (void)gvk, (void)query, (void)err;
    *out = calloc(2, sizeof **out);
    if (!*out) abort();
    (*out)[0] = (*out)[1] = object;
    *count = 2;
    return 0;
}

static int events(void *arg, const struct doc *of, struct doc ***out, size_t *count, struct err *err) {
    (void)of;
    return list(arg, NULL, NULL, out, count, err);
}

static int parent(void *arg, const struct doc *of, const struct doc **out, struct err *err) {
    (void)arg, (void)of, (void)err;
    *out = object;
    return 0;
}

static bool readable(void *arg, const struct gvk *gvk, struct str ns) {
    (void)arg;
    return gvk != NULL && ns.n < 100;
}

static int findings_of(void *arg, struct str kind, struct str ns, struct str name, struct doc **out, struct err *err) {
    (void)arg, (void)kind, (void)ns;
    if (str_is(name, "denied")) return err_set(err, ERR_UNSUPPORTED, "there are no findings");
    *out = fuzz_json("[{\"id\":\"x\",\"kind\":\"Pod\"},{\"id\":\"y\",\"kind\":\"Pod\"}]");
    return 0;
}

static int64_t now_ms(void *arg) {
    (void)arg;
    return 1772359800000;
}

static void again_at(void *arg, int64_t wall_ms) { (void)arg, (void)wall_ms; }

static void say(void *arg, struct str level, struct str message) { (void)arg, (void)level, (void)message; }

static void trace(void *arg, struct str message) { (void)arg, (void)message; }

static const struct script_host host = {get, exists, list, events, parent, readable, findings_of, now_ms, again_at, say, trace};

/* ---- a run --------------------------------------------------------------------------------------------------------------------- */

static void check_outcome(const struct policy *p, struct script_outcome *out) {
    struct err err = {0};
    FUZZ_CHECK(out->result == SCRIPT_OK || out->err.msg[0], "%s without a reason", script_result_name(out->result));
    if (out->values && p->kind == POLICY_ANALYZER) {
        int rc = failures_check(p, doc_at(doc_root(out->values), 0), &err);
        FUZZ_CHECK(!rc || err.msg[0], "failures refused without a reason");
    }
    doc_unref(out->values);
}

static struct script_call call_of(const struct policy *p, const char *function) {
    struct script_call call = {.policy = p, .function = function, .host = &host, .fuel = FUEL, .arg_count = 3, .options = object};
    const struct projection *declared = p->watch_count ? p->watches[0].projection : NULL;
    call.args[0] = (struct script_arg){object, declared};
    call.args[1] = call.args[2] = (struct script_arg){object, NULL};
    return call;
}

static void run_task(const struct script_call *call) {
    struct script_task *task;
    struct script_outcome out;
    script_start(call, &task, &out);
    for (int i = 0; task && i < MAX_REQUESTS; i++) {
        struct err refused = {.code = ERR_CONFLICT, .msg = "it changed meanwhile"};
        FUZZ_CHECK(doc_path_str(script_request(task), "op").n, "a request without a name");
        script_resume(&task, object, i % 3 == 2 ? &refused : NULL, &out);
    }
    if (task)
        script_drop(task);
    else
        check_outcome(call->policy, &out);
}

static void run_policy(const struct policy *p) {
    static const char *const functions[] = {"run", "cause", "select", "keep", "request", "response", "render"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct script_call call = call_of(p, functions[i]);
        struct script_outcome out;
        if (!script_has(p, functions[i])) continue;
        if (p->kind == POLICY_STEP) {
            run_task(&call);
            continue;
        }
        script_run(&call, &out);
        check_outcome(p, &out);
    }
}

/* ---- the input ----------------------------------------------------------------------------------------------------------------- */

/* The kind that the text names first is where it lies. */
static enum policy_kind kind_of(struct str text) {
    enum policy_kind kind = POLICY_ANALYZER;
    const char *first = NULL;
    for (int k = 0; k < POLICY_KINDS; k++) {
        char quoted[32];
        int n = snprintf(quoted, sizeof quoted, "'%s'", policy_kind_name((enum policy_kind)k));
        const char *at = text.n ? memmem(text.p, text.n, quoted, (size_t)n) : NULL;
        if (!at || (first && first < at)) continue;
        first = at;
        kind = (enum policy_kind)k;
    }
    return kind;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char path[PATH_MAX], name[64];
    for (int k = 0; k < POLICY_KINDS; k++) {
        snprintf(name, sizeof name, "builtin/%s/T/policy.lua", policy_kind_folder((enum policy_kind)k));
        fuzz_write(name, str_of(BUILTIN[k]), path);
    }
    object = fuzz_json(OBJECT);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[64], path[PATH_MAX], builtin[PATH_MAX], cluster[PATH_MAX];
    struct str text = fuzz_input(data, size);
    enum policy_kind kind = kind_of(text);
    snprintf(builtin, sizeof builtin, "%s/builtin", fuzz_folder());
    snprintf(cluster, sizeof cluster, "%s/cluster", fuzz_folder());
    snprintf(name, sizeof name, "cluster/%s/T/policy.lua", policy_kind_folder(kind));
    fuzz_write(name, text, path);
    const struct bundle_source sources[] = {{builtin, LAYER_BUILTIN}, {cluster, LAYER_CLUSTER}};
    struct bundle_options options = {.lua_dir = "lua", .sources = sources, .source_count = 2};
    struct bundle_problems problems;
    struct err err = {0};
    struct bundle *bundle = bundle_load(&options, &problems, &err);
    unlink(path);
    FUZZ_CHECK(bundle || err.msg[0], "refused without a reason");
    const struct policy *p = bundle ? bundle_find(bundle, kind, STR("T")) : NULL;
    if (p) run_policy(p);
    bundle_unref(bundle);
    bundle_problems_free(&problems);
    return 0;
}
