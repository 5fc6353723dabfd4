/*
 * reflector_internal: reflector.c decides what comes next, and when; reflector_list.c lists in pages; reflector_watch.c watches, and
 * streams lists; reflector_events.c applies what arrives to the store. Not for other units.
 */
#ifndef KUBE_REFLECTOR_INTERNAL_H
#define KUBE_REFLECTOR_INTERNAL_H

#include "doc/stream.h"
#include "kube/backoff.h"
#include "kube/link.h"
#include "kube/lists.h"
#include "kube/reflector.h"
#include "net/loop.h"

enum { REFLECTOR_VERSION_BYTES = 128 }; /* a resourceVersion is opaque; etcd's has at most 20 digits */

struct reflector {
    struct kube_client *client;
    struct store *store;
    char *path; /* of the collection */
    char *plural;
    char *ns;             /* "": all */
    const char *selector; /* of labels; NULL: none */
    struct timer *timer;  /* runs while it waits for the next attempt */
    struct timer *stall;  /* runs while something is owed that must not take long */
    struct list_seat seat;
    struct kube_call *call;
    struct list_reader *list;
    struct watch_reader *watch;
    struct backoff backoff;
    enum reflector_state state;
    struct err last_err;                   /* told with the state; code ERR_NONE: none */
    enum err_code failing;                 /* of the attempts since one last worked: each failure is logged once */
    struct err stream_err;                 /* why on_chunk ended the stream */
    char version[REFLECTOR_VERSION_BYTES]; /* to watch from; empty: list first */
    char newest[REFLECTOR_VERSION_BYTES];  /* of all that was seen; no older state may take its place. Empty: nothing was */
    int64_t behind_since_us;               /* servers showed nothing but older states since; 0: they do not */
    char *page;                            /* continue token of the page that is next; NULL: the first */
    bool once;                             /* it ends with the first whole list */
    bool unpaged;                          /* the continue token expired: the next list is one whole */
    bool by_pages;                         /* the list could not be streamed: until there is one */
    bool initial;                          /* the watch under way has not brought the whole list yet */
    bool completed;                        /* it just has */
    bool measured;                         /* link_list_begins was called */
    bool metadata_only;
    bool progressed;        /* this watch brought an event */
    bool midway;            /* an event has arrived in part */
    uint64_t applied;       /* events */
    int64_t streamed_bytes; /* of the list */
    int64_t opened_us;      /* when the watch under way was accepted; 0: not yet */
    int64_t gone_us;        /* when the version of a watch was gone last */
    struct metric *events, *restarts, *lists;
    reflector_changed changed;
    void *changed_arg;
};

/* reflector.c */

/* Goes on after a failure, after a while, where that is possible; tells what it means for the kind. */
void reflector_fail(struct reflector *r, const struct err *err);
/* Goes on at once. */
void reflector_go_on(struct reflector *r);
void reflector_set_state(struct reflector *r, enum reflector_state state, const struct err *err);
/* The answer has begun. */
void reflector_opened(struct reflector *r);
/* The list is complete. `by`: "pages" or "stream". */
void reflector_listed(struct reflector *r, const char *by);

/* Appends the label selector as a parameter of the query, if there is one; `before` is '?' or '&'. */
int reflector_put_selector(const struct reflector *r, char before, struct buf *out, struct err *err) ERR_MUST_CHECK;

/* reflector_list.c: the next page, or the whole. */
int reflector_start_list(struct reflector *r, struct err *err) ERR_MUST_CHECK;

/* reflector_watch.c: a watch from the version, or the list as the beginning of one. */
int reflector_start_watch(struct reflector *r, struct err *err) ERR_MUST_CHECK;
int reflector_start_stream(struct reflector *r, struct err *err) ERR_MUST_CHECK;
/* Nothing whole has arrived for too long. */
void reflector_stalled(void *reflector);
/* What the stream of a list holds beside the call. */
void reflector_end_stream(struct reflector *r);

/* reflector_events.c */

/* Counters of lists and watches; NULL metrics: none. */
void reflector_define_metrics(struct reflector *r, struct metrics *metrics);

/* Readers for the next list page or watch; kept in r. */
int reflector_open_list(struct reflector *r, struct err *err) ERR_MUST_CHECK;
int reflector_open_watch(struct reflector *r, struct err *err) ERR_MUST_CHECK;
void reflector_close(struct reflector *r);

/* ERR_BEHIND when a list of this version is older than what was seen. */
int reflector_check_version(const struct reflector *r, struct str version, struct err *err) ERR_MUST_CHECK;

/* What to watch from; never back. ERR_SYNTAX for what is no resourceVersion. */
int reflector_set_version(struct reflector *r, struct str version, struct err *err) ERR_MUST_CHECK;

#endif
