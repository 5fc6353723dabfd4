#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "kube/client_internal.h"
#include "kube/url.h"

enum {
    DEFAULT_TIMEOUT_MS = 10 * 1000,
    BODY_MAX_BYTES = 4 * 1024 * 1024, /* the API server itself refuses over 3 MiB */
};

#define ACCEPT_JSON "Accept: application/json"
/* Kubernetes API concepts: "Receiving resources as Tables", "Metadata-only fetches". */
#define ACCEPT_TABLE "Accept: application/json;as=Table;g=meta.k8s.io;v=v1,application/json"
#define ACCEPT_METADATA "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define ACCEPT_METADATA_LIST "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
/* Kubernetes docs: "Aggregated discovery"; v2 is of 1.30, v2beta1 of 1.26. */
#define ACCEPT_DISCOVERY                                                                                                                   \
    "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"                                                        \
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"

/* Errors are Status objects all the same. */
#define ACCEPT_TEXT "Accept: text/plain, application/json"

#define JSON_BODY "Content-Type: application/json"

static const struct {
    const char *method, *name, *content_type;
} VERBS[] = {
    [KUBE_GET] = {"GET", "get", NULL},
    [KUBE_CREATE] = {"POST", "create", JSON_BODY},
    [KUBE_UPDATE] = {"PUT", "update", JSON_BODY},
    [KUBE_APPLY] = {"PATCH", "apply", "Content-Type: application/apply-patch+yaml"},
    [KUBE_MERGE_PATCH] = {"PATCH", "patch", "Content-Type: application/merge-patch+json"},
    [KUBE_DELETE] = {"DELETE", "delete", JSON_BODY},
};

static int put_path(const struct resource *resource, struct str ns, struct str name, const char *subresource, struct buf *out,
                    struct err *err) {
    const struct gvk *gvk = resource->gvk;
    int rc = buf_printf(out, err, "/%s/%s", *gvk->group ? "apis" : "api", gvk->api_version);
    if (!rc && ns.n) rc = buf_puts(out, "/namespaces/", err);
    if (!rc) rc = url_escape(ns, out, err);
    if (!rc) rc = buf_printf(out, err, "/%s%s", resource->plural, name.n ? "/" : "");
    if (!rc) rc = url_escape(name, out, err);
    if (!rc && subresource) rc = buf_printf(out, err, "/%s", subresource);
    return rc;
}

char *kube_path(const struct resource *resource, struct str ns, struct str name, const char *subresource) {
    struct buf path = buf_new(URL_MAX_BYTES);
    struct err err;
    if (put_path(resource, ns, name, subresource, &path, &err)) buf_free(&path);
    return buf_take(&path, NULL);
}

static const char *accept_of(const struct kube_request *request) {
    if (request->table) return ACCEPT_TABLE;
    if (!request->metadata_only) return ACCEPT_JSON;
    return request->name.n ? ACCEPT_METADATA : ACCEPT_METADATA_LIST;
}

static int put_url(const struct kube_call *call, const struct kube_request *request, struct buf *out, struct err *err) {
    int rc = buf_puts(out, call->config->server, err);
    if (rc) return rc;
    if (!request->resource) return buf_puts(out, request->path, err);
    struct str name = request->verb == KUBE_CREATE ? (struct str){0} : request->name;
    rc = put_path(request->resource, request->ns, name, request->subresource, out, err);
    if (!rc && request->verb == KUBE_GET && request->limit) rc = buf_printf(out, err, "?limit=%" PRId64, request->limit);
    if (rc || request->verb == KUBE_GET || request->verb == KUBE_DELETE) return rc;
    rc = buf_puts(out, "?fieldManager=", err);
    if (!rc) rc = url_escape(request->field_manager ? str_of(request->field_manager) : STR("k8sgpt-operator"), out, err);
    if (!rc && request->verb == KUBE_APPLY && request->force) rc = buf_puts(out, "&force=true", err);
    return rc;
}

/* "Background" because the default of some kinds orphans what they own. */
static int put_delete_options(struct doc_value preconditions, struct buf *out, struct err *err) {
    int rc = buf_puts(out, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Background\"", err);
    if (!rc && doc_type(preconditions) == DOC_OBJECT) {
        rc = buf_puts(out, ",\"preconditions\":", err);
        if (!rc) rc = json_write(preconditions, JSON_COMPACT, out, err);
    }
    return rc ? rc : buf_puts(out, "}", err);
}

static int fill_body(struct kube_call *call, const struct kube_request *request, struct err *err) {
    if (!call->content_type) return 0;
    struct buf body = buf_new(BODY_MAX_BYTES);
    int rc =
        request->verb == KUBE_DELETE ? put_delete_options(request->body, &body, err) : json_write(request->body, JSON_COMPACT, &body, err);
    if (rc) buf_free(&body);
    call->body = buf_take(&body, &call->body_len);
    return rc;
}

int kube_call_fill(struct kube_call *call, const struct kube_request *request, struct err *err) {
    bool list = request->verb == KUBE_GET && request->resource && !request->name.n;
    call->method = VERBS[request->verb].method;
    call->content_type = VERBS[request->verb].content_type;
    call->accept = accept_of(request);
    call->needs_leave = request->verb != KUBE_GET && !request->without_leave;
    call->timeout_ms = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
    snprintf(call->verb, sizeof call->verb, "%s", list ? "list" : VERBS[request->verb].name);
    snprintf(call->resource, sizeof call->resource, "%s", request->resource ? request->resource->plural : "");
    struct buf url = buf_new(URL_MAX_BYTES);
    int rc = put_url(call, request, &url, err);
    if (rc) buf_free(&url);
    call->url = buf_take(&url, NULL);
    return rc ? rc : fill_body(call, request, err);
}

static const char *accept_of_stream(const struct kube_stream_request *request) {
    switch (request->form) {
    case KUBE_METADATA: return strcmp(request->verb, "list") == 0 ? ACCEPT_METADATA_LIST : ACCEPT_METADATA;
    case KUBE_DISCOVERY: return ACCEPT_DISCOVERY;
    case KUBE_TEXT: return ACCEPT_TEXT;
    default: return ACCEPT_JSON;
    }
}

int kube_call_fill_stream(struct kube_call *call, const struct kube_stream_request *request, struct err *err) {
    call->method = "GET";
    call->accept = accept_of_stream(request);
    call->timeout_ms = request->timeout_ms;
    snprintf(call->verb, sizeof call->verb, "%s", request->verb);
    snprintf(call->resource, sizeof call->resource, "%s", request->resource);
    if (asprintf(&call->url, "%s%s", call->config->server, request->path) < 0) {
        call->url = NULL;
        return err_set(err, ERR_NOMEM, "no memory for a request");
    }
    return 0;
}
