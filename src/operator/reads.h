/*
 * reads: who read what. The index that makes diagnosis incremental.
 *
 * An evaluation is one run of a policy for one subject that is to run again when anything it read changes. While it runs, each read is
 * recorded as a term: "this object", "the objects with this label", "whether this exists". When the run ends, its terms replace those of
 * the run before. A change of an object names the terms that it touches, and every evaluation that holds one of them is reported.
 */
#ifndef OPERATOR_READS_H
#define OPERATOR_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kube/store.h"

struct reads; /* the index */
struct read;

/* Embedded in whatever is evaluated. All zero: never ran. */
struct evaluation {
    struct read *reads;
    uint32_t count, cap;
    uint32_t fresh; /* while recording: how many of `reads` are of this run */
};

/* `touched` is called for every evaluation that read what changed; it may not start recording at once. NULL without memory. */
struct reads *reads_new(void (*touched)(struct evaluation *e, void *arg), void *arg);
void reads_free(struct reads *r);

/* Recording one run: begin, the reads in their order, end. */
void reads_begin(struct reads *r, struct evaluation *e);
int reads_object(struct reads *r, struct evaluation *e, const struct gvk *gvk, struct str ns, struct str name,
                 struct err *err) ERR_MUST_CHECK;
int reads_existence(struct reads *r, struct evaluation *e, const struct gvk *gvk, struct str ns, struct str name,
                    struct err *err) ERR_MUST_CHECK;
int reads_list(struct reads *r, struct evaluation *e, const struct store *store, const struct store_query *query,
               struct err *err) ERR_MUST_CHECK;
int reads_state(struct reads *r, struct evaluation *e, const struct gvk *gvk,
                struct err *err) ERR_MUST_CHECK; /* whether the kind is readable */
int reads_owner(struct reads *r, struct evaluation *e, struct str uid,
                struct err *err) ERR_MUST_CHECK; /* metadata of an owner of an unwatched kind */
/* Which findings of an object are open; `whose` tells apart those who keep findings. */
int reads_findings(struct reads *r, struct evaluation *e, const void *whose, struct str kind, struct str ns, struct str name,
                   struct err *err) ERR_MUST_CHECK;
void reads_end(struct reads *r, struct evaluation *e);

/* Forgets all reads of e; before e is freed. */
void reads_drop(struct reads *r, struct evaluation *e);

/* True when some evaluation rests on whether this object exists. */
bool reads_anyone_asked(const struct reads *r, const struct gvk *gvk, struct str ns, struct str name);

/* Something changed. */
void reads_object_changed(struct reads *r, const struct store *store, const struct doc *before, const struct doc *after);
void reads_existence_changed(struct reads *r, const struct gvk *gvk, struct str ns, struct str name);
void reads_state_changed(struct reads *r, const struct gvk *gvk);
void reads_owner_changed(struct reads *r, struct str uid);
void reads_findings_changed(struct reads *r, const void *whose, struct str kind, struct str ns, struct str name);

#endif
