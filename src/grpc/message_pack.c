#include <stdlib.h>

#include "grpc/message_internal.h"

static ProtobufCMessage *make(const ProtobufCMessageDescriptor *type, struct doc_value v, const char *where, struct err *err);

static void *slot_of(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field) { return (char *)m + field->offset; }

static int refuse(struct err *err, const char *where, const char *name, const char *why) {
    return err_set(err, ERR_INVALID, "%s.%s %s", where, name, why);
}

static char *text_of(struct doc_value v, const char *where, const char *name, struct err *err) {
    struct str text = doc_str(v);
    char *copy = NULL;
    if (doc_type(v) != DOC_STRING || memchr(text.n ? text.p : "-", '\0', text.n ? text.n : 1))
        (void)refuse(err, where, name, "must be a text without NUL");
    else if (!(copy = str_dup(text)))
        err_set(err, ERR_NOMEM, "no memory for a message");
    return copy;
}

/* One value of a field, into its slot. What is there before, protobuf-c's shared empty text, is nobody's. */
static int put(void *slot, const ProtobufCFieldDescriptor *field, struct doc_value v, const char *where, struct err *err) {
    char name[FIELD_NAME_BYTES];
    (void)field_json_name(field, name);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        char *text = text_of(v, where, name, err);
        if (text) *(char **)slot = text;
        return text ? 0 : (int)err->code;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        ProtobufCMessage *m = make(field->descriptor, v, name, err);
        *(ProtobufCMessage **)slot = m;
        return m ? 0 : (int)err->code;
    }
    case PROTOBUF_C_TYPE_BOOL:
        if (doc_type(v) != DOC_BOOL) return refuse(err, where, name, "must be true or false");
        *(protobuf_c_boolean *)slot = doc_bool(v);
        return 0;
    case PROTOBUF_C_TYPE_INT32:
        if (doc_type(v) != DOC_INT || doc_int(v) != (int32_t)doc_int(v)) return refuse(err, where, name, "must be a 32-bit integer");
        *(int32_t *)slot = (int32_t)doc_int(v);
        return 0;
    default: return err_set(err, ERR_UNSUPPORTED, "%s.%s has a type that no message of ours has", where, name);
    }
}

/* Texts and messages: the only kinds of lists there are. */
static int put_list(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, struct doc_value list, const char *where, struct err *err) {
    char name[FIELD_NAME_BYTES];
    size_t n = doc_len(list), *count = (size_t *)((char *)m + field->quantifier_offset);
    /* An empty Lua table may be either. */
    bool is_list = doc_type(list) == DOC_ARRAY || (doc_type(list) == DOC_OBJECT && n == 0);
    if (!is_list) return refuse(err, where, field_json_name(field, name), "must be a list");
    if (n == 0) return 0;
    void **items = calloc(n, sizeof *items);
    if (!items) return err_set(err, ERR_NOMEM, "no memory for a message");
    *(void ***)slot_of(m, field) = items;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = put(&items[i], field, doc_at(list, i), where, err);
        *count = i + (rc ? 0 : 1);
    }
    return rc;
}

static int put_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, struct doc_value v, const char *where, struct err *err) {
    if (doc_type(v) == DOC_NULL) return 0;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) return put_list(m, field, v, where, err);
    uint32_t *one_of = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? (uint32_t *)((char *)m + field->quantifier_offset) : NULL;
    if (one_of && *one_of) return err_set(err, ERR_INVALID, "%s has more than one of what only one of may be given", where);
    int rc = put(slot_of(m, field), field, v, where, err);
    if (!rc && one_of) *one_of = field->id;
    return rc;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type, struct str name) {
    char json[FIELD_NAME_BYTES];
    for (unsigned i = 0; i < type->n_fields; i++)
        if (str_is(name, field_json_name(&type->fields[i], json))) return &type->fields[i];
    return NULL;
}

/* NULL with *err. */
static ProtobufCMessage *make(const ProtobufCMessageDescriptor *type, struct doc_value v, const char *where, struct err *err) {
    bool is_object = doc_type(v) == DOC_OBJECT || doc_type(v) == DOC_ABSENT || (doc_type(v) == DOC_ARRAY && doc_len(v) == 0);
    ProtobufCMessage *m = is_object ? calloc(1, type->sizeof_message) : NULL;
    if (!m) {
        err_set(err, is_object ? ERR_NOMEM : ERR_INVALID, is_object ? "no memory for %s" : "%s must be an object", where);
        return NULL;
    }
    type->message_init(m);
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(v); i++) {
        struct str name;
        struct doc_value value = doc_pair(v, i, &name, NULL);
        const ProtobufCFieldDescriptor *field = field_of(type, name);
        rc = field ? put_field(m, field, value, where, err) : err_set(err, ERR_INVALID, "%s has no field " STR_FMT, where, STR_ARG(name));
    }
    if (!rc) return m;
    protobuf_c_message_free_unpacked(m, NULL);
    return NULL;
}

int message_pack(const struct grpc_method *method, struct doc_value v, struct buf *out, struct err *err) {
    ProtobufCMessage *m = make(method->request, v, method->name, err);
    if (!m) return (int)err->code;
    size_t size = protobuf_c_message_get_packed_size(m);
    unsigned char *bytes = malloc(size ? size : 1);
    int rc = bytes ? 0 : err_set(err, ERR_NOMEM, "no memory for a message");
    if (!rc) rc = buf_append(out, bytes, protobuf_c_message_pack(m, bytes), err);
    free(bytes);
    protobuf_c_message_free_unpacked(m, NULL);
    return rc;
}
