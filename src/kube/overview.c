#include "kube/overview.h"

#include <stdlib.h>

#include "base/log.h"
#include "doc/stream.h"

enum { TIMEOUT_MS = 10 * 1000 };

/* The answer at one of the two paths. */
struct half {
    struct overview *all;
    struct kube_call *call; /* NULL: not under way */
    struct list_reader *reader;
};

struct overview {
    struct half core, groups;
    struct projection *fields;
    void (*entry)(const struct overview_entry *e, void *arg);
    void (*done)(void *arg);
    void *arg;
};

bool overview_has_verb(struct doc_value resource, const char *verb) {
    struct doc_value verbs = doc_get(resource, STR("verbs"));
    for (size_t i = 0; i < doc_len(verbs); i++) {
        if (str_is(doc_str(doc_at(verbs, i)), verb)) return true;
    }
    return false;
}

static bool has_status(struct doc_value resource) {
    struct doc_value list = doc_get(resource, STR("subresources"));
    for (size_t i = 0; i < doc_len(list); i++) {
        if (str_is(doc_path_str(doc_at(list, i), "subresource"), "status")) return true;
    }
    return false;
}

static void tell(const struct overview *o, struct str group, struct doc_value version) {
    struct doc_value list = doc_get(version, STR("resources"));
    for (size_t i = 0; i < doc_len(list); i++) {
        struct doc_value resource = doc_at(list, i);
        const struct overview_entry entry = {
            .group = group,
            .version = doc_path_str(version, "version"),
            .kind = doc_path_str(resource, "responseKind.kind"),
            .plural = doc_path_str(resource, "resource"),
            .namespaced = str_is(doc_path_str(resource, "scope"), "Namespaced"),
            .watchable = overview_has_verb(resource, "list") && overview_has_verb(resource, "watch"),
            .has_status = has_status(resource),
        };
        if (entry.plural.n) o->entry(&entry, o->arg);
    }
}

/* An APIGroupDiscovery (apidiscovery.k8s.io/v2); freshness "Stale": the last that was heard of an API server that does not answer. */
static int on_group(struct doc *group, void *arg, struct err *err) {
    const struct half *h = arg;
    struct doc_value versions = doc_get(doc_root(group), STR("versions"));
    (void)err;
    for (size_t i = 0; i < doc_len(versions); i++) {
        struct doc_value version = doc_at(versions, i);
        if (!str_is(doc_path_str(version, "freshness"), "Stale")) tell(h->all, doc_path_str(doc_root(group), "metadata.name"), version);
    }
    return 0;
}

static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct half *h = arg;
    return list_reader_feed(h->reader, chunk, err);
}

static bool is_whole(void *arg) {
    const struct half *h = arg;
    return list_reader_is_whole(h->reader);
}

static void on_done(const struct err *err, void *arg) {
    struct half *h = arg;
    struct overview *o = h->all;
    h->call = NULL;
    if (err->code) log_debug("kube.discovery", "no aggregated discovery", LOG_S("error", err->msg));
    if (!o->core.call && !o->groups.call) o->done(o->arg);
}

static int ask(struct overview *o, struct half *h, struct kube_client *client, const char *path, struct err *err) {
    h->all = o;
    h->reader = list_reader_new(STR("apidiscovery.k8s.io/v2"), STR("APIGroupDiscovery"), o->fields, on_group, h);
    if (!h->reader) return err_set(err, ERR_NOMEM, "no memory for discovery");
    const struct kube_stream_request request = {
        .path = path,
        .resource = "",
        .verb = "get",
        .form = KUBE_DISCOVERY,
        .timeout_ms = TIMEOUT_MS,
        .on_chunk = on_chunk,
        .is_whole = is_whole,
        .done = on_done,
        .arg = h,
    };
    return kube_stream(client, &request, &h->call, err);
}

static struct projection *fields(void) {
    static const char *const paths[] = {
        "versions[].version",
        "versions[].freshness",
        "versions[].resources[].resource",
        "versions[].resources[].scope",
        "versions[].resources[].verbs",
        "versions[].resources[].responseKind.kind",
        "versions[].resources[].subresources[].subresource",
    };
    struct projection *p = projection_new();
    struct err err;
    for (size_t i = 0; p && i < sizeof paths / sizeof *paths; i++) {
        if (!projection_add(p, str_of(paths[i]), &err)) continue;
        projection_unref(p);
        return NULL;
    }
    return p;
}

struct overview *overview_new(struct kube_client *client, void (*entry)(const struct overview_entry *e, void *arg), void (*done)(void *arg),
                              void *arg, struct err *err) {
    struct overview *o = calloc(1, sizeof *o);
    if (o) *o = (struct overview){.fields = fields(), .entry = entry, .done = done, .arg = arg};
    int rc = o && o->fields ? 0 : err_set(err, ERR_NOMEM, "no memory for discovery");
    if (!rc) rc = ask(o, &o->core, client, "/api", err);
    if (!rc) rc = ask(o, &o->groups, client, "/apis", err);
    if (!rc) return o;
    overview_free(o);
    return NULL;
}

void overview_free(struct overview *o) {
    if (!o) return;
    kube_drop(o->core.call);
    kube_drop(o->groups.call);
    list_reader_free(o->core.reader);
    list_reader_free(o->groups.reader);
    projection_unref(o->fields);
    free(o);
}
