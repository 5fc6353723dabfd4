#include "operator/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/findings.h"

static const char EVENTS[] = "v1/Event";
static const char EVENT_INDEX[] = "involvedObject.name"; /* declared for every watch of events, see wants */

static bool recording(const struct reader *r) { return r->reads && r->evaluation; }

static int hold(struct reader *r, const struct doc *doc, struct err *err) {
    if (!r->hold || !doc) return 0;
    if (r->held_count == r->held_cap) {
        size_t cap = r->held_cap ? r->held_cap * 2 : 16;
        const struct doc **held = reallocarray(r->held, cap, sizeof *held);
        if (!held) return err_set(err, ERR_NOMEM, "no memory for what a step reads");
        r->held = held;
        r->held_cap = cap;
    }
    r->held[r->held_count++] = doc_ref(doc);
    return 0;
}

void reader_release(struct reader *r) {
    for (size_t i = 0; i < r->held_count; i++) doc_unref(r->held[i]);
    free(r->held);
    r->held = NULL;
    r->held_count = r->held_cap = 0;
}

/*
 * The store to read, or why not. An API that the server does not have holds no objects: *store NULL and no error. The state is
 * recorded where it decided, so that a granted right or an installed CRD makes the policy run again.
 */
static int open_store(struct reader *r, const struct gvk *gvk, struct str ns, struct store **store, struct err *err) {
    const struct err *why = NULL;
    enum reflector_state state = cluster_state_in(r->cluster, gvk, ns, &why);
    *store = state == REFLECTOR_SYNCED ? cluster_store(r->cluster, gvk) : NULL;
    if (*store) return 0;
    if (recording(r)) {
        int rc = reads_state(r->reads, r->evaluation, gvk, err);
        if (rc) return rc;
    }
    if (state == REFLECTOR_DENIED) return err_set(err, ERR_FORBIDDEN, "%s: %s", gvk->text, why ? why->msg : "forbidden");
    if (state == REFLECTOR_SYNCING) return err_set(err, ERR_TIMEOUT, "%s is not synced yet", gvk->text);
    return 0;
}

static int read_get(void *arg, const struct gvk *gvk, struct str ns, struct str name, const struct doc **out, struct err *err) {
    struct reader *r = arg;
    struct store *store;
    *out = NULL;
    if (secrets_is(gvk) && cluster_client(r->cluster)) return err_set(err, ERR_UNSUPPORTED, "a Secret cannot be read: ask ctx.exists");
    int rc = open_store(r, gvk, ns, &store, err);
    if (!rc && store) {
        *out = store_get(store, ns, name);
        if (recording(r)) rc = reads_object(r->reads, r->evaluation, gvk, ns, name, err);
        if (!rc) rc = hold(r, *out, err);
    }
    return rc;
}

static int read_exists(void *arg, const struct gvk *gvk, struct str ns, struct str name, bool *out, struct err *err) {
    struct reader *r = arg;
    struct store *store;
    *out = false;
    if (secrets_is(gvk) && r->secrets) return secrets_exists(r->secrets, r->evaluation, ns, name, out, err);
    if (secrets_is(gvk) && cluster_client(r->cluster))
        return err_set(err, ERR_UNSUPPORTED, "only analyzers can ask whether a Secret exists");
    int rc = open_store(r, gvk, ns, &store, err);
    if (!rc && store) {
        *out = store_get(store, ns, name) != NULL;
        if (recording(r)) rc = reads_existence(r->reads, r->evaluation, gvk, ns, name, err);
    }
    return rc;
}

static void mark(struct str ns, const struct err *why, void *arg) {
    (void)ns;
    (void)why;
    *(bool *)arg = true;
}

/* A list over all namespaces is of those that may be read: what was there before a right was lost is no answer any more. */
static void leave_out_denied(const struct reader *r, const struct gvk *gvk, struct doc **objects, size_t *count) {
    bool denied = false;
    size_t kept = 0;
    cluster_each_denied(r->cluster, gvk, mark, &denied);
    for (size_t i = 0; denied && i < *count; i++) {
        struct str ns = doc_path_str(doc_root(objects[i]), "metadata.namespace");
        if (cluster_state_in(r->cluster, gvk, ns, NULL) == REFLECTOR_SYNCED) objects[kept++] = objects[i];
    }
    if (denied) *count = kept;
}

static int read_list(void *arg, const struct gvk *gvk, const struct store_query *query, struct doc ***out, size_t *count, struct err *err) {
    struct reader *r = arg;
    struct store *store;
    *out = NULL;
    *count = 0;
    int rc = open_store(r, gvk, query->ns, &store, err);
    if (rc || !store) return rc;
    if (recording(r)) rc = reads_list(r->reads, r->evaluation, store, query, err);
    if (!rc) rc = store_list(store, query, out, count, err);
    if (!rc && !query->ns.n) leave_out_denied(r, gvk, *out, count);
    for (size_t i = 0; !rc && i < *count; i++) rc = hold(r, (*out)[i], err);
    if (!rc) return 0;
    free(*out);
    *out = NULL;
    *count = 0;
    return rc;
}

/* When an event was last seen (Event v1 core: series.lastObservedTime, lastTimestamp, eventTime), as far as those fields are kept. */
static int64_t event_time_ms(const struct doc *event) {
    static const char *const paths[] = {"series.lastObservedTime", "lastTimestamp", "eventTime", "metadata.creationTimestamp"};
    int64_t ms = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (clock_parse(doc_path_str(doc_root(event), paths[i]), &ms)) return ms;
    return 0;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = event_time_ms(*(struct doc *const *)a), y = event_time_ms(*(struct doc *const *)b);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* By kind, namespace and name, and by uid where the event has one. Kubelet events about nodes carry the node's name as uid. */
static bool event_is_about(const struct doc *event, const struct doc *object) {
    struct doc_value about = doc_path(doc_root(event), "involvedObject"), o = doc_root(object);
    struct str uid = doc_path_str(about, "uid"), name = doc_path_str(o, "metadata.name");
    return str_eq(doc_path_str(about, "kind"), doc_path_str(o, "kind")) &&
           str_eq(doc_path_str(about, "namespace"), doc_path_str(o, "metadata.namespace")) && str_eq(doc_path_str(about, "name"), name) &&
           (uid.n == 0 || str_eq(uid, name) || str_eq(uid, doc_path_str(o, "metadata.uid")));
}

static int read_events(void *arg, const struct doc *object, struct doc ***out, size_t *count, struct err *err) {
    const struct gvk *gvk = gvk_parse(str_of(EVENTS), err);
    if (!gvk) return err->code;
    /* Events are kept beside what they are about, those about cluster-scoped objects in any namespace. */
    struct doc_value metadata = doc_path(doc_root(object), "metadata");
    struct store_query query = {
        .ns = doc_path_str(metadata, "namespace"), .index_path = str_of(EVENT_INDEX), .index_value = doc_path_str(metadata, "name")};
    size_t found = 0, all;
    int rc = read_list(arg, gvk, &query, out, &all, err);
    if (rc) return rc;
    for (size_t i = 0; i < all; i++)
        if (event_is_about((*out)[i], object)) (*out)[found++] = (*out)[i];
    if (found > 1) qsort(*out, found, sizeof **out, newest_first);
    *count = found;
    return 0;
}

static int read_parent(void *arg, const struct doc *object, const struct doc **out, struct err *err) {
    struct reader *r = arg;
    int rc = owners_parent(r->owners, recording(r) ? r->evaluation : NULL, object, out, err);
    return rc ? rc : hold(r, *out, err);
}

static bool read_readable(void *arg, const struct gvk *gvk, struct str ns) {
    struct reader *r = arg;
    struct err err;
    if (secrets_is(gvk) && r->secrets) return secrets_readable(r->secrets, r->evaluation, ns);
    if (recording(r) && reads_state(r->reads, r->evaluation, gvk, &err)) return false;
    return cluster_state_in(r->cluster, gvk, ns, NULL) == REFLECTOR_SYNCED;
}

static int read_findings_of(void *arg, struct str kind, struct str ns, struct str name, struct doc **out, struct err *err) {
    struct reader *r = arg;
    if (!r->findings) return err_set(err, ERR_UNSUPPORTED, "ctx.findings_of is for correlate policies");
    int rc = recording(r) ? reads_findings(r->reads, r->evaluation, r->findings, kind, ns, name, err) : 0;
    if (rc) return rc;
    *out = findings_open(r->findings, kind, ns, name, err);
    return *out ? 0 : err->code;
}

static int64_t read_now_ms(void *arg) {
    (void)arg;
    return clock_wall_ms();
}

static void read_again_at(void *arg, int64_t wall_ms) {
    struct reader *r = arg;
    if (r->again_at_ms == 0 || wall_ms < r->again_at_ms) r->again_at_ms = wall_ms;
}

static void read_log(void *arg, struct str level, struct str message) {
    const struct reader *r = arg;
    enum log_level at = str_is(level, "error")   ? LOG_ERROR
                        : str_is(level, "warn")  ? LOG_WARN
                        : str_is(level, "debug") ? LOG_DEBUG
                                                 : LOG_INFO;
    LOG_AT_(at, "policy", "message", LOG_S("policy", r->policy), LOG_T("text", message));
}

static void read_trace(void *arg, struct str message) {
    struct reader *r = arg;
    if (r->trace) r->trace(message, r->trace_arg);
}

const struct script_host READER_HOST = {
    .get = read_get,
    .exists = read_exists,
    .list = read_list,
    .events = read_events,
    .parent = read_parent,
    .readable = read_readable,
    .findings_of = read_findings_of,
    .now_ms = read_now_ms,
    .again_at = read_again_at,
    .log = read_log,
    .trace = read_trace,
};

enum { MAX_OWNER_CHAIN = 16 }; /* owner references may form a ring */

int reader_root_owner(struct reader *r, const struct doc *object, char **out, struct err *err) {
    const struct doc *root = NULL, *next = NULL;
    for (int depth = 0; depth < MAX_OWNER_CHAIN; depth++) {
        int rc = read_parent(r, root ? root : object, &next, err);
        if (rc) return rc;
        if (!next) break;
        root = next;
    }
    struct doc_value o = doc_root(root);
    struct str kind = doc_path_str(o, "kind"), ns = doc_path_str(o, "metadata.namespace"), name = doc_path_str(o, "metadata.name");
    int n = !root  ? asprintf(out, "%s", "")
            : ns.n ? asprintf(out, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(ns), STR_ARG(name))
                   : asprintf(out, STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(name));
    return n < 0 ? err_set(err, ERR_NOMEM, "no memory for the owner of an object") : 0;
}
