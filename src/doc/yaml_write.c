#include <yaml.h>

#include "doc/json.h"
#include "doc/yaml.h"
#include "doc/yaml_scalar.h"

enum { MAX_SCALAR_BYTES = 16 * 1024 * 1024, INDENT = 2 };

struct yaml_writer {
    yaml_emitter_t emitter;
    struct buf *out;
    struct buf scalar; /* the text of the number at hand */
    struct err *err;
};

static int on_bytes(void *arg, unsigned char *bytes, size_t n) {
    struct yaml_writer *w = arg;
    return buf_append(w->out, bytes, n, w->err) == 0;
}

/* The emitter frees the event, also where it fails. */
static int emit(struct yaml_writer *w, int made, yaml_event_t *event) {
    if (made && yaml_emitter_emit(&w->emitter, event)) return 0;
    if (w->err->code) return (int)w->err->code; /* of on_bytes */
    return w->emitter.error == YAML_MEMORY_ERROR || !made ? err_set(w->err, ERR_NOMEM, "no memory to write YAML")
                                                          : err_set(w->err, ERR_INVALID, "cannot write YAML: %s", w->emitter.problem);
}

/* YAML 1.1 as others have it reads y and n as booleans, and knows numbers of base 60 and times. */
static bool is_plain(struct str text) {
    static const char *const words[] = {"y", "Y", "n", "N", "=", "<<", NULL};
    static const char number[] = "0123456789abcdefABCDEFxXoO_:.+-tTzZ ";
    bool like_number = text.n && strchr("+-.0123456789", text.p[0]) && strspn(text.p, number) == text.n;
    if (!text.n || like_number || yaml_resolve(text).type != DOC_STRING) return false;
    for (const char *const *word = words; *word; word++)
        if (str_is(text, *word)) return false;
    return true;
}

static int put_scalar(struct yaml_writer *w, struct str text, yaml_scalar_style_t style) {
    yaml_event_t event;
    yaml_char_t *bytes = (yaml_char_t *)(uintptr_t)(text.p ? text.p : "");
    return emit(w, yaml_scalar_event_initialize(&event, NULL, NULL, bytes, (int)text.n, 1, 1, style), &event);
}

static int put_str(struct yaml_writer *w, struct str text) {
    if (text.n > MAX_SCALAR_BYTES) return err_set(w->err, ERR_LIMIT, "a text of %zu bytes is too long for YAML", text.n);
    if (text.n && memchr(text.p, '\n', text.n)) return put_scalar(w, text, YAML_LITERAL_SCALAR_STYLE);
    return put_scalar(w, text, is_plain(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static int put_value(struct yaml_writer *w, struct doc_value v);

static int put_array(struct yaml_writer *w, struct doc_value v) {
    yaml_event_t event;
    yaml_sequence_style_t style = doc_len(v) ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
    int rc = emit(w, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style), &event);
    for (size_t i = 0; !rc && i < doc_len(v); i++) rc = put_value(w, doc_at(v, i));
    return rc ? rc : emit(w, yaml_sequence_end_event_initialize(&event), &event);
}

static int put_object(struct yaml_writer *w, struct doc_value v) {
    yaml_event_t event;
    yaml_mapping_style_t style = doc_len(v) ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
    int rc = emit(w, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style), &event);
    for (size_t i = 0; !rc && i < doc_len(v); i++) {
        struct str key;
        struct doc_value value = doc_pair(v, i, &key, NULL);
        rc = put_str(w, key);
        if (!rc) rc = put_value(w, value);
    }
    return rc ? rc : emit(w, yaml_mapping_end_event_initialize(&event), &event);
}

static int put_value(struct yaml_writer *w, struct doc_value v) {
    switch (doc_type(v)) {
    case DOC_STRING: return put_str(w, doc_str(v));
    case DOC_ARRAY: return put_array(w, v);
    case DOC_OBJECT: return put_object(w, v);
    default: break;
    }
    buf_clear(&w->scalar); /* null, true, 1 and 1.5 are written as in JSON */
    int rc = json_write(v, JSON_COMPACT, &w->scalar, w->err);
    return rc ? rc : put_scalar(w, (struct str){w->scalar.data, w->scalar.len}, YAML_PLAIN_SCALAR_STYLE);
}

static int put_document(struct yaml_writer *w, struct doc_value v) {
    yaml_event_t event;
    int rc = emit(w, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    if (!rc) rc = emit(w, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0), &event);
    if (!rc) rc = put_value(w, v);
    if (!rc) rc = emit(w, yaml_document_end_event_initialize(&event, 1), &event);
    return rc ? rc : emit(w, yaml_stream_end_event_initialize(&event), &event);
}

int yaml_write(struct doc_value v, struct buf *out, struct err *err) {
    struct yaml_writer w = {.out = out, .scalar = buf_new(64), .err = err};
    *err = (struct err){0};
    if (!yaml_emitter_initialize(&w.emitter)) return err_set(err, ERR_NOMEM, "no memory to write YAML");
    yaml_emitter_set_output(&w.emitter, on_bytes, &w);
    yaml_emitter_set_unicode(&w.emitter, 1);
    yaml_emitter_set_indent(&w.emitter, INDENT);
    yaml_emitter_set_width(&w.emitter, -1);
    int rc = put_document(&w, v);
    yaml_emitter_delete(&w.emitter);
    buf_free(&w.scalar);
    return rc;
}
