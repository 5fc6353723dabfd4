/*
 * reflector_internal: reflector.c lists, watches and waits; reflector_events.c applies what arrives to the store. Not for other units.
 */
#ifndef KUBE_REFLECTOR_INTERNAL_H
#define KUBE_REFLECTOR_INTERNAL_H

#include "doc/stream.h"
#include "kube/backoff.h"
#include "kube/reflector.h"

enum { REFLECTOR_VERSION_BYTES = 128 }; /* a resourceVersion is opaque; etcd's has at most 20 digits */

struct reflector {
    struct kube_client *client;
    struct store *store;
    char *path; /* of the collection */
    char *plural;
    char *ns;            /* "": all */
    struct timer *timer; /* runs while it waits for the next attempt */
    struct kube_call *call;
    struct list_reader *list;
    struct watch_reader *watch;
    struct backoff backoff;
    enum reflector_state state;
    struct err last_err;                   /* told with the state; code ERR_NONE: none */
    enum err_code failing;                 /* of the attempts since one last worked: each failure is logged once */
    struct err stream_err;                 /* why on_chunk ended the stream */
    char version[REFLECTOR_VERSION_BYTES]; /* to watch from; empty: list first */
    char *page;                            /* continue token of the page that is next; NULL: the first */
    bool unpaged;                          /* the continue token expired: the next list is one whole */
    bool metadata_only;
    bool progressed;   /* this watch brought an event */
    int64_t opened_us; /* when the watch under way was accepted */
    int64_t listed_us; /* when the last list was complete */
    struct metric *events, *restarts;
    reflector_changed changed;
    void *changed_arg;
};

/* Counters of watches; NULL metrics: none. */
void reflector_define_metrics(struct reflector *r, struct metrics *metrics);

/* Readers for the next list page or watch; kept in r. */
int reflector_open_list(struct reflector *r, struct err *err) ERR_MUST_CHECK;
int reflector_open_watch(struct reflector *r, struct err *err) ERR_MUST_CHECK;
void reflector_close(struct reflector *r);

/* What to watch from. ERR_SYNTAX for what is no resourceVersion. */
int reflector_set_version(struct reflector *r, struct str version, struct err *err) ERR_MUST_CHECK;

#endif
