#include <stdlib.h>

#include "doc/json_reader.h"
#include "doc/stream.h"

struct watch_reader {
    struct doc_builder *b;
    const struct projection *projection;
    stream_event event;
    void *arg;
    struct buf carry; /* a line that a chunk cut in two */
    struct err err;   /* sticky */
};

struct watch_reader *watch_reader_new(const struct projection *p, stream_event event, void *arg) {
    struct watch_reader *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    *r = (struct watch_reader){.event = event, .arg = arg};
    r->carry = buf_new(STREAM_MAX_ITEM_BYTES);
    r->projection = projection_ref(p);
    r->b = doc_builder_new();
    if (r->b) return r;
    watch_reader_free(r);
    return NULL;
}

void watch_reader_free(struct watch_reader *r) {
    if (!r) return;
    doc_builder_free(r->b);
    projection_unref(r->projection);
    buf_free(&r->carry);
    free(r);
}

/* One line: {"type": …, "object": …}, in any order. */
struct line {
    enum watch_type type;
    bool has_type;
    struct str object; /* its text, where it came before the type */
    struct doc *doc;
};

static bool type_of(struct str name, enum watch_type *type) {
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};
    for (int i = WATCH_ADDED; i <= WATCH_ERROR; i++) {
        if (!str_is(name, names[i])) continue;
        *type = (enum watch_type)i;
        return true;
    }
    return false;
}

/* A Status is no object of the watched kind, and a bookmark's annotations say where the initial events end (KEP-3157). */
static const struct projection_node *node_of(const struct watch_reader *r, enum watch_type type) {
    bool whole = type == WATCH_ERROR || type == WATCH_BOOKMARK || !r->projection;
    return whole ? &projection_all : projection_root(r->projection);
}

static bool read_object(struct watch_reader *r, struct json_reader *text, struct line *line) {
    text->is_object = true;
    if (!json_value(text, node_of(r, line->type))) return false;
    line->doc = doc_builder_finish(r->b, &r->err);
    return line->doc;
}

static bool read_type(struct json_reader *text, struct line *line) {
    struct str name;
    if (!json_space(text)) return false;
    if (*text->p != '"') return json_fail(text, "a type that is not a string");
    if (!json_string(text, &name)) return false;
    line->has_type = type_of(name, &line->type);
    if (!line->has_type) doc_builder_fail(text->b, ERR_SYNTAX, "unknown type \"%.*s\"", name.n < 40 ? (int)name.n : 40, name.p);
    return line->has_type;
}

static bool read_field(struct watch_reader *r, struct json_reader *text, struct line *line) {
    struct str name;
    if (!json_space(text)) return false;
    if (*text->p != '"') return json_fail(text, "a name in double quotes expected");
    if (!json_string(text, &name)) return false;
    bool is_type = str_is(name, "type"), is_object = str_is(name, "object");
    if ((is_type && line->has_type) || (is_object && (line->doc || line->object.n))) return json_fail(text, "a name that stands twice");
    if (!json_expect(text, ':')) return false;
    if (is_type) return read_type(text, line);
    if (is_object && line->has_type) return read_object(r, text, line);
    if (!json_space(text)) return false;
    const char *start = text->p;
    if (!json_value(text, NULL)) return false;
    if (is_object) line->object = (struct str){start, (size_t)(text->p - start)};
    return true;
}

static bool read_fields(struct watch_reader *r, struct json_reader *text, struct line *line) {
    if (!json_expect(text, '{') || !json_space(text)) return false;
    while (*text->p != '}') {
        if (!read_field(r, text, line) || !json_space(text)) return false;
        if (*text->p == '}') break;
        if (!json_expect(text, ',') || !json_space(text)) return false;
        if (*text->p == '}') return json_fail(text, "a name in double quotes expected");
    }
    text->p++;
    if (json_space(&(struct json_reader){.p = text->p, .end = text->end, .b = r->b})) return json_fail(text, "text after the event");
    if (!line->has_type) return json_fail(text, "no type");
    if (line->doc) return true;
    if (!line->object.n) return json_fail(text, "no object");
    struct json_reader object = {.p = line->object.p, .end = line->object.p + line->object.n, .b = r->b, .final = true};
    return read_object(r, &object, line);
}

static int read_line(struct watch_reader *r, struct str text) {
    struct json_reader reader = {.p = text.p, .end = text.p + text.n, .b = r->b, .final = true};
    struct line line = {0};
    bool ok = read_fields(r, &reader, &line);
    if (!ok && doc_builder_failed(r->b)) doc_unref(doc_builder_finish(r->b, &r->err));
    if (ok && doc_type(doc_root(line.doc)) != DOC_OBJECT) err_set(&r->err, ERR_SYNTAX, "its object is not an object");
    if (r->err.code)
        err_prefix(&r->err, "watch event");
    else
        r->err.code = (enum err_code)r->event(line.type, line.doc, r->arg, &r->err);
    doc_unref(line.doc);
    return (int)r->err.code;
}

static bool is_blank(struct str line) {
    size_t i = 0;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\r' || line.p[i] == '\t')) i++;
    return i == line.n;
}

/* A line without its newline; part of it may wait in the carry. */
static int take_line(struct watch_reader *r, struct str line) {
    if (!r->carry.len) return is_blank(line) ? 0 : read_line(r, line);
    int rc = buf_append(&r->carry, line.p, line.n, &r->err);
    if (rc) return err_prefix(&r->err, "watch event");
    line = (struct str){r->carry.data, r->carry.len};
    rc = is_blank(line) ? 0 : read_line(r, line);
    buf_clear(&r->carry);
    return rc;
}

int watch_reader_feed(struct watch_reader *r, struct str chunk, struct err *err) {
    int rc = (int)r->err.code;
    struct str line;
    while (!rc && str_cut(chunk, '\n', &line, &chunk)) rc = take_line(r, line);
    if (!rc && line.n && (rc = buf_append(&r->carry, line.p, line.n, &r->err))) err_prefix(&r->err, "watch event");
    if (rc && err) *err = r->err;
    return rc;
}

bool watch_reader_is_midway(const struct watch_reader *r) { return r->carry.len > 0; }
