/*
 * lease: leader election by a Lease (coordination.k8s.io/v1): at most one of several processes holds it.
 *
 * The rules are those of client-go's leaderelection. The process named in spec.holderIdentity holds the Lease for as long as it renews
 * it. Another takes it when nobody holds it any more, or when it has not seen it renewed for spec.leaseDurationSeconds: by its own boot
 * clock, never by the times in the Lease, which come from other machines' clocks. Every write carries the resourceVersion that was read,
 * so that of two who try at once one gets it.
 *
 * The holder may act until renew_deadline_ms after it sent the request that renewed the Lease last; others wait for duration_ms, which
 * is longer, from when they saw that. A candidate also watches the Lease: it knows at once when the holder lets go of it.
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

#include "kube/client.h"

enum { LEASE_DURATION_MS = 15 * 1000, LEASE_RENEW_DEADLINE_MS = 10 * 1000, LEASE_RETRY_MS = 2 * 1000 }; /* client-go's defaults */

struct lease;

struct lease_options {
    struct loop *loop;
    struct kube_client *client;
    const char *ns, *name;
    const char *identity;    /* of this process; no other may ever have the same */
    int64_t (*now_us)(void); /* NULL: clock_boot_us; for tests */
    /* It is held until then (on that clock), unless a further call says so of a later moment. */
    void (*held)(int64_t until_us, void *arg);
    /* It is held no longer: it could not be renewed in time, or somebody else has it. The candidacy goes on. */
    void (*lost)(const char *why, void *arg);
    void *arg;
};

/* A candidate from now on. Borrows all for its life. NULL without memory. */
struct lease *lease_new(const struct lease_options *options, struct err *err) ERR_MUST_CHECK;
void lease_free(struct lease *l); /* neither held nor lost is called; NULL: nothing */

/* Who holds it as far as is known; "": nobody. Borrowed until the next turn of the loop. */
struct str lease_holder(const struct lease *l);

/*
 * Lets go of it, if it is held, so that others need not wait for it to run out. `done` is called once, not from within, also when that
 * failed; the caller bounds the time by lease_free. There is no way back but a new lease.
 */
void lease_release(struct lease *l, void (*done)(void *arg), void *arg);

/* The client goes to another server from now on: nothing is known of the Lease there. Who held it here holds nothing any more. */
void lease_restart(struct lease *l);

/* Does what is due by the clock. Its timer does so; tests with a clock of their own call it. */
void lease_look(struct lease *l);

#endif
