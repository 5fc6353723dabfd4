/*
 * layout: how a document lies in memory. For the files of this folder only.
 *
 *     struct doc | words: containers | bytes: texts, 64-bit numbers
 *
 * A value is one word: four bits of tag, 28 bits of payload. Small integers, booleans, null and atoms (strings in the key
 * table) are the word itself; of the rest the payload is a place: of containers an index into the words, of texts and 64-bit
 * numbers an offset into the bytes. An array is a count and that many words, an object the id of its shape (its names, see
 * shape.h) and that many words. An object whose names have no shape is a count and that many pairs (key word, value word), where the key
 * word is an atom, or a text once the key table is full. Two areas, because texts need no alignment and words do: no padding
 * anywhere. words[0] is 0, the count and the shape that all empty containers share.
 */
#ifndef DOC_LAYOUT_H
#define DOC_LAYOUT_H

#include "doc/doc.h"
#include "doc/key.h"
#include "doc/shape.h"

enum word_tag {
    TAG_NONE,
    TAG_NULL,
    TAG_BOOL,
    TAG_INT,   /* 28 bits, signed */
    TAG_INT64, /* 8 bytes */
    TAG_DOUBLE,
    TAG_TEXT8,  /* one byte of length, the text, NUL */
    TAG_TEXT32, /* four bytes of length, the text, NUL */
    TAG_ATOM,   /* a key id */
    TAG_ARRAY,
    TAG_OBJECT,
    TAG_OBJECT_PAIRS, /* one without a shape */
};

#define WORD_PAYLOAD_BITS 28
#define WORD_PAYLOAD_MAX ((1u << WORD_PAYLOAD_BITS) - 1)

struct doc {
    uint32_t refs;
    uint32_t size_bytes;
    uint32_t bytes_at; /* index of the word where the bytes begin */
    uint32_t root;
    uint32_t words[];
};

static inline uint32_t word_make(enum word_tag tag, uint32_t payload) { return (uint32_t)tag << WORD_PAYLOAD_BITS | payload; }
static inline enum word_tag word_tag(uint32_t word) { return (enum word_tag)(word >> WORD_PAYLOAD_BITS); }
static inline uint32_t word_payload(uint32_t word) { return word & WORD_PAYLOAD_MAX; }
static inline bool word_is_object(uint32_t word) { return word_tag(word) >= TAG_OBJECT; }

/* The text of a string's or key's word whose document has its bytes at `bytes`. */
static inline struct str word_text(uint32_t word, const char *bytes) {
    if (word_tag(word) == TAG_ATOM) return key_text(word_payload(word)); /* a number, no place among the bytes */
    const char *p = bytes + word_payload(word);
    uint32_t n;
    switch (word_tag(word)) {
    case TAG_TEXT8: return (struct str){p + 1, (unsigned char)*p};
    case TAG_TEXT32: memcpy(&n, p, sizeof n); return (struct str){p + sizeof n, n};
    default: return (struct str){0};
    }
}

static inline const char *doc_bytes(const struct doc *doc) { return (const char *)(doc->words + doc->bytes_at); }

/* The count of a container, or the shape of an object, followed by its content. */
static inline const uint32_t *doc_items(const struct doc *doc, uint32_t word) { return doc->words + word_payload(word); }

#endif
