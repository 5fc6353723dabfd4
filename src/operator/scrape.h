/*
 * scrape: fetches the metrics of the engines of one K8sGPT, again and again, for the operator to show them with its own.
 *
 * A step names the pages (ctx.scrape). Each is fetched at its interval, and while it does not come sooner, ever more rarely up to the
 * interval; always with a deadline and a limit. What a page said is shown until the next one came, or failed to. Nothing of it ever decides
 * anything. Requests leave by the client for what only a leader may send.
 */
#ifndef OPERATOR_SCRAPE_H
#define OPERATOR_SCRAPE_H

#include "doc/doc.h"
#include "operator/enginepage.h"
#include "operator/tenant.h"

struct scrapes;

struct scrapes *scrapes_new(struct tenant *t); /* NULL without memory */
void scrapes_free(struct scrapes *s);          /* NULL: nothing */

/*
 * From now on these are fetched, and no others: an array of {url, pod, interval, timeout} (meta.lua, k8sgpt.Scrape). One that is as before
 * goes on. ERR_INVALID or ERR_LIMIT names what is wrong, and all is as before.
 */
int scrapes_set(struct scrapes *s, struct doc_value wanted, struct err *err) ERR_MUST_CHECK;

/* Nothing is fetched any more, and nothing shown, until scrapes_set. */
void scrapes_stop(struct scrapes *s);

/* Shows what each page said last. */
void scrapes_put(const struct scrapes *s, struct enginefamilies *families);

#endif
