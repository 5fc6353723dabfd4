/* Leader election against a scripted API server that keeps one Lease, with a boot clock of the test's own. */
#include "kube/api.h"

#include "doc/json.h"
#include "kube/lease.h"
#include "support/figure.h"

#define PATH "/apis/coordination.k8s.io/v1/namespaces/ops/leases/op"
#define OTHERS "2001-01-01T00:00:00.000000Z" /* a clock that is far behind */

enum { NAMES = 2, SECOND = 1000 * 1000 };

static int64_t now_us;

static int64_t test_clock(void) { return now_us; }

/* One candidate and what it was told. */
struct candidate {
    struct api *api;
    struct lease *lease;
    bool holds, released;
    int64_t until_us, untils_us[64]; /* untils_us: what it was told, one after the other */
    int helds, losses;
    char why[256];
};

struct fixture {
    struct doc *lease; /* as stored; NULL: none */
    int version;
    int reads, writes, watches;
    char last_written[1024];
    bool hangs;    /* nothing is answered */
    int refusal;   /* answered to all but watches; 0: none */
    bool no_watch; /* 403 */
    int crossings; /* so many writes are to meet somebody else's */
    struct http_exchange *kept[16], *watch[NAMES];
    size_t kept_count;
    struct candidate c[NAMES];
};

/* ---- the API server ------------------------------------------------------------------------------------------------------------- */

static struct doc *decode(struct str text) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, text, NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s", err.msg);
    return doc;
}

static struct str encode(const struct doc *doc, char *out, size_t size) {
    struct buf text = buf_new(size - 1);
    assert_int_equal(json_write(doc_root(doc), JSON_COMPACT, &text, NULL), 0);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    struct str s = {out, text.len};
    buf_free(&text);
    return s;
}

/* Stores a spec under the next version; the metadata keep what somebody else wrote there. */
static void store(struct fixture *f, struct doc_value spec, struct doc_value labels) {
    char version[16];
    struct err err;
    struct doc_builder *b = doc_builder_new();
    snprintf(version, sizeof version, "%d", ++f->version);
    doc_begin_object(b);
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", STR("op"));
    doc_pair_str(b, "namespace", STR("ops"));
    doc_pair_str(b, "resourceVersion", str_of(version));
    doc_key(b, STR("labels"));
    doc_put_value(b, labels);
    doc_end_object(b);
    doc_key(b, STR("spec"));
    doc_put_value(b, spec);
    doc_end_object(b);
    struct doc *made = doc_builder_finish(b, &err);
    doc_builder_free(b);
    doc_unref(f->lease);
    f->lease = made;
    for (int i = 0; i < NAMES; i++)
        if (f->watch[i]) http_stream_write(f->watch[i], STR("{\"type\":\"MODIFIED\",\"object\":{}}\n"));
}

/* As another process would write it. */
static void other_writes(struct fixture *f, const char *holder, int seconds, int renewal) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,\"acquireTime\":\"" OTHERS "\",\"renewTime\":\"" OTHERS
             "\",\"leaseTransitions\":%d},\"labels\":{\"kept\":\"yes\"}}",
             holder, seconds, 7 + renewal);
    struct doc *doc = decode(str_of(text));
    store(f, doc_path(doc_root(doc), "spec"), doc_path(doc_root(doc), "labels"));
    doc_unref(doc);
}

static void answer_lease(struct fixture *f, struct http_exchange *x, int status) {
    char text[1024];
    encode(f->lease, text, sizeof text);
    api_json(x, status, text);
}

static void take_write(struct fixture *f, struct http_exchange *x, bool create) {
    struct doc *body = decode(http_body(x));
    struct doc_value o = doc_root(body);
    f->writes++;
    api_copy(f->last_written, sizeof f->last_written, http_body(x));
    if (f->crossings > 0) {
        f->crossings--;
        other_writes(f, "", 1, f->version);
    }
    if (create ? f->lease != NULL
               : !f->lease ||
                     !str_eq(doc_path_str(o, "metadata.resourceVersion"), doc_path_str(doc_root(f->lease), "metadata.resourceVersion"))) {
        api_status(x, 409, create ? "AlreadyExists" : "Conflict", "the object has been modified", 0);
    } else {
        store(f, doc_path(o, "spec"), doc_path(o, "metadata.labels"));
        answer_lease(f, x, create ? 201 : 200);
    }
    doc_unref(body);
}

static void watch_closed(void *arg) { *(struct http_exchange **)arg = NULL; }

static void script(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    struct fixture *f = api->arg;
    (void)nth;
    api->flag = true;
    if (q->watch && !f->no_watch) {
        int free = f->watch[0] ? 1 : 0;
        f->watches++;
        f->watch[free] = x;
        http_stream_begin(x, 200, "application/json", 1 << 20, watch_closed, &f->watch[free]);
        return;
    }
    bool is_read = strcmp(q->method, "GET") == 0;
    if (is_read && !q->watch) f->reads++;
    if (f->hangs && !q->watch)
        f->kept[f->kept_count++] = x;
    else if (q->watch)
        api_status(x, 403, "Forbidden", "no watch for you", 0);
    else if (f->refusal)
        api_status(x, f->refusal, "InternalError", "not now", 0);
    else if (!is_read)
        take_write(f, x, strcmp(q->method, "POST") == 0);
    else if (f->lease)
        answer_lease(f, x, 200);
    else
        api_status(x, 404, "NotFound", "leases \\\"op\\\" not found", 0);
}

/* ---- candidates ----------------------------------------------------------------------------------------------------------------- */

static void on_held(int64_t until_us, void *arg) {
    struct candidate *c = arg;
    assert_true(!c->holds || until_us >= c->until_us);
    c->holds = true;
    c->until_us = until_us;
    c->untils_us[c->helds++ % 64] = until_us;
    c->api->flag = true;
}

static void on_lost(const char *why, void *arg) {
    struct candidate *c = arg;
    assert_true(c->holds);
    c->holds = false;
    c->losses++;
    snprintf(c->why, sizeof c->why, "%s", why);
    c->api->flag = true;
}

static struct fixture *begin(void **state) {
    struct api *api = *state;
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    api->arg = f;
    api->script = script;
    now_us = 1000LL * SECOND;
    return f;
}

static void join(void **state, int i) {
    static const char *const identities[NAMES] = {"one_1", "two_2"};
    struct api *api = *state;
    struct fixture *f = api->arg;
    struct candidate *c = &f->c[i];
    struct err err;
    c->api = api;
    struct lease_options o = {.loop = api->loop,
                              .client = api->client,
                              .ns = "ops",
                              .name = "op",
                              .identity = identities[i],
                              .now_us = test_clock,
                              .held = on_held,
                              .lost = on_lost,
                              .arg = c};
    c->lease = lease_new(&o, &err);
    assert_non_null(c->lease);
}

static void end(void **state) {
    struct api *api = *state;
    struct fixture *f = api->arg;
    for (int i = 0; i < NAMES; i++) lease_free(f->c[i].lease);
    for (size_t i = 0; i < f->kept_count; i++) api_json(f->kept[i], 500, "{}");
    for (int i = 0; i < NAMES; i++)
        if (f->watch[i]) http_stream_end(f->watch[i]);
    doc_unref(f->lease);
    free(f);
}

/* Lets the loop run until it holds; everything that is to happen by then happens by events. */
#define UNTIL(api, condition)                                                                                                              \
    for (int64_t end_us = clock_mono_us() + API_WAIT_MS * 1000LL; !(condition);) {                                                         \
        if (clock_mono_us() > end_us) fail_msg("not within %d ms: " #condition, API_WAIT_MS);                                              \
        api_idle(api, 1);                                                                                                                  \
    }

/* Time passes; who has something to do by the clock does it. */
static void pass(struct fixture *f, int64_t us) {
    now_us += us;
    for (int i = 0; i < NAMES; i++)
        if (f->c[i].lease) lease_look(f->c[i].lease);
}

/* The same while time passes, as it does. */
#define PASS_UNTIL(api, condition) UNTIL(api, (pass((api)->arg, SECOND / 10), (condition)))

static struct str stored(struct fixture *f, const char *path) { return doc_path_str(doc_root(f->lease), path); }

static int64_t transitions(struct fixture *f) { return doc_int(doc_path(doc_root(f->lease), "spec.leaseTransitions")); }

/* ---- tests ------------------------------------------------------------------------------------------------------------------------ */

static void the_first_candidate_makes_the_lease(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    int64_t ignored_ms;
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->c[0].until_us, now_us + 10 * SECOND);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "one_1"));
    assert_true(str_is(lease_holder(f->c[0].lease), "one_1"));
    assert_int_equal(doc_int(doc_path(doc_root(f->lease), "spec.leaseDurationSeconds")), 15);
    assert_int_equal(transitions(f), 0);
    assert_int_equal(stored(f, "spec.renewTime").n, strlen(OTHERS)); /* metav1.MicroTime: six digits, no fewer */
    assert_true(str_eq(stored(f, "spec.renewTime"), stored(f, "spec.acquireTime")));
    assert_true(clock_parse(stored(f, "spec.renewTime"), &ignored_ms));
    end(state);
}

static void the_holder_renews_every_2_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    char acquired[64];
    api_copy(acquired, sizeof acquired, stored(f, "spec.acquireTime"));
    pass(f, 2 * SECOND - 1);
    api_idle(api, 20);
    assert_int_equal(f->writes, 1);
    pass(f, 1);
    UNTIL(api, f->c[0].helds == 2);
    assert_int_equal(f->writes, 2);
    assert_int_equal(f->reads, 1); /* it knows what it wrote last */
    assert_int_equal(f->c[0].until_us, now_us + 10 * SECOND);
    assert_true(str_is(stored(f, "spec.acquireTime"), acquired));
    assert_false(str_is(stored(f, "spec.renewTime"), acquired));
    assert_int_equal(transitions(f), 0);
    end(state);
}

/* Clocks differ: the times in the Lease are of no account. */
static void another_is_given_15_s_by_our_own_clock(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 0; i < 14; i++) {
        pass(f, SECOND);
        api_idle(api, 3);
    }
    assert_int_equal(f->writes, 0);
    pass(f, SECOND);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->writes, 1);
    assert_int_equal(transitions(f), 8);
    assert_true(str_is(stored(f, "metadata.labels.kept"), "yes")); /* it is not ours to remove */
    end(state);
}

static void every_renewal_gives_it_another_15_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 1; i <= 8; i++) {
        int reads = f->reads;
        pass(f, 5 * SECOND);
        other_writes(f, "other", 15, i);
        UNTIL(api, f->reads > reads);
        api_idle(api, 3);
    }
    assert_int_equal(f->writes, 0);
    pass(f, 15 * SECOND);
    UNTIL(api, f->c[0].holds);
    end(state);
}

/* What others do to the metadata is no sign of life. */
static void a_label_is_no_renewal(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    for (int i = 0; i < 3; i++) {
        int reads = f->reads;
        pass(f, 5 * SECOND);
        other_writes(f, "other", 15, 0);
        UNTIL(api, f->reads > reads);
    }
    UNTIL(api, f->c[0].holds);
    end(state);
}

static void a_lease_that_nobody_holds_is_taken_at_once(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    pass(f, SECOND);
    other_writes(f, "", 1, 1);
    UNTIL(api, f->c[0].holds); /* time does not pass: the watch says it */
    assert_int_equal(transitions(f), 9);
    end(state);
}

static void without_a_watch_it_asks_every_2_to_5_s(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    f->no_watch = true;
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->reads == 1);
    api_idle(api, 20);
    pass(f, 2 * SECOND - 1);
    api_idle(api, 20);
    assert_int_equal(f->reads, 1);
    pass(f, 2 * SECOND + SECOND / 2);
    UNTIL(api, f->reads == 2);
    other_writes(f, "", 1, 1);
    PASS_UNTIL(api, f->c[0].holds);
    end(state);
}

/* Row lease: no write after the deadline. */
static void a_holder_that_cannot_renew_is_told_at_the_deadline(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->refusal = 500;
    int64_t renewed_us = now_us;
    for (int i = 1; i <= 4; i++) {
        pass(f, 2 * SECOND);
        UNTIL(api, f->writes + f->reads >= 2 && api->count >= (size_t)(2 + i));
        api_idle(api, 3);
        assert_true(f->c[0].holds);
    }
    pass(f, 2 * SECOND - 1);
    assert_true(f->c[0].holds);
    pass(f, 1);
    assert_false(f->c[0].holds);
    assert_non_null(strstr(f->c[0].why, "in time"));
    figure_record("lease", "from the last renewal to the end of all writes", (double)(now_us - renewed_us) / SECOND, "s");
    assert_int_equal(now_us - renewed_us, 10 * SECOND);

    f->refusal = 0; /* it is still its own, and nobody took it: it may have it again, before the 15 s are over */
    pass(f, 9 * SECOND / 2);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(transitions(f), 0);
    end(state);
}

static void so_is_one_whose_server_hangs(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->hangs = true;
    pass(f, 2 * SECOND);
    UNTIL(api, f->kept_count == 1);
    pass(f, 8 * SECOND);
    assert_false(f->c[0].holds);
    end(state);
}

/* A process that stood still for a while finds out before it does anything else. */
static void so_is_one_that_stood_still(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    pass(f, 20 * SECOND);
    assert_false(f->c[0].holds);
    assert_int_equal(f->writes, 1);
    end(state);
}

/* An answer counts from when it was asked for: the server may have renewed the Lease right then. */
static void a_late_answer_gives_no_more_time(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    f->hangs = true;
    pass(f, 2 * SECOND);
    UNTIL(api, f->kept_count == 1);
    int64_t asked_us = now_us;
    now_us += 4 * SECOND;
    f->hangs = false;
    take_write(f, f->kept[--f->kept_count], false);
    UNTIL(api, f->c[0].helds >= 2); /* a further renewal is due at once */
    assert_int_equal(f->c[0].untils_us[1], asked_us + 10 * SECOND);
    end(state);
}

static void a_holder_that_finds_another_in_the_lease_is_told(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    other_writes(f, "thief", 15, 0);
    pass(f, 2 * SECOND);
    UNTIL(api, !f->c[0].holds);
    assert_non_null(strstr(f->c[0].why, "thief has it"));
    assert_true(str_is(stored(f, "spec.holderIdentity"), "thief"));
    end(state);
}

static void a_holder_whose_lease_was_deleted_makes_it_again(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    doc_unref(f->lease);
    f->lease = NULL;
    pass(f, 2 * SECOND);
    UNTIL(api, f->c[0].helds == 2);
    assert_int_equal(f->c[0].losses, 0);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "one_1"));
    end(state);
}

/* The write of another between our read and our write: no blind overwriting, and no race without end either. */
static void a_crossed_write_is_tried_once_more_and_then_later(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "", 1, 0);
    f->crossings = 1;
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    assert_int_equal(f->writes, 2);
    end(state);

    f = begin(state);
    other_writes(f, "", 1, 0);
    f->crossings = 1000;
    join(state, 0);
    UNTIL(api, f->writes == 2);
    api_idle(api, 20);
    assert_int_equal(f->writes, 2);
    end(state);
}

static void of_two_one_has_it(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    join(state, 1);
    UNTIL(api, f->watches == 1 && (f->c[0].holds || f->c[1].holds));
    assert_true(f->c[0].holds != f->c[1].holds);
    struct candidate *first = f->c[0].holds ? &f->c[0] : &f->c[1], *second = f->c[0].holds ? &f->c[1] : &f->c[0];
    for (int i = 0; i < 20; i++) { /* 40 s */
        int helds = first->helds;
        pass(f, 2 * SECOND);
        UNTIL(api, first->helds > helds);
        api_idle(api, 3);
        assert_false(second->holds);
    }
    lease_free(first->lease); /* it dies */
    first->lease = NULL;
    pass(f, 15 * SECOND);
    UNTIL(api, second->holds);
    assert_int_equal(transitions(f), 1);
    end(state);
}

static void on_released(void *arg) {
    struct candidate *c = arg;
    c->released = true;
}

static void who_goes_leaves_it_to_others(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    join(state, 1);
    UNTIL(api, f->watches == 1);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    assert_false(f->c[0].released);
    UNTIL(api, f->c[0].released);
    PASS_UNTIL(api, f->c[1].holds);
    assert_non_null(strstr(f->last_written, "\"holderIdentity\":\"two_2\""));
    assert_int_equal(transitions(f), 1);
    assert_int_equal(f->c[0].losses, 0);
    end(state);
}

static void a_release_meets_a_renewal_that_was_on_its_way(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    store(f, doc_path(doc_root(f->lease), "spec"), DOC_NO_VALUE); /* stored, and the answer never came */
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_true(str_is(stored(f, "spec.holderIdentity"), ""));
    assert_int_equal(doc_int(doc_path(doc_root(f->lease), "spec.leaseDurationSeconds")), 1);
    end(state);
}

static void a_release_takes_nothing_from_another(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    join(state, 0);
    UNTIL(api, f->c[0].holds);
    other_writes(f, "other", 15, 0);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_true(str_is(stored(f, "spec.holderIdentity"), "other"));
    end(state);
}

static void who_holds_nothing_has_nothing_to_release(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    lease_release(f->c[0].lease, on_released, &f->c[0]);
    UNTIL(api, f->c[0].released);
    assert_int_equal(f->writes, 0);
    end(state);
}

/* Somebody who writes the Lease all the time does not make the candidates ask all the time. */
static void hints_have_a_pace(void **state) {
    struct api *api = *state;
    struct fixture *f = begin(state);
    other_writes(f, "other", 15, 0);
    join(state, 0);
    UNTIL(api, f->watches == 1);
    int reads = f->reads;
    for (int i = 1; i <= 50; i++) {
        other_writes(f, "other", 15, i);
        api_idle(api, 1);
    }
    assert_int_equal(f->reads, reads); /* time stands still */
    PASS_UNTIL(api, f->reads == reads + 1);
    end(state);
}

#define LEASE_TEST(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEASE_TEST(the_first_candidate_makes_the_lease),
        LEASE_TEST(the_holder_renews_every_2_s),
        LEASE_TEST(another_is_given_15_s_by_our_own_clock),
        LEASE_TEST(every_renewal_gives_it_another_15_s),
        LEASE_TEST(a_label_is_no_renewal),
        LEASE_TEST(a_lease_that_nobody_holds_is_taken_at_once),
        LEASE_TEST(without_a_watch_it_asks_every_2_to_5_s),
        LEASE_TEST(a_holder_that_cannot_renew_is_told_at_the_deadline),
        LEASE_TEST(so_is_one_whose_server_hangs),
        LEASE_TEST(so_is_one_that_stood_still),
        LEASE_TEST(a_late_answer_gives_no_more_time),
        LEASE_TEST(a_holder_that_finds_another_in_the_lease_is_told),
        LEASE_TEST(a_holder_whose_lease_was_deleted_makes_it_again),
        LEASE_TEST(a_crossed_write_is_tried_once_more_and_then_later),
        LEASE_TEST(of_two_one_has_it),
        LEASE_TEST(who_goes_leaves_it_to_others),
        LEASE_TEST(a_release_meets_a_renewal_that_was_on_its_way),
        LEASE_TEST(a_release_takes_nothing_from_another),
        LEASE_TEST(who_holds_nothing_has_nothing_to_release),
        LEASE_TEST(hints_have_a_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
