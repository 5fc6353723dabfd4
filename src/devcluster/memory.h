/*
 * memory: allocation for the embedded API server, which never fails to its callers.
 *
 * The server is a demo and test process that keeps nothing durable: when memory runs out it says so and exits with 1, which a
 * caller sees as a server that went away. That keeps JSON trees, built in hundreds of places, free of dead branches.
 */
#ifndef DEVCLUSTER_MEMORY_H
#define DEVCLUSTER_MEMORY_H

#include <stddef.h>

#include "base/buf.h"

/* Zeroed memory, a resized block, copies of text; all released with free. */
void *dev_alloc(size_t bytes);
void *dev_resize(void *block, size_t bytes);
char *dev_copy_text(const char *text); /* NULL stays NULL */
char *dev_copy_span(const char *text, size_t n);
char *dev_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes cJSON allocate by the same rule. Called once, before the first tree. */
void dev_memory_init(void);

/* An unbounded text under construction, and appends that cannot fail. */
struct buf dev_text_new(void);
void dev_text_add(struct buf *b, const char *text);
void dev_text_add_bytes(struct buf *b, const char *bytes, size_t n);
void dev_text_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
