/* The index of reads against a naive model: who read what, and who is told of a change. Also when memory runs out. */
#include "document.h"

#include "base/clock.h"
#include "kube/store.h"
#include "operator/reads.h"
#include "support/alloc_fault.h"

enum { NAMESPACES = 2, NAMES = 4, OBJECTS = NAMESPACES * NAMES, VALUES = 3, OWNERS = 3, EVALUATIONS = 40, MAX_READS = 12, KINDS = 2 };

/* An object of the model; label values: 0 none. */
struct thing {
    bool present;
    int app, owner, reference, phase;
};

struct asked {
    enum { OBJECT, EXISTENCE, LIST, STATE, OWNER } what;
    int kind;
    int object;                        /* OBJECT, EXISTENCE */
    int ns, app, tier, owner, indexed; /* LIST: -1 not asked; OWNER: owner */
};

struct reader {
    struct evaluation evaluation; /* first: touched() casts */
    struct asked reads[MAX_READS];
    int count;
    bool touched;
};

static struct reads *reads;
static struct reader readers[EVALUATIONS];
static const struct gvk *kinds[KINDS];
static struct store *stores[KINDS];
static struct thing things[KINDS][OBJECTS];

static const char *const NS_NAMES[NAMESPACES] = {"a", "b"};
static const char *const TEXTS[VALUES] = {"x", "y", "z"};
static const char PATH[] = "spec.reference";

static int pick(int n) { return rand() % n; }

static struct str ns_of(int object) { return str_of(NS_NAMES[object / NAMES]); }

static struct str name_of(int object) {
    static char name[16];
    snprintf(name, sizeof name, "n%d", object % NAMES);
    return str_of(name);
}

static struct str uid_of(int owner) {
    static char uid[16];
    snprintf(uid, sizeof uid, "u%d", owner);
    return str_of(uid);
}

static struct doc *make(int kind, int object, const struct thing *t) {
    char label[64] = "", owner[64] = "", reference[64] = "";
    if (t->app) snprintf(label, sizeof label, ",\"app\":\"%s\"", TEXTS[t->app - 1]);
    if (t->owner) snprintf(owner, sizeof owner, "{\"uid\":\"u%d\"}", t->owner - 1);
    if (t->reference) snprintf(reference, sizeof reference, "\"reference\":\"%s\"", TEXTS[t->reference - 1]);
    return document(
        "{\"apiVersion\":\"v1\",\"kind\":\"%s\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"n%d\",\"labels\":{\"tier\":\"x\"%s},"
        "\"ownerReferences\":[%s]},\"spec\":{%s},\"status\":{\"phase\":%d}}",
        kinds[kind]->kind, NS_NAMES[object / NAMES], object % NAMES, label, owner, reference, t->phase);
}

static void touched(struct evaluation *e, void *arg) {
    assert_ptr_equal(arg, &readers);
    ((struct reader *)e)->touched = true;
}

/* ---- the model -------------------------------------------------------------------------------------------------------------- */

static bool matches(const struct asked *q, int object, const struct thing *t) {
    if (!t->present) return false;
    if (q->ns >= 0 && object / NAMES != q->ns) return false;
    if (q->app >= 0 && t->app != q->app + 1) return false;
    if (q->tier >= 0 && q->tier != 0) return false; /* every object has tier x */
    if (q->owner >= 0 && t->owner != q->owner + 1) return false;
    return q->indexed < 0 || t->reference == q->indexed + 1;
}

static bool depends(const struct asked *q, int kind, int object, const struct thing *before, const struct thing *after) {
    if (q->what == STATE || q->what == OWNER || q->kind != kind) return false;
    if (q->what == OBJECT) return q->object == object;
    if (q->what == EXISTENCE) return q->object == object && before->present != after->present;
    return matches(q, object, before) || matches(q, object, after);
}

static struct asked random_ask(void) {
    struct asked q = {.what = (int)(rand() % 8), .kind = pick(KINDS), .object = pick(OBJECTS), -1, -1, -1, -1, -1};
    if (q.what > OWNER) q.what = LIST;
    if (q.what == OWNER) q.owner = pick(OWNERS);
    if (q.what != LIST) return q;
    if (pick(2)) q.ns = pick(NAMESPACES);
    if (pick(2)) q.app = pick(VALUES);
    if (pick(4) == 0) q.tier = pick(2);
    if (pick(3) == 0) q.owner = pick(OWNERS);
    if (pick(3) == 0) q.indexed = pick(VALUES);
    return q;
}

static int record(struct reader *r, const struct asked *q, struct err *err) {
    const struct gvk *gvk = kinds[q->kind];
    switch (q->what) {
    case OBJECT: return reads_object(reads, &r->evaluation, gvk, ns_of(q->object), name_of(q->object), err);
    case EXISTENCE: return reads_existence(reads, &r->evaluation, gvk, ns_of(q->object), name_of(q->object), err);
    case STATE: return reads_state(reads, &r->evaluation, gvk, err);
    case OWNER: return reads_owner(reads, &r->evaluation, uid_of(q->owner), err);
    default: break;
    }
    char owner[16] = "", app[4] = "", tier[4] = "", indexed[4] = ""; /* gone after the call: reads must keep copies */
    struct store_query query = {.ns = q->ns >= 0 ? str_of(NS_NAMES[q->ns]) : STR("")};
    snprintf(tier, sizeof tier, "%s", q->tier >= 0 ? TEXTS[q->tier] : "");
    snprintf(app, sizeof app, "%s", q->app >= 0 ? TEXTS[q->app] : "");
    snprintf(indexed, sizeof indexed, "%s", q->indexed >= 0 ? TEXTS[q->indexed] : "");
    if (q->owner >= 0) snprintf(owner, sizeof owner, "u%d", q->owner);
    if (q->tier >= 0) query.labels[query.label_count++] = (struct store_label){STR("tier"), str_of(tier)};
    if (q->app >= 0) query.labels[query.label_count++] = (struct store_label){STR("app"), str_of(app)};
    query.owner_uid = str_of(owner);
    if (q->indexed >= 0) query.index_path = str_of(PATH), query.index_value = str_of(indexed);
    int rc = reads_list(reads, &r->evaluation, stores[q->kind], &query, err);
    memset(owner, '?', sizeof owner);
    memset(app, '?', sizeof app);
    memset(tier, '?', sizeof tier);
    memset(indexed, '?', sizeof indexed);
    return rc;
}

/* ---- what happens ------------------------------------------------------------------------------------------------------------- */

/* A run mostly reads what the run before did; at times others, in another order, or the same twice. */
static void choose_reads(struct reader *r) {
    int what = pick(6);
    if (what < 2) return;
    if (what == 2 && r->count > 1) {
        int a = pick(r->count), b = pick(r->count);
        struct asked swapped = r->reads[a];
        r->reads[a] = r->reads[b];
        r->reads[b] = swapped;
    } else if (what == 3 && r->count > 0) {
        r->count = pick(r->count);
    } else if (what == 4 && r->count > 0 && r->count < MAX_READS) {
        r->reads[r->count] = r->reads[pick(r->count)];
        r->count++;
    } else {
        r->count = pick(MAX_READS);
        for (int i = 0; i < r->count; i++) r->reads[i] = random_ask();
    }
}

static void rerun(struct reader *r) {
    struct err err;
    choose_reads(r);
    reads_begin(reads, &r->evaluation);
    for (int i = 0; i < r->count; i++) assert_int_equal(record(r, &r->reads[i], &err), 0);
    reads_end(reads, &r->evaluation);
    assert_true(r->evaluation.count <= (uint32_t)r->count);
}

static void forget_touches(void) {
    for (int i = 0; i < EVALUATIONS; i++) readers[i].touched = false;
}

static struct thing random_thing(void) {
    if (pick(5) == 0) return (struct thing){0};
    return (struct thing){true, pick(VALUES + 1), pick(OWNERS + 1), pick(VALUES + 1), pick(2)};
}

/* Returns how many were told. */
static int change(int kind, int object, struct thing after) {
    struct thing before = things[kind][object];
    struct doc *b = before.present ? make(kind, object, &before) : NULL, *a = after.present ? make(kind, object, &after) : NULL;
    int told = 0;
    forget_touches();
    if (a || b) reads_object_changed(reads, stores[kind], b, a);
    doc_unref(a);
    doc_unref(b);
    things[kind][object] = after;
    for (int i = 0; i < EVALUATIONS; i++) {
        bool expected = false;
        for (int k = 0; k < readers[i].count && (a || b); k++) expected |= depends(&readers[i].reads[k], kind, object, &before, &after);
        assert_int_equal(readers[i].touched, expected);
        told += expected;
    }
    return told;
}

static void change_elsewhere(void) {
    int kind = pick(KINDS), owner = pick(OWNERS);
    bool state = pick(2);
    forget_touches();
    if (state)
        reads_state_changed(reads, kinds[kind]);
    else
        reads_owner_changed(reads, uid_of(owner));
    for (int i = 0; i < EVALUATIONS; i++) {
        bool expected = false;
        for (int k = 0; k < readers[i].count; k++) {
            const struct asked *q = &readers[i].reads[k];
            expected |= state ? q->what == STATE && q->kind == kind : q->what == OWNER && q->owner == owner;
        }
        assert_int_equal(readers[i].touched, expected);
    }
}

static void drop(struct reader *r) {
    reads_drop(reads, &r->evaluation);
    assert_null(r->evaluation.reads);
    assert_int_equal(r->evaluation.count, 0);
    r->count = 0;
}

static int setup(void **state) {
    (void)state;
    struct err err;
    static const char *const names[KINDS] = {"v1/Pod", "v1/ConfigMap"};
    struct projection *p = projection_new();
    assert_int_equal(projection_add(p, str_of(PATH), &err), 0);
    for (int k = 0; k < KINDS; k++) {
        kinds[k] = gvk_parse(str_of(names[k]), &err);
        stores[k] = store_new(kinds[k], p);
        assert_int_equal(store_add_index(stores[k], str_of(PATH), &err), 0);
    }
    projection_unref(p);
    memset(readers, 0, sizeof readers);
    memset(things, 0, sizeof things);
    reads = reads_new(touched, &readers);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 0; i < EVALUATIONS; i++) drop(&readers[i]);
    reads_free(reads);
    for (int k = 0; k < KINDS; k++) store_free(stores[k]);
    return 0;
}

static void tells_exactly_those_who_read_it(void **state) {
    (void)state;
    int told = 0, changes = 0;
    for (int round = 0; round < 8000; round++) {
        int what = pick(10);
        if (what < 4)
            rerun(&readers[pick(EVALUATIONS)]);
        else if (what < 9)
            told += change(pick(KINDS), pick(OBJECTS), random_thing()), changes++;
        else
            change_elsewhere();
        if (pick(50) == 0) drop(&readers[pick(EVALUATIONS)]);
    }
    assert_true(told > changes && told < changes * EVALUATIONS / 2);
}

/* A run that ran out of memory keeps what it had recorded so far; the index stays whole, and the next run is as any. */
static void stays_right_without_memory(void **state) {
    (void)state;
    int failed = 0;
    for (int round = 0; round < 6000; round++) {
        struct reader *r = &readers[pick(EVALUATIONS)];
        struct err err;
        choose_reads(r);
        reads_begin(reads, &r->evaluation);
        alloc_fault_after(pick(12));
        int done = 0, rc = 0;
        while (done < r->count && !(rc = record(r, &r->reads[done], &err))) done++;
        alloc_fault_end();
        reads_end(reads, &r->evaluation);
        if (rc) {
            assert_int_equal(rc, ERR_NOMEM);
            failed++;
        }
        r->count = done;
        change(pick(KINDS), pick(OBJECTS), random_thing());
    }
    assert_true(failed > 500);
}

/* What is recorded again in the same order costs no allocation: a steady diagnosis does not churn memory. */
static void the_same_reads_again_are_free(void **state) {
    (void)state;
    struct err err;
    struct reader *r = &readers[0];
    r->count = 4;
    r->reads[0] = (struct asked){.what = OBJECT};
    r->reads[1] = (struct asked){.what = EXISTENCE, .object = 1};
    r->reads[2] = (struct asked){.what = STATE, .kind = 1};
    r->reads[3] = (struct asked){.what = OWNER};
    for (int run = 0; run < 3; run++) {
        if (run > 0) alloc_fault_after(0);
        reads_begin(reads, &r->evaluation);
        for (int i = 0; i < r->count; i++) assert_int_equal(record(r, &r->reads[i], &err), 0);
        reads_end(reads, &r->evaluation);
        alloc_fault_end();
        assert_int_equal(r->evaluation.count, 4);
    }
}

/* Of a run under way the reads of the run before still count: a change in between is not lost. */
static void nothing_is_lost_while_a_run_is_under_way(void **state) {
    (void)state;
    struct err err;
    struct reader *r = &readers[0];
    struct thing pod = {.present = true};
    r->count = 1;
    r->reads[0] = (struct asked){.what = OBJECT, .object = 3};
    reads_begin(reads, &r->evaluation);
    assert_int_equal(record(r, &r->reads[0], &err), 0);
    reads_end(reads, &r->evaluation);
    reads_begin(reads, &r->evaluation);
    assert_int_equal(change(0, 3, pod), 1);
    reads_end(reads, &r->evaluation);
    r->count = 0;
    assert_int_equal(change(0, 3, (struct thing){0}), 0);
}

/* A ConfigMap may be read by every pod there is: letting go of one reader must not search the others. */
static void many_readers_of_one_object_come_and_go(void **state) {
    (void)state;
    enum { MANY = 200000, LIMIT_US = 3 * 1000 * 1000 };
    struct err err;
    struct reader *many = calloc(MANY, sizeof *many);
    assert_non_null(many);
    int64_t start_us = clock_work_us();
    struct asked one = {.what = OBJECT};
    for (int i = 0; i < MANY; i++) {
        reads_begin(reads, &many[i].evaluation);
        assert_int_equal(record(&many[i], &one, &err), 0);
        reads_end(reads, &many[i].evaluation);
    }
    for (int i = 0; i < MANY; i++) reads_drop(reads, &many[i].evaluation);
    assert_true(clock_work_us() - start_us < LIMIT_US);
    free(many);
}

int main(void) {
    srand(20260301);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_exactly_those_who_read_it, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_right_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_reads_again_are_free, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_lost_while_a_run_is_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(many_readers_of_one_object_come_and_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
