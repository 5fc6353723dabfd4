/*
 * link: what is known of the connection to an API server: whether it is alive, and how fast it is.
 *
 * A quiet watch cannot be told from a dead link: TCP notices what is lost between two machines, not a proxy that swallows everything.
 * So when nothing at all has come from the server for 30 s while a watch is open, it is asked for /readyz. Any answer within 10 s will
 * do, and so will anything else that comes. Else every request under way is ended, its connection with it, and their owners go on
 * where they were. In a cluster where something happens nobody asks: events and bookmarks are signs of life.
 *
 * The speed is that of lists, in bytes on the wire, all lists of a time taken together.
 */
#ifndef KUBE_LINK_H
#define KUBE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kube_client;
struct kube_call;
struct timer;

enum {
    LINK_SILENCE_MS = 30 * 1000,
    LINK_PROBE_MS = 10 * 1000,
    LINK_SLOW_BYTES_S = 4 * 1000 * 1000, /* below it compression pays: an API server packs some ten times as fast */
    LINK_FAST_BYTES_S = 8 * 1000 * 1000, /* from here on it does not; between them all stays as it is */
    LINK_SAMPLE_BYTES = 256 * 1024,      /* of less, the speed says more about the server */
};

struct kube_link {
    struct kube_client *client;
    struct timer *timer; /* runs while there may be a watch */
    struct kube_call *probe;
    int64_t silence_ms, probe_ms;
    int64_t heard_us, probed_us;
    unsigned lists;   /* whose answers are arriving */
    int64_t since_us; /* when the first of them began */
    int64_t busy_us, bytes;
    bool slow;
};

struct kube_link *link_of(struct kube_client *client);
int link_open(struct kube_link *link, struct kube_client *client, struct err *err) ERR_MUST_CHECK;
void link_close(struct kube_link *link);

/* A watch begins: from now on silence is noticed. */
void link_watch(struct kube_link *link);

/* Something came. */
void link_heard(struct kube_link *link);

/* The answer of a list begins to arrive; it has ended after so many bytes. In pairs. */
void link_list_begins(struct kube_link *link);
void link_list_ends(struct kube_link *link, int64_t wire_bytes);

/* Lists had better be small; false until it was measured. */
bool link_is_slow(const struct kube_link *link);

#endif
