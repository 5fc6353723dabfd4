/* The store against a naive model: random puts, deletes and lists, random queries, and failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/json.h"
#include "kube/store.h"
#include "support/alloc_fault.h"

enum { NAMESPACES = 3, NAMES = 12, OBJECTS = NAMESPACES * NAMES, VALUES = 3, OWNERS = 4, REFS = 4, QUERIES = 24 };

/* What an object of the model looks like; labels: 0 none, else the value. Masks: which owners and references it has. */
struct thing {
    bool present;
    int app, tier;
    unsigned owners, refs;
    int phase;
    int version;
};

struct ask {
    int ns, app, tier, owner, ref; /* -1: not asked */
};

struct fixture {
    struct store *store;
    struct doc_builder *builder;
    struct thing things[OBJECTS];
    struct ask asks[QUERIES];
    struct thing before, after; /* the change that must be told; present false twice: none */
    int changed;                /* the object that changes */
    size_t told;
    int version;
};

static const char *const NS_NAMES[NAMESPACES] = {"a", "a-b", "b"}; /* '-' sorts before '/': the order of etcd is another */
static const char *const OWNER_UIDS[OWNERS] = {"u0", "u1", "u2", "u3"};
static const char *const REF_NAMES[REFS] = {"r0", "r1", "r2", "r3"};
static const char *const TEXTS[VALUES] = {"", "x", "y"};

static struct str object_name(int i) {
    static char name[16];
    snprintf(name, sizeof name, "n%d", i % NAMES);
    return str_of(name);
}

static struct str object_ns(int i) { return str_of(NS_NAMES[i / NAMES]); }

static struct doc *make(struct fixture *f, int i, const struct thing *t) {
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"n%d\",\"resourceVersion\":\"%"
                     "d\",\"labels\":{\"x\":\"1\"",
                     NS_NAMES[i / NAMES], i % NAMES, t->version);
    if (t->app) n += snprintf(text + n, sizeof text - (size_t)n, ",\"app\":\"%s\"", TEXTS[t->app - 1]);
    if (t->tier) n += snprintf(text + n, sizeof text - (size_t)n, ",\"tier\":\"%s\"", TEXTS[t->tier - 1]);
    n += snprintf(text + n, sizeof text - (size_t)n, "},\"ownerReferences\":[");
    const char *comma = "";
    for (int k = 0; k < OWNERS; k++) {
        if (!(t->owners >> k & 1)) continue;
        n += snprintf(text + n, sizeof text - (size_t)n, "%s{\"uid\":\"%s\"}", comma, OWNER_UIDS[k]);
        comma = ",";
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "]},\"spec\":{\"volumes\":[{\"emptyDir\":{}}");
    for (int k = 0; k < REFS; k++) {
        /* twice: an object may name a thing more than once */
        if (t->refs >> k & 1)
            n += snprintf(text + n, sizeof text - (size_t)n, ",{\"configMap\":{\"name\":\"%s\"}},{\"configMap\":{\"name\":\"%s\"}}",
                          REF_NAMES[k], REF_NAMES[k]);
    }
    snprintf(text + n, sizeof text - (size_t)n, "]},\"status\":{\"phase\":%d}}", t->phase);
    struct err err;
    struct doc *doc = json_decode(f->builder, str_of(text), store_projection(f->store), &err);
    if (!doc) fail_msg("%s: %s", err.msg, text);
    return doc;
}

static struct thing random_thing(struct fixture *f) {
    return (struct thing){
        .present = true,
        .app = rand() % (VALUES + 1),
        .tier = rand() % (VALUES + 1),
        .owners = rand() % 2 ? 0 : (unsigned)(rand() & rand()) & 15,
        .refs = (unsigned)(rand() & rand()) & 15,
        .phase = rand() % 2,
        .version = ++f->version,
    };
}

static bool same_but_version(const struct thing *a, const struct thing *b) {
    return a->app == b->app && a->tier == b->tier && a->owners == b->owners && a->refs == b->refs && a->phase == b->phase;
}

static bool holds(const struct ask *q, int i, const struct thing *t) {
    if (!t->present) return false;
    if (q->ns >= 0 && i / NAMES != q->ns) return false;
    if (q->app >= 0 && t->app != q->app + 1) return false;
    if (q->tier >= 0 && t->tier != q->tier + 1) return false;
    if (q->owner >= 0 && !(t->owners >> q->owner & 1)) return false;
    return q->ref < 0 || (t->refs >> q->ref & 1);
}

static struct ask random_ask(void) {
    struct ask q = {-1, -1, -1, -1, -1};
    if (rand() % 2) q.ns = rand() % NAMESPACES;
    if (rand() % 2) q.app = rand() % VALUES;
    if (rand() % 3 == 0) q.tier = rand() % VALUES;
    if (rand() % 4 == 0) q.owner = rand() % OWNERS;
    if (rand() % 4 == 0) q.ref = rand() % REFS;
    return q;
}

static void query_of(const struct ask *q, struct store_query *out) {
    memset(out, 0, sizeof *out);
    if (q->ns >= 0) out->ns = str_of(NS_NAMES[q->ns]);
    if (q->tier >= 0) out->labels[out->label_count++] = (struct store_label){STR("tier"), str_of(TEXTS[q->tier])};
    if (q->app >= 0) out->labels[out->label_count++] = (struct store_label){STR("app"), str_of(TEXTS[q->app])};
    if (q->owner >= 0) out->owner_uid = str_of(OWNER_UIDS[q->owner]);
    if (q->ref >= 0) {
        out->index_path = STR("spec.volumes[].configMap.name");
        out->index_value = str_of(REF_NAMES[q->ref]);
    }
}

struct seek {
    uint64_t term;
    bool found;
};

static void compare_term(uint64_t term, void *arg) {
    struct seek *s = arg;
    if (term == s->term) s->found = true;
}

/* Whoever reads by a query and registered under its term learns of each change of its answer. */
static void check_readers(struct fixture *f, const struct doc *before, const struct doc *after) {
    for (int k = 0; k < QUERIES; k++) {
        if (!holds(&f->asks[k], f->changed, &f->before) && !holds(&f->asks[k], f->changed, &f->after)) continue;
        struct store_query query;
        query_of(&f->asks[k], &query);
        struct seek s = {store_query_term(f->store, &query), false};
        if (before) store_object_terms(f->store, before, compare_term, &s);
        if (after) store_object_terms(f->store, after, compare_term, &s);
        assert_true(s.found);
    }
}

static void on_change(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    struct fixture *f = arg;
    assert_ptr_equal(store, f->store);
    const struct doc *any = after ? after : before;
    struct str ns = doc_path_str(doc_root(any), "metadata.namespace"), name = doc_path_str(doc_root(any), "metadata.name");
    for (f->changed = 0; f->changed < OBJECTS; f->changed++) {
        if (str_eq(ns, object_ns(f->changed)) && str_eq(name, object_name(f->changed))) break;
    }
    assert_true(f->changed < OBJECTS);
    if (!after) f->after = (struct thing){0}, f->before = f->things[f->changed];
    assert_int_equal(f->before.present, before != NULL);
    assert_int_equal(f->after.present, after != NULL);
    if (before) assert_int_equal(doc_int(doc_path(doc_root(before), "status.phase")), f->before.phase);
    f->told++;
    check_readers(f, before, after);
}

static void put(struct fixture *f, int i, struct thing t) {
    struct doc *doc = make(f, i, &t);
    bool changes = !f->things[i].present || !same_but_version(&f->things[i], &t);
    f->before = f->things[i];
    f->after = t;
    f->told = 0;
    struct err err;
    assert_int_equal(store_put(f->store, doc, &err), 0);
    assert_int_equal(f->told, changes);
    f->things[i] = t;
    assert_ptr_equal(store_get(f->store, object_ns(i), object_name(i)), doc); /* the newer one, told or not */
    doc_unref(doc);
}

static void delete (struct fixture *f, int i) {
    f->told = 0;
    store_delete(f->store, object_ns(i), object_name(i));
    assert_int_equal(f->told, f->things[i].present);
    f->things[i] = (struct thing){0};
}

static struct thing next_thing(struct fixture *f, int i) {
    struct thing t = f->things[i].present && rand() % 3 == 0 ? f->things[i] : random_thing(f);
    t.version = ++f->version;
    return t;
}

/* A new list, at times after one that broke off half-way. */
static void replace(struct fixture *f) {
    bool kept[OBJECTS] = {0};
    store_replace_begin(f->store, STR(""));
    if (rand() % 2) {
        for (int i = 0; i < OBJECTS; i += 2) put(f, i, next_thing(f, i));
        store_replace_begin(f->store, STR(""));
    }
    for (int i = 0; i < OBJECTS; i++) {
        if (rand() % 3 == 0) continue;
        put(f, i, next_thing(f, i));
        kept[i] = true;
    }
    size_t gone = 0;
    for (int i = 0; i < OBJECTS; i++) gone += f->things[i].present && !kept[i];
    f->told = 0;
    store_replace_end(f->store, STR(""));
    assert_int_equal(f->told, gone);
    for (int i = 0; i < OBJECTS; i++) {
        if (!kept[i]) f->things[i] = (struct thing){0};
    }
}

/* Lists of two namespaces under way at once: each deletes only what is its own. */
static void replace_two(struct fixture *f) {
    size_t gone = 0;
    store_replace_begin(f->store, object_ns(0));
    for (int i = 0; i < NAMES; i += 2) put(f, i, next_thing(f, i));
    store_replace_begin(f->store, object_ns(NAMES));
    for (int i = NAMES; i < 2 * NAMES; i += 3) put(f, i, next_thing(f, i));
    for (int i = 1; i < NAMES; i += 2) gone += f->things[i].present;
    f->told = 0;
    store_replace_end(f->store, object_ns(0));
    assert_int_equal(f->told, gone);
    for (int i = 1; i < NAMES; i += 2) f->things[i] = (struct thing){0};
    store_replace_end(f->store, object_ns(NAMES));
    for (int i = NAMES; i < 2 * NAMES; i++) {
        if (i % 3) f->things[i] = (struct thing){0};
    }
}

static int by_place(const void *a, const void *b) {
    int i = *(const int *)a, k = *(const int *)b;
    char left[16];
    int by_ns = str_cmp(object_ns(i), object_ns(k));
    if (by_ns) return by_ns;
    snprintf(left, sizeof left, "%s", object_name(i).p);
    return str_cmp(str_of(left), object_name(k));
}

static void check_found(struct fixture *f, const struct store_query *query, const int *expected, size_t count) {
    struct doc **found;
    size_t found_count;
    struct err err;
    assert_int_equal(store_list(f->store, query, &found, &found_count, &err), 0);
    assert_int_equal(found_count, query->limit && query->limit < count ? query->limit : count);
    for (size_t k = 0; k < found_count; k++) {
        assert_ptr_equal(found[k], store_get(f->store, object_ns(expected[k]), object_name(expected[k])));
        assert_true(store_query_matches(query, found[k]));
    }
    free(found);
}

static void check_query(struct fixture *f, const struct ask *q) {
    int expected[OBJECTS], count = 0;
    for (int i = 0; i < OBJECTS; i++) {
        if (holds(q, i, &f->things[i])) expected[count++] = i;
    }
    qsort(expected, (size_t)count, sizeof *expected, by_place);
    struct store_query query;
    query_of(q, &query);
    for (query.limit = 0; query.limit < 3; query.limit++) check_found(f, &query, expected, (size_t)count);
}

static void check_whole(struct fixture *f) {
    size_t count = 0, bytes = 0, expected = 0;
    struct doc *doc;
    for (size_t i = 0; (doc = store_next(f->store, &i)); count++) bytes += doc_size_bytes(doc);
    for (int i = 0; i < OBJECTS; i++) expected += f->things[i].present;
    assert_int_equal(count, expected);
    assert_int_equal(store_count(f->store), expected);
    assert_int_equal(store_bytes(f->store), bytes);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct err err;
    struct projection *p = projection_new();
    assert_int_equal(projection_add(p, STR("spec.volumes[].configMap.name"), &err), 0);
    assert_int_equal(projection_add(p, STR("status.phase"), &err), 0);
    f->store = store_new(gvk_parse(STR("v1/Pod"), &err), p);
    projection_unref(p);
    f->builder = doc_builder_new();
    assert_int_equal(store_add_index(f->store, STR("spec.volumes[].configMap.name"), &err), 0);
    for (int k = 0; k < QUERIES; k++) f->asks[k] = random_ask();
    store_on_change(f->store, on_change, f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    store_free(f->store);
    doc_builder_free(f->builder);
    free(f);
    return 0;
}

static void answers_as_a_naive_model_does(void **state) {
    struct fixture *f = *state;
    for (int round = 0; round < 3000; round++) {
        int i = rand() % OBJECTS, what = rand() % 20;
        if (what < 12)
            put(f, i, next_thing(f, i));
        else if (what < 16)
            delete (f, i);
        else if (what == 16)
            replace(f);
        else if (what == 17)
            replace_two(f);
        else
            check_query(f, &f->asks[rand() % QUERIES]);
        if (round % 100 == 0) check_whole(f);
    }
    for (int k = 0; k < QUERIES; k++) check_query(f, &f->asks[k]);
}

/* Without memory a put either fails and changes nothing, or works; later answers are right in both cases. */
static void stays_right_without_memory(void **state) {
    struct fixture *f = *state;
    bool failed = false;
    store_on_change(f->store, NULL, NULL);
    for (int k = 0; k < QUERIES; k++) check_query(f, &f->asks[k]);
    for (int round = 0; round < 2000; round++) {
        int i = rand() % OBJECTS;
        struct thing t = next_thing(f, i);
        struct doc *doc = make(f, i, &t);
        struct err err;
        alloc_fault_after(rand() % 6);
        int rc = store_put(f->store, doc, &err);
        failed |= alloc_fault_end();
        if (!rc)
            f->things[i] = t;
        else
            assert_int_equal(rc, ERR_NOMEM);
        doc_unref(doc);
        if (round % 7 == 0) {
            store_delete(f->store, object_ns(i), object_name(i));
            f->things[i] = (struct thing){0};
        }
        check_query(f, &f->asks[rand() % QUERIES]);
    }
    assert_true(failed);
    check_whole(f);
}

static void a_list_fails_cleanly_without_memory(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < OBJECTS; i++) put(f, i, random_thing(f));
    for (int after = 0; after < 200; after++) {
        struct ask q = f->asks[after % QUERIES];
        struct store_query query;
        query_of(&q, &query);
        struct doc **found;
        size_t count;
        struct err err;
        alloc_fault_after(after);
        int rc = store_list(f->store, &query, &found, &count, &err);
        alloc_fault_end();
        if (!rc)
            free(found);
        else
            assert_int_equal(rc, ERR_NOMEM);
        check_query(f, &q);
    }
}

static void refuses_indexes_that_would_find_nothing(void **state) {
    struct fixture *f = *state;
    struct err err;
    assert_int_equal(store_add_index(f->store, STR("spec.nodeName"), &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "spec.nodeName"));
    assert_int_equal(store_add_index(f->store, STR("spec..x"), &err), ERR_SYNTAX);
    assert_true(store_has_index(f->store, STR("spec.volumes[].configMap.name")));
    assert_false(store_has_index(f->store, STR("spec.nodeName")));
    struct store_query query = {.index_path = STR("status.phase"), .index_value = STR("1")};
    struct doc **found;
    size_t count;
    assert_int_equal(store_list(f->store, &query, &found, &count, &err), ERR_INVALID);
}

static void an_index_added_late_holds_what_was_there(void **state) {
    struct fixture *f = *state;
    struct err err;
    for (int i = 0; i < OBJECTS; i++) put(f, i, random_thing(f));
    assert_int_equal(store_add_index(f->store, STR("status.phase"), &err), 0);
    struct store_query query = {.index_path = STR("status.phase"), .index_value = STR("1")};
    struct doc **found;
    size_t count, expected = 0;
    for (int i = 0; i < OBJECTS; i++) expected += f->things[i].phase == 1;
    assert_int_equal(store_list(f->store, &query, &found, &count, &err), 0);
    assert_int_equal(count, expected);
    free(found);
}

static void refuses_an_object_without_a_name(void **state) {
    struct fixture *f = *state;
    struct err err;
    struct doc *doc = json_decode(f->builder, STR("{\"metadata\":{\"namespace\":\"a\"}}"), NULL, &err);
    assert_int_equal(store_put(f->store, doc, &err), ERR_INVALID);
    doc_unref(doc);
    assert_int_equal(store_count(f->store), 0);
}

int main(void) {
    srand(20260301);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_as_a_naive_model_does, setup, teardown),
        cmocka_unit_test_setup_teardown(stays_right_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_fails_cleanly_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_indexes_that_would_find_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_index_added_late_holds_what_was_there, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_an_object_without_a_name, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
