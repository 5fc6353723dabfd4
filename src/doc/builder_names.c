#include "doc/builder_internal.h"

/* Up to this many names are compared one by one, and only when the bits of `seen` leave a doubt; more go through a hash set once. */
enum { SMALL_OBJECT = 32 };

static void fail_duplicate(struct doc_builder *b, struct str name) {
    int shown = name.n < 200 ? (int)name.n : 200;
    doc_builder_fail(b, ERR_INVALID, "the name \"%.*s\" stands twice in one object", shown, name.n ? name.p : "");
}

bool builder_has_name(const struct doc_builder *b, uint32_t id, struct str name) {
    const struct frame *f = &b->frames[b->depth - 1];
    for (size_t i = f->start; i < b->stack.len; i += 2) {
        uint32_t word = b->stack.at[i];
        bool both_atoms = id != KEY_NONE && word_tag(word) == TAG_ATOM;
        if (both_atoms ? word_payload(word) == id : str_eq(word_text(word, b->bytes.at), name)) return true;
    }
    return false;
}

bool builder_note_name(struct doc_builder *b, uint32_t id, struct str name) {
    struct frame *f = &b->frames[b->depth - 1];
    uint64_t bit = (uint64_t)1 << (id % 64);
    bool doubt = (f->seen & bit) || f->has_texts || id == KEY_NONE;
    f->seen |= bit;
    if (!doubt || b->stack.len - f->start > 2 * SMALL_OBJECT || !builder_has_name(b, id, name)) return true;
    fail_duplicate(b, name);
    return false;
}

/* An empty hash set for `count` names (slots: index on the stack and 1), or NULL (failed). */
static uint32_t *new_set(struct doc_builder *b, size_t count, size_t *cap) {
    *cap = 4 * SMALL_OBJECT;
    while (*cap < 2 * count) *cap *= 2;
    b->names.len = 0;
    if (*cap > b->names.cap && !builder_grow_words(b, &b->names, *cap)) return NULL;
    memset(b->names.at, 0, *cap * sizeof *b->names.at);
    return b->names.at;
}

void builder_check_names(struct doc_builder *b) {
    const struct frame *f = &b->frames[b->depth - 1];
    size_t count = (b->stack.len - f->start) / 2, cap;
    if (!f->is_object || count <= SMALL_OBJECT) return;
    uint32_t *set = new_set(b, count, &cap);
    if (!set) return;
    for (size_t i = f->start; i + 1 < b->stack.len; i += 2) {
        struct str name = word_text(b->stack.at[i], b->bytes.at);
        size_t slot = (size_t)str_hash(name, (uint64_t)(uintptr_t)b) & (cap - 1);
        for (; set[slot]; slot = (slot + 1) & (cap - 1)) {
            if (str_eq(word_text(b->stack.at[set[slot] - 1], b->bytes.at), name)) {
                fail_duplicate(b, name);
                return;
            }
        }
        set[slot] = (uint32_t)i + 1;
    }
}
