/*
 * client: requests to one API server, with typed errors.
 *
 * A failed answer becomes a struct err whose code says what it means and whose message is the Status message of the server
 * (API conventions: "Response Status Kind"). Credentials are added here and nowhere else (kube/login): a request waits while a
 * credential plugin runs, and is sent once more where the server refused a credential that has been replaced meanwhile.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "doc/doc.h"
#include "doc/projection.h"
#include "kube/config.h"
#include "kube/gvk.h"
#include "metrics/metrics.h"
#include "net/http_client.h"

struct kube_client;
struct kube_call;

enum kube_verb { KUBE_GET, KUBE_CREATE, KUBE_UPDATE, KUBE_APPLY, KUBE_MERGE_PATCH, KUBE_DELETE };

struct kube_request {
    enum kube_verb verb;
    const struct resource *resource; /* NULL: `path` says where */
    const char *path;                /* "/apis": an absolute path with its query, for discovery and the like */
    struct str ns;                   /* empty for cluster-scoped kinds */
    struct str name;                 /* empty for KUBE_CREATE */
    const char *subresource;         /* "status", or NULL */
    struct doc_value
        body; /* CREATE, UPDATE, APPLY, MERGE_PATCH: the object or patch; DELETE: preconditions {uid, resourceVersion} or absent */
    const char *field_manager; /* APPLY needs one; NULL: "k8sgpt-operator" */
    bool force;                /* APPLY: take conflicting fields over */
    bool metadata_only;        /* GET: as PartialObjectMetadata */
    int64_t limit;             /* GET without a name: so many items at most; 0: as many as the server gives */
    bool table;                /* GET and list: the server's printed table, for people */
    bool without_leave;        /* of a write: needs no leave (kube_client_write_by). The Lease itself; reviews, which store nothing */
    int64_t timeout_ms;        /* 0: 10 s */
    /* Called once, never from within kube_send. `err` NULL: it went well. `object` is borrowed; NULL on an error, or where the answer has
     * none. */
    void (*done)(struct doc *object, const struct err *err, void *arg);
    void *arg;
};

/* Borrows everything for its life; of the configuration it keeps a share. */
struct kube_client *kube_client_new(struct loop *loop, struct http_client *http, const struct kube_config *config, struct metrics *metrics,
                                    struct err *err);
void kube_client_free(struct kube_client *c); /* calls under way end with ERR_CANCELLED */

/* By which GETs go; for other questions to the world that change nothing. Borrowed. */
struct http_client *kube_client_http(const struct kube_client *c);

/* From now on all verbs but GET go by this HTTP client, which says until when they may leave (http_client_allow_until). Borrowed. */
void kube_client_write_by(struct kube_client *c, struct http_client *writes);

/*
 * From now on requests go to another server, or as another user. What is under way goes on as it was started, but what still waits for a
 * credential ends with ERR_CANCELLED, before this returns. What is kept of the server has to be read anew: cluster_restart.
 */
int kube_client_use(struct kube_client *c, const struct kube_config *config, struct err *err) ERR_MUST_CHECK;

/* Starts a request; what it points to is copied. On an error `done` is not called. */
int kube_send(struct kube_client *c, const struct kube_request *request, struct kube_call **call_out, struct err *err) ERR_MUST_CHECK;

/* Ends a call early: `done` is called with ERR_CANCELLED, from the loop. Not after `done`. */
void kube_cancel(struct kube_call *call);

/* As kube_cancel, but `done` is not called any more, so that an owner may drop the call and go. NULL: nothing. */
void kube_drop(struct kube_call *call);

/* What is asked for. */
enum kube_form {
    KUBE_OBJECTS,
    KUBE_METADATA,  /* PartialObjectMetadata: Kubernetes API concepts, "Metadata-only fetches" */
    KUBE_DISCOVERY, /* of /api and /apis: aggregated discovery where the server has it */
    KUBE_TEXT,      /* no object at all: a log */
};

/* A long-lived or paged read whose bytes the caller decodes (list pages and watches, for the reflector), or that are no object (logs). */
struct kube_stream_request {
    const char *path;     /* absolute, with query */
    const char *resource; /* plural, for metrics */
    const char *verb;     /* "list", "watch" or "get", for metrics */
    enum kube_form form;
    int64_t timeout_ms; /* < 0: none */
    int (*on_chunk)(struct str chunk, void *arg, struct err *err);
    bool (*is_whole)(void *arg);                    /* the answer has come, whatever the transport says; NULL: it has no end of its own */
    void (*on_open)(void *arg);                     /* a 2xx status has arrived; may be NULL */
    void (*done)(const struct err *err, void *arg); /* err->code ERR_NONE: ended cleanly */
    void *arg;
};
int kube_stream(struct kube_client *c, const struct kube_stream_request *request, struct kube_call **call_out,
                struct err *err) ERR_MUST_CHECK;

/* "/apis/apps/v1/namespaces/shop/deployments/web/status"; ns and name may be empty. The caller frees it. NULL without memory. */
char *kube_path(const struct resource *resource, struct str ns, struct str name, const char *subresource);

/* The error that a Status body and an HTTP code stand for; a body that is no Status gives its code and first line. */
void kube_status_error(int http_status, struct str body, struct err *err);

#endif
