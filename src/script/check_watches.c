#include <stdlib.h>

#include "script/load.h"

/* watches, fields and indexes: what a policy may read, as projections. */

int policy_add_watch(struct policy *p, const struct gvk *gvk, struct projection *projection, struct err *err) {
    if (!projection) return err_set(err, ERR_NOMEM, "no memory for a watch");
    for (size_t i = 0; i < p->watch_count; i++) {
        if (p->watches[i].gvk != gvk) continue;
        const struct projection *was = p->watches[i].projection;
        struct projection *both = projection_union(was, projection);
        projection_unref(projection);
        if (!both) return err_set(err, ERR_NOMEM, "no memory for a watch");
        projection_unref(was);
        p->watches[i].projection = both;
        return 0;
    }
    struct policy_watch *watches = realloc(p->watches, (p->watch_count + 1) * sizeof *watches);
    if (!watches) {
        projection_unref(projection);
        return err_set(err, ERR_NOMEM, "no memory for a watch");
    }
    p->watches = watches;
    p->watches[p->watch_count++] = (struct policy_watch){.gvk = gvk, .projection = projection};
    return 0;
}

int watch_add_index(struct policy_watch *watch, struct str path, struct err *err) {
    for (size_t i = 0; i < watch->index_count; i++)
        if (str_eq(watch->indexes[i], path)) return 0;
    struct str *indexes = realloc(watch->indexes, (watch->index_count + 1) * sizeof *indexes);
    if (indexes) watch->indexes = indexes;
    char *copy = indexes ? str_dup(path) : NULL;
    if (!copy) return err_set(err, ERR_NOMEM, "no memory for an index");
    watch->indexes[watch->index_count++] = (struct str){copy, path.n};
    return 0;
}

static int add_paths(struct projection *projection, struct doc_value paths, const char *what, struct err *err) {
    for (size_t i = 0; i < doc_len(paths); i++) {
        struct doc_value path = doc_at(paths, i);
        if (doc_type(path) != DOC_STRING) return err_set(err, ERR_POLICY, "%s must be a list of paths", what);
        if (projection_add(projection, doc_str(path), err)) return err_prefix(err, "%s", what), (int)(err->code = ERR_POLICY);
    }
    return 0;
}

/* What ctx.events matches and orders events by is kept for every policy that reads them. */
static int add_event_paths(struct projection *projection, const struct gvk *gvk, struct err *err) {
    static const char *const paths[] = {"involvedObject",         "type", "reason", "firstTimestamp", "lastTimestamp", "eventTime",
                                        "series.lastObservedTime"};
    int rc = 0;
    if (strcmp(gvk->text, "v1/Event") != 0) return 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && !rc; i++) rc = projection_add(projection, str_of(paths[i]), err);
    return rc;
}

static int check_watch_shape(const struct policy *p, struct doc_value watch, struct err *err) {
    if (doc_type(watch) != DOC_OBJECT) return 0;
    for (size_t i = 0; i < doc_len(watch); i++) {
        struct str key;
        struct doc_value v = doc_pair(watch, i, &key, NULL);
        if (str_is(key, "subject") && (doc_type(v) != DOC_BOOL || p->kind != POLICY_ANALYZER))
            return err_set(err, ERR_POLICY, "subject of a watch must be true or false, and is for analyzers");
        if (!str_is(key, "1") && !str_is(key, "fields") && !str_is(key, "subject"))
            return err_set(err, ERR_POLICY, "a watch has no field " STR_FMT, STR_ARG(key));
    }
    return 0;
}

static struct policy_watch *find_watch(struct policy *p, struct str gvk) {
    for (size_t i = 0; i < p->watch_count; i++)
        if (str_is(gvk, p->watches[i].gvk->text)) return &p->watches[i];
    return NULL;
}

static void mark_subject(struct policy *p, const struct gvk *gvk, struct doc_value watch) {
    struct policy_watch *to = find_watch(p, str_of(gvk->text));
    if (p->kind == POLICY_ANALYZER && (to == p->watches || doc_bool(doc_get(watch, STR("subject"))))) to->subject = true;
}

/* "v1/Pod", {"v1/Pod"} or {"v1/Pod", fields = {…}}; the first one's fields may also stand in the policy's own. */
static int check_watch(struct policy *p, struct doc_value watch, struct doc_value subject_fields, struct err *err) {
    struct doc_value name = watch;
    if (doc_type(watch) == DOC_OBJECT)
        name = doc_get(watch, STR("1"));
    else if (doc_type(watch) == DOC_ARRAY && doc_len(watch) == 1)
        name = doc_at(watch, 0);
    if (doc_type(name) != DOC_STRING) return err_set(err, ERR_POLICY, "a watch must be \"v1/Pod\" or {\"v1/Pod\", fields = {…}}");
    int rc = check_watch_shape(p, watch, err);
    if (rc) return rc;
    const struct gvk *gvk = gvk_parse(doc_str(name), err);
    if (!gvk) return err_prefix(err, "watches");
    struct projection *projection = projection_new();
    if (!projection) return err_set(err, ERR_NOMEM, "no memory for a watch");
    rc = add_paths(projection, doc_get(watch, STR("fields")), "fields", err);
    if (!rc) rc = add_paths(projection, subject_fields, "fields", err);
    if (!rc) rc = add_event_paths(projection, gvk, err);
    if (rc) {
        projection_unref(projection);
        return rc;
    }
    rc = policy_add_watch(p, gvk, projection, err);
    if (!rc) mark_subject(p, gvk, watch);
    return rc;
}

/* An index works on kept fields only, so its paths are kept as well. */
static int check_index(struct policy *p, struct str gvk, struct doc_value paths, struct err *err) {
    struct policy_watch *watch = find_watch(p, gvk);
    if (!watch) return err_set(err, ERR_POLICY, "indexes of " STR_FMT ", which is not among watches", STR_ARG(gvk));
    if (doc_type(paths) != DOC_ARRAY) return err_set(err, ERR_POLICY, "indexes of " STR_FMT " must be a list of paths", STR_ARG(gvk));
    struct projection *projection = projection_new();
    if (!projection) return err_set(err, ERR_NOMEM, "no memory for an index");
    int rc = add_paths(projection, paths, "indexes", err);
    if (rc) {
        projection_unref(projection);
        return rc;
    }
    rc = policy_add_watch(p, watch->gvk, projection, err);
    for (size_t i = 0; i < doc_len(paths) && !rc; i++) rc = watch_add_index(watch, doc_str(doc_at(paths, i)), err);
    return rc;
}

int check_watches(struct policy *p, struct doc_value table, struct err *err) {
    struct doc_value watches = doc_get(table, STR("watches")), subject_fields = doc_get(table, STR("fields"));
    struct doc_value indexes = doc_get(table, STR("indexes"));
    int rc = 0;
    if (doc_len(watches) == 0 && doc_len(subject_fields) > 0) return err_set(err, ERR_POLICY, "fields without watches");
    if (doc_len(watches) == 0 && p->kind == POLICY_ANALYZER && !p->wraps)
        return err_set(err, ERR_POLICY, "an analyzer needs watches; the first is its subject");
    for (size_t i = 0; i < doc_len(watches) && !rc; i++)
        rc = check_watch(p, doc_at(watches, i), i == 0 ? subject_fields : DOC_NO_VALUE, err);
    for (size_t i = 0; i < doc_len(indexes) && !rc; i++) {
        struct str gvk;
        struct doc_value paths = doc_pair(indexes, i, &gvk, NULL);
        rc = check_index(p, gvk, paths, err);
    }
    return rc;
}
