#include <stdlib.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "operator/findings_internal.h"

static void put_time(struct doc_builder *b, const char *name, int64_t wall_ms) {
    char text[CLOCK_TEXT_LEN];
    doc_pair_str(b, name, str_of(clock_format_s(wall_ms, text)));
}

/* Fields of the failure that pass through as the analyzer gave them, or as the Result has them that the finding was read back from. */
static void put_field(struct doc_builder *b, const struct finding *f, const char *name) {
    struct doc_value v = doc_get(doc_root(f->failure ? f->failure : f->adopted), str_of(name));
    doc_key(b, str_of(name));
    if (doc_type(v) == DOC_ARRAY) {
        doc_put_value(b, v);
        return;
    }
    doc_begin_array(b);
    doc_end_array(b);
}

static void put_common(struct doc_builder *b, const struct finding *f) {
    doc_pair_str(b, "id", str_of(f->id));
    doc_pair_str(b, "rule", str_of(f->rule));
    doc_pair_str(b, "key", str_of(f->key));
    doc_pair_str(b, "severity", str_of(severity_name(f->severity)));
    doc_pair_str(b, "text", finding_text(f));
    put_field(b, f, "sensitive");
    put_field(b, f, "evidence");
}

static void put_as(struct doc_builder *b, const struct group *g) {
    if (!g->aliases) return;
    doc_key(b, STR("as"));
    doc_begin_object(b);
    if (*g->as_kind) doc_pair_str(b, "kind", str_of(g->as_kind));
    if (*g->as_name) doc_pair_str(b, "name", str_of(g->as_name));
    doc_end_object(b);
}

static void put_object(struct doc_builder *b, const struct group *g) {
    doc_pair_str(b, "analyzer", str_of(g->analyzer));
    doc_pair_str(b, "apiVersion", str_of(g->api_version));
    doc_pair_str(b, "kind", str_of(g->kind));
    doc_pair_str(b, "namespace", str_of(g->ns));
    doc_pair_str(b, "name", str_of(g->name));
    put_as(b, g);
    doc_pair_str(b, "parentObject", str_of(g->parent));
}

/* k8sgpt.Cause. */
static void put_cause(struct doc_builder *b, struct finding_place root) {
    if (!root.group) return;
    doc_key(b, STR("cause"));
    doc_begin_object(b);
    doc_pair_str(b, "id", str_of(root.finding->id));
    doc_pair_str(b, "analyzer", str_of(root.group->analyzer));
    doc_pair_str(b, "kind", str_of(root.group->kind));
    doc_pair_str(b, "namespace", str_of(root.group->ns));
    doc_pair_str(b, "name", str_of(root.group->name));
    doc_pair_str(b, "rule", str_of(root.finding->rule));
    doc_pair_str(b, "severity", str_of(severity_name(root.finding->severity)));
    doc_pair_bool(b, "told", finding_is_told(root.group, root.finding));
    doc_end_object(b);
}

static void put_findings(struct doc_builder *b, const struct group *g, bool open) {
    for (size_t i = 0; i < g->count; i++) {
        const struct finding *f = &g->findings[i];
        /* One that came back before everybody knew of its end is still resolved to those who see it. */
        if ((f->state == FINDING_PENDING && !finding_has_records(g, f)) || finding_is_shown(f) != open) continue;
        doc_begin_object(b);
        put_common(b, f);
        doc_pair_str(b, "state", open ? STR("open") : STR("resolved"));
        doc_end_object(b);
    }
}

static void put_notifications(struct doc_builder *b, const struct group *g) {
    doc_key(b, STR("notifications"));
    doc_begin_array(b);
    for (size_t i = 0; i < g->notification_count; i++) {
        const struct notification *n = &g->notifications[i];
        if (n->given_up) continue;
        doc_begin_object(b);
        doc_pair_str(b, "sink", str_of(n->sink));
        doc_pair_str(b, "finding", str_of(n->finding));
        put_time(b, "sent", n->sent_ms);
        doc_pair_str(b, "ref", str_of(n->ref));
        doc_end_object(b);
    }
    doc_end_array(b);
}

struct doc *group_document(const struct group *g, bool delivered, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a group of findings");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "id", str_of(g->id));
    put_object(b, g);
    doc_pair_str(b, "details", str_of(g->details));
    put_cause(b, group_cause(g));
    put_time(b, "firstSeen", g->first_seen_ms);
    put_time(b, "changed", g->changed_ms ? g->changed_ms : g->first_seen_ms);
    if (g->resolved_ms) put_time(b, "resolved", g->resolved_ms);
    doc_key(b, STR("findings"));
    doc_begin_array(b);
    put_findings(b, g, true);
    put_findings(b, g, false);
    doc_end_array(b);
    put_notifications(b, g);
    if (g->result_name) doc_pair_str(b, "resultName", str_of(g->result_name));
    if (g->former) doc_pair_str(b, "formerName", doc_path_str(doc_root(g->former), "metadata.name"));
    doc_pair_bool(b, "delivered", delivered);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static void put_cr(struct doc_builder *b, const struct findings_identity *who) {
    doc_pair_str(b, "cluster", who->cluster);
    doc_key(b, STR("cr"));
    doc_begin_object(b);
    doc_pair_str(b, "namespace", who->cr_ns);
    doc_pair_str(b, "name", who->cr_name);
    doc_end_object(b);
}

/* A map of the object's metadata, {} where it has none. */
static void put_map(struct doc_builder *b, const struct doc *object, const char *name) {
    struct doc_value map = doc_get(doc_path(doc_root(object), "metadata"), str_of(name));
    doc_key(b, str_of(name));
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(map); i++) {
        struct str key;
        struct doc_value value = doc_pair(map, i, &key, NULL);
        doc_key(b, key);
        doc_put_value(b, value);
    }
    doc_end_object(b);
}

struct doc *finding_document(const struct group *g, const struct finding *f, const char *change, const struct doc *object,
                             struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a finding");
        return NULL;
    }
    doc_begin_object(b);
    if (change) {
        doc_pair_str(b, "change", str_of(change));
        put_time(b, "time", clock_wall_ms());
        put_cause(b, finding_cause(f));
    }
    put_cr(b, &g->all->identity);
    put_object(b, g);
    put_common(b, f);
    if (object) put_map(b, object, "labels");
    if (object) put_map(b, object, "annotations");
    doc_pair_str(b, "policy", str_of(g->analyzer));
    doc_pair_str(b, "layer", str_of(policy_layer_name(f->layer)));
    put_time(b, "firstSeen", f->first_seen_ms);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}
