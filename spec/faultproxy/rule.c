#include "rule.h"

#include <stdio.h>

#include "memory.h"

enum { MAX_RULES = 256 };

static const char *const NAMES[] = {"none", "cut", "half_close", "black_hole", "trickle", "delay", "refuse", "answer", "duplicate", "hold"};

struct rule {
    char *method, *path, *verb; /* NULL: any */
    int64_t nth, times, seen, used;
    struct fault fault;
    struct rule *next;
};

const char *fault_name(enum fault_kind kind) { return NAMES[kind]; }

/* ---- requests ----------------------------------------------------------------------------------------------------------------- */

static size_t segments(struct str path) {
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) n += path.p[i] == '/' && i + 1 < path.n && path.p[i + 1] != '/';
    return n;
}

/* Segments of a collection's path: /api/V/R, /apis/G/V/R, each perhaps with namespaces/NS before R. 0: no resource. */
static size_t collection_segments(struct str path) {
    size_t root = str_starts(path, STR("/api/")) ? 2 : str_starts(path, STR("/apis/")) ? 3 : 0, have = segments(path);
    if (!root || have <= root) return 0;
    bool scoped = str_glob(str_of(root == 2 ? "/api/*/namespaces/*/*" : "/apis/*/*/namespaces/*/*"), path);
    return root + (scoped ? 3 : 1);
}

static bool asks_to_watch(struct str query) { return str_glob(STR("*watch=1*"), query) || str_glob(STR("*watch=true*"), query); }

/* A question that is put by POST and stores nothing. */
static bool is_review(struct str path) { return str_glob(STR("/apis/auth*.k8s.io/*/*reviews"), path); }

const char *request_verb(const struct request_line *r) {
    size_t collection = collection_segments(r->path);
    if (!r->method.n || !collection || is_review(r->path)) return "other";
    if (!str_is(r->method, "GET") && !str_is(r->method, "HEAD")) return "write";
    if (segments(r->path) > collection) return "get";
    return asks_to_watch(r->query) ? "watch" : "list";
}

/* ---- from JSON ---------------------------------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *json, const char *key) { return cJSON_GetStringValue(cJSON_GetObjectItem(json, key)); }

static int64_t number_of(const cJSON *json, const char *key, int64_t otherwise) {
    const cJSON *value = cJSON_GetObjectItem(json, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : otherwise;
}

static bool flag_of(const cJSON *json, const char *key) { return cJSON_IsTrue(cJSON_GetObjectItem(json, key)); }

static enum fault_kind kind_of(const char *name) {
    for (size_t i = FAULT_CUT; name && i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(NAMES[i], name) == 0) return (enum fault_kind)i;
    return FAULT_NONE;
}

/* A member that no rule has is a mistake of the test, which would wait for nothing. */
static int check_members(const cJSON *json, struct err *err) {
    static const char *const KNOWN[] = {"do", "fault",  "method",      "verb",    "path",      "nth",   "times", "after", "reset", "rate",
                                        "ms", "status", "retry_after", "applied", "in_stream", "event", "point", "side",  "file"};
    const cJSON *member;
    cJSON_ArrayForEach(member, json) {
        size_t i = 0;
        while (i < sizeof KNOWN / sizeof *KNOWN && strcmp(KNOWN[i], member->string) != 0) i++;
        if (i == sizeof KNOWN / sizeof *KNOWN) return err_set(err, ERR_INVALID, "a rule has no member \"%s\"", member->string);
    }
    return 0;
}

static int check_fault(const struct fault *f, const cJSON *json, bool raw, struct err *err) {
    if (!f->kind) return err_set(err, ERR_INVALID, "there is no fault \"%s\"", text_of(json, "fault") ? text_of(json, "fault") : "");
    if (raw && f->kind >= FAULT_ANSWER) return err_set(err, ERR_INVALID, "the fault %s needs HTTP", NAMES[f->kind]);
    if (f->kind == FAULT_TRICKLE && f->rate <= 0) return err_set(err, ERR_INVALID, "trickle needs a rate in bytes a second");
    if (f->kind == FAULT_ANSWER && !f->in_stream && (f->status < 200 || f->status > 599))
        return err_set(err, ERR_INVALID, "answer needs a status");
    return 0;
}

static struct fault fault_of(const cJSON *json) {
    const char *side = text_of(json, "side"), *point = text_of(json, "point"), *file = text_of(json, "file");
    int64_t after = number_of(json, "after", 0);
    struct fault fault = {
        .kind = kind_of(text_of(json, "fault")),
        .up = side && strcmp(side, "up") == 0,
        .reset = flag_of(json, "reset"),
        .applied = flag_of(json, "applied"),
        .in_stream = flag_of(json, "in_stream"),
        .at_answer = point && strcmp(point, "answer") == 0,
        .after = after > 0 ? (uint64_t)after : 0,
        .rate = number_of(json, "rate", 0),
        .delay_ms = number_of(json, "ms", 0),
        .event = number_of(json, "event", 1),
        .status = (int)number_of(json, "status", 0),
        .retry_after_s = (int)number_of(json, "retry_after", 0),
    };
    snprintf(fault.file, sizeof fault.file, "%s", file ? file : "");
    return fault;
}

static char *copy_of(const cJSON *json, const char *key) {
    const char *text = text_of(json, key);
    return text ? memory_text(str_of(text)) : NULL;
}

int rules_add(struct rules *rules, const cJSON *json, bool raw, unsigned *number, struct err *err) {
    struct fault fault = fault_of(json);
    int rc = check_members(json, err);
    if (!rc) rc = check_fault(&fault, json, raw, err);
    if (!rc && rules->count == MAX_RULES) rc = err_set(err, ERR_LIMIT, "more than %d rules", MAX_RULES);
    if (rc) return rc;
    struct rule *r = memory_new(sizeof *r), **end = &rules->list;
    *number = fault.rule = ++rules->made;
    rules->count++;
    *r = (struct rule){.method = copy_of(json, "method"),
                       .path = copy_of(json, "path"),
                       .verb = copy_of(json, "verb"),
                       .nth = number_of(json, "nth", 1),
                       .times = number_of(json, "times", 1),
                       .fault = fault};
    while (*end) end = &(*end)->next;
    *end = r;
    return 0;
}

void rules_clear(struct rules *rules) {
    while (rules->list) {
        struct rule *r = rules->list;
        rules->list = r->next;
        free(r->method);
        free(r->path);
        free(r->verb);
        free(r);
    }
    rules->count = 0;
}

static bool matches(const struct rule *r, const struct request_line *line) {
    return (!r->method || str_is(line->method, r->method)) && (!r->verb || strcmp(r->verb, line->verb) == 0) &&
           (!r->path || str_glob(str_of(r->path), line->path));
}

/* Every rule counts every request that matches it, whichever of them comes to act: "the third write" means that, whatever met the first. */
struct fault rules_meet(struct rules *rules, const struct request_line *line) {
    struct rule *met = NULL;
    for (struct rule *r = rules->list; r; r = r->next) {
        if (!matches(r, line)) continue;
        r->seen++;
        if (!met && r->seen >= r->nth && (r->times == 0 || r->used < r->times)) met = r;
    }
    if (!met) return (struct fault){0};
    met->used++;
    return met->fault;
}
