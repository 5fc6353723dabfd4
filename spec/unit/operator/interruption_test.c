/*
 * A whole operator on a random cluster behind connections that are cut anywhere, and after a pause that the server's event log does not
 * cover. When the changes have ended, its Results are those of a new operator on a new cluster with the same objects, nobody was
 * told anything twice, and it writes no more.
 *
 *   INTERRUPTION_SEED=1 build/unit/operator/interruption_test
 */
#include "site.h"

#include "base/log.h"

enum { ROUNDS = 4, ROUND_CHANGES = 60, PATIENCE_MS = 2000, MAX_RESULTS = 256, MAX_TEXT_BYTES = 1 << 24 };

static const int64_t START_MS = 1772359200000; /* 2026-03-01T10:00:00Z */

/* ---- Results ----------------------------------------------------------------------------------------------------------------- */

struct result {
    struct doc *doc;
    char *text; /* what it says, in an order of its own: failures stand in the order in which they were seen */
};

struct results {
    struct result items[MAX_RESULTS]; /* sorted by name */
    size_t count;
};

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *text_of(struct doc_value v) {
    struct buf text = buf_new(MAX_TEXT_BYTES);
    struct err err;
    assert_int_equal(json_write(v, JSON_COMPACT, &text, &err), 0);
    char *copy = strdup(text.data);
    buf_free(&text);
    return copy;
}

static char *says(const struct doc *result) {
    struct doc_value o = doc_root(result), errors = doc_path(o, "spec.error");
    char *lines[32], *text = NULL;
    size_t size, count = doc_len(errors);
    FILE *out = open_memstream(&text, &size);
    assert_true(out && count < 32);
    fprintf(out, STR_FMT ": " STR_FMT " of " STR_FMT " " STR_FMT, STR_ARG(doc_path_str(o, "metadata.name")),
            STR_ARG(doc_path_str(o, "spec.name")), STR_ARG(doc_path_str(o, "spec.parentObject")),
            STR_ARG(doc_path_str(o, "spec.severity")));
    for (size_t i = 0; i < count; i++) lines[i] = text_of(doc_at(errors, i));
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, " %s", lines[i]);
        free(lines[i]);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct results results_of(const struct site *s) {
    struct results all = {0};
    struct doc_builder *b = doc_builder_new();
    const struct dev_kind *kind = dev_kinds_by_name(&s->server->kinds, "core.k8sgpt.ai/v1alpha1", "Result");
    struct dev_object **objects = dev_storage_list(kind->objects, &all.count);
    assert_true(all.count <= MAX_RESULTS);
    for (size_t i = 0; i < all.count; i++) {
        struct buf text = buf_new(MAX_TEXT_BYTES);
        struct err err;
        dev_object_write(objects[i], kind, &text);
        all.items[i].doc = json_decode(b, (struct str){text.data, text.len}, NULL, &err);
        assert_non_null(all.items[i].doc);
        all.items[i].text = says(all.items[i].doc);
        buf_free(&text);
    }
    doc_builder_free(b);
    return all;
}

static void results_free(struct results *all) {
    for (size_t i = 0; i < all->count; i++) {
        doc_unref(all->items[i].doc);
        free(all->items[i].text);
    }
    all->count = 0;
}

static bool has(const struct results *all, const char *text) {
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].text, text) == 0) return true;
    return false;
}

static bool same_results(const struct results *a, const struct results *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) same = has(b, a->items[i].text);
    return same;
}

static void print_missing(const char *what, const struct results *from, const struct results *in) {
    for (size_t i = 0; i < from->count; i++) {
        if (has(in, from->items[i].text)) continue;
        char *status = text_of(doc_path(doc_root(from->items[i].doc), "status"));
        print_error("  %s: %s\n    status %s\n", what, from->items[i].text, status);
        free(status);
    }
}

/* What a new operator finds at the same time in a new cluster with the same objects. */
static struct results expected_results(const struct random_cluster *r) {
    struct site fresh = {0};
    start_server(&fresh, r);
    start_operator(&fresh, dev_server_port(fresh.server));
    await_quiet(&fresh);
    struct results all = results_of(&fresh);
    end_site(&fresh);
    return all;
}

static bool come_to(struct site *s, const struct results *expected) {
    bool same = false;
    for (int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000LL; !same && clock_mono_us() < until_us;) {
        (void)loop_run_until(s->loop, &NEVER, 5);
        struct results have = results_of(s);
        same = is_quiet(s) && same_results(&have, expected);
        results_free(&have);
    }
    return same;
}

/* Time has to go on meanwhile: texts are refreshed once a minute. */
static struct results await_expected(struct site *s, struct random_cluster *r, FILE *log) {
    FILE *other = tmpfile();
    struct results expected = {0};
    bool same = false;
    for (int i = 0; !same && i < WAIT_MS / PATIENCE_MS; i++) {
        results_free(&expected);
        set_time(s, r->now_ms += 61 * 1000);
        log_init(other, LOG_JSON, LOG_INFO);
        expected = expected_results(r);
        log_init(log, LOG_JSON, LOG_INFO);
        same = come_to(s, &expected);
    }
    fclose(other);
    if (same) return expected;
    struct results have = results_of(s);
    print_missing("only after interruptions", &have, &expected);
    print_missing("only fresh", &expected, &have);
    fail_msg("%zu Results, not %zu, %s", have.count, expected.count, is_quiet(s) ? "and quiet" : "and no end");
    return expected;
}

/* ---- news -------------------------------------------------------------------------------------------------------------------- */

enum { MAX_IDS = 4096, MAX_ID = 80 };

struct told {
    char ids[MAX_IDS][MAX_ID];
    bool open[MAX_IDS];
    size_t count, news;
};

static size_t told_at(struct told *t, struct str id) {
    size_t i = 0;
    assert_true(id.n > 0 && id.n < MAX_ID);
    while (i < t->count && !str_is(id, t->ids[i])) i++;
    if (i < t->count) return i;
    assert_true(t->count++ < MAX_IDS);
    memcpy(t->ids[i], id.p, id.n);
    t->ids[i][id.n] = '\0';
    t->open[i] = false;
    return i;
}

/* A finding is opened, perhaps changed, and resolved, in turns. */
static void take_line(struct told *t, const char *line) {
    struct doc_builder *b = doc_builder_new();
    struct err err;
    struct doc *doc = json_decode(b, str_of(line), NULL, &err);
    assert_non_null(doc);
    struct str logger = doc_path_str(doc_root(doc), "logger"), msg = doc_path_str(doc_root(doc), "msg");
    if (str_is(logger, "sink.log")) {
        size_t i = told_at(t, doc_path_str(doc_root(doc), "finding.id"));
        bool opens = str_is(msg, "finding opened"), resolves = str_is(msg, "finding resolved");
        if (opens == t->open[i]) fail_msg("out of turn: %s", line);
        if (opens || resolves) t->open[i] = opens;
        t->news++;
    }
    doc_unref(doc);
    doc_builder_free(b);
}

static size_t check_news(FILE *log, const struct results *now) {
    struct told *t = calloc(1, sizeof *t);
    char *line = NULL;
    size_t size = 0, open = 0, told_open = 0;
    assert_non_null(t);
    rewind(log);
    while (getline(&line, &size, log) > 0) take_line(t, line);
    free(line);
    for (size_t i = 0; i < now->count; i++) {
        struct doc_value findings = doc_path(doc_root(now->items[i].doc), "status.findings");
        for (size_t k = 0; k < doc_len(findings); k++) {
            if (!str_is(doc_path_str(doc_at(findings, k), "state"), "open")) continue;
            assert_true(t->open[told_at(t, doc_path_str(doc_at(findings, k), "id"))]);
            open++;
        }
    }
    for (size_t i = 0; i < t->count; i++) told_open += t->open[i];
    assert_int_equal(told_open, open);
    size_t news = t->news;
    free(t);
    return news;
}

/* ---- the story --------------------------------------------------------------------------------------------------------------- */

static struct random_cluster cuts; /* draws of the relay */

static int64_t any_number(void *arg) {
    (void)arg;
    return -1;
}

/* Some connections are cut soon, some late, some not at all. */
static int64_t some_bytes(void *arg) {
    static const size_t most[] = {400, 4000, 40000};
    (void)arg;
    size_t choice = draw(&cuts, 4);
    return choice == 3 ? -1 : 1 + (int64_t)draw(&cuts, most[choice]);
}

static bool is_secret(const struct thing *t) { return strcmp(t->sort->kind, "Secret") == 0; }

static void take_step(struct site *s, struct random_cluster *r, size_t number) {
    struct random_cluster before = *r;
    struct random_step step = random_cluster_step(r, number);
    if (step.thing && is_secret(step.thing))
        *r = before; /* looked up again after a while only */
    else if (step.what == STEP_TIME)
        set_time(s, r->now_ms);
    else if (step.what == STEP_PUT)
        store(s, step.thing);
    else
        dev_storage_remove(&s->server->storage, collection(s, step.thing->sort->api, step.thing->sort->kind), step.thing->ns,
                           step.thing->name);
}

static void take_round(struct site *s, struct random_cluster *r, size_t round) {
    s->relay.allowance = some_bytes;
    relay_limit(&s->relay);
    for (size_t i = 0; i < ROUND_CHANGES; i++) {
        take_step(s, r, round * ROUND_CHANGES + i);
        (void)loop_run_until(s->loop, &NEVER, (int64_t)draw(&cuts, 40));
    }
    s->relay.allowance = any_number;
    relay_limit(&s->relay);
    await_watches(s);
}

/* More happens than the server remembers, while nobody can ask it. */
static void long_pause(struct site *s, struct random_cluster *r) {
    const char noise[] = "{\"metadata\":{\"name\":\"noise\",\"namespace\":\"default\",\"uid\":\"noise\"}}";
    s->relay.refuses = true;
    relay_cut_all(&s->relay);
    for (size_t i = 0; i < 40; i++) take_step(s, r, (ROUNDS + 1) * ROUND_CHANGES + i);
    for (size_t i = 0; i <= DEV_LOG_EVENTS; i++)
        dev_storage_put(&s->server->storage, collection(s, "v1", "ConfigMap"), tree_parse(str_of(noise), NULL));
    s->relay.refuses = false;
    await_watches(s);
}

static void assert_metric(const struct site *s, const char *part) {
    struct buf text = buf_new(MAX_TEXT_BYTES);
    struct err err;
    assert_int_equal(metrics_write(s->metrics, &text, &err), 0);
    if (!strstr(text.data, part)) fail_msg("no %s", part);
    buf_free(&text);
}

static void assert_steady(struct site *s) {
    uint64_t version = s->server->storage.version;
    (void)loop_run_until(s->loop, &NEVER, 300);
    assert_true(is_quiet(s));
    assert_int_equal(s->server->storage.version, version);
}

static uint64_t seed(void) {
    const char *text = getenv("INTERRUPTION_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static void interruptions_leave_no_trace(void **state) {
    struct site s = {.relay.allowance = any_number};
    static struct random_cluster r;
    FILE *log = *state;
    print_message("seed %llu\n", (unsigned long long)seed());
    random_cluster_start(&r, seed(), START_MS);
    cuts.seed = ~seed();
    clock_fix_wall(START_MS);
    start_server(&s, &r);
    start_operator(&s, relay_start(&s.relay, s.loop, dev_server_port(s.server)));
    await_quiet(&s);
    for (size_t round = 0; round < ROUNDS; round++) take_round(&s, &r, round);
    size_t cut = s.relay.cuts;
    long_pause(&s, &r);
    struct results expected = await_expected(&s, &r, log);
    assert_steady(&s);
    struct results have = results_of(&s);
    size_t news = check_news(log, &have);
    print_message("%zu connections cut, %zu Results, %zu news\n", cut, have.count, news);
    assert_true(cut > 3 * ROUNDS && have.count > 5 && news > 20);
    assert_metric(&s, "reason=\"gone\"");
    results_free(&have);
    results_free(&expected);
    end_site(&s);
}

static int open_log(void **state) {
    FILE *log = tmpfile();
    *state = log;
    log_init(log, LOG_JSON, LOG_INFO);
    return log ? 0 : -1;
}

static int close_log(void **state) {
    log_init(stderr, LOG_CONSOLE, LOG_ERROR);
    return fclose(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(interruptions_leave_no_trace, open_log, close_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
