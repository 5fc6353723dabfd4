/*
 * http_client_internal: the parts of the HTTP client. http_client.c keeps the calls, http_call.c is one request as a curl easy
 * handle, http_multi.c joins curl's multi interface to the loop. Not for other units.
 */
#ifndef NET_HTTP_CLIENT_INTERNAL_H
#define NET_HTTP_CLIENT_INTERNAL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "net/http_client.h"

enum { HTTP_SPARE_HANDLES = 8 };

enum call_state {
    CALL_STARTING, /* sent from within a curl callback, where no handle may be added */
    CALL_RUNNING,
    CALL_ENDING, /* cancelled; on_done follows from the loop */
    CALL_DONE,   /* on_done is being called */
};

struct http_call {
    struct http_client *client;
    struct http_call *prev, *next; /* in the client's list of its state */
    enum call_state state;
    bool in_multi;
    bool unwatched; /* without memory to watch its socket: it is being ended */
    bool whole;     /* its answer, although curl knows of no end: it is being ended */
    CURL *easy;
    CURLU *url;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    char *label;                 /* "GET https://host/path": the call's name in messages */
    struct http_request request; /* only callbacks, arg and numbers are used after http_send; pointers are the caller's */
    struct buf body;
    int status; /* 0 until the headers of the final answer are whole */
    struct err err;
    char curl_error[CURL_ERROR_SIZE];
    int64_t start_us;
};

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct timer *timer;
    struct http_sock *socks; /* those with requests under way */
    int64_t allowed_until_us;
    struct timer *gate;     /* fires then */
    struct worker *sweeper; /* starts CALL_STARTING, ends CALL_ENDING, runs what curl has due */
    char *user_agent;
    struct http_call *starting, *running, *ending;
    CURL *spare[HTTP_SPARE_HANDLES];
    size_t spare_count;
    unsigned depth;      /* how many of our frames, which call back, are on the stack */
    bool due;            /* curl asked to be called at once */
    bool reread;         /* a socket may have been read further than was handed over */
    size_t handed_bytes; /* of answers by HTTP/2, in this round of curl */
    bool in_curl;
    bool closing;
};

/* http_call.c */

/* A call that is ready to be added to the multi handle. NULL with *err. */
struct http_call *http_call_new(struct http_client *c, const struct http_request *request, struct err *err);

/* Whether it shares its connection with others; and whether its answer is whole by what the caller says. */
bool http_call_is_http2(const struct http_call *call);
bool http_call_is_whole(const struct http_call *call);

/* Gives the easy handle back to the client's spares and frees the rest. */
void http_call_free(struct http_call *call);

/* The answer of a call that curl ended with `code`. Its texts live until http_call_free. */
struct http_response http_call_response(struct http_call *call, CURLcode code);

/* http_url.c */

/* Parses request->url into call->url and names the call. */
int http_call_set_url(struct http_call *call, struct err *err);

/* With a server_name of TLS: the URL names that, the connection goes to the host that the URL named. */
int http_call_redirect_name(struct http_call *call, struct err *err);

/* http_multi.c */
int http_multi_open(struct http_client *c, struct err *err);
void http_multi_close(struct http_client *c);
void http_multi_timeout(struct http_client *c); /* lets curl do what is due */
void http_multi_reset(struct http_client *c);   /* drops what the kernel has still to send, and its connections with it */
/* A round of curl read more of an HTTP/2 connection than it handed over, maybe: from the loop it looks again. */
void http_multi_look_again(struct http_client *c);
void http_multi_reread(struct http_client *c);

/* http_client.c: what curl reports as done is ended; calls back. */
void http_client_collect(struct http_client *c);
/* Calls that curl takes for unfinished, and whose answer is whole, are ended, from the loop. */
void http_client_end_whole(struct http_client *c);
/* Requests may no longer leave; and, everything is ended then. */
bool http_client_is_over(const struct http_client *c);
bool http_client_may_send(struct http_client *c);
void http_client_enter(struct http_client *c);
void http_client_leave(struct http_client *c);

#endif
