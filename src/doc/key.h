/*
 * key: the process-wide table of interned field names.
 *
 * A document stores a field name as a 32-bit id. The table only grows and is bounded: past its limit (a cluster can have any
 * number of label keys) documents keep further names inside themselves, so callers compare by id where there is one and by
 * text otherwise. The main thread only.
 */
#ifndef DOC_KEY_H
#define DOC_KEY_H

#include <stdint.h>

#include "base/str.h"

enum { KEY_NONE = 0 };

/* The id of this text, made if need be; KEY_NONE when the table is full or without memory. */
uint32_t key_intern(struct str text);

/* The id of this text, or KEY_NONE when no document ever had it. */
uint32_t key_find(struct str text);

/* The text of an id; NUL-terminated, valid for the life of the process. */
struct str key_text(uint32_t id);

#endif
