#include "devcluster/protobuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/base64.h"
#include "devcluster/memory.h"
#include "devcluster/object.h"
#include "devcluster/protobuf_types.h"
#include "devcluster/tree.h"

enum { MAX_DEPTH = 32 };

/* One field on the wire: a number, or a span of bytes. */
struct wire {
    unsigned number;
    bool is_span;
    uint64_t value;
    struct str span;
};

static bool read_varint(struct str *in, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->n; shift += 7) {
        unsigned char byte = (unsigned char)*in->p++;
        in->n--;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static bool skip(struct str *in, size_t n) {
    if (n > in->n) return false;
    in->p += n;
    in->n -= n;
    return true;
}

/* Wire types: 0 varint, 1 eight bytes, 2 span, 5 four bytes. Source: protobuf.dev, "Encoding". */
static bool read_field(struct str *in, struct wire *w) {
    uint64_t key, length;
    *w = (struct wire){0};
    if (!read_varint(in, &key)) return false;
    w->number = (unsigned)(key >> 3);
    switch (key & 7) {
    case 0: return read_varint(in, &w->value);
    case 1: return skip(in, 8);
    case 5: return skip(in, 4);
    case 2: break;
    default: return false;
    }
    w->is_span = true;
    if (!read_varint(in, &length) || length > in->n) return false;
    w->span = (struct str){in->p, (size_t)length};
    return skip(in, (size_t)length);
}

/* The spans of fields 1 and 2: a map entry's key and value, or other small messages. */
static bool read_pair(struct str in, struct wire first[static 3]) {
    struct wire w;
    memset(first, 0, 3 * sizeof *first);
    while (in.n) {
        if (!read_field(&in, &w)) return false;
        if (w.number >= 1 && w.number <= 3) first[w.number - 1] = w;
    }
    return true;
}

static cJSON *text_of(struct str span) {
    char *text = dev_copy_span(span.p ? span.p : "", span.n);
    cJSON *node = cJSON_CreateString(text);
    free(text);
    return node;
}

static bool read_message(struct str in, const struct dev_pb_field *fields, cJSON *object, unsigned depth);

static bool add_map_entry(cJSON *object, const struct dev_pb_field *field, struct str span) {
    struct wire pair[3];
    if (!read_pair(span, pair)) return false;
    char *key = dev_copy_span(pair[0].span.p ? pair[0].span.p : "", pair[0].span.n);
    tree_set(tree_make(object, field->name), key, field->type == PB_BYTES_MAP ? dev_base64(pair[1].span) : text_of(pair[1].span));
    free(key);
    return true;
}

/* IntOrString: type (0 number, 1 text), number, text. */
static cJSON *int_or_text(struct str span) {
    struct wire parts[3];
    if (!read_pair(span, parts)) return NULL;
    if (parts[0].value) return text_of(parts[2].span);
    return parts[1].value ? cJSON_CreateNumber((double)(int64_t)parts[1].value) : NULL;
}

/* The value of a field, NULL where there is nothing to say; *ok false on broken input. */
static cJSON *value_of(const struct dev_pb_field *field, const struct wire *w, unsigned depth, bool *ok) {
    bool zero = w->is_span ? w->span.n == 0 : w->value == 0;
    if (zero && field->count == '1') return NULL;
    if (field->type == PB_TEXT) return text_of(w->span);
    if (field->type == PB_NUMBER) return cJSON_CreateNumber((double)(int64_t)w->value);
    if (field->type == PB_BOOL) return cJSON_CreateBool(w->value != 0);
    if (field->type == PB_INT_OR_TEXT) return int_or_text(w->span);
    cJSON *object = cJSON_CreateObject();
    *ok = read_message(w->span, field->message, object, depth + 1);
    if (object->child || field->count == '*') return object;
    cJSON_Delete(object);
    return NULL;
}

static bool add_field(const struct dev_pb_field *field, const struct wire *w, cJSON *object, unsigned depth) {
    bool ok = true;
    if (field->type == PB_TEXT_MAP || field->type == PB_BYTES_MAP) return add_map_entry(object, field, w->span);
    cJSON *value = value_of(field, w, depth, &ok);
    if (!value) return ok;
    if (field->count != '*') {
        tree_set(object, field->name, value);
        return ok;
    }
    if (!tree_get(object, field->name)) tree_set(object, field->name, cJSON_CreateArray());
    cJSON_AddItemToArray(tree_get(object, field->name), value);
    return ok;
}

static bool read_message(struct str in, const struct dev_pb_field *fields, cJSON *object, unsigned depth) {
    struct wire w;
    if (depth > MAX_DEPTH) return false;
    while (in.n) {
        if (!read_field(&in, &w)) return false;
        const struct dev_pb_field *field = fields;
        while (field->number && field->number != w.number) field++;
        if (field->number && !add_field(field, &w, object, depth)) return false;
    }
    return true;
}

static cJSON *read_object(const char *api_version, const char *kind, struct str raw) {
    const struct dev_pb_field *fields = dev_pb_kind(kind);
    cJSON *tree = cJSON_CreateObject();
    if (fields && read_message(raw, fields, tree, 0)) {
        dev_tree_head(tree, api_version, kind);
        return tree;
    }
    cJSON_Delete(tree);
    return NULL;
}

cJSON *dev_protobuf_read(struct str body) {
    struct wire unknown[3], type[3];
    if (body.n < 4 || memcmp(body.p, "k8s\0", 4) != 0) return NULL;
    if (!read_pair((struct str){body.p + 4, body.n - 4}, unknown) || !read_pair(unknown[0].span, type)) return NULL;
    cJSON *api_version = text_of(type[0].span), *kind = text_of(type[1].span);
    cJSON *tree = read_object(api_version->valuestring, kind->valuestring, unknown[1].span);
    cJSON_Delete(api_version);
    cJSON_Delete(kind);
    return tree;
}
