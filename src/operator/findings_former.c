#include <ctype.h>

#include "base/clock.h"
#include "operator/findings_internal.h"

/*
 * What the Go operator left: a Result that lists no findings, under another name. It stays until the group that is about the same object
 * has a Result of its own, and what it says people know already.
 */

bool former_is(const struct doc *result) {
    struct doc_value o = doc_root(result);
    return doc_path_str(o, "spec.analyzer").n == 0 && doc_type(doc_path(o, "status.findings")) == DOC_ABSENT;
}

static struct str next_part(struct str *rest) {
    size_t n = 0;
    while (n < rest->n && isdigit((unsigned char)rest->p[n])) n++;
    struct str after = {rest->p + n, rest->n - n};
    n = 0;
    while (n < after.n && !isdigit((unsigned char)after.p[n])) n++;
    *rest = (struct str){after.p + n, after.n - n};
    return (struct str){after.p, n};
}

/* "back-off 10s" is what "back-off 20s" was. */
static bool is_same_text(struct str a, struct str b) {
    while (a.n && b.n)
        if (!str_eq(next_part(&a), next_part(&b))) return false;
    return a.n == b.n;
}

static bool is_known(const struct group *g, const struct finding *f) {
    struct doc_value errors = doc_path(doc_root(g->former), "spec.error");
    for (size_t i = 0; i < doc_len(errors); i++)
        if (is_same_text(doc_path_str(doc_at(errors, i), "text"), finding_text(f))) return true;
    return false;
}

static int64_t created_ms(const struct doc *result) {
    int64_t ms;
    return clock_parse(doc_path_str(doc_root(result), "metadata.creationTimestamp"), &ms) ? ms : clock_wall_ms();
}

/* The log did not exist then, but is not to tell of it as of something new. */
static void record_told(struct group *g, const struct finding *f, int64_t sent_ms) {
    const struct findings_owner *owner = &g->all->owner;
    bool sink_too = !owner->was_told || owner->was_told(g->former, owner->arg);
    struct err err;
    if (notification_add(g, STR("log"), str_of(f->id), STR(""), sent_ms, &err) ||
        (sink_too && notification_add(g, STR("default"), str_of(f->id), STR(""), sent_ms, &err)))
        findings_lost(g->all, err.msg);
}

bool former_take_over(struct group *g, struct finding *f) {
    bool waits = f->state == FINDING_PENDING;
    if (!g->former || (!waits && f->state != FINDING_OPEN) || finding_has_records(g, f) || !is_known(g, f)) return false;
    int64_t since_ms = created_ms(g->former);
    f->state = FINDING_OPEN;
    if (since_ms < f->first_seen_ms) f->first_seen_ms = since_ms;
    record_told(g, f, since_ms);
    return true;
}

int former_adopt(struct findings *f, const struct group_key *key, struct doc *result, struct err *err) {
    struct group *g;
    int rc = group_find(f, key, &g, err);
    bool judged = !rc && g;
    if (!rc && !g && !(g = group_new(f, key, STR("v1"), err))) rc = (int)err->code; /* the first verdict says which API it is of */
    if (rc || g->former) return rc;
    g->former = doc_ref(result);
    if (!judged) {
        g->first_seen_ms = created_ms(result);
        group_notice(g);
        return 0;
    }
    for (size_t i = 0; i < g->count; i++) (void)former_take_over(g, &g->findings[i]);
    group_touch(g);
    group_advance(g, clock_wall_ms());
    return 0;
}

void former_gone(struct group *g) {
    doc_unref(g->former);
    g->former = NULL;
}
