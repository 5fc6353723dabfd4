#include "doc/yaml.h"

#include <yaml.h>

#include "doc/json.h"
#include "doc/yaml_scalar.h"

#define CORE_TAG "tag:yaml.org,2002:"

struct yaml_reader {
    yaml_parser_t parser;
    struct doc_builder *b;
    struct {
        bool is_map;
        bool wants_value; /* a name came, its value did not */
    } frames[YAML_MAX_DEPTH];
    int depth;
    bool is_null; /* the document is one null, or nothing */
    yaml_each each;
    void *arg;
    struct err *err;
};

static int line_of(const yaml_event_t *event) { return (int)event->start_mark.line + 1; }

static int fail(struct yaml_reader *r, const yaml_event_t *event, enum err_code code, const char *what) {
    return err_set(r->err, code, "line %d: %s", line_of(event), what);
}

/* The name of a core tag ("str"), "" for the non-specific "!", or NULL for any other. */
static const char *core_tag(const yaml_char_t *tag) {
    static const char *const names[] = {"str", "int", "float", "bool", "null", "map", "seq", NULL};
    const char *text = (const char *)tag;
    if (strcmp(text, "!") == 0) return "";
    if (!str_starts(str_of(text), STR(CORE_TAG))) return NULL;
    for (const char *const *name = names; *name; name++) {
        if (strcmp(text + strlen(CORE_TAG), *name) == 0) return *name;
    }
    return NULL;
}

static bool is_key(const struct yaml_reader *r) {
    return r->depth && r->frames[r->depth - 1].is_map && !r->frames[r->depth - 1].wants_value;
}

/* A value came for whatever was waiting for one. */
static void note_value(struct yaml_reader *r) {
    if (r->depth) r->frames[r->depth - 1].wants_value = false;
}

static int put_key(struct yaml_reader *r, const yaml_event_t *event, struct str text) {
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && str_is(text, "<<")) return fail(r, event, ERR_UNSUPPORTED, "the merge key << is not supported");
    doc_key(r->b, text);
    r->frames[r->depth - 1].wants_value = true;
    return 0;
}

/* Whether a scalar with this tag may mean that; an integer under !!float becomes a double. */
static bool obeys_tag(struct yaml_scalar *value, const char *tag) {
    switch (value->type) {
    case DOC_NULL: return strcmp(tag, "null") == 0;
    case DOC_BOOL: return strcmp(tag, "bool") == 0;
    case DOC_DOUBLE: return strcmp(tag, "float") == 0;
    case DOC_INT:
        if (strcmp(tag, "int") == 0) return true;
        value->type = DOC_DOUBLE;
        value->number = (double)value->integer;
        return strcmp(tag, "float") == 0;
    default: return false;
    }
}

static int put_plain(struct yaml_reader *r, const yaml_event_t *event, struct str text, const char *tag) {
    struct yaml_scalar value = yaml_resolve(text);
    if (value.type == DOC_ABSENT) return fail(r, event, ERR_INVALID, "a number that JSON cannot hold");
    if (tag && !obeys_tag(&value, tag)) return fail(r, event, ERR_INVALID, "a value that its tag does not fit");
    switch (value.type) {
    case DOC_NULL: doc_null(r->b); break;
    case DOC_BOOL: doc_put_bool(r->b, value.boolean); break;
    case DOC_INT: doc_put_int(r->b, value.integer); break;
    case DOC_DOUBLE: doc_put_double(r->b, value.number); break;
    default: doc_put_str(r->b, text); break;
    }
    if (!r->depth) r->is_null = value.type == DOC_NULL;
    return 0;
}

static int put_scalar(struct yaml_reader *r, const yaml_event_t *event) {
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const char *tag = event->data.scalar.tag ? core_tag(event->data.scalar.tag) : NULL;
    if (event->data.scalar.tag && !tag) return fail(r, event, ERR_UNSUPPORTED, "a tag that is not supported");
    if (is_key(r)) return put_key(r, event, text);
    bool is_str = tag ? !*tag || strcmp(tag, "str") == 0 : event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    int rc = 0;
    if (is_str)
        doc_put_str(r->b, text);
    else
        rc = put_plain(r, event, text, tag);
    note_value(r);
    return rc;
}

static int begin(struct yaml_reader *r, const yaml_event_t *event, bool is_map) {
    const yaml_char_t *tag = is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const char *name = tag ? core_tag(tag) : NULL;
    if (tag && (!name || strcmp(name, is_map ? "map" : "seq") != 0)) return fail(r, event, ERR_UNSUPPORTED, "a tag that is not supported");
    if (is_key(r)) return fail(r, event, ERR_UNSUPPORTED, "a name that is not a scalar");
    if (r->depth == YAML_MAX_DEPTH) return fail(r, event, ERR_LIMIT, "nested deeper than 64");
    note_value(r);
    r->frames[r->depth].is_map = is_map;
    r->frames[r->depth++].wants_value = false;
    if (is_map)
        doc_begin_object(r->b);
    else
        doc_begin_array(r->b);
    return 0;
}

static int end_document(struct yaml_reader *r) {
    if (r->is_null) {
        doc_builder_reset(r->b);
        return 0;
    }
    struct doc *doc = doc_builder_finish(r->b, r->err);
    if (!doc) return r->err ? (int)r->err->code : ERR_INVALID;
    int rc = r->each(doc, r->arg, r->err);
    doc_unref(doc);
    return rc;
}

static int handle(struct yaml_reader *r, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_ALIAS_EVENT: return fail(r, event, ERR_UNSUPPORTED, "aliases are not supported");
    case YAML_SCALAR_EVENT: return put_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT: return begin(r, event, false);
    case YAML_MAPPING_START_EVENT: return begin(r, event, true);
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        doc_end_array(r->b);
        return 0;
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        doc_end_object(r->b);
        return 0;
    case YAML_DOCUMENT_START_EVENT: r->is_null = false; return 0;
    case YAML_DOCUMENT_END_EVENT: return end_document(r);
    default: return 0;
    }
}

static int fail_parse(struct yaml_reader *r) {
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) return err_set(r->err, ERR_NOMEM, "no memory to read YAML");
    int line = p->error == YAML_READER_ERROR ? (int)p->mark.line + 1 : (int)p->problem_mark.line + 1;
    return err_set(r->err, ERR_SYNTAX, "line %d: %s", line, p->problem ? p->problem : "text that is not YAML");
}

/* One event; *ended at the end of the stream. */
static int step(struct yaml_reader *r, bool *ended) {
    yaml_event_t event;
    if (!yaml_parser_parse(&r->parser, &event)) return fail_parse(r);
    *ended = event.type == YAML_STREAM_END_EVENT;
    int rc = handle(r, &event);
    if (!rc && doc_builder_failed(r->b)) {
        struct err local;
        struct err *err = r->err ? r->err : &local;
        doc_unref(doc_builder_finish(r->b, err));
        rc = err_prefix(err, "line %d", line_of(&event));
    }
    yaml_event_delete(&event);
    return rc;
}

static int read_stream(struct doc_builder *b, struct str text, yaml_each each, void *arg, struct err *err) {
    struct yaml_reader r = {.b = b, .each = each, .arg = arg, .err = err};
    if (!yaml_parser_initialize(&r.parser)) return err_set(err, ERR_NOMEM, "no memory to read YAML");
    /* libyaml aborts the process over NULL, which is what an empty file reads as. */
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int rc = 0;
    for (bool ended = false; !rc && !ended;) rc = step(&r, &ended);
    yaml_parser_delete(&r.parser);
    return rc;
}

static bool looks_like_json(struct str text) {
    size_t i = 0;
    while (i < text.n && strchr(" \t\r\n", text.p[i])) i++;
    return i < text.n && text.p[i] == '{';
}

int yaml_read(struct str text, yaml_each each, void *arg, struct err *err) {
    if (text.n > YAML_MAX_BYTES) return err_set(err, ERR_LIMIT, "YAML of more than %d bytes", YAML_MAX_BYTES);
    struct doc_builder *b = doc_builder_new();
    if (!b) return err_set(err, ERR_NOMEM, "no memory to read YAML");
    int rc;
    /* libyaml refuses some JSON: pairs of surrogate escapes, names of more than 1024 bytes. */
    struct doc *doc = looks_like_json(text) ? json_decode(b, text, NULL, NULL) : NULL;
    if (doc) {
        rc = each(doc, arg, err);
        doc_unref(doc);
    } else {
        rc = read_stream(b, text, each, arg, err);
    }
    doc_builder_free(b);
    return rc;
}

static int keep_only(struct doc *doc, void *arg, struct err *err) {
    struct doc **only = arg;
    if (*only) return err_set(err, ERR_INVALID, "more than one document");
    *only = doc_ref(doc);
    return 0;
}

struct doc *yaml_decode(struct str text, struct err *err) {
    struct doc *only = NULL;
    int rc = yaml_read(text, keep_only, &only, err);
    if (!rc && !only) rc = err_set(err, ERR_INVALID, "no document");
    if (!rc) return only;
    doc_unref(only);
    return NULL;
}
