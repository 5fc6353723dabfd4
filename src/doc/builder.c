#include "doc/builder.h"

#include <stdlib.h>

#include "doc/builder_internal.h"

enum {
    KEEP_BYTES = 1024 * 1024, /* what one large document needed is not held for ever */
    TEXT_KEY_MAX = 255,
};

struct doc_builder *doc_builder_new(void) {
    struct doc_builder *b = malloc(sizeof *b);
    if (!b) return NULL;
    memset(b, 0, offsetof(struct doc_builder, frames));
    doc_builder_reset(b);
    return b;
}

static void free_parts(struct doc_builder *b) {
    free(b->stack.at);
    free(b->done.at);
    free(b->names.at);
    free(b->bytes.at);
    free(b->scratch.at);
}

void doc_builder_free(struct doc_builder *b) {
    if (!b) return;
    free_parts(b);
    free(b);
}

static void trim(struct doc_builder *b) {
    size_t held = (b->stack.cap + b->done.cap + b->names.cap) * sizeof(uint32_t) + b->bytes.cap + b->scratch.cap;
    if (held <= KEEP_BYTES) return;
    free_parts(b);
    b->stack = b->done = b->names = (struct words){0};
    memset(&b->bytes, 0, sizeof b->bytes);
    memset(&b->scratch, 0, sizeof b->scratch);
}

void doc_builder_reset(struct doc_builder *b) {
    trim(b);
    b->stack.len = b->done.len = b->bytes.len = 0;
    b->depth = 0;
    b->has_root = b->failed = false;
    b->err.code = ERR_NONE;
    b->err.msg[0] = '\0';
}

static void failv(struct doc_builder *b, enum err_code code, const char *format, va_list args) {
    if (b->failed) return;
    b->failed = true;
    err_setv(&b->err, code, format, args);
}

void doc_builder_fail(struct doc_builder *b, enum err_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    failv(b, code, format, args);
    va_end(args);
}

bool doc_builder_failed(const struct doc_builder *b) { return b->failed; }

/* The next capacity for `need` things, doubling, or 0 when a document cannot be that large. */
static size_t next_cap(size_t cap, size_t need, size_t max) {
    if (need > max) return 0;
    if (!cap) cap = 256;
    while (cap < need) cap *= 2;
    return cap;
}

static void fail_limit(struct doc_builder *b) { doc_builder_fail(b, ERR_LIMIT, "a document of more than %d bytes", DOC_MAX_BYTES); }
static void fail_nomem(struct doc_builder *b) { doc_builder_fail(b, ERR_NOMEM, "no memory for a document"); }

bool builder_grow_words(struct doc_builder *b, struct words *w, size_t more) {
    size_t cap = next_cap(w->cap, w->len + more, DOC_MAX_BYTES / sizeof *w->at);
    if (!cap) {
        fail_limit(b);
        return false;
    }
    uint32_t *at = realloc(w->at, cap * sizeof *at);
    if (!at) {
        fail_nomem(b);
        return false;
    }
    w->at = at;
    w->cap = cap;
    return true;
}

static char *grow_bytes(struct doc_builder *b, char **at, size_t *cap, size_t need) {
    if (need <= *cap) return *at;
    size_t bytes = next_cap(*cap, need, DOC_MAX_BYTES);
    char *grown = bytes ? realloc(*at, bytes) : NULL;
    if (grown) {
        *at = grown;
        *cap = bytes;
    } else if (bytes) {
        fail_nomem(b);
    } else {
        fail_limit(b);
    }
    return grown;
}

char *builder_scratch(struct doc_builder *b, size_t n) { return grow_bytes(b, &b->scratch.at, &b->scratch.cap, n); }

static inline void push(struct doc_builder *b, uint32_t word) {
    if (b->stack.len == b->stack.cap && !builder_grow_words(b, &b->stack, 1)) return;
    b->stack.at[b->stack.len++] = word;
}

/* A whole value: for the innermost open container or as the root. */
static void put(struct doc_builder *b, uint32_t word) {
    if (b->failed) return;
    if (!b->depth) {
        if (b->has_root) doc_builder_fail(b, ERR_INVALID, "a second value after the document");
        b->root = word;
        b->has_root = true;
        return;
    }
    struct frame *f = &b->frames[b->depth - 1];
    if (f->is_object && !f->has_key) {
        doc_builder_fail(b, ERR_INVALID, "a value without a name");
        return;
    }
    f->has_key = false;
    push(b, word);
}

/* Puts a head and n bytes, and a NUL if asked for, into the bytes; returns their offset, or 0 (and b failed). */
static uint32_t put_bytes(struct doc_builder *b, const void *head, size_t head_n, struct str text, bool with_nul) {
    size_t need = b->bytes.len + head_n + text.n + with_nul;
    if (text.n > DOC_MAX_BYTES) {
        fail_limit(b);
        return 0;
    }
    if (!grow_bytes(b, &b->bytes.at, &b->bytes.cap, need)) return 0;
    uint32_t offset = (uint32_t)b->bytes.len;
    char *p = b->bytes.at + offset;
    memcpy(p, head, head_n);
    if (text.n) memcpy(p + head_n, text.p, text.n);
    if (with_nul) p[head_n + text.n] = '\0';
    b->bytes.len = need;
    return offset;
}

static uint32_t text_word(struct doc_builder *b, struct str text) {
    if (text.n <= TEXT_KEY_MAX) {
        unsigned char n = (unsigned char)text.n;
        return word_make(TAG_TEXT8, put_bytes(b, &n, sizeof n, text, true));
    }
    uint32_t n = (uint32_t)text.n;
    return word_make(TAG_TEXT32, put_bytes(b, &n, sizeof n, text, true));
}

void doc_null(struct doc_builder *b) { put(b, word_make(TAG_NULL, 0)); }

void doc_put_bool(struct doc_builder *b, bool value) { put(b, word_make(TAG_BOOL, value)); }

void doc_put_int(struct doc_builder *b, int64_t value) {
    if (b->failed) return;
    int64_t half = (int64_t)1 << (WORD_PAYLOAD_BITS - 1);
    if (value >= -half && value < half)
        put(b, word_make(TAG_INT, (uint32_t)value & WORD_PAYLOAD_MAX));
    else
        put(b, word_make(TAG_INT64, put_bytes(b, &value, sizeof value, (struct str){0}, false)));
}

void doc_put_double(struct doc_builder *b, double value) {
    if (!b->failed) put(b, word_make(TAG_DOUBLE, put_bytes(b, &value, sizeof value, (struct str){0}, false)));
}

/* The key table has the values that objects repeat most, all of this form; asking it for every value would cost more than it saves. */
static bool may_be_common(struct str text) { return text.n >= 3 && text.n <= 16 && text.p[0] >= 'A' && text.p[0] <= 'Z'; }

void doc_put_str(struct doc_builder *b, struct str text) {
    if (b->failed) return;
    uint32_t id = may_be_common(text) ? key_find(text) : KEY_NONE;
    put(b, id != KEY_NONE ? word_make(TAG_ATOM, id) : text_word(b, text));
}

void doc_put_atom(struct doc_builder *b, struct str text) {
    uint32_t id = key_intern(text);
    if (id != KEY_NONE)
        put(b, word_make(TAG_ATOM, id));
    else
        doc_put_str(b, text);
}

static void begin(struct doc_builder *b, bool is_object) {
    if (b->failed) return;
    if (b->depth == DOC_MAX_DEPTH) {
        doc_builder_fail(b, ERR_LIMIT, "nested deeper than %d", DOC_MAX_DEPTH);
        return;
    }
    struct frame *f = &b->frames[b->depth];
    bool fits = b->depth ? !f[-1].is_object || f[-1].has_key : !b->has_root;
    if (!fits) {
        doc_builder_fail(b, ERR_INVALID, b->depth ? "a value without a name" : "a second value after the document");
        return;
    }
    *f = (struct frame){.start = b->stack.len, .is_object = is_object};
    b->depth++;
}

/* Appends a container's words as a block of the finished ones, for which there is room. An object with a shape keeps its values only. */
static uint32_t put_block(struct doc_builder *b, const struct frame *f, size_t n) {
    const uint32_t *words = b->stack.at + f->start;
    uint32_t at = (uint32_t)b->done.len, *block = b->done.at + at;
    uint32_t shape = f->is_object && !f->has_texts ? shape_of_pairs(words, n / 2) : SHAPE_NONE;
    if (shape == SHAPE_NONE) {
        block[0] = (uint32_t)(f->is_object ? n / 2 : n);
        memcpy(block + 1, words, n * sizeof *words);
        b->done.len += n + 1;
        return word_make(f->is_object ? TAG_OBJECT_PAIRS : TAG_ARRAY, at);
    }
    block[0] = shape;
    for (size_t i = 0; i < n / 2; i++) block[1 + i] = words[2 * i + 1];
    b->done.len += n / 2 + 1;
    return word_make(TAG_OBJECT, at);
}

/* Closes the innermost container. */
static void end(struct doc_builder *b, bool is_object) {
    if (b->failed) return;
    struct frame *f = b->depth ? &b->frames[b->depth - 1] : NULL;
    if (!f || f->is_object != is_object || f->has_key) {
        doc_builder_fail(b, ERR_INVALID, "an end without its beginning");
        return;
    }
    size_t n = b->stack.len - f->start;
    if (b->done.len + n + 2 > b->done.cap && !builder_grow_words(b, &b->done, n + 2)) return;
    if (!b->done.len) b->done.at[b->done.len++] = 0;
    uint32_t word = n ? put_block(b, f, n) : word_make(is_object ? TAG_OBJECT : TAG_ARRAY, 0);
    b->stack.len = f->start;
    b->depth--;
    put(b, word);
}

void doc_begin_object(struct doc_builder *b) { begin(b, true); }
void doc_begin_array(struct doc_builder *b) { begin(b, false); }
void doc_end_array(struct doc_builder *b) { end(b, false); }

void doc_end_object(struct doc_builder *b) {
    if (!b->failed && b->depth) builder_check_names(b);
    end(b, true);
}

void builder_key(struct doc_builder *b, uint32_t id, struct str name) {
    if (b->failed) return;
    struct frame *f = b->depth ? &b->frames[b->depth - 1] : NULL;
    if (!f || !f->is_object || f->has_key) {
        doc_builder_fail(b, ERR_INVALID, "a name where none belongs");
        return;
    }
    if (!builder_note_name(b, id, name)) return;
    if (id == KEY_NONE) f->has_texts = true;
    push(b, id != KEY_NONE ? word_make(TAG_ATOM, id) : text_word(b, name));
    f->has_key = true;
}

void doc_key(struct doc_builder *b, struct str name) {
    if (!b->failed) builder_key(b, key_intern(name), name);
}

static struct doc *assemble(struct doc_builder *b) {
    size_t words_bytes = b->done.len * sizeof(uint32_t);
    size_t size = sizeof(struct doc) + words_bytes + b->bytes.len;
    if (size > DOC_MAX_BYTES) {
        fail_limit(b);
        return NULL;
    }
    struct doc *doc = malloc(size);
    if (!doc) {
        fail_nomem(b);
        return NULL;
    }
    *doc = (struct doc){.refs = 1, .size_bytes = (uint32_t)size, .bytes_at = (uint32_t)b->done.len, .root = b->root};
    if (words_bytes) memcpy(doc->words, b->done.at, words_bytes);
    if (b->bytes.len) memcpy(doc->words + b->done.len, b->bytes.at, b->bytes.len);
    return doc;
}

struct doc *doc_builder_finish(struct doc_builder *b, struct err *err) {
    if (!b->failed && (b->depth || !b->has_root)) doc_builder_fail(b, ERR_INVALID, "an unfinished document");
    struct doc *doc = b->failed ? NULL : assemble(b);
    if (!doc && err) *err = b->err;
    doc_builder_reset(b);
    return doc;
}
