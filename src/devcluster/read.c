#include "devcluster/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/reply.h"
#include "devcluster/selector.h"
#include "devcluster/status.h"

cJSON *dev_read_get(const struct dev_request *r) {
    const struct dev_object *object = dev_storage_get(r->kind->objects, r->ns, r->name);
    if (!object) return dev_status_not_found(r->kind, r->name);
    dev_reply_object(r, 200, object);
    return NULL;
}

/* A page of a list: where it starts, how much it may hold, and the version it speaks for. */
struct page {
    struct dev_selector selector;
    size_t start;
    int64_t limit; /* 0: none */
    uint64_t version;
};

/* A continue token is "VERSION/NAMESPACE/NAME" of the last object sent. */
static cJSON *read_token(const struct dev_request *r, const char *token, struct page *p) {
    char *rest, *name;
    p->version = strtoull(token, &rest, 10);
    name = *rest == '/' ? strchr(rest + 1, '/') : NULL;
    if (!name) return dev_status_bad_request("continue key is not valid: %s", token);
    if (p->version < r->cluster->storage.forgotten)
        return dev_status_expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
            "the continue parameter.");
    *name = '\0';
    p->start = dev_storage_after(r->kind->objects, rest + 1, name + 1);
    return NULL;
}

/* Rules for resourceVersion and resourceVersionMatch; source: "Semantics for get and list" in the API concepts. */
static cJSON *check_version(const struct dev_request *r, const char *text) {
    struct str match = http_query(r->x, "resourceVersionMatch");
    uint64_t current = r->cluster->storage.version;
    char *end;
    uint64_t wanted = strtoull(text, &end, 10);
    if (*text == '\0' && match.n) return dev_status_bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (*end) return dev_status_bad_request("invalid resourceVersion: \"%s\"", text);
    if (wanted > current) return dev_status(504, "Timeout", "Too large resource version: %" PRIu64 ", current: %" PRIu64, wanted, current);
    if (str_is(match, "Exact") && wanted != current) return dev_status_expired("The resourceVersion for the provided list is too old.");
    return NULL;
}

static cJSON *page_init(const struct dev_request *r, struct page *p) {
    *p = (struct page){.version = r->cluster->storage.version, .limit = dev_request_int(r, "limit", 0)};
    cJSON *refusal = dev_selector_parse(&p->selector, http_query(r->x, "labelSelector"), http_query(r->x, "fieldSelector"));
    if (refusal) return refusal;
    char *token = dev_request_text(r, "continue"), *version = dev_request_text(r, "resourceVersion");
    if (*token)
        refusal = read_token(r, token, p);
    else
        refusal = check_version(r, version);
    if (!refusal && !*token && *r->ns) p->start = dev_storage_after(r->kind->objects, r->ns, "");
    free(token);
    free(version);
    return refusal;
}

/* Writes the items of a page; tells the index after the last one looked at, and how many were written. */
static size_t write_items(const struct dev_request *r, const struct page *p, const struct dev_shape *shape, struct buf *items,
                          size_t *end) {
    size_t count, written = 0, i = p->start;
    struct dev_object **objects = dev_storage_list(r->kind->objects, &count);
    for (; i < count && (p->limit <= 0 || written < (size_t)p->limit); i++) {
        if (*r->ns && strcmp(objects[i]->ns, r->ns) != 0) break;
        if (!dev_selector_matches(&p->selector, objects[i])) continue;
        dev_write_list_item(shape, objects[i], written++ == 0, items);
    }
    *end = i;
    return written;
}

/* How many objects of the request's namespace follow; exact only without selectors, as in the real server. */
static int64_t count_rest(const struct dev_request *r, size_t from) {
    size_t count;
    dev_storage_list(r->kind->objects, &count);
    if (!*r->ns) return (int64_t)(count - from);
    char *past = dev_format("%s\x01", r->ns);
    size_t end = dev_storage_after(r->kind->objects, past, "");
    free(past);
    return (int64_t)end - (int64_t)from;
}

static void reply_page(const struct dev_request *r, const struct page *p) {
    struct dev_shape shape = dev_shape_of(r);
    struct buf items = dev_text_new(), text = dev_text_new();
    size_t end, written = write_items(r, p, &shape, &items, &end), count;
    struct dev_object **objects = dev_storage_list(r->kind->objects, &count);
    int64_t rest = written && p->limit > 0 ? count_rest(r, end) : 0;
    char *next = rest > 0 ? dev_format("%" PRIu64 "/%s/%s", p->version, objects[end - 1]->ns, objects[end - 1]->name) : NULL;
    dev_write_list_begin(&shape, p->version, next, dev_selector_is_empty(&p->selector) ? rest : -1, &text);
    if (items.len) dev_text_add_bytes(&text, items.data, items.len);
    dev_write_list_end(&text);
    buf_free(&items);
    free(next);
    dev_reply_text(r->x, 200, "application/json", &text);
}

cJSON *dev_read_list(const struct dev_request *r) {
    struct page page;
    cJSON *refusal = page_init(r, &page);
    if (!refusal) reply_page(r, &page);
    dev_selector_free(&page.selector);
    return refusal;
}
