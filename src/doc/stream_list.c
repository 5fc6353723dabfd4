#include <stdlib.h>

#include "doc/json_reader.h"
#include "doc/json_skip.h"
#include "doc/stream.h"

/* What comes next in {"name": value, …, "items": [item, …]}. */
enum list_state {
    LIST_BEGIN,
    LIST_FIRST_NAME, /* or the end of an empty object */
    LIST_NAME,
    LIST_COLON,
    LIST_VALUE,
    LIST_NEXT, /* a comma, or the end of the object */
    LIST_FIRST_ITEM,
    LIST_ITEM,
    LIST_NEXT_ITEM,
    LIST_END,
};

struct list_reader {
    struct doc_builder *b;
    const struct projection *projection;
    struct str api_version, kind;
    stream_item item;
    void *arg;
    enum list_state state;
    enum { FIELD_OTHER, FIELD_KIND, FIELD_METADATA, FIELD_MESSAGE, FIELD_ITEMS } field;
    struct buf carry; /* a value that a chunk cut in two */
    struct json_skip skip;
    size_t items;
    bool has_items;
    struct doc *metadata, *list_kind, *message;
    struct err err; /* sticky */
};

struct list_reader *list_reader_new(struct str api_version, struct str kind, const struct projection *p, stream_item item, void *arg) {
    struct list_reader *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (struct list_reader){.api_version = api_version, .kind = kind, .item = item, .arg = arg};
    r->carry = buf_new(STREAM_MAX_ITEM_BYTES);
    r->projection = projection_ref(p);
    r->b = doc_builder_new();
    if (r->b) return r;
    list_reader_free(r);
    return NULL;
}

void list_reader_free(struct list_reader *r) {
    if (!r) return;
    doc_builder_free(r->b);
    projection_unref(r->projection);
    doc_unref(r->metadata);
    doc_unref(r->list_kind);
    doc_unref(r->message);
    buf_free(&r->carry);
    free(r);
}

bool list_reader_is_whole(const struct list_reader *r) { return r->state == LIST_END; }

struct str list_reader_resource_version(const struct list_reader *r) {
    return doc_path_str(doc_root(r->metadata), "resourceVersion");
}
struct str list_reader_continue(const struct list_reader *r) {
    return doc_path_str(doc_root(r->metadata), "continue");
}

static bool is_item(const struct list_reader *r) { return r->state == LIST_ITEM || r->state == LIST_FIRST_ITEM; }
static bool is_name(const struct list_reader *r) { return r->state == LIST_NAME || r->state == LIST_FIRST_NAME; }

static const struct projection_node *node_of(const struct list_reader *r) {
    if (is_item(r)) return r->projection ? projection_root(r->projection) : &projection_all;
    return is_name(r) || r->field != FIELD_OTHER ? &projection_all : NULL;
}

static int take_item(struct list_reader *r, struct doc *doc) {
    if (doc_type(doc_root(doc)) != DOC_OBJECT) return err_set(&r->err, ERR_SYNTAX, "item %zu of the list is not an object", r->items);
    r->items++;
    r->state = LIST_NEXT_ITEM;
    r->err.code = (enum err_code)r->item(doc, r->arg, &r->err);
    return (int)r->err.code;
}

static void take_name(struct list_reader *r, struct doc *doc) {
    struct str name = doc_str(doc_root(doc));
    r->field = str_is(name, "kind")       ? FIELD_KIND
               : str_is(name, "metadata") ? FIELD_METADATA
               : str_is(name, "message")  ? FIELD_MESSAGE
               : str_is(name, "items")    ? FIELD_ITEMS
                                          : FIELD_OTHER;
    r->state = LIST_COLON;
}

/* Keeps what the end of the list will ask for. */
static int take_value(struct list_reader *r, struct doc *doc) {
    struct doc **kept = r->field == FIELD_KIND       ? &r->list_kind
                        : r->field == FIELD_METADATA ? &r->metadata
                        : r->field == FIELD_MESSAGE  ? &r->message
                                                     : NULL;
    r->state = LIST_NEXT;
    if (r->field == FIELD_ITEMS) {
        /* Go writes an empty list that was never made as null. */
        if (doc_type(doc_root(doc)) != DOC_NULL) return err_set(&r->err, ERR_SYNTAX, "the items of the list are not an array");
        r->has_items = true;
    }
    if (!kept) return 0;
    doc_unref(*kept);
    *kept = doc_ref(doc);
    return 0;
}

/* A whole value has been read into the builder, or nowhere. */
static int take(struct list_reader *r) {
    if (!node_of(r)) {
        r->state = LIST_NEXT;
        return 0;
    }
    struct doc *doc = doc_builder_finish(r->b, &r->err);
    if (!doc) return (int)r->err.code;
    int rc = 0;
    if (is_item(r))
        rc = take_item(r, doc);
    else if (is_name(r))
        take_name(r, doc);
    else
        rc = take_value(r, doc);
    doc_unref(doc);
    return rc;
}

static int fail_build(struct list_reader *r) {
    doc_unref(doc_builder_finish(r->b, &r->err));
    return is_item(r) ? err_prefix(&r->err, "item %zu of the list", r->items) : err_prefix(&r->err, "list");
}

static int fail_byte(struct list_reader *r, char c) {
    return err_set(&r->err, ERR_SYNTAX, "a list response that is not JSON, at byte 0x%02x", (unsigned char)c);
}

static enum json_step read_value(struct list_reader *r, struct str text, size_t *used) {
    struct json_reader reader = {.p = text.p, .end = text.p + text.n, .b = r->b};
    if (is_item(r)) {
        reader.is_object = true;
        reader.api_version = r->api_version;
        reader.kind = r->kind;
    }
    return json_run(&reader, text, node_of(r), used);
}

static int read_carry(struct list_reader *r) {
    size_t used = 0, len = r->carry.len;
    int rc = r->skip.kind == SKIP_SCALAR ? buf_append(&r->carry, " ", 1, &r->err) : 0; /* so that a number ends */
    if (rc) return rc;
    enum json_step read = read_value(r, (struct str){r->carry.data, r->carry.len}, &used);
    if (read == JSON_FAILED) return fail_build(r);
    if (read == JSON_MORE) return err_set(&r->err, ERR_SYNTAX, "item %zu of the list: brackets that do not match", r->items);
    if (used < len) return fail_byte(r, r->carry.data[used]);
    buf_clear(&r->carry);
    return take(r);
}

/* More text of the value in the carry, whose end the skipper looks for; the value is read once it is whole. */
static int feed_carry(struct list_reader *r, struct str *chunk) {
    size_t used = 0;
    enum json_skip_step step = json_skip_feed(&r->skip, *chunk, &used);
    bool whole = step != SKIP_MORE; /* what is wrong with the value, the decoder will say better */
    if (step != SKIP_DONE) used = chunk->n;
    int rc = buf_append(&r->carry, chunk->p, used, &r->err);
    if (rc) return err_prefix(&r->err, "item %zu of the list", r->items);
    *chunk = (struct str){chunk->p + used, chunk->n - used};
    return whole ? read_carry(r) : 0;
}

/* At the first byte of a name, value or item. */
static int feed_value(struct list_reader *r, struct str *chunk) {
    size_t used = 0;
    switch (read_value(r, *chunk, &used)) {
    case JSON_FAILED: return fail_build(r);
    case JSON_MORE: r->skip = json_skip_new(DOC_MAX_DEPTH); return feed_carry(r, chunk);
    case JSON_DONE: *chunk = (struct str){chunk->p + used, chunk->n - used}; return take(r);
    }
    return 0;
}

/* What a byte that is no value means; LIST_BEGIN: nothing good. */
static enum list_state after(const struct list_reader *r, char c) {
    switch (r->state) {
    case LIST_BEGIN: return c == '{' ? LIST_FIRST_NAME : LIST_BEGIN;
    case LIST_FIRST_NAME: return c == '}' ? LIST_END : LIST_BEGIN;
    case LIST_COLON: return c == ':' ? LIST_VALUE : LIST_BEGIN;
    case LIST_VALUE: return c == '[' && r->field == FIELD_ITEMS ? LIST_FIRST_ITEM : LIST_BEGIN;
    case LIST_NEXT: return c == ',' ? LIST_NAME : c == '}' ? LIST_END : LIST_BEGIN;
    case LIST_FIRST_ITEM: return c == ']' ? LIST_NEXT : LIST_BEGIN;
    case LIST_NEXT_ITEM: return c == ',' ? LIST_ITEM : c == ']' ? LIST_NEXT : LIST_BEGIN;
    default: return LIST_BEGIN;
    }
}

static int feed_byte(struct list_reader *r, struct str *chunk) {
    char c = chunk->p[0];
    bool begins_value = is_name(r) ? c == '"' : is_item(r) || r->state == LIST_VALUE;
    enum list_state state = after(r, c);
    if (state == LIST_BEGIN && begins_value) return feed_value(r, chunk);
    if (state == LIST_BEGIN) return fail_byte(r, c);
    if (r->state == LIST_VALUE) {
        if (r->has_items) return err_set(&r->err, ERR_SYNTAX, "a list response with two items fields");
        r->has_items = true;
    }
    r->state = state;
    *chunk = (struct str){chunk->p + 1, chunk->n - 1};
    return 0;
}

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

int list_reader_feed(struct list_reader *r, struct str chunk, struct err *err) {
    int rc = (int)r->err.code;
    while (!rc && chunk.n) {
        if (r->carry.len) {
            rc = feed_carry(r, &chunk);
        } else if (is_space(chunk.p[0])) {
            chunk = (struct str){chunk.p + 1, chunk.n - 1};
        } else {
            rc = feed_byte(r, &chunk);
        }
    }
    if (rc && err) *err = r->err;
    return rc;
}

int list_reader_end(struct list_reader *r, struct err *err) {
    struct str kind = doc_str(doc_root(r->list_kind)), message = doc_str(doc_root(r->message));
    if (!r->err.code && r->state != LIST_END) err_set(&r->err, ERR_SYNTAX, "the list response was cut off after %zu items", r->items);
    if (!r->err.code && !r->has_items && str_is(kind, "Status")) {
        err_set(&r->err, ERR_SERVER, "a Status instead of a list: " STR_FMT, STR_ARG(message));
    } else if (!r->err.code && !r->has_items) {
        err_set(&r->err, ERR_SYNTAX, "a list response (kind \"" STR_FMT "\") without items", STR_ARG(kind));
    }
    if (r->err.code && err) *err = r->err;
    return (int)r->err.code;
}
