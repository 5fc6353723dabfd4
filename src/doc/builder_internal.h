/*
 * builder_internal: the builder's insides, for the JSON decoder's hot path. For the files of this folder only.
 *
 * Words of open containers wait on a stack; when a container ends, its words move as one block to the finished words. So
 * a document needs no allocation but its last one, and no second pass.
 */
#ifndef DOC_BUILDER_INTERNAL_H
#define DOC_BUILDER_INTERNAL_H

#include "doc/builder.h"
#include "doc/layout.h"

struct words {
    uint32_t *at;
    size_t len, cap;
};

struct frame {
    size_t start;  /* where its words begin on the stack */
    uint64_t seen; /* a bit for each name, to see at once that one is new */
    bool is_object;
    bool has_key;   /* a name waits for its value */
    bool has_texts; /* a name is not an atom */
};

struct doc_builder {
    struct words stack;
    struct words done;
    struct {
        char *at;
        size_t len, cap;
    } bytes, scratch;   /* scratch: the decoder's place for strings with escapes */
    struct words names; /* a hash set, for the names of a large object */
    unsigned depth;
    bool has_root;
    bool failed;
    uint32_t root;
    struct err err;
    struct frame frames[DOC_MAX_DEPTH]; /* the last, as it is large and each is set when it is entered */
};

/* Makes room for one more word; false (and the builder failed) when there is none. */
bool builder_grow_words(struct doc_builder *b, struct words *w, size_t more);

/* As doc_key with the id at hand (KEY_NONE: none). */
void builder_key(struct doc_builder *b, uint32_t id, struct str name);

/* Room for n bytes in scratch, or NULL (failed). */
char *builder_scratch(struct doc_builder *b, size_t n);

/* Notes a name of the innermost object; false (failed) when it is there already. Of a large object end finds duplicates. */
bool builder_note_name(struct doc_builder *b, uint32_t id, struct str name);

/* True when the innermost object has this name. */
bool builder_has_name(const struct doc_builder *b, uint32_t id, struct str name);

/* Fails the build when the innermost object, if it is a large one, has a name twice. */
void builder_check_names(struct doc_builder *b);

#endif
