#include <stdlib.h>

#include "base/clock.h"
#include "operator/findings_internal.h"

/* Upstream writes spec.name as "namespace/name", for cluster-scoped objects as "name". */
static void split_name(struct str full, struct str *ns, struct str *name) {
    struct str head, rest;
    bool cut = str_cut(full, '/', &head, &rest);
    *ns = cut ? head : STR("");
    *name = cut ? rest : full;
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
    struct finding *f = group_add(g, text, doc_path_str(status, "rule"), doc_path_str(error, "key"), err);
    if (!f) return err->code;
    f->state = str_is(doc_path_str(status, "state"), "open") ? FINDING_OPEN : FINDING_RESOLVED;
    f->first_seen_ms = g->first_seen_ms;
    if (!severity_parse(doc_path_str(error, "severity"), &f->severity)) f->severity = SEVERITY_MEDIUM;
    return str_replace(&f->text, doc_path_str(error, "text")) ? 0 : err_set(err, ERR_NOMEM, "no memory for a finding");
}

static int adopt_notification(struct group *g, struct doc_value n, struct err *err) {
    struct notification *grown = reallocarray(g->notifications, g->notification_count + 1, sizeof *grown);
    if (!grown) return err_set(err, ERR_NOMEM, "no memory for a notification");
    g->notifications = grown;
    struct notification *to = &grown[g->notification_count];
    *to = (struct notification){.sink = str_dup(doc_path_str(n, "sink")), .ref = str_dup(doc_path_str(n, "ref")), .severity = SEVERITIES};
    if (!to->sink || !to->ref) {
        free(to->sink);
        free(to->ref);
        return err_set(err, ERR_NOMEM, "no memory for a notification");
    }
    g->notification_count++;
    struct str id = doc_path_str(n, "finding");
    if (id.n == SHA256_HEX_LEN) memcpy(to->finding, id.p, id.n);
    if (!clock_parse(doc_path_str(n, "sent"), &to->sent_ms)) to->sent_ms = clock_wall_ms();
    return 0;
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

static int key_of_result(struct doc *result, struct group_key *key, struct err *err) {
    struct doc_value spec = doc_path(doc_root(result), "spec"), annotations = doc_path(doc_root(result), "metadata.annotations");
    struct str object = doc_str(doc_get(annotations, STR("k8sgpt.ai/object")));
    struct str kind = doc_path_str(spec, "kind"), name = doc_path_str(spec, "name");
    *key = (struct group_key){.analyzer = doc_path_str(spec, "analyzer"), .kind = kind};
    if (key->analyzer.n == 0) key->analyzer = kind; /* upstream names analyzers after kinds */
    split_name(name, &key->ns, &key->name);
    if (kind.n == 0 || key->name.n == 0) return err_set(err, ERR_INVALID, "a Result without spec.kind or spec.name");
    return object.n ? key_of_shown(object, kind, name, key, err) : 0;
}

int findings_adopt(struct findings *f, struct doc *result, struct err *err) {
    struct doc_value spec = doc_path(doc_root(result), "spec"), status = doc_path(doc_root(result), "status");
    struct group_key key;
    struct group *g;
    int rc = key_of_result(result, &key, err);
    if (!rc) rc = group_find(f, &key, &g, err);
    if (rc || g) return rc;
    g = group_new(f, &key, STR("v1"), err); /* which API its kind belongs to the first verdict says */
    if (!g) return err->code;
    adopt_times(g, status);
    rc = adopt_findings(g, spec, status, err);
    if (!rc && !(str_replace(&g->parent, doc_path_str(spec, "parentObject")) &&
                 str_replace(&g->result_name, doc_path_str(doc_root(result), "metadata.name"))))
        rc = err_set(err, ERR_NOMEM, "no memory for a Result");
    if (rc) {
        group_free(g);
        return rc;
    }
    g->published = doc_ref(result);
    g->untold = true;                   /* sinks may have come while nobody was there to tell them */
    if (g->resolved_ms) group_touch(g); /* it waits for somebody to be told, or to be deleted */
    return 0;
}
