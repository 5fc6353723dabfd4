/* Sources: the reflectors that fill the store of one kind, one a watched namespace, or one for all. */
#include <stdlib.h>

#include "kube/cluster_internal.h"

static void on_reflector(struct reflector *r, enum reflector_state state, const struct err *err, void *arg) {
    struct source *s = arg;
    (void)r;
    s->state = state;
    s->err = err ? *err : (struct err){0};
    entry_source_changed(s);
}

static int open_one(struct entry *e, const struct resource *resource, const char *ns, struct err *err) {
    struct cluster *c = e->cluster;
    struct source *s = &e->sources[e->source_count];
    *s = (struct source){.entry = e, .ns = ns, .state = REFLECTOR_SYNCING};
    s->reflector = reflector_new(c->loop, c->client, resource, str_of(ns), e->store, c->metrics, on_reflector, s, err);
    if (!s->reflector) return (int)err->code;
    if (c->selector) reflector_select(s->reflector, c->selector);
    if (c->once) reflector_once(s->reflector);
    e->source_count++;
    return 0;
}

int sources_open(struct entry *e, const struct resource *resource, struct err *err) {
    static const char *const everywhere[] = {""};
    const struct cluster *c = e->cluster;
    bool scoped = resource->namespaced && c->namespace_count;
    const char *const *namespaces = scoped ? c->namespaces : everywhere;
    size_t count = scoped ? c->namespace_count : 1;
    e->sources = calloc(count, sizeof *e->sources);
    e->plural = strdup(resource->plural);
    e->namespaced = resource->namespaced;
    int rc = e->sources && e->plural ? 0 : err_set(err, ERR_NOMEM, "no memory to watch %s", e->gvk->text);
    for (size_t i = 0; i < count && !rc; i++) rc = open_one(e, resource, namespaces[i], err);
    if (rc) sources_close(e);
    return rc;
}

void sources_close(struct entry *e) {
    for (size_t i = 0; i < e->source_count; i++) reflector_free(e->sources[i].reflector);
    free(e->sources);
    free(e->plural);
    e->sources = NULL;
    e->plural = NULL;
    e->source_count = 0;
}

bool sources_are_of(const struct entry *e, const struct resource *resource) {
    return e->source_count && e->namespaced == resource->namespaced && strcmp(e->plural, resource->plural) == 0;
}

const struct source *source_in(const struct entry *e, enum reflector_state state) {
    for (size_t i = 0; i < e->source_count; i++) {
        if (e->sources[i].state == state) return &e->sources[i];
    }
    return NULL;
}

const struct source *source_of(const struct entry *e, struct str ns) {
    for (size_t i = 0; i < e->source_count; i++) {
        if (!*e->sources[i].ns || str_is(ns, e->sources[i].ns)) return &e->sources[i];
    }
    return NULL;
}
