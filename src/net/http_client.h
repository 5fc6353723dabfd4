/*
 * http_client: the one HTTP client (libcurl multi on the loop), pooled connections, a deadline on everything.
 *
 * Used by kube for the API server, by grpc for engines and by notify for sinks. Redirects are not followed. Proxy environment variables are
 * not read; a proxy is an option. The caller's request struct is copied; its body too.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

struct http_client;
struct http_call; /* a request under way */

/*
 * Errors: ERR_INVALID (a URL, method or header line that is none), ERR_UNREACHABLE, ERR_TIMEOUT, ERR_LIMIT (max_body_bytes), ERR_NOMEM,
 * ERR_CANCELLED, and what on_chunk stored. One line: "GET https://10.0.0.1:6443/api: connection refused".
 *
 * http_send and http_cancel may be called from within every callback of a client. A dead link is noticed within 40 s.
 */

/* How to reach a server by TLS; shared by many requests, borrowed until each is done. All PEM. NULL members: not used. */
struct http_tls {
    struct str ca_pem;   /* empty: the system's store */
    struct str cert_pem; /* client certificate and key, both or none */
    struct str key_pem;
    const char *server_name; /* NULL: the host of the URL */
    bool insecure;           /* skip verification (kubeconfig insecure-skip-tls-verify) */
};

/* Signs a request (AWS General Reference: "Signature Version 4"). A session token is a header of the request, as always. */
struct http_aws {
    const char *region, *service;
    const char *key_id, *secret;
};

struct http_response {
    int status;      /* 0: no answer, see err; known and err set: the answer was cut off */
    struct str body; /* collected; of a streamed call: the body of a non-2xx answer, its first MiB. Valid during on_done */
    struct str content_type;
    int64_t retry_after_s; /* header Retry-After (seconds or a date, RFC 9110 10.2.3) as seconds from now; 0: none */
    struct err err;        /* code ERR_NONE when an answer arrived whole, whatever its status */
    bool tls_failed;       /* the peers did not agree on TLS: a certificate or key was refused, by us or by the server; nothing was done */
    int64_t duration_us;
    int64_t wire_bytes; /* of the body, as it was sent: compressed where it was */
};

struct http_request {
    const char *method;         /* "GET" … */
    const char *url;            /* http or https; user and password in it never show in messages */
    bool secret_url;            /* its path or query is a credential (a webhook): messages carry scheme://host/… only */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    struct str body;
    const struct http_tls *tls; /* NULL: defaults */
    const struct http_aws *aws; /* of a request without a body; NULL: not signed */
    const char *proxy_url;      /* http, https, socks5 or socks5h (the proxy resolves names); NULL: none */
    int64_t connect_timeout_ms; /* 0: 5 s */
    int64_t timeout_ms;         /* of the whole exchange; 0: 30 s; < 0: none (a watch, which ends by its own timeout) */
    size_t max_body_bytes;      /* of a collected answer, unpacked; 0: 16 MiB. Not for streamed ones */
    bool gzip;                  /* ask for a compressed answer, which arrives here unpacked; else it must come as it is */
    bool http2;                 /* a server without TLS speaks HTTP/2 from the first byte on (RFC 9113 3.3), on a connection of its own */

    /* Streaming: called with each chunk of a 2xx answer instead of collecting it. Non-zero ends the call with *err. NULL: collect. */
    int (*on_chunk)(struct str chunk, void *arg, struct err *err);
    /* By HTTP/2 the end of an answer may be missed (see http_multi.c): whether it is whole all the same, `body` being what was collected.
     * Asked when nothing more has come; it must not call back. NULL: never, as for a watch, which has no end. */
    bool (*is_whole)(struct str body, void *arg);
    void (*on_headers)(int status, void *arg); /* once the status is known; may be NULL */
    /* Each field of the answer, those after its body (trailers) too; HTTP/2 has names in lower case. May be NULL. */
    void (*on_field)(struct str name, struct str value, void *arg);
    /* Always called, exactly once, never from within http_send; after it the call is gone. */
    void (*on_done)(const struct http_response *response, void *arg);
    void *arg;
};

struct http_client *http_client_new(struct loop *loop, const char *user_agent, struct err *err) ERR_MUST_CHECK;

/* Calls under way end with ERR_CANCELLED, before it returns (from within one of its own callbacks: right after that). NULL: nothing. */
void http_client_free(struct http_client *c);

/*
 * Requests may leave until then (clock_boot_us; for ever at first). Past it http_send refuses, and what is under way ends with
 * ERR_CANCELLED before another byte of it leaves; its connections are reset, so that the kernel sends none later either. That holds for a
 * process that was stopped and a machine that was suspended, too, unless the stop fell between the last look at the clock and the system
 * call. For the client of what only a leader may send. With a moment in the past it ends what is under way before it returns (from within a
 * callback of this client: right after that).
 */
#define HTTP_ALWAYS INT64_MAX
void http_client_allow_until(struct http_client *c, int64_t boot_us);

/* Starts a request. NULL with *err when it cannot be started (on_done is not called then). */
struct http_call *http_send(struct http_client *c, const struct http_request *request, struct err *err) ERR_MUST_CHECK;

/* Ends a call early: on_done is called with ERR_CANCELLED, from the loop. */
void http_cancel(struct http_call *call);

/* The same for a call whose link is thought dead: its connection is closed as soon as no other call uses it. */
void http_abandon(struct http_call *call);

#endif
