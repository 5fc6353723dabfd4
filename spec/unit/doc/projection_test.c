#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doc/copy.h"
#include "doc/json.h"
#include "doc/key.h"
#include "doc/projection.h"
#include "doc/random_json.h"

/*
 * The definition, without a tree: what a list of paths keeps of a place.
 */
enum keep { KEEP_NONE, KEEP_PART, KEEP_WHOLE };

enum { MAX_PATHS = 5, MAX_NAMES = 4, PLACE_DEPTH = 3 };

struct place {
    const char *names[8];
    int count;
};

struct declared {
    struct place paths[MAX_PATHS];
    int count;
};

static bool begins_with(const struct place *place, const struct place *prefix) {
    if (prefix->count > place->count) return false;
    for (int i = 0; i < prefix->count; i++) {
        if (strcmp(place->names[i], prefix->names[i]) != 0) return false;
    }
    return true;
}

static enum keep keep_always(const struct place *p) {
    if (p->count == 0) return KEEP_PART;
    if (strcmp(p->names[0], "apiVersion") == 0 || strcmp(p->names[0], "kind") == 0) return KEEP_WHOLE;
    if (strcmp(p->names[0], "metadata") != 0) return KEEP_NONE;
    if (p->count == 1) return KEEP_PART;
    if (strcmp(p->names[1], "managedFields") == 0) return KEEP_NONE;
    if (strcmp(p->names[1], "annotations") != 0) return KEEP_WHOLE;
    if (p->count == 2) return KEEP_PART;
    return strncmp(p->names[2], "k8sgpt.ai/", 10) == 0 ? KEEP_WHOLE : KEEP_NONE;
}

static enum keep keep_of(const struct declared *d, const struct place *place) {
    enum keep keep = keep_always(place);
    for (int i = 0; i < d->count; i++) {
        if (begins_with(place, &d->paths[i]))
            keep = KEEP_WHOLE;
        else if (keep == KEEP_NONE && begins_with(&d->paths[i], place))
            keep = KEEP_PART;
    }
    return keep;
}

static void prune(struct doc_builder *b, const struct declared *d, struct place *at, struct doc_value v) {
    if (keep_of(d, at) == KEEP_WHOLE) {
        doc_put_value(b, v);
    } else if (doc_type(v) == DOC_ARRAY) {
        doc_begin_array(b);
        for (size_t i = 0; i < doc_len(v); i++) prune(b, d, at, doc_at(v, i));
        doc_end_array(b);
    } else if (doc_type(v) == DOC_OBJECT) {
        doc_begin_object(b);
        for (size_t i = 0; i < doc_len(v); i++) {
            struct str key;
            struct doc_value w = doc_pair(v, i, &key, NULL);
            at->names[at->count++] = key.p;
            if (keep_of(d, at)) {
                doc_key(b, key);
                prune(b, d, at, w);
            }
            at->count--;
        }
        doc_end_object(b);
    } else {
        doc_put_value(b, v);
    }
}

static struct declared random_declared(void) {
    struct declared d = {.count = (int)random_below(MAX_PATHS)};
    for (int i = 0; i < d.count; i++) {
        struct place *p = &d.paths[i];
        p->count = 1 + (int)random_below(MAX_NAMES - 1);
        for (int j = 0; j < p->count; j++) p->names[j] = random_names[random_below(RANDOM_NAMES)];
        if (random_below(2)) p->names[0] = "metadata";
    }
    return d;
}

static void add_path(struct projection *p, const struct place *place) {
    struct err err;
    struct buf path = buf_new(1000);
    for (int i = 0; i < place->count; i++) {
        bool quoted = strpbrk(place->names[i], "./");
        if (i && !quoted) random_puts(&path, ".");
        random_puts(&path, quoted ? "[\"" : "");
        random_puts(&path, place->names[i]);
        random_puts(&path, quoted ? "\"]" : "");
        if (random_below(4) == 0) random_puts(&path, "[]");
    }
    if (projection_add(p, (struct str){path.data, path.len}, &err)) fail_msg("%s: %s", path.data, err.msg);
    buf_free(&path);
}

static struct projection *tree_of(const struct declared *d) {
    struct projection *p = projection_new();
    for (int i = 0; i < d->count; i++) add_path(p, &d->paths[i]);
    return p;
}

static enum keep tree_keep(const struct projection *p, const struct place *place, bool found) {
    const struct projection_node *node = projection_root(p);
    for (int i = 0; i < place->count; i++) {
        struct str name = str_of(place->names[i]);
        node = projection_child(node, found ? key_find(name) : key_intern(name), name);
    }
    return !node ? KEEP_NONE : projection_is_whole(node) ? KEEP_WHOLE : KEEP_PART;
}

/* Calls `each` with every place of up to PLACE_DEPTH names. */
static bool all_places(bool (*each)(const struct place *place, void *arg), void *arg) {
    struct place place = {0};
    for (int n = 0; n < RANDOM_NAMES * RANDOM_NAMES * RANDOM_NAMES; n++) {
        for (place.count = 0; place.count <= PLACE_DEPTH; place.count++) {
            for (int i = 0, left = n; i < PLACE_DEPTH; i++, left /= RANDOM_NAMES) place.names[i] = random_names[left % RANDOM_NAMES];
            if (!each(&place, arg)) return false;
        }
    }
    return true;
}

struct pair {
    struct declared a, b;
    struct projection *tree;
};

static bool tree_agrees(const struct place *place, void *arg) {
    const struct pair *pair = arg;
    enum keep expected = keep_of(&pair->a, place);
    return tree_keep(pair->tree, place, true) == expected && tree_keep(pair->tree, place, false) == expected;
}

static bool union_agrees(const struct place *place, void *arg) {
    const struct pair *pair = arg;
    enum keep a = keep_of(&pair->a, place), b = keep_of(&pair->b, place);
    return tree_keep(pair->tree, place, true) == (a > b ? a : b);
}

static bool a_keeps_b(const struct place *place, void *arg) {
    const struct pair *pair = arg;
    return keep_of(&pair->a, place) >= keep_of(&pair->b, place);
}

static void test_trees_unions_and_covers_follow_the_definition(void **state) {
    (void)state;
    int covered = 0;
    srand(21);
    for (int round = 0; round < 250; round++) {
        /* Not by one initializer: gcc 12 with -ftrivial-auto-var-init clears the wrong bytes as padding there. */
        struct pair pair;
        pair.a = random_declared();
        pair.b = random_declared();
        if (round % 3 == 0) pair.b = pair.a;
        if (round % 3 == 0 && pair.b.count) pair.b.count--;
        struct projection *a = tree_of(&pair.a), *b = tree_of(&pair.b), *both = projection_union(a, b);
        pair.tree = a;
        assert_true(all_places(tree_agrees, &pair));
        pair.tree = both;
        assert_true(all_places(union_agrees, &pair));
        bool covers = projection_covers(a, b);
        assert_int_equal(covers, all_places(a_keeps_b, &pair));
        assert_true(projection_covers(both, a) && projection_covers(both, b) && projection_covers(a, a));
        covered += covers;
        projection_unref(a);
        projection_unref(b);
        projection_unref(both);
    }
    assert_true(covered > 50 && covered < 200);
}

static void test_decoding_and_copying_equal_decoding_whole_and_pruning(void **state) {
    (void)state;
    struct doc_builder *b = doc_builder_new();
    srand(22);
    for (int round = 0; round < 1500; round++) {
        struct err err;
        struct declared d = random_declared();
        struct projection *p = tree_of(&d);
        struct buf text = random_json(6);
        struct str span = {text.data, text.len};
        struct doc *whole = json_decode(b, span, NULL, &err), *projected = json_decode(b, span, p, &err);
        if (!projected) fail_msg("%s: %s", text.data, err.msg);
        struct place at = {0};
        prune(b, &d, &at, doc_root(whole));
        struct doc *pruned = doc_builder_finish(b, &err);
        if (!doc_equal(doc_root(projected), doc_root(pruned))) fail_msg("%s", text.data);
        struct doc *kept = doc_copy_kept(doc_root(whole), p, &err);
        if (!kept || !doc_equal(doc_root(kept), doc_root(pruned))) fail_msg("copied: %s", text.data);
        doc_unref(kept);
        doc_unref(whole);
        doc_unref(projected);
        doc_unref(pruned);
        projection_unref(p);
        buf_free(&text);
    }
    doc_builder_free(b);
}

static void assert_kept(const struct projection *p, const char *text, const char *expected) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct buf out = buf_new(10000);
    struct doc *doc = json_decode(b, str_of(text), p, &err);
    if (!doc) fail_msg("%s", err.msg);
    assert_int_equal(json_write(doc_root(doc), JSON_COMPACT, &out, &err), 0);
    assert_string_equal(out.data, expected);
    buf_free(&out);
    doc_unref(doc);
    doc_builder_free(b);
}

static void test_presets(void **state) {
    (void)state;
    const char *text = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":\"1\",\"k8sgpt.ai/"
                       "y\":\"2\",\"k8sgpt.aix\":"
                       "\"3\"},\"managedFields\":[{}]},\"spec\":{\"s\":1}}";
    struct projection *narrow = projection_new(), *object = projection_object(), *whole = projection_whole();
    assert_kept(narrow, text,
                "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"annotations\":{\"k8sgpt.ai/y\":\"2\"}}}");
    assert_kept(object, text,
                "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":\"1\",\"k8sgpt.ai/y\":\"2\","
                "\"k8sgpt.aix\":\"3\"}},\"spec\":{\"s\":1}}");
    assert_kept(whole, text, text);
    struct err err;
    assert_int_equal(projection_add(narrow, STR("metadata.annotations[\"x\"]"), &err), 0);
    assert_kept(
        narrow, text,
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":\"1\",\"k8sgpt.ai/y\":\"2\"}}}");
    assert_true(projection_covers(whole, object) && projection_covers(object, narrow));
    assert_false(projection_covers(object, whole) || projection_covers(narrow, object));
    struct projection *both = projection_union(narrow, object);
    assert_true(projection_covers(both, object) && projection_covers(object, both));
    projection_unref(both);
    both = projection_union(object, whole);
    assert_true(projection_is_whole(projection_root(both)));
    projection_unref(both);
    projection_unref(narrow);
    projection_unref(object);
    projection_unref(whole);
    assert_null(projection_root(NULL));
}

static struct projection *of_paths(const char *first, const char *second) {
    struct projection *p = projection_new();
    struct err err;
    if (first) assert_int_equal(projection_add(p, str_of(first), &err), 0);
    if (second) assert_int_equal(projection_add(p, str_of(second), &err), 0);
    return p;
}

static void test_sizes_in_place_of_texts(void **state) {
    (void)state;
    static const char text[] =
        "{\"kind\":\"x\",\"data\":{\"a\":\"four\",\"b\":\"\\u00e9\\n\",\"c\":[\"\",7,null,{\"d\":\"12345\"}]},\"e\":\"no\"}";
    static const char sizes[] = "{\"kind\":\"x\",\"data\":{\"a\":4,\"b\":3,\"c\":[0,7,null,{\"d\":5}]}}";
    static const char texts[] = "{\"kind\":\"x\",\"data\":{\"a\":\"four\",\"b\":\"\xc3\xa9\\n\",\"c\":[\"\",7,null,{\"d\":\"12345\"}]}}";
    static const struct {
        const char *first, *second;
        bool sized;
    } cases[] = {{"data#", NULL, true},    {"data[]#", "data#", true}, {"data#", "data", false},
                 {"data", "data#", false}, {"data#", "data.a", false}, {"data.a", "data#", false}};
    struct projection *narrow = of_paths("data#", NULL), *nothing = of_paths(NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct projection *p = of_paths(cases[i].first, cases[i].second);
        struct projection *first = of_paths(cases[i].first, NULL), *second = of_paths(cases[i].second, NULL);
        struct projection *both = projection_union(first, second);
        assert_kept(p, text, cases[i].sized ? sizes : texts);
        assert_kept(both, text, cases[i].sized ? sizes : texts);
        assert_true(projection_covers(p, narrow) && projection_covers(p, both) && projection_covers(both, first) &&
                    projection_covers(p, nothing));
        assert_int_equal(projection_covers(narrow, p), cases[i].sized);
        projection_unref(p);
        projection_unref(first);
        projection_unref(second);
        projection_unref(both);
    }
    assert_false(projection_covers(nothing, narrow));
    projection_unref(narrow);
    projection_unref(nothing);
}

static void test_bad_paths_are_refused_and_change_nothing(void **state) {
    (void)state;
    static const char *const paths[] = {"",   ".",    "a.",      ".a",        "a..b",    "[]",   "[]a",  "a[",        "a]", "a[0]",
                                        "a[", "a[\"", "a[\"b\"", "a[\"b\"]c", "a[\"\"]", "a[]b", "a\"b", "a.[\"b\"]", "#",  "a.#"};
    struct projection *p = projection_new(), *before = projection_new();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct err err = {0};
        if (projection_add(p, str_of(paths[i]), &err) != ERR_SYNTAX) fail_msg("%s", paths[i]);
        assert_non_null(strstr(err.msg, paths[i]));
    }
    assert_true(projection_covers(before, p));
    char deep[400];
    for (int i = 0; i < 199; i++) memcpy(deep + 2 * i, "a.", 3);
    deep[397] = '\0';
    assert_int_equal(projection_add(p, str_of(deep), NULL), ERR_SYNTAX);
    projection_unref(p);
    projection_unref(before);
}

static void test_references_are_counted(void **state) {
    (void)state;
    struct projection *p = projection_new(), *other = projection_ref(p);
    assert_ptr_equal(p, other);
    projection_unref(p);
    assert_non_null(projection_root(other));
    projection_unref(other);
    projection_unref(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_unions_and_covers_follow_the_definition),
        cmocka_unit_test(test_decoding_and_copying_equal_decoding_whole_and_pruning),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_sizes_in_place_of_texts),
        cmocka_unit_test(test_bad_paths_are_refused_and_change_nothing),
        cmocka_unit_test(test_references_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
