/* Incremental diagnosis against a fresh one: after each of many random changes both must know the same of every object. */
#include "world.h"

enum { NAMESPACES = 2, PODS = 5, MAPS = 3, NODES = 3, SETS = 2, SERVICES = 2, EVENTS = 3, ROUNDS = 2500 };

static const char *const NS[NAMESPACES] = {"a", "b"};
static const char *const APPS[] = {"x", "y"};

static const char POD_POLICY[] =
    "return { api = 1, kind = 'analyzer', name = 'Pod', description = 'test',\n"
    "  watches = { 'v1/Pod', { 'v1/ConfigMap', fields = { 'data' } }, { 'v1/Node', fields = { 'spec' } },\n"
    "    { 'v1/Event', fields = { 'involvedObject', 'type', 'reason', 'lastTimestamp', 'eventTime' } },\n"
    "    { 'apps/v1/ReplicaSet', fields = { 'spec' } } },\n"
    "  fields = { 'spec', 'status.phase' }, indexes = { ['v1/Pod'] = { 'spec.configMap' } },\n"
    "  rules = { phase = { severity = 'high' }, map = { severity = 'low' }, node = { severity = 'low' },\n"
    "    crowd = { severity = 'low' }, event = { severity = 'medium' } },\n"
    "  run = function(ctx, pod)\n"
    "    local out, meta, spec = {}, pod.metadata, pod.spec\n"
    "    local function add(rule, key, text) out[#out + 1] = { rule = rule, key = key, text = text } end\n"
    "    if pod.status.phase == 'Failed' then add('phase', nil, 'failed') end\n"
    "    local map = ctx.get('v1/ConfigMap', meta.namespace, spec.configMap)\n"
    "    if spec.configMap and not map then add('map', spec.configMap, 'there is no such map') end\n"
    "    if map and map.data.bad == 'yes' then\n"
    "      local users = ctx.list('v1/Pod', { ns = meta.namespace, index = { 'spec.configMap', spec.configMap } })\n"
    "      add('map', spec.configMap, 'it is bad for ' .. #users .. ' pods')\n"
    "    end\n"
    "    if spec.node and not ctx.exists('v1/Node', nil, spec.node) then add('node', spec.node, 'it has no node') end\n"
    "    if meta.labels and meta.labels.app then\n"
    "      local names = {}\n"
    "      for i, mate in ipairs(ctx.list('v1/Pod', { labels = { app = meta.labels.app } })) do\n"
    "        names[i] = mate.metadata.name .. mate.status.phase\n"
    "      end\n"
    "      if #names > 3 then add('crowd', nil, table.concat(names, ',')) end\n"
    "    end\n"
    "    local event = ctx.events(pod, { type = 'Warning' })[1]\n"
    "    if event then add('event', event.reason, event.lastTimestamp) end\n"
    "    return out\n"
    "  end }\n";

static const char SERVICE_POLICY[] =
    "return { api = 1, kind = 'analyzer', name = 'Service', description = 'test',\n"
    "  watches = { 'v1/Service', { 'v1/Pod', fields = { 'status.phase' } } }, fields = { 'spec.selector' },\n"
    "  rules = { empty = { severity = 'high' } },\n"
    "  run = function(ctx, service)\n"
    "    local good = 0\n"
    "    for _, pod in ipairs(ctx.list('v1/Pod', { ns = service.metadata.namespace, labels = service.spec.selector })) do\n"
    "      if pod.status.phase ~= 'Failed' then good = good + 1 end\n"
    "    end\n"
    "    if good == 0 then return { { rule = 'empty', text = 'nobody answers' } } end\n"
    "  end }\n";

static int pick(int n) { return rand() % n; }

/* ---- changes ------------------------------------------------------------------------------------------------------------------ */

static void put_pod(struct world *w, int n, const char *ns) {
    char label[64] = "", map[64] = "", node[64] = "", owner[256] = "";
    if (pick(4)) snprintf(label, sizeof label, "\"app\":\"%s\"", APPS[pick(2)]);
    if (pick(3)) snprintf(map, sizeof map, ",\"configMap\":\"m%d\"", pick(MAPS));
    if (pick(3)) snprintf(node, sizeof node, ",\"node\":\"n%d\"", pick(NODES));
    int set = pick(SETS + 1);
    if (set < SETS)
        snprintf(owner, sizeof owner,
                 "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"s%d\",\"uid\":\"%s-s%d-%d\",\"controller\":true}", set, ns,
                 set, pick(2));
    world_put(w, document("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"p%d\",\"uid\":\"%s-p%d\","
                          "\"labels\":{%s},"
                          "\"ownerReferences\":[%s]},\"spec\":{\"x\":1%s%s},\"status\":{\"phase\":\"%s\"}}",
                          ns, n, ns, n, label, owner, map, node, pick(3) ? "Running" : "Failed"));
}

static void put_set(struct world *w, int n, const char *ns) {
    char owner[256] = "";
    int deployment = pick(3);
    if (deployment < 2)
        snprintf(owner, sizeof owner,
                 "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d%d\",\"uid\":\"%s-d%d\",\"controller\":true}", deployment,
                 ns, deployment);
    world_put(
        w,
        document(
            "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"s%d\",\"uid\":\"%s-s%d-%d\","
            "\"ownerReferences\":[%s]},\"spec\":{}}",
            ns, n, ns, n, pick(2), owner));
}

static void put_event(struct world *w, int n, const char *ns) {
    char uid[64] = "";
    int pod = pick(PODS);
    if (pick(2)) snprintf(uid, sizeof uid, ",\"uid\":\"%s-p%d\"", NS[pick(NAMESPACES)], pod);
    world_put(
        w,
        document(
            "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"e%d\"},\"involvedObject\":{\"kind\":"
            "\"Pod\",\"namespace\":\"%s\",\"name\":\"p%d\"%s},\"type\":\"%s\",\"reason\":\"R%d\",\"lastTimestamp\":"
            "\"2026-03-01T10:0%d:00Z\"}",
            ns, n, ns, pod, uid, pick(3) ? "Warning" : "Normal", pick(3), pick(10)));
}

struct thing {
    const char *kind;
    const char *prefix;
    int count;
    bool cluster_scoped;
};

static const struct thing THINGS[] = {
    {"v1/Pod", "p", PODS, false},
    {"v1/Pod", "p", PODS, false},
    {"v1/ConfigMap", "m", MAPS, false},
    {"v1/Node", "n", NODES, true},
    {"apps/v1/ReplicaSet", "s", SETS, false},
    {"v1/Service", "v", SERVICES, false},
    {"v1/Event", "e", EVENTS, false},
};

static void put(struct world *w, const struct thing *t, int n, const char *ns) {
    switch (t->prefix[0]) {
    case 'p': put_pod(w, n, ns); break;
    case 's': put_set(w, n, ns); break;
    case 'e': put_event(w, n, ns); break;
    case 'n':
        world_put(w, document("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n%d\"},\"spec\":{\"x\":%d}}", n, pick(9)));
        break;
    case 'm':
        world_put(w, document("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"m%d\"},"
                              "\"data\":{\"bad\":\"%s\"}}",
                              ns, n, pick(2) ? "yes" : "no"));
        break;
    default:
        world_put(w, document("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"v%d\"},"
                              "\"spec\":{\"selector\":{\"app\":\"%s\"}}}",
                              ns, n, APPS[pick(2)]));
    }
}

static void change_something(struct world *w) {
    const struct thing *t = &THINGS[pick(sizeof THINGS / sizeof *THINGS)];
    const char *ns = t->cluster_scoped ? "" : NS[pick(NAMESPACES)];
    int n = pick(t->count);
    char name[16];
    snprintf(name, sizeof name, "%s%d", t->prefix, n);
    if (pick(4))
        put(w, t, n, ns);
    else
        world_delete(w, t->kind, ns, name);
}

/* ---- both know the same ------------------------------------------------------------------------------------------------------- */

struct fresh {
    struct noted noted[WORLD_MAX_VERDICTS];
    int verdicts;
};

static void note_fresh(const struct verdict *v, void *arg) {
    struct fresh *f = arg;
    f->verdicts++;
    world_note(f->noted, v);
}

static void ignore_sweep(const struct policy *analyzer, void *arg) {
    (void)analyzer;
    (void)arg;
}

static void assert_same(struct noted *have, struct noted *want) {
    for (int i = 0; i < WORLD_MAX_VERDICTS && want[i].key[0]; i++) {
        const struct noted *h = world_noted(have, want[i].key, false);
        if (!doc_equal(doc_root(h ? h->failures : NULL), doc_root(want[i].failures))) fail_msg("another verdict on %s", want[i].key);
        if (!str_eq(str_of(h ? h->parent : NULL), str_of(want[i].parent)))
            fail_msg("%s has another parent: %s, not %s", want[i].key, h && h->parent ? h->parent : "none", want[i].parent);
    }
}

static void compare_with_fresh(struct world *w) {
    static struct fresh fresh, replayed;
    struct diagnosis_listener listener = {.verdict = note_fresh, .swept = ignore_sweep, .arg = &fresh};
    memset(&fresh, 0, sizeof fresh);
    memset(&replayed, 0, sizeof replayed);
    struct diagnosis *d = world_diagnosis(w, &listener);
    diagnosis_finish(d);
    for (size_t i = 0; i < w->analyzer_count; i++) diagnosis_replay(w->diagnosis, w->analyzers[i], note_fresh, &replayed);
    assert_same(w->noted, fresh.noted); /* what was told */
    assert_same(fresh.noted, w->noted);
    assert_same(replayed.noted, fresh.noted); /* what is remembered */
    assert_same(fresh.noted, replayed.noted);
    diagnosis_free(d);
    for (int i = 0; i < WORLD_MAX_VERDICTS; i++) {
        world_forget(&fresh.noted[i]);
        world_forget(&replayed.noted[i]);
    }
}

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    world_new(w);
    fx_write(&w->fx, "builtin/analyzers/Pod/policy.lua", POD_POLICY);
    fx_write(&w->fx, "builtin/analyzers/Service/policy.lua", SERVICE_POLICY);
    world_open(w);
    world_start(w);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    world_free(*state);
    free(*state);
    return 0;
}

static void knows_what_a_fresh_diagnosis_would_find(void **state) {
    struct world *w = *state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int n = pick(3); n >= 0; n--) change_something(w);
        world_settle(w);
        assert_int_equal(diagnosis_failing(w->diagnosis, STR("Pod"), NULL), 0);
        compare_with_fresh(w);
    }
    /* far fewer than a diagnosis of everything after each change would take */
    assert_true(w->verdicts > ROUNDS && w->verdicts < ROUNDS * (PODS + SERVICES) * NAMESPACES);
}

/* Also when the changes come in the middle of the first look at everything. */
static void a_change_during_the_sweep_is_not_lost(void **state) {
    struct world *w = *state;
    struct err err;
    for (int i = 0; i < 60; i++) change_something(w);
    world_settle(w);
    for (int round = 0; round < 100; round++) {
        assert_int_equal(diagnosis_use(w->diagnosis, w->fx.bundle, w->analyzers, w->analyzer_count, &err), 0);
        for (int n = pick(20); n >= 0; n--) change_something(w);
        world_settle(w);
        compare_with_fresh(w);
    }
}

int main(void) {
    srand(20260301);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_what_a_fresh_diagnosis_would_find, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_during_the_sweep_is_not_lost, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
