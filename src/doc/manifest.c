#include "doc/manifest.h"

#include <stdlib.h>

#include "doc/json.h"
#include "doc/projection_internal.h"
#include "doc/stream.h"
#include "doc/yaml.h"

struct manifest {
    manifest_object each;
    manifest_keep keep;
    void *arg;
    size_t document, item; /* where it is; item 0: not in a list */
    bool placed;           /* the error says where it is */
    struct doc_builder *b;
    const struct projection *kept; /* what the objects that come are reduced to; NULL: they are whole */
    struct projection *type;       /* of a JSON document: what tells a list from an object */
};

static int place(struct manifest *m, struct err *err) {
    m->placed = true;
    if (m->item) return err_prefix(err, "document %zu, item %zu", m->document, m->item);
    return err_prefix(err, "document %zu", m->document);
}

static int refuse(struct manifest *m, const char *lacks, struct err *err) {
    err_set(err, ERR_INVALID, "no Kubernetes object: it lacks %s", lacks);
    return place(m, err);
}

/* An error of the callback has no place yet either. */
static int take_object(struct manifest *m, struct doc *object, struct err *err) {
    static const char *const needed[] = {"apiVersion", "kind", "metadata.name"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!doc_path_str(doc_root(object), needed[i]).n) return refuse(m, needed[i], err);
    return m->each(object, m->kept, m->arg, err) ? place(m, err) : 0;
}

/* "PodList": the kind of the items, "" for a plain List. False for any other kind. */
static bool is_list(struct doc_value document, struct str *item_kind) {
    static const struct str suffix = {"List", 4};
    struct str kind = doc_path_str(document, "kind");
    enum doc_type items = doc_type(doc_get(document, STR("items")));
    *item_kind = (struct str){kind.p, kind.n - suffix.n};
    return str_ends(kind, suffix) && (items == DOC_ARRAY || items == DOC_NULL);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------------- */

static int take_item(struct doc *item, void *arg, struct err *err) {
    struct manifest *m = arg;
    m->item++;
    return take_object(m, item, err);
}

static const struct projection *kept_of(const struct manifest *m, struct str api_version, struct str kind) {
    return m->keep && kind.n ? m->keep(api_version, kind, m->arg) : NULL;
}

static int read_list(struct manifest *m, struct str text, struct doc_value type, struct str item_kind, struct err *err) {
    struct str api_version = item_kind.n ? doc_path_str(type, "apiVersion") : STR("");
    m->kept = kept_of(m, api_version, item_kind);
    struct list_reader *r = list_reader_new(api_version, item_kind, m->kept, take_item, m);
    if (!r) return err_set(err, ERR_NOMEM, "no memory to read a list");
    int rc = list_reader_feed(r, text, err);
    list_reader_free(r);
    m->item = 0;
    return rc && !m->placed ? place(m, err) : rc;
}

static int read_object(struct manifest *m, struct str text, struct doc_value type, struct err *err) {
    m->kept = kept_of(m, doc_path_str(type, "apiVersion"), doc_path_str(type, "kind"));
    struct doc *object = json_decode(m->b, text, m->kept, err);
    if (!object) return place(m, err);
    int rc = take_object(m, object, err);
    doc_unref(object);
    return rc;
}

static size_t line_of(const char *start, const char *p) {
    size_t line = 1;
    while ((start = memchr(start, '\n', (size_t)(p - start)))) start++, line++;
    return line;
}

/* The extent of the document that `rest` begins with, and its type; NULL when it is none. */
static struct doc *next_document(struct manifest *m, struct str all, struct str *rest, struct str *text, struct err *err) {
    size_t used = 0;
    enum json_step step = *rest->p == '{' ? json_read_value(m->b, *rest, projection_root(m->type), &used) : JSON_FAILED;
    if (step == JSON_FAILED && !doc_builder_failed(m->b)) doc_builder_fail(m->b, ERR_SYNTAX, "an object in braces expected");
    if (step == JSON_MORE) {
        used = rest->n;
        doc_builder_fail(m->b, ERR_SYNTAX, "the text ends within an object");
    }
    *text = (struct str){rest->p, used};
    struct doc *type = doc_builder_finish(m->b, err);
    if (!type) err_prefix(err, "line %zu", line_of(all.p, rest->p + used));
    *rest = (struct str){rest->p + used, rest->n - used};
    return type;
}

static struct str skip_space(struct str text) {
    while (text.n && strchr(" \t\r\n", *text.p)) text.p++, text.n--;
    return text;
}

static int read_json(struct manifest *m, struct str all, struct err *err) {
    int rc = 0;
    for (struct str rest = all; !rc && (rest = skip_space(rest)).n;) {
        struct str text, item_kind;
        m->document++;
        struct doc *type = next_document(m, all, &rest, &text, err);
        if (!type) return err->code;
        rc = is_list(doc_root(type), &item_kind) ? read_list(m, text, doc_root(type), item_kind, err)
                                                 : read_object(m, text, doc_root(type), err);
        doc_unref(type);
    }
    return rc;
}

/* ---- YAML --------------------------------------------------------------------------------------------------------------------- */

/* The item with the apiVersion and kind of its list, where it has none. */
static struct doc *named(const struct manifest *m, struct doc_value item, struct str api_version, struct str kind, struct err *err) {
    struct doc_builder *b = m->b;
    bool lacks = kind.n && doc_type(doc_get(item, STR("kind"))) == DOC_ABSENT;
    if (!lacks || doc_type(item) != DOC_OBJECT) {
        doc_put_value(b, item);
        return doc_builder_finish(b, err);
    }
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", api_version);
    doc_pair_str(b, "kind", kind);
    for (size_t i = 0; i < doc_len(item); i++) {
        struct str key;
        struct doc_value value = doc_pair(item, i, &key, NULL);
        if (str_is(key, "apiVersion")) continue;
        doc_key(b, key);
        doc_put_value(b, value);
    }
    doc_end_object(b);
    return doc_builder_finish(b, err);
}

static int take_items(struct manifest *m, struct doc_value items, struct str api_version, struct str kind, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(items); i++) {
        struct doc *item = named(m, doc_at(items, i), api_version, kind, err);
        m->item = i + 1;
        rc = item ? take_object(m, item, err) : place(m, err);
        doc_unref(item);
    }
    m->item = 0;
    return rc;
}

static int take_document(struct doc *document, void *arg, struct err *err) {
    struct manifest *m = arg;
    struct doc_value root = doc_root(document);
    struct str item_kind;
    m->document++;
    if (doc_type(root) == DOC_ARRAY) return take_items(m, root, STR(""), STR(""), err);
    if (!is_list(root, &item_kind)) return take_object(m, document, err);
    return take_items(m, doc_get(root, STR("items")), doc_path_str(root, "apiVersion"), item_kind, err);
}

/* As much of a stream as the reader takes, up to a boundary between documents ("---" at the start of a line, YAML 1.2, 9.1.2). */
static struct str next_part(struct str text) {
    if (text.n <= YAML_MAX_BYTES) return text;
    for (size_t n = YAML_MAX_BYTES - 4; n > 0; n--)
        if (memcmp(text.p + n - 1, "\n---", 4) == 0) return (struct str){text.p, n};
    return text;
}

/* "line 3: …" of a part, in lines of the whole. */
static int shift_line(struct err *err, size_t lines_before) {
    char *rest;
    if (lines_before == 0 || strncmp(err->msg, "line ", 5) != 0) return err->code;
    struct err old = *err;
    unsigned long line = strtoul(old.msg + 5, &rest, 10);
    return err_set(err, old.code, "line %lu%s", line + lines_before, rest);
}

static int read_yaml(struct manifest *m, struct str all, struct err *err) {
    int rc = 0;
    for (struct str rest = all; !rc && rest.n;) {
        struct str part = next_part(rest);
        if (part.n > YAML_MAX_BYTES)
            return err_set(err, ERR_LIMIT, "line %zu: a YAML document of more than %d MiB; write it as JSON, a List or an object a line",
                           line_of(all.p, rest.p), YAML_MAX_BYTES / 1024 / 1024);
        rc = yaml_read(part, take_document, m, err);
        if (rc) rc = shift_line(err, line_of(all.p, rest.p) - 1);
        rest = (struct str){rest.p + part.n, rest.n - part.n};
    }
    return rc;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static int prepare(struct manifest *m, struct err *err) {
    m->b = doc_builder_new();
    m->type = projection_new();
    if (!m->b || !m->type) return err_set(err, ERR_NOMEM, "no memory to read objects");
    return projection_add(m->type, STR("items[].kind"), err);
}

int manifest_read(struct str text, manifest_object each, manifest_keep keep, void *arg, struct err *err) {
    struct err local;
    struct manifest m = {.each = each, .keep = keep, .arg = arg};
    if (!err) err = &local;
    int rc = prepare(&m, err);
    struct str start = skip_space(text);
    if (!rc) rc = start.n && *start.p == '{' ? read_json(&m, text, err) : read_yaml(&m, text, err);
    doc_builder_free(m.b);
    projection_unref(m.type);
    return rc;
}
