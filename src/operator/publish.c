#include "operator/publish.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/builder.h"
#include "doc/copy.h"
#include "operator/apply.h"
#include "operator/contest.h"

enum { MAX_WRITES = 16 };

/* One Result on its way. Lives until its last request is answered, also when the run is dropped. */
struct write {
    struct publish *publish; /* NULL: dropped */
    struct cluster *cluster;
    char *group_id;
    struct doc *result; /* NULL: delete */
    struct doc *stored; /* as the server answered last; NULL: nothing was written */
    char *ns, *name;    /* of the Result; name NULL: there is none to delete */
    struct doc *former; /* the Go operator's Result, which goes last; NULL: none */
    struct write *next;
    bool under_way;
    bool deferred; /* somebody disputes the Result: another time */
};

struct publish {
    struct wait wait; /* first: drop() casts */
    publish_done done;
    struct doc_builder *written; /* an open array of group ids */
    struct write *waiting;       /* not begun */
    struct write *flying;
    size_t flying_count;
    struct err first_error;
    bool starting; /* within publish_start: `done` is not to be called */
};

static void write_free(struct write *w) {
    doc_unref(w->result);
    doc_unref(w->stored);
    doc_unref(w->former);
    free(w->group_id);
    free(w->ns);
    free(w->name);
    free(w);
}

static void publish_drop(struct wait *wait) {
    struct publish *p = (struct publish *)wait;
    struct write *w;
    while ((w = p->waiting)) {
        p->waiting = w->next;
        write_free(w);
    }
    for (w = p->flying; w; w = w->next) w->publish = NULL;
    doc_builder_free(p->written);
    free(p);
}

static struct tenant *tenant_of(const struct publish *p) { return run_tenant(p->wait.run); }

static struct group *group_of(const struct write *w) { return findings_by_id(tenant_of(w->publish)->findings, str_of(w->group_id)); }

static void pump(struct publish *p);

static void unlink_flying(struct publish *p, const struct write *w) {
    struct write **at = &p->flying;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    p->flying_count--;
}

/* What failed may have been stored all the same, or its first half: from then on its name is known, so that it is deleted in the end. */
static void note_name(struct write *w, struct group *g) {
    struct err err;
    if (w->result && !g->result_name && group_note_result_name(g, str_of(w->name), &err)) log_error("publish", err.msg);
}

static void settle_group(struct write *w, const struct err *err) {
    struct group *g = group_of(w);
    if (!g) return;
    if (!err && !w->deferred) former_gone(g);
    if (w->deferred) {
        group_deferred(g);
    } else if (err) {
        note_name(w, g);
        group_publish_failed(g);
    } else if (!w->result)
        group_deleted(g);
    else {
        if (w->stored) telemetry_result_written(tenant_of(w->publish)->op->telemetry, g->noticed_us);
        g->noticed_us = 0;
        group_published(g, w->stored ? w->stored : g->published);
    }
}

/* All is done for the Result: err NULL or why not. */
static void conclude(struct write *w, const struct err *err) {
    struct publish *p = w->publish;
    if (p) {
        if (w->under_way) unlink_flying(p, w);
        if (err && !p->first_error.code) p->first_error = *err;
        if (!err && !w->deferred && (w->stored || !w->result)) doc_put_str(p->written, str_of(w->group_id));
        settle_group(w, err);
    }
    write_free(w);
    if (p && !p->starting) pump(p);
}

/* ---- the former Result ---------------------------------------------------------------------------------------------------------- */

static void former_deleted(struct doc *object, const struct err *err, void *arg) {
    (void)object;
    conclude(arg, err && err->code && err->code != ERR_NOT_FOUND ? err : NULL);
}

static struct doc *uid_of(const struct doc *object, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory to delete a Result");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "uid", doc_path_str(doc_root(object), "metadata.uid"));
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static void former_resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct write *w = arg;
    struct err local = {0};
    struct doc *body = resource ? uid_of(w->former, &local) : NULL;
    struct kube_request request = {.verb = KUBE_DELETE,
                                   .resource = resource,
                                   .ns = str_of(w->ns),
                                   .name = doc_path_str(doc_root(w->former), "metadata.name"),
                                   .body = doc_root(body),
                                   .done = former_deleted,
                                   .arg = w};
    int rc = body ? kube_send(cluster_client(w->cluster), &request, NULL, &local) : ERR_NOMEM;
    doc_unref(body);
    if (rc) conclude(w, resource ? &local : err);
}

/* The write is over: err NULL or why not. Only when ours is there the former one goes, so that nothing is ever missing. */
static void write_over(struct write *w, const struct err *err) {
    struct err local;
    const struct gvk *gvk = w->former && w->publish && !err && !w->deferred ? gvk_parse(str_of(RESULT_GVK), &local) : NULL;
    if (gvk)
        discovery_resolve(cluster_discovery(w->cluster), gvk, former_resolved, w);
    else
        conclude(w, err);
}

/* ---- delete ------------------------------------------------------------------------------------------------------------------- */

static void deleted(struct doc *object, const struct err *err, void *arg) {
    (void)object;
    write_over(arg, err && err->code && err->code != ERR_NOT_FOUND ? err : NULL);
}

/* The newest that is known of the stored object: what the watch brought, or what our own last write returned. */
static const struct doc *known_now(const struct write *w) {
    const struct group *g = w->publish ? group_of(w) : NULL;
    return w->stored ? w->stored : g ? g->published : NULL;
}

/* Only the object that is known, as it is known: what somebody made or changed since is another matter. NULL: none is known. */
static struct doc *preconditions(const struct write *w, struct err *err) {
    struct doc_value metadata = doc_get(doc_root(known_now(w)), STR("metadata"));
    struct str uid = doc_path_str(metadata, "uid"), version = doc_path_str(metadata, "resourceVersion");
    struct doc_builder *b = uid.n ? doc_builder_new() : NULL;
    if (!b) {
        if (uid.n) err_set(err, ERR_NOMEM, "no memory to delete a Result");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "uid", uid);
    if (version.n) doc_pair_str(b, "resourceVersion", version);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

static void delete_resolved(const struct resource *resource, const struct err *err, void *arg) {
    struct write *w = arg;
    struct err local = {0};
    if (!resource) {
        write_over(w, err);
        return;
    }
    struct doc *body = preconditions(w, &local);
    struct kube_request request = {.verb = KUBE_DELETE,
                                   .resource = resource,
                                   .ns = str_of(w->ns),
                                   .name = str_of(w->name),
                                   .body = doc_root(body),
                                   .done = deleted,
                                   .arg = w};
    int rc = (int)local.code;
    if (!rc) rc = kube_send(cluster_client(w->cluster), &request, NULL, &local);
    doc_unref(body);
    if (rc) write_over(w, &local);
}

static bool begin_delete(struct write *w) {
    struct err err;
    const struct gvk *gvk = gvk_parse(str_of(RESULT_GVK), &err);
    if (!w->name || !gvk) return false; /* there is no Result */
    discovery_resolve(cluster_discovery(w->cluster), gvk, delete_resolved, w);
    return true;
}

/* ---- apply -------------------------------------------------------------------------------------------------------------------- */

/* The object with only `part` ("status"), or with all but it. */
static struct doc *split(struct doc_value object, bool status, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a Result");
        return NULL;
    }
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(object); i++) {
        struct str key;
        struct doc_value value = doc_pair(object, i, &key, NULL);
        bool identity = str_is(key, "apiVersion") || str_is(key, "kind");
        if (!identity && !str_is(key, "metadata") && str_is(key, "status") != status) continue;
        doc_key(b, key);
        if (!status || !str_is(key, "metadata")) {
            doc_put_value(b, value);
            continue;
        }
        doc_begin_object(b); /* ownership of labels stays with the main object */
        doc_pair_str(b, "name", doc_path_str(value, "name"));
        doc_pair_str(b, "namespace", doc_path_str(value, "namespace"));
        doc_end_object(b);
    }
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* A Result's spec is all ours: what stands there and is not wanted any more (a cause) is to go. */
static bool leaves_out(struct doc_value wanted, struct doc_value have) {
    for (size_t i = 0; i < doc_len(have); i++) {
        struct str key;
        doc_pair(have, i, &key, NULL);
        if (doc_type(doc_get(wanted, key)) == DOC_ABSENT) return true;
    }
    return false;
}

static bool start_part(struct write *w, bool status, apply_done done, struct err *err) {
    struct doc *part = split(doc_root(w->result), status, err);
    const struct doc *known = known_now(w);
    struct apply *a = NULL;
    if (part && !status && leaves_out(doc_path(doc_root(part), "spec"), doc_path(doc_root(known), "spec")))
        a = apply_send(w->cluster, doc_root(part), NULL, true, done, w, err);
    else if (part)
        a = apply_start(w->cluster, doc_root(part), status ? "status" : NULL, true, known, done, w, err);
    doc_unref(part);
    return a != NULL;
}

static void remember(struct write *w, const struct doc *object) {
    if (!object) return;
    doc_unref(w->stored);
    w->stored = doc_ref(object);
}

static void status_applied(const struct doc *object, const struct err *err, void *arg) {
    remember(arg, object);
    write_over(arg, err);
}

static void begin_status(struct write *w) {
    struct err err = {0};
    if (start_part(w, true, status_applied, &err)) return;
    write_over(w, err.code ? &err : NULL);
}

static void object_applied(const struct doc *object, const struct err *err, void *arg) {
    remember(arg, object);
    if (err)
        write_over(arg, err);
    else
        begin_status(arg);
}

static void may_be_written(void *arg) { group_touch(arg); }

/* True when somebody keeps undoing what we write, and it is not yet time to write it again. */
static bool is_contested(const struct write *w) {
    struct group *g = group_of(w);
    bool undone = g && g->undone && !apply_is_covered(doc_root(w->result), doc_root(g->published));
    if (g) g->undone = false;
    if (undone && !g->contest)
        g->contest = contest_new(tenant_of(w->publish), RESULT_GVK, doc_path_str(doc_root(w->result), "metadata.name"), may_be_written, g);
    if (undone && g->contest && !contest_waits(g->contest)) contest_undone(g->contest);
    return g && contest_waits(g->contest);
}

/* False when there is nothing to write, or with *err when it cannot begin. */
static bool begin(struct write *w, struct err *err) {
    *err = (struct err){0};
    if (!w->result) return begin_delete(w);
    w->deferred = is_contested(w);
    if (w->deferred) return false;
    if (start_part(w, false, object_applied, err)) return true;
    return !err->code && start_part(w, true, status_applied, err);
}

/* ---- the list ----------------------------------------------------------------------------------------------------------------- */

static void pump(struct publish *p) {
    while (p->waiting && p->flying_count < MAX_WRITES) {
        struct write *w = p->waiting;
        struct err err;
        p->waiting = w->next;
        w->next = p->flying;
        p->flying = w;
        p->flying_count++;
        w->under_way = true;
        if (begin(w, &err)) continue;
        bool was_starting = p->starting;
        p->starting = true; /* no recursion into pump */
        write_over(w, err.code ? &err : NULL);
        p->starting = was_starting;
    }
    if (p->flying || p->waiting || p->starting) return;
    struct run *r = p->wait.run;
    struct err first = p->first_error, lost;
    publish_done done = p->done;
    doc_end_array(p->written);
    struct doc *written = doc_builder_finish(p->written, &lost); /* without memory for the list, nobody learns what was written */
    doc_builder_free(p->written);
    free(p);
    done(r, written, first.code ? &first : NULL);
    doc_unref(written);
}

static int add(struct publish *p, struct doc_value item, struct err *err) {
    struct tenant *t = tenant_of(p);
    struct group *g = findings_by_id(t->findings, doc_path_str(item, "group"));
    struct doc_value result = doc_path(item, "result");
    if (!g) return err_set(err, ERR_INVALID, "publish: there is no group " STR_FMT, STR_ARG(doc_path_str(item, "group")));
    struct write *w = calloc(1, sizeof *w);
    if (!w) return err_set(err, ERR_NOMEM, "no memory to publish");
    *w = (struct write){.publish = p, .cluster = t->op->cluster, .group_id = str_dup(str_of(g->id)), .ns = str_dup(str_of(t->ns))};
    bool applies = doc_type(result) == DOC_OBJECT;
    if (applies) w->result = doc_copy(result, err);
    if (applies || g->result_name) w->name = str_dup(applies ? doc_path_str(result, "metadata.name") : str_of(g->result_name));
    w->former = doc_ref(g->former);
    if (!w->group_id || !w->ns || (applies && !w->result) || (!w->name && (applies || g->result_name))) {
        write_free(w);
        return err_set(err, ERR_NOMEM, "no memory to publish");
    }
    struct write **end = &p->waiting;
    while (*end) end = &(*end)->next;
    *end = w;
    return 0;
}

struct wait *publish_start(struct run *r, struct doc_value items, publish_done done, struct err *err) {
    struct publish *p = calloc(1, sizeof *p);
    *err = (struct err){0};
    if (!p) {
        err_set(err, ERR_NOMEM, "no memory to publish");
        return NULL;
    }
    *p = (struct publish){.wait = {.run = r, .drop = publish_drop}, .done = done, .written = doc_builder_new(), .starting = true};
    int rc = p->written ? 0 : err_set(err, ERR_NOMEM, "no memory to publish");
    if (!rc) doc_begin_array(p->written);
    for (size_t i = 0; !rc && i < doc_len(items); i++) rc = add(p, doc_at(items, i), err);
    if (!rc) pump(p);
    p->starting = false;
    if (!rc && (p->flying || p->waiting)) return &p->wait;
    if (!rc && p->first_error.code) *err = p->first_error;
    publish_drop(&p->wait);
    return NULL;
}
