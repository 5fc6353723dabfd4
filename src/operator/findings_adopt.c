#include <stdlib.h>

#include "base/clock.h"
#include "doc/copy.h"
#include "operator/findings_internal.h"

/* Upstream writes spec.name as "namespace/name", for cluster-scoped objects as "name". */
static void split_name(struct str full, struct str *ns, struct str *name) {
    struct str head, rest;
    bool cut = str_cut(full, '/', &head, &rest);
    *ns = cut ? head : STR("");
    *name = cut ? rest : full;
}

static struct finding *finding_of(struct group *g, struct str id) {
    for (size_t i = 0; i < g->count; i++)
        if (str_is(id, g->findings[i].id)) return &g->findings[i];
    return NULL;
}

static bool is_open(struct doc_value status) { return str_is(doc_path_str(status, "state"), "open"); }

/* One of our own verdicts' that people know already, and since when they know it. */
static void take_over(const struct group *g, struct finding *f, struct doc_value status) {
    if (!is_open(status)) return;
    if (f->state == FINDING_PENDING) f->state = FINDING_OPEN;
    f->first_seen_ms = g->first_seen_ms;
}

/*
 * spec.error lists the open findings in the order in which status.findings does (all, when none is open; see result.lua). So of one that
 * resolved beside others key and text are not known (`error` absent): it serves to tell those who were told of it.
 */
static int adopt_finding(struct group *g, struct doc_value status, struct doc_value error, struct err *err) {
    struct str id = doc_path_str(status, "id");
    char text[SHA256_HEX_LEN + 1] = "";
    if (id.n != SHA256_HEX_LEN) return 0;
    memcpy(text, id.p, id.n);
    struct finding *known = finding_of(g, id);
    if (known) {
        take_over(g, known, status);
        return 0;
    }
    struct finding *f = group_add(g, text, doc_path_str(status, "rule"), doc_path_str(error, "key"), err);
    if (!f) return err->code;
    f->state = is_open(status) ? FINDING_OPEN : FINDING_RESOLVED;
    f->first_seen_ms = g->first_seen_ms;
    if (!severity_parse(doc_path_str(error, "severity"), &f->severity)) f->severity = SEVERITY_MEDIUM;
    if (doc_type(error) == DOC_OBJECT && !(f->adopted = doc_copy(error, err))) return (int)err->code;
    return 0;
}

int notification_add(struct group *g, struct str sink, struct str finding, struct str ref, int64_t sent_ms, struct err *err) {
    struct notification *grown = reallocarray(g->notifications, g->notification_count + 1, sizeof *grown);
    if (!grown) return err_set(err, ERR_NOMEM, "no memory for a notification");
    g->notifications = grown;
    struct notification *to = &grown[g->notification_count];
    *to = (struct notification){.sink = str_dup(sink), .ref = str_dup(ref), .severity = SEVERITIES, .sent_ms = sent_ms};
    if (!to->sink || !to->ref) {
        free(to->sink);
        free(to->ref);
        return err_set(err, ERR_NOMEM, "no memory for a notification");
    }
    g->notification_count++;
    if (finding.n == SHA256_HEX_LEN) memcpy(to->finding, finding.p, finding.n);
    return 0;
}

static int adopt_notification(struct group *g, struct doc_value n, struct err *err) {
    int64_t sent_ms;
    if (!clock_parse(doc_path_str(n, "sent"), &sent_ms)) sent_ms = clock_wall_ms();
    return notification_add(g, doc_path_str(n, "sink"), doc_path_str(n, "finding"), doc_path_str(n, "ref"), sent_ms, err);
}

static void adopt_times(struct group *g, struct doc_value status) {
    int64_t now_ms = clock_wall_ms();
    if (!clock_parse(doc_path_str(status, "firstSeen"), &g->first_seen_ms)) g->first_seen_ms = now_ms;
    if (!clock_parse(doc_path_str(status, "changed"), &g->changed_ms)) g->changed_ms = g->first_seen_ms;
    if (!clock_parse(doc_path_str(status, "resolved"), &g->resolved_ms)) g->resolved_ms = 0;
    g->text_shown_ms = now_ms;
}

static int adopt_findings(struct group *g, struct doc_value spec, struct doc_value status, struct err *err) {
    struct doc_value findings = doc_path(status, "findings"), errors = doc_path(spec, "error"), notes = doc_path(status, "notifications");
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(findings); i++) rc = adopt_finding(g, doc_at(findings, i), doc_at(errors, i), err);
    for (size_t i = 0; !rc && i < doc_len(notes); i++) rc = adopt_notification(g, doc_at(notes, i), err);
    return rc;
}

static bool says(struct doc_value findings, struct doc_value errors, const struct finding *f) {
    for (size_t i = 0; i < doc_len(findings); i++) {
        struct doc_value status = doc_at(findings, i);
        if (str_is(doc_path_str(status, "id"), f->id))
            return is_open(status) && str_is(doc_path_str(doc_at(errors, i), "severity"), severity_name(f->severity));
    }
    return false;
}

/* True when people see in the Result what they are to see. */
static bool is_current(struct group *g, struct doc_value spec, struct doc_value status) {
    struct doc_value findings = doc_path(status, "findings"), errors = doc_path(spec, "error");
    for (size_t i = 0; i < g->count; i++)
        if (finding_is_shown(&g->findings[i]) && !says(findings, errors, &g->findings[i])) return false;
    for (size_t i = 0; i < doc_len(findings); i++) {
        const struct finding *f = is_open(doc_at(findings, i)) ? finding_of(g, doc_path_str(doc_at(findings, i), "id")) : NULL;
        if (f && !finding_is_shown(f)) return false;
    }
    return true;
}

static int adopt(struct group *g, struct doc *result, struct err *err) {
    struct doc_value spec = doc_path(doc_root(result), "spec"), status = doc_path(doc_root(result), "status");
    adopt_times(g, status);
    int rc = adopt_findings(g, spec, status, err);
    if (rc) return rc;
    if (!str_replace(&g->parent, doc_path_str(spec, "parentObject")) || !str_replace(&g->details, doc_path_str(spec, "details")))
        return err_set(err, ERR_NOMEM, "no memory for a Result");
    rc = group_note_result_name(g, doc_path_str(doc_root(result), "metadata.name"), err);
    if (rc) return rc;
    g->published = doc_ref(result);
    g->untold = true; /* sinks may have come while nobody was there to tell them */
    return 0;
}

/* A group of our own verdicts: what differs from the Result is published. */
static int merge(struct group *g, struct doc *result, struct err *err) {
    int rc = adopt(g, result, err);
    if (rc) return rc;
    if (!is_current(g, doc_path(doc_root(result), "spec"), doc_path(doc_root(result), "status"))) g->changed_ms = clock_wall_ms();
    group_touch(g);
    group_advance(g, clock_wall_ms());
    return 0;
}

static bool is_own_name(const struct group_key *key, struct str shown) {
    struct str ns, name;
    split_name(shown, &ns, &name);
    return str_eq(ns, key->ns) && str_eq(name, key->name) && shown.n == key->ns.n + (key->ns.n ? 1 : 0) + key->name.n;
}

/* One that is shown as something else names its object in an annotation, "Kind/namespace/name" (result.lua). */
static int key_of_shown(struct str object, struct str kind, struct str name, struct group_key *key, struct err *err) {
    struct str rest;
    if (!str_cut(object, '/', &key->kind, &rest) || !str_cut(rest, '/', &key->ns, &key->name) || key->name.n == 0)
        return err_set(err, ERR_INVALID, "a Result whose annotation k8sgpt.ai/object is not Kind/namespace/name");
    if (!str_eq(kind, key->kind)) key->as_kind = kind;
    if (!is_own_name(key, name)) key->as_name = name;
    return 0;
}

/* Upstream names analyzers after kinds, and what one finds of several kinds "Storage/PersistentVolume". */
static void key_of_upstream(struct group_key *key) {
    struct str shown = key->kind, kind;
    if (!str_cut(shown, '/', &key->analyzer, &kind)) return;
    key->kind = kind;
    key->as_kind = shown;
}

static int key_of_result(struct doc *result, struct group_key *key, struct err *err) {
    struct doc_value spec = doc_path(doc_root(result), "spec"), annotations = doc_path(doc_root(result), "metadata.annotations");
    struct str object = doc_str(doc_get(annotations, STR("k8sgpt.ai/object")));
    struct str kind = doc_path_str(spec, "kind"), name = doc_path_str(spec, "name");
    *key = (struct group_key){.analyzer = doc_path_str(spec, "analyzer"), .kind = kind};
    if (key->analyzer.n == 0) key_of_upstream(key);
    split_name(name, &key->ns, &key->name);
    if (kind.n == 0 || key->name.n == 0) return err_set(err, ERR_INVALID, "a Result without spec.kind or spec.name");
    return object.n ? key_of_shown(object, kind, name, key, err) : 0;
}

int findings_adopt(struct findings *f, struct doc *result, struct err *err) {
    struct group_key key;
    struct group *g;
    int rc = key_of_result(result, &key, err);
    if (!rc && former_is(result)) return former_adopt(f, &key, result, err);
    if (!rc) rc = group_find(f, &key, &g, err);
    if (rc || (g && g->result_name)) return rc;
    if (g) return merge(g, result, err);
    g = group_new(f, &key, STR("v1"), err); /* which API its kind belongs to the first verdict says */
    if (!g) return err->code;
    rc = adopt(g, result, err);
    if (rc)
        group_free(g);
    else
        group_notice(g);
    if (!rc && g->resolved_ms) group_touch(g); /* it waits for somebody to be told, or to be deleted */
    return rc;
}

static void forget_result(struct group *g, void *arg) {
    (void)arg;
    for (size_t i = 0; i < g->notification_count; i++) {
        free(g->notifications[i].sink);
        free(g->notifications[i].ref);
    }
    g->notification_count = 0;
    group_forget_result_name(g);
    doc_unref(g->published);
    g->published = NULL;
    former_gone(g);
    g->offered = g->untold = g->undone = false;
    g->noticed_us = 0;
    for (size_t i = 0; i < g->count; i++) g->findings[i].worded = g->findings[i].worded_shown = g->findings[i].told = false;
    if (group_is_open(g)) group_touch(g);
    group_advance(g, clock_wall_ms());
}

void findings_forget_results(struct findings *f) { findings_each(f, forget_result, NULL); }
