#include "operator/docmatch.h"

#include <stdio.h>

#include "doc/json.h"

enum { MAX_PATH_CHARS = 256 };

static void append(struct buf *why, struct doc_value v) {
    struct err err;
    if (doc_type(v) == DOC_ABSENT ? buf_puts(why, "absent", &err) : json_write(v, JSON_COMPACT, why, &err)) return; /* full: it is cut */
}

static bool differ(struct doc_value have, struct doc_value want, const char *path, struct buf *why) {
    struct err err;
    if (buf_printf(why, &err, "%s is ", path)) return false;
    append(why, have);
    if (!buf_puts(why, ", not ", &err)) append(why, want);
    return false;
}

static bool match_list(struct doc_value have, struct doc_value want, const char *path, struct buf *why) {
    char below[MAX_PATH_CHARS];
    if (doc_type(have) != DOC_ARRAY || doc_len(have) != doc_len(want)) return differ(have, want, path, why);
    for (size_t i = 0; i < doc_len(want); i++) {
        snprintf(below, sizeof below, "%.200s.%zu", path, i);
        if (!docmatch(doc_at(have, i), doc_at(want, i), below, why)) return false;
    }
    return true;
}

static bool match_object(struct doc_value have, struct doc_value want, const char *path, struct buf *why) {
    char below[MAX_PATH_CHARS];
    if (doc_type(have) != DOC_OBJECT) return differ(have, want, path, why);
    for (size_t i = 0; i < doc_len(want); i++) {
        struct str key;
        struct doc_value value = doc_pair(want, i, &key, NULL);
        snprintf(below, sizeof below, "%.150s.%.*s", path, (int)(key.n > 100 ? 100 : key.n), key.p);
        if (!docmatch(doc_get(have, key), value, below, why)) return false;
    }
    return true;
}

bool docmatch(struct doc_value have, struct doc_value want, const char *path, struct buf *why) {
    switch (doc_type(want)) {
    case DOC_OBJECT: return match_object(have, want, path, why);
    case DOC_ARRAY: return match_list(have, want, path, why);
    case DOC_ABSENT:
    case DOC_NULL: return doc_type(have) <= DOC_NULL || differ(have, want, path, why);
    default: return doc_equal(have, want) || differ(have, want, path, why);
    }
}
