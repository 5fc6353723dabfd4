#include <stdlib.h>

#include "doc/builder.h"
#include "doc/json_reader.h"
#include "grpc/message_internal.h"

enum {
    MAX_ITEMS = 100000,
    MAX_ITEM_BYTES = 1 << 20,       /* on the wire */
    MAX_ALLOCATED_BYTES = 32 << 20, /* for one item, or the head: two bytes on the wire may ask for fifty */
    MAX_DOCUMENTS_BYTES = 128 << 20,
};

/* ---- a bounded allocator -------------------------------------------------------------------------------------------------------- */

static void *take(void *budget, size_t size) {
    size_t *left = budget;
    if (size > *left) return NULL;
    *left -= size;
    return malloc(size);
}

static void give(void *budget, void *p) {
    (void)budget;
    free(p);
}

/* protobuf-c says neither why it failed nor where. */
static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct str bytes, struct err *err) {
    size_t left = MAX_ALLOCATED_BYTES;
    ProtobufCAllocator allocator = {take, give, &left};
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &allocator, bytes.n, (const uint8_t *)(bytes.n ? bytes.p : ""));
    if (!m) err_set(err, ERR_SYNTAX, "bytes that are no %s, or one too large", type->short_name);
    return m;
}

/* ---- into documents --------------------------------------------------------------------------------------------------------------- */

static void put_message(struct doc_builder *b, const ProtobufCMessage *m, const char *except);

static void put_value(struct doc_builder *b, const ProtobufCFieldDescriptor *field, const void *slot) {
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        struct str text = str_of(*(char *const *)slot);
        if (!json_is_utf8(text)) doc_builder_fail(b, ERR_SYNTAX, "%s is not UTF-8", field->name);
        doc_put_str(b, text);
        return;
    }
    case PROTOBUF_C_TYPE_MESSAGE: put_message(b, *(ProtobufCMessage *const *)slot, NULL); return;
    case PROTOBUF_C_TYPE_BOOL: doc_put_bool(b, *(const protobuf_c_boolean *)slot); return;
    case PROTOBUF_C_TYPE_INT32: doc_put_int(b, *(const int32_t *)slot); return;
    default: doc_builder_fail(b, ERR_UNSUPPORTED, "%s has a type that no message of ours has", field->name);
    }
}

static void put_list(struct doc_builder *b, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field) {
    size_t n = *(const size_t *)((const char *)m + field->quantifier_offset);
    void *const *items = *(void *const *const *)((const char *)m + field->offset);
    doc_begin_array(b);
    for (size_t i = 0; i < n; i++) put_value(b, field, &items[i]);
    doc_end_array(b);
}

static bool is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field) {
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) return *(const uint32_t *)((const char *)m + field->quantifier_offset) == field->id;
    return field->label == PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE ||
           *(ProtobufCMessage *const *)((const char *)m + field->offset);
}

static void put_message(struct doc_builder *b, const ProtobufCMessage *m, const char *except) {
    char name[FIELD_NAME_BYTES];
    doc_begin_object(b);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        if (!is_set(m, field) || (except && strcmp(except, field->name) == 0)) continue;
        doc_key(b, str_of(field_json_name(field, name)));
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(b, m, field);
        else
            put_value(b, field, (const char *)m + field->offset);
    }
    doc_end_object(b);
}

static struct doc *document(struct doc_builder *b, const ProtobufCMessageDescriptor *type, struct str bytes, const char *except,
                            struct err *err) {
    ProtobufCMessage *m = unpack(type, bytes, err);
    if (!m) return NULL;
    put_message(b, m, except);
    ProtobufCAllocator allocator = {take, give, NULL};
    protobuf_c_message_free_unpacked(m, &allocator);
    return doc_builder_finish(b, err);
}

/* ---- item by item ----------------------------------------------------------------------------------------------------------------- */

/* A whole answer as one tree of protobuf-c's would need its size once more, beside the bytes and the documents. */
struct walk {
    const char *p, *end;
};

static bool varint(struct walk *w, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64 && w->p < w->end; shift += 7) {
        unsigned char byte = (unsigned char)*w->p++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/* The next field: its tag, and of a length-delimited one its content (protobuf.dev, "Encoding"). Groups are no part of proto3. */
static bool next_field(struct walk *w, uint64_t *tag, struct str *content) {
    uint64_t n = 0;
    *content = (struct str){0};
    if (!varint(w, tag)) return false;
    switch (*tag & 7) {
    case 0: return varint(w, &n);
    case 1: n = 8; break;
    case 2:
        if (!varint(w, &n)) return false;
        *content = (struct str){w->p, n};
        break;
    case 5: n = 4; break;
    default: return false;
    }
    if (n > (size_t)(w->end - w->p)) return false;
    w->p += n;
    return true;
}

struct unpacking {
    const ProtobufCFieldDescriptor *items; /* NULL: there are none */
    struct doc_builder *b;
    struct buf rest; /* all but the items */
    struct message *out;
    size_t room, used_bytes;
};

static int add_item(struct unpacking *u, struct str bytes, struct err *err) {
    struct message *m = u->out;
    if (m->item_count == MAX_ITEMS) return err_set(err, ERR_LIMIT, "over %d %s in one answer", MAX_ITEMS, u->items->name);
    if (bytes.n > MAX_ITEM_BYTES) return err_set(err, ERR_LIMIT, "one of the %s has over %d bytes", u->items->name, MAX_ITEM_BYTES);
    if (m->item_count == u->room) {
        size_t room = u->room ? u->room * 2 : 16;
        struct doc **grown = reallocarray(m->items, room, sizeof *grown);
        if (!grown) return err_set(err, ERR_NOMEM, "no memory for an answer");
        m->items = grown;
        u->room = room;
    }
    struct doc *doc = document(u->b, u->items->descriptor, bytes, NULL, err);
    if (!doc) return err_prefix(err, "%s %zu", u->items->name, m->item_count + 1);
    m->items[m->item_count++] = doc;
    u->used_bytes += doc_size_bytes(doc);
    return u->used_bytes <= MAX_DOCUMENTS_BYTES ? 0 : err_set(err, ERR_LIMIT, "an answer that needs over %d bytes", MAX_DOCUMENTS_BYTES);
}

static int split(struct unpacking *u, struct str bytes, struct err *err) {
    struct walk w = {bytes.p, bytes.p + bytes.n};
    int rc = 0;
    while (!rc && w.p < w.end) {
        const char *start = w.p;
        uint64_t tag;
        struct str content;
        if (!next_field(&w, &tag, &content)) return err_set(err, ERR_SYNTAX, "bytes that are no message");
        if (u->items && tag == ((uint64_t)u->items->id << 3 | 2))
            rc = add_item(u, content, err);
        else
            rc = buf_append(&u->rest, start, (size_t)(w.p - start), err);
    }
    return rc;
}

int message_unpack(const struct grpc_method *method, struct str bytes, struct message *out, struct err *err) {
    const ProtobufCMessageDescriptor *type = method->response;
    struct unpacking u = {.b = doc_builder_new(), .rest = buf_new(MAX_ALLOCATED_BYTES), .out = out};
    *out = (struct message){0};
    if (method->items) u.items = protobuf_c_message_descriptor_get_field_by_name(type, method->items);
    int rc = u.b ? 0 : err_set(err, ERR_NOMEM, "no memory for an answer");
    if (!rc) rc = split(&u, bytes, err);
    if (!rc && !(out->head = document(u.b, type, (struct str){u.rest.data, u.rest.len}, method->items, err))) rc = (int)err->code;
    buf_free(&u.rest);
    doc_builder_free(u.b);
    if (rc) message_free(out);
    return rc;
}

void message_free(struct message *m) {
    for (size_t i = 0; i < m->item_count; i++) doc_unref(m->items[i]);
    free(m->items);
    doc_unref(m->head);
    *m = (struct message){0};
}
