/* apply_is_covered (is it so already?), docmatch (is it as a test table wants?): on random documents, and where they differ. */
#include "document.h"
#include "operator/apply.h"
#include "operator/docmatch.h"

static bool covered(const char *wanted, const char *have) {
    struct doc *w = document("%s", wanted), *h = document("%s", have);
    bool result = apply_is_covered(doc_root(w), doc_root(h));
    doc_unref(w);
    doc_unref(h);
    return result;
}

static void assert_difference(const char *have, const char *want, const char *expected) {
    struct doc *h = document("%s", have), *w = document("%s", want);
    struct buf why = buf_new(4096);
    bool same = docmatch(doc_root(h), doc_root(w), "it", &why);
    if (expected)
        assert_string_equal(why.data ? why.data : "", expected);
    else
        assert_int_equal(why.len, 0);
    assert_int_equal(same, expected == NULL);
    buf_free(&why);
    doc_unref(h);
    doc_unref(w);
}

static void what_others_own_is_no_difference(void **state) {
    (void)state;
    assert_true(covered("{}", "{\"a\":1}"));
    assert_true(covered("{\"spec\":{\"a\":1}}", "{\"spec\":{\"a\":1,\"b\":2},\"status\":{}}"));
    assert_true(covered("{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":2}],\"c\":3}"));
    assert_true(covered("{\"a\":{}}", "{\"a\":{\"b\":1}}"));
}

static void what_we_own_is_compared(void **state) {
    (void)state;
    assert_false(covered("{\"a\":1}", "{}"));
    assert_false(covered("{\"a\":1}", "{\"a\":2}"));
    assert_false(covered("{\"a\":{\"b\":1}}", "{\"a\":{\"c\":1}}"));
    assert_false(covered("{\"a\":{\"b\":1}}", "{\"a\":1}"));
    assert_false(covered("{\"a\":1}", "{\"a\":{\"b\":1}}"));
    assert_false(covered("{\"a\":{}}", "{}"));
    /* a list is owned as a whole: an entry more or with another field is a difference */
    assert_false(covered("{\"a\":[1]}", "{\"a\":[1,2]}"));
    assert_false(covered("{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1,\"c\":2}]}"));
    assert_false(covered("{\"a\":[]}", "{\"a\":[1]}"));
    assert_false(covered("{\"a\":\"\"}", "{}"));
}

static void a_match_looks_at_what_is_wanted(void **state) {
    (void)state;
    assert_difference("{\"a\":1,\"b\":[{\"c\":2,\"d\":3}]}", "{\"b\":[{\"c\":2}]}", NULL);
    assert_difference("{\"a\":1}", "{\"b\":null}", NULL);
    assert_difference("{\"a\":null}", "{\"a\":null}", NULL);
    assert_difference("1", "1.0", NULL);
}

static void a_difference_is_named(void **state) {
    (void)state;
    assert_difference("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "it.a.b is 1, not 2");
    assert_difference("[{\"t\":\"x\"},{\"t\":\"y\"}]", "[{\"t\":\"x\"},{\"t\":\"z\"}]", "it.1.t is \"y\", not \"z\"");
    assert_difference("[1]", "[1,2]", "it is [1], not [1,2]");
    assert_difference("{\"a\":1}", "{\"a\":null}", "it.a is 1, not null");
    assert_difference("{}", "{\"a\":\"x\"}", "it.a is absent, not \"x\"");
    assert_difference("[]", "{}", "it is [], not {}");
    assert_difference("{\"a\":false}", "{\"a\":{\"b\":1}}", "it.a is false, not {\"b\":1}");
}

static void a_long_path_is_cut_and_stays_text(void **state) {
    (void)state;
    char have[4096], key[301];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    snprintf(have, sizeof have, "{\"%s\":{\"%s\":{\"%s\":1}}}", key, key, key);
    struct doc *h = document("%s", have), *w = document("{\"%s\":{\"%s\":{\"%s\":2}}}", key, key, key);
    struct buf why = buf_new(4096);
    assert_false(docmatch(doc_root(h), doc_root(w), "it", &why));
    assert_true(why.len < 400 && strstr(why.data, " is 1, not 2"));
    buf_free(&why);
    doc_unref(h);
    doc_unref(w);
}

/* ---- random documents -------------------------------------------------------------------------------------------------------- */

struct maker {
    struct doc_builder *b;
    unsigned seed;
    int left;    /* values until the one to change; negative: none is changed */
    bool extras; /* objects get a field of somebody else */
};

static unsigned draw(struct maker *m) { return m->seed = m->seed * 1103515245u + 12345u, m->seed >> 16; }

static void make_value(struct maker *m, int depth, bool in_list);

static void make_object(struct maker *m, int depth, bool in_list) {
    static const char *const names[] = {"a", "b", "c", "d"};
    doc_begin_object(m->b);
    unsigned fields = draw(m) % 5;
    for (unsigned i = 0; i < fields; i++) {
        doc_key(m->b, str_of(names[i]));
        make_value(m, depth + 1, in_list);
    }
    if (m->extras && !in_list) doc_pair_int(m->b, "theirs", 1);
    doc_end_object(m->b);
}

static void make_value(struct maker *m, int depth, bool in_list) {
    unsigned kind = depth == 0 ? 0 : draw(m) % (depth > 4 ? 3 : 6) + (depth > 4 ? 2 : 0);
    unsigned n = draw(m) % 4;
    bool change = m->left-- == 0;
    if (kind == 0 || kind == 5) {
        make_object(m, depth, in_list);
    } else if (kind == 1) {
        doc_begin_array(m->b);
        for (unsigned i = 0; i < n; i++) make_value(m, depth + 1, true);
        if (change) doc_put_int(m->b, 99);
        doc_end_array(m->b);
    } else {
        doc_put_int(m->b, change ? 99 : (int64_t)n);
    }
}

static struct doc *make(struct doc_builder *b, unsigned seed, int change, bool extras) {
    struct maker m = {b, seed, change, extras};
    struct err err;
    make_value(&m, 0, false);
    struct doc *doc = doc_builder_finish(b, &err);
    assert_non_null(doc);
    return doc;
}

/* A document with more in it covers; one in which a value of ours differs does not; docmatch agrees where no list has other keys. */
static void holds_for_random_documents(void **state) {
    (void)state;
    struct doc_builder *b = doc_builder_new();
    int differing = 0;
    for (unsigned seed = 1; seed <= 3000; seed++) {
        struct doc *wanted = make(b, seed, -1, false), *more = make(b, seed, -1, true), *other = make(b, seed, (int)(seed % 12), true);
        struct buf why = buf_new(1 << 16);
        assert_true(apply_is_covered(doc_root(wanted), doc_root(more)));
        assert_false(apply_is_covered(doc_root(more), doc_root(wanted)));
        assert_true(docmatch(doc_root(more), doc_root(wanted), "it", &why));
        bool differs = !doc_equal(doc_root(other), doc_root(more));
        assert_int_equal(apply_is_covered(doc_root(wanted), doc_root(other)), !differs);
        assert_int_equal(docmatch(doc_root(other), doc_root(wanted), "it", &why), !differs);
        assert_int_equal(why.len > 0, differs);
        differing += differs;
        buf_free(&why);
        doc_unref(wanted);
        doc_unref(more);
        doc_unref(other);
    }
    doc_builder_free(b);
    assert_true(differing > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_own_is_no_difference),  cmocka_unit_test(what_we_own_is_compared),
        cmocka_unit_test(a_match_looks_at_what_is_wanted),   cmocka_unit_test(a_difference_is_named),
        cmocka_unit_test(a_long_path_is_cut_and_stays_text), cmocka_unit_test(holds_for_random_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
