/*
 * findings_publish: takes what is dirty, tells of what opened and what resolved, and writes Results, as the operator does.
 */
#ifndef SPEC_OPERATOR_FINDINGS_PUBLISH_H
#define SPEC_OPERATOR_FINDINGS_PUBLISH_H

#include "findings_model.h"

static struct notification *record_of(struct group *g, const struct finding *f) {
    for (size_t i = 0; i < g->notification_count; i++)
        if (strcmp(g->notifications[i].finding, f->id) == 0) return &g->notifications[i];
    return NULL;
}

static void tell_opened(struct group *g, const struct finding *f, struct believed *b) {
    assert_false(b->told);
    b->told = true;
    opened++;
    g->notifications = reallocarray(g->notifications, g->notification_count + 1, sizeof *g->notifications);
    struct notification *n = &g->notifications[g->notification_count++];
    *n = (struct notification){.sink = str_dup(STR("log")), .ref = str_dup(STR(""))};
    memcpy(n->finding, f->id, sizeof n->finding);
}

static void tell_resolved(struct group *g, struct notification *n, struct believed *b) {
    assert_true(b->told);
    b->told = false;
    resolved++;
    free(n->sink);
    free(n->ref);
    *n = g->notifications[--g->notification_count];
}

/* As notify does: what is open and not told, and what was told and is no longer open. */
static void tell(struct group *g, struct object *o) {
    for (size_t k = 0; k < g->count; k++) {
        const struct finding *f = &g->findings[k];
        struct believed *b = &o->believed[failure_of_finding(o, f)];
        struct notification *n = record_of(g, f);
        assert_int_equal(finding_has_records(g, f), n != NULL);
        if (f->state == FINDING_PENDING) continue;
        if (finding_is_shown(f) && !n) tell_opened(g, f, b);
        if (!finding_is_shown(f) && n) tell_resolved(g, n, b);
    }
}

/* The same findings are open, and a text differs. */
static bool is_refresh(struct doc_value now, struct doc_value before) {
    bool differs = false;
    for (size_t i = 0; i < doc_len(now) || i < doc_len(before); i++) {
        struct doc_value a = doc_at(now, i), b = doc_at(before, i);
        bool a_open = str_is(doc_path_str(a, "state"), "open"), b_open = str_is(doc_path_str(b, "state"), "open");
        if (a_open != b_open || (a_open && !str_eq(doc_path_str(a, "id"), doc_path_str(b, "id")))) return false;
        differs |= a_open && !str_eq(doc_path_str(a, "text"), doc_path_str(b, "text"));
    }
    return differs;
}

/* `changed` moves with ids and severities alone. Texts alone are news once a minute at most. */
static void check_offer(struct object *o, struct doc_value group) {
    char text[CLOCK_TEXT_LEN];
    assert_str(doc_path_str(group, "changed"), clock_format_s(o->changed_ms, text));
    bool same = o->changes == o->written_changes;
    if (!same || !is_refresh(doc_path(group, "findings"), doc_path(doc_root(o->written), "findings"))) return;
    refreshed++;
    assert_true(now_ms >= o->written_ms + 60000);
}

static void offer(struct group *g) {
    struct err err;
    struct object *o = &objects[object_of(str_of(g->name))];
    tell(g, o);
    struct doc *doc = group_document(g, g->notification_count == 0, &err);
    assert_non_null(doc);
    check_offer(o, doc_root(doc));
    assert_null(o->offered);
    o->offered = doc;
    o->offered_ms = now_ms;
    o->offered_changes = o->changes;
}

/* As result.lua does: the open ones, or the last ones when none is. */
static void put_errors(struct doc_builder *b, struct doc_value findings) {
    size_t open = 0;
    for (size_t i = 0; i < doc_len(findings); i++) open += str_is(doc_path_str(doc_at(findings, i), "state"), "open");
    doc_key(b, STR("error"));
    doc_begin_array(b);
    for (size_t i = 0; i < (open ? open : doc_len(findings)); i++) doc_put_value(b, doc_at(findings, i));
    doc_end_array(b);
}

static struct doc *result_of(const char *name, struct doc_value group) {
    static const char *const status[] = {"firstSeen", "changed", "resolved", "findings", "notifications"};
    struct err err;
    char version[32];
    struct doc_builder *b = doc_builder_new();
    snprintf(version, sizeof version, "%lld", (long long)++resource_version);
    doc_begin_object(b);
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(name));
    doc_pair_str(b, "resourceVersion", str_of(version));
    doc_end_object(b);
    doc_key(b, STR("spec"));
    doc_begin_object(b);
    char full[64];
    snprintf(full, sizeof full, "shop/" STR_FMT, STR_ARG(doc_path_str(group, "name")));
    doc_pair_str(b, "analyzer", doc_path_str(group, "analyzer"));
    doc_pair_str(b, "kind", doc_path_str(group, "kind"));
    doc_pair_str(b, "name", str_of(full));
    doc_pair_str(b, "parentObject", doc_path_str(group, "parentObject"));
    put_errors(b, doc_path(group, "findings"));
    doc_end_object(b);
    doc_key(b, STR("status"));
    doc_begin_object(b);
    for (size_t i = 0; i < sizeof status / sizeof *status; i++) {
        if (doc_type(doc_path(group, status[i])) == DOC_ABSENT) continue;
        doc_key(b, str_of(status[i]));
        doc_put_value(b, doc_path(group, status[i]));
    }
    doc_end_object(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, &err);
    doc_builder_free(b);
    assert_non_null(doc);
    return doc;
}

/* A resolved group of which everybody knows goes; any other has a Result. */
static void write_result(struct object *o, struct group *g) {
    struct doc_value group = doc_root(o->offered);
    doc_unref(o->written);
    o->written = doc_ref(o->offered);
    o->written_ms = o->offered_ms;
    o->written_changes = o->offered_changes;
    doc_unref(o->result);
    o->result = NULL;
    if (doc_type(doc_path(group, "resolved")) != DOC_ABSENT && doc_bool(doc_path(group, "delivered"))) {
        group_deleted(g);
        return;
    }
    assert_true(doc_len(doc_path(group, "findings")) > 0);
    o->result = result_of("r", group);
    group_published(g, o->result);
}

static void settle_write(struct object *o, bool good) {
    if (!o->offered) return;
    struct group *g = findings_by_id(all, doc_path_str(doc_root(o->offered), "id"));
    assert_non_null(g);
    if (good) {
        write_result(o, g);
    } else {
        failed_writes++;
        group_publish_failed(g);
    }
    doc_unref(o->offered);
    o->offered = NULL;
}

static bool offer_dirty(void) {
    struct group *g;
    bool any = findings_any_dirty(all);
    while ((g = findings_next_dirty(all))) offer(g);
    return any;
}

static void drop_offers(void) {
    for (int o = 0; o < OBJECTS; o++) {
        doc_unref(objects[o].offered);
        objects[o].offered = NULL;
    }
}

/* What is published is what is shown, and nothing is left to write. */
static void publish_all(void) {
    for (int o = 0; o < OBJECTS; o++) settle_write(&objects[o], true);
    for (int n = 0; offer_dirty(); n++) {
        assert_true(n < 3);
        for (int o = 0; o < OBJECTS; o++) settle_write(&objects[o], true);
    }
    for (int o = 0; o < OBJECTS; o++)
        for (int i = 0; i < FAILURES; i++) {
            const struct believed *b = &objects[o].believed[i];
            /* what came back before its end was told may keep quiet within its grace */
            assert_true(b->told == is_shown(&objects[o], i) || (b->told && b->state == PENDING));
        }
}

#endif
