/*
 * file: whole files in, whole files out.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Appends the content of `path` ("-": standard input) to `out`, whose limit bounds it. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT. */
int file_read(const char *path, struct buf *out, struct err *err) ERR_MUST_CHECK;

/* Writes a temporary neighbour and renames it over `path`, so that a reader sees the old or the new content whole. */
int file_write(const char *path, struct str content, unsigned mode, struct err *err) ERR_MUST_CHECK;

#endif
