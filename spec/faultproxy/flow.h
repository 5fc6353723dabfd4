/*
 * flow: what goes from one end of a connection to the other, and what a fault makes of it on its way.
 *
 * link has two, one a direction. Bytes wait in the flow while it is held, late or slow; the link stops reading when it is full.
 */
#ifndef FAULTPROXY_FLOW_H
#define FAULTPROXY_FLOW_H

#include "base/buf.h"
#include "channel.h"
#include "rule.h"

struct flow_user {
    void (*cut)(void *arg, bool reset); /* here the connection ends; the flow may be freed by it */
    void (*moved)(void *arg);           /* there is room again */
};

struct flow {
    struct channel *to; /* borrowed; set by the link */
    struct timer *timer;
    const struct flow_user *user;
    void *arg;
    const bool *frozen; /* borrowed: while it is true nothing moves */
    struct fault fault;
    struct buf waiting;
    uint64_t passed; /* since flow_begin */
    bool late, held, ending, over;
};

void flow_init(struct flow *f, struct loop *loop, const bool *frozen, const struct flow_user *user, void *arg);
void flow_free(struct flow *f);

/* From here on bytes are counted anew, and meet this fault (FAULT_NONE: none). */
void flow_begin(struct flow *f, struct fault fault);

void flow_put(struct flow *f, struct str bytes);
void flow_end(struct flow *f); /* nothing more is put: the other end hears so after what waits */
void flow_hold(struct flow *f, bool held);
void flow_move(struct flow *f); /* sends what may be sent now; after a thaw */
bool flow_is_full(const struct flow *f);
bool flow_is_empty(const struct flow *f); /* nothing waits here */

#endif
