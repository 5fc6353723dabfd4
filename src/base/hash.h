/*
 * hash: uthash, which otherwise ends the process where memory runs out.
 *
 * After a HASH_ADD the item's hh.tbl is NULL when there was no memory: it is not in the table then.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
