#include "devcluster/request.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/protobuf.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"
#include "doc/doc.h"
#include "doc/json.h"
#include "doc/yaml.h"

enum { MAX_SEGMENTS = 10 };

struct path {
    char *text; /* owns the segments */
    char *segment[MAX_SEGMENTS];
    size_t count;
};

static bool path_split(struct path *p, struct str text) {
    *p = (struct path){.text = dev_copy_span(text.p ? text.p : "", text.n)};
    char *rest = p->text;
    for (char *part; (part = strsep(&rest, "/"));) {
        if (*part == '\0') continue;
        if (p->count == MAX_SEGMENTS) return false;
        p->segment[p->count++] = part;
    }
    return true;
}

/* The segments from `at` on: [namespaces NS] PLURAL [NAME [SUBRESOURCE]]. Namespaces themselves are cluster-scoped objects. */
static bool route_resource(struct dev_request *r, const struct path *p, size_t at, const char *group, const char *version) {
    size_t left = p->count - at;
    bool of_namespace = left >= 3 && strcmp(p->segment[at], "namespaces") == 0 && strcmp(p->segment[at + 2], "status") != 0 &&
                        strcmp(p->segment[at + 2], "finalize") != 0;
    if (of_namespace) {
        r->ns = dev_copy_text(p->segment[at + 1]);
        at += 2;
        left -= 2;
    }
    if (left == 0 || left > 3) return false;
    r->kind = dev_kinds_by_plural(&r->cluster->kinds, group, version, p->segment[at]);
    if (!r->kind || (of_namespace && !r->kind->namespaced)) return false;
    if (left > 1) r->name = dev_copy_text(p->segment[at + 1]);
    if (left > 2) r->subresource = dev_copy_text(p->segment[at + 2]);
    return of_namespace || !r->kind->namespaced || left == 1;
}

static bool route_path(struct dev_request *r, const struct path *p) {
    if (p->count >= 3 && strcmp(p->segment[0], "api") == 0) return route_resource(r, p, 2, "", p->segment[1]);
    if (p->count >= 4 && strcmp(p->segment[0], "apis") == 0) return route_resource(r, p, 3, p->segment[1], p->segment[2]);
    return false;
}

static const char *verb_of(const struct dev_request *r) {
    struct str method = http_method(r->x);
    bool named = *r->name != '\0';
    if (str_is(method, "GET") || str_is(method, "HEAD")) return dev_request_flag(r, "watch") ? "watch" : named ? "get" : "list";
    if (str_is(method, "POST") && (!named || *r->subresource)) return "create";
    if (str_is(method, "PUT") && named) return "update";
    if (str_is(method, "PATCH") && named) return "patch";
    if (str_is(method, "DELETE")) return named ? "delete" : "deletecollection";
    return NULL;
}

/* The first form of the Accept header that we have; source: "Receiving resources as Tables" in the API concepts. */
static enum dev_form form_of(const struct http_exchange *x) {
    struct str accept = http_header(x, "Accept"), one;
    while (accept.n) {
        str_cut(accept, ',', &one, &accept);
        if (memmem(one.p, one.n, "as=Table", 8)) return DEV_TABLE;
        if (memmem(one.p, one.n, "as=PartialObjectMetadata", 24)) return DEV_PARTIAL;
        if (memmem(one.p, one.n, "json", 4) && !memmem(one.p, one.n, "as=", 3)) return DEV_PLAIN;
    }
    return DEV_PLAIN;
}

static cJSON *check_access(const struct dev_request *r) {
    if (!r->verb) return dev_status_method();
    if (dev_cluster_denies(r->cluster, r->kind)) return dev_status_forbidden(r->kind, r->verb, r->ns, r->name);
    return NULL;
}

cJSON *dev_request_route(struct dev_request *r, struct dev_cluster *c, struct http_exchange *x) {
    struct path path;
    *r = (struct dev_request){.cluster = c, .x = x};
    bool found = path_split(&path, http_path(x)) && route_path(r, &path);
    free(path.text);
    if (!r->ns) r->ns = dev_copy_text("");
    if (!r->name) r->name = dev_copy_text("");
    if (!r->subresource) r->subresource = dev_copy_text("");
    if (!found) return dev_status_no_resource();
    r->verb = verb_of(r);
    r->form = form_of(x);
    r->dry_run = http_query(x, "dryRun").n > 0;
    return check_access(r);
}

void dev_request_free(struct dev_request *r) {
    free(r->ns);
    free(r->name);
    free(r->subresource);
}

char *dev_request_text(const struct dev_request *r, const char *name) {
    struct str value = http_query(r->x, name);
    return dev_copy_span(value.p ? value.p : "", value.n);
}

bool dev_request_flag(const struct dev_request *r, const char *name) {
    struct str value = http_query(r->x, name);
    return str_is(value, "true") || str_is(value, "1");
}

int64_t dev_request_int(const struct dev_request *r, const char *name, int64_t otherwise) {
    int64_t number;
    return str_to_int(http_query(r->x, name), &number) ? number : otherwise;
}

cJSON *dev_yaml_tree(struct str text, struct err *err) {
    struct buf json = dev_text_new();
    struct doc *doc = yaml_decode(text, err);
    cJSON *tree = NULL;
    if (doc && json_write(doc_root(doc), JSON_COMPACT, &json, err) == 0) tree = tree_parse((struct str){json.data, json.len}, NULL);
    doc_unref(doc);
    buf_free(&json);
    return tree;
}

static bool has_type(struct str content_type, const char *part) {
    return content_type.n && memmem(content_type.p, content_type.n, part, strlen(part)) != NULL;
}

cJSON *dev_request_body(const struct dev_request *r, cJSON **out) {
    struct str body = http_body(r->x), type = http_header(r->x, "Content-Type");
    struct err err = {0};
    *out = NULL;
    if (body.n == 0) return NULL;
    if (has_type(type, "protobuf")) {
        *out = dev_protobuf_read(body);
        return *out ? NULL : dev_status_media_type(r->kind);
    }
    *out = has_type(type, "yaml") ? dev_yaml_tree(body, &err) : tree_parse(body, NULL);
    if (*out) return NULL;
    return dev_status_bad_request("error decoding the request body: %s", *err.msg ? err.msg : "invalid JSON");
}

char *dev_request_manager(const struct dev_request *r) {
    struct str manager = http_query(r->x, "fieldManager"), rest;
    if (manager.n == 0) str_cut(http_header(r->x, "User-Agent"), '/', &manager, &rest);
    return manager.n ? dev_copy_span(manager.p, manager.n) : dev_copy_text("unknown");
}
