/*
 * reply: answers in the form that was asked for: plain objects, tables, or metadata alone.
 */
#ifndef DEVCLUSTER_REPLY_H
#define DEVCLUSTER_REPLY_H

#include "devcluster/request.h"

/* Sends a tree (taken) with the code, or with the code that a Status carries. */
void dev_reply_tree(struct http_exchange *x, int code, cJSON *tree);
void dev_reply_status(struct http_exchange *x, cJSON *status);
void dev_reply_text(struct http_exchange *x, int code, const char *content_type, struct buf *text); /* empties text */

/* Sends one object. */
void dev_reply_object(const struct dev_request *r, int code, const struct dev_object *object);

/* How one object of a kind is written. */
struct dev_shape {
    const struct dev_kind *kind;
    enum dev_form form;
    bool whole_rows; /* Table rows carry the whole object (includeObject=Object) */
    bool bare_rows;  /* or nothing (includeObject=None) */
};
struct dev_shape dev_shape_of(const struct dev_request *r);

/* Appends one object as an answer of its own; of a table: with its columns if `columns`. */
void dev_write_object(const struct dev_shape *shape, const struct dev_object *object, bool columns, struct buf *b);

/* Appends a list: begin, items, end. `version` and what follows go into metadata. */
void dev_write_list_begin(const struct dev_shape *shape, uint64_t version, const char *next, int64_t remaining, struct buf *b);
void dev_write_list_item(const struct dev_shape *shape, const struct dev_object *object, bool first, struct buf *b);
void dev_write_list_end(struct buf *b);

#endif
