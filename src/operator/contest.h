/*
 * contest: an object of ours that somebody else keeps changing back.
 *
 * What we own we put right, but two controllers that both do so write at full speed for ever. So each time that somebody undid what we
 * wrote we wait twice as long before we write it again (work_backoff_ms); ten minutes without that end the episode. People are told once
 * an episode who it is. Used by publish for Results, by run for the status of a K8sGPT and by managed for what was
 * made for it; an object that nobody disputes has none.
 */
#ifndef OPERATOR_CONTEST_H
#define OPERATOR_CONTEST_H

#include "kube/gvk.h"
#include "operator/tenant.h"

struct contest;

/* About the object of this tenant; `again` is called when it may be written again. NULL without memory. */
struct contest *contest_new(struct tenant *t, const char *gvk, struct str name, void (*again)(void *arg), void *arg);
void contest_free(struct contest *c); /* NULL: nothing */

/* Somebody undid what we wrote last: it is not to be written until `again`. */
void contest_undone(struct contest *c);

/* NULL: false. */
bool contest_waits(const struct contest *c);

#endif
