/*
 * stream: the two streams an API server sends, as documents, from chunks of any size.
 *
 * A list reader takes a list response {kind, metadata, items: […]} and hands over each item as it completes, so that a list of any
 * length needs the memory of one item. A watch reader takes a watch response, one JSON event a line (Kubernetes API concepts:
 * "Efficient detection of changes"). An item is handed over only when it is whole.
 */
#ifndef DOC_STREAM_H
#define DOC_STREAM_H

#include "base/err.h"
#include "doc/doc.h"
#include "doc/projection.h"

enum { STREAM_MAX_ITEM_BYTES = 8 * 1024 * 1024 }; /* etcd refuses objects over 1.5 MiB; lists of Lists do not occur */

/* `item` is borrowed for the call. A non-zero return (with *err) ends the stream with that error. */
typedef int (*stream_item)(struct doc *item, void *arg, struct err *err);

struct list_reader;

/*
 * For items of this GVK: list responses leave apiVersion and kind of the items out; the reader puts them back.
 * Borrows the strings for its life; holds p.
 */
struct list_reader *list_reader_new(struct str api_version, struct str kind, const struct projection *p, stream_item item, void *arg);
int list_reader_feed(struct list_reader *r, struct str chunk, struct err *err) ERR_MUST_CHECK;
/* After the last chunk: ERR_SYNTAX when the response is not whole. The list's metadata is readable until the free. */
int list_reader_end(struct list_reader *r, struct err *err) ERR_MUST_CHECK;
bool list_reader_is_whole(const struct list_reader *r); /* the end of the list has come */
struct str list_reader_resource_version(const struct list_reader *r);
struct str list_reader_continue(const struct list_reader *r); /* empty: this was the last page */
void list_reader_free(struct list_reader *r);

enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK, WATCH_ERROR };

/* For WATCH_ERROR `object` is the whole Status; for WATCH_BOOKMARK only its metadata means anything, annotations included. Borrowed. */
typedef int (*stream_event)(enum watch_type type, struct doc *object, void *arg, struct err *err);

struct watch_reader;

struct watch_reader *watch_reader_new(const struct projection *p, stream_event event, void *arg);
int watch_reader_feed(struct watch_reader *r, struct str chunk, struct err *err) ERR_MUST_CHECK;
bool watch_reader_is_midway(const struct watch_reader *r); /* part of an event has arrived */
void watch_reader_free(struct watch_reader *r);            /* an unfinished line is dropped */

#endif
