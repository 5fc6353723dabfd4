/*
 * lists: how the reflectors of a client ask for whole lists: four at a time, and how.
 *
 * Four, so that a start-up or the end of an outage does not take the seats that the API server's priority and fairness has for a client
 * (Kubernetes docs: "API Priority and Fairness"); the others wait in order of coming.
 *
 * A server that can streams the list as the beginning of a watch (KEP-3157: `sendInitialEvents`), which costs it the memory of one object
 * instead of a page. Whether it can is found out by the first list, alone, and counts for the client. A refusal is forgotten after a day:
 * lists are rare after the start, so one more request that is refused costs nothing, and servers are upgraded under a running client,
 * which no message and no lost connection tells of.
 */
#ifndef KUBE_LISTS_H
#define KUBE_LISTS_H

#include <stdbool.h>
#include <stdint.h>

struct kube_client;

enum { LISTS_AT_ONCE = 4 };

/* A place in the queue, within its owner, which stays where it is. */
struct list_seat {
    struct kube_client *client;
    void (*ready)(void *arg); /* called when it is its turn, from within whatever ended: it only notes it */
    void *arg;
    bool taken, waits;
    struct list_seat *prev, *next;
};

struct kube_lists {
    struct list_seat *waiting;
    unsigned taken;
    enum { STREAMING_UNKNOWN, STREAMING_WORKS, STREAMING_REFUSED } streaming;
    int64_t refused_us;
};

/* True: it is taken at once, or was already. Else `ready` is called. */
bool list_seat_take(struct list_seat *seat);

/* Gives it back, or leaves the queue. Without either it does nothing. */
void list_seat_leave(struct list_seat *seat);

/* Whether the next list is to be streamed. On a slow link it is not, as watches are never compressed. */
bool lists_stream(struct kube_client *client);

/* What the server made of it. A refusal by one server of several (an aggregated API, say) does not count against the others. */
void lists_streamed(struct kube_client *client);
void lists_refused(struct kube_client *client);
/* Nobody wants streams: they are watches, to which who lists once may have no right. */
void lists_by_pages(struct kube_client *client);
/* It is another server from now on. */
void lists_forget(struct kube_client *client);

#endif
