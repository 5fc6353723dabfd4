#include <ctype.h>

#include "grpc/message_internal.h"

char *field_json_name(const ProtobufCFieldDescriptor *field, char out[FIELD_NAME_BYTES]) {
    size_t n = 0;
    bool upper = false;
    for (const char *p = field->name; *p && n + 1 < FIELD_NAME_BYTES; p++) {
        if (*p != '_') out[n++] = upper ? (char)toupper((unsigned char)*p) : *p;
        upper = *p == '_';
    }
    out[n] = '\0';
    return out;
}
