#include "devcluster/memory.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void *survive(void *block) {
    if (block) return block;
    log_error("devcluster", "out of memory");
    exit(1);
}

void *dev_alloc(size_t bytes) { return survive(calloc(1, bytes ? bytes : 1)); }

void *dev_resize(void *block, size_t bytes) { return survive(realloc(block, bytes ? bytes : 1)); }

static void *cjson_alloc(size_t bytes) { return survive(malloc(bytes ? bytes : 1)); }

char *dev_copy_text(const char *text) { return text ? survive(strdup(text)) : NULL; }

char *dev_copy_span(const char *text, size_t n) { return survive(strndup(text, n)); }

char *dev_format(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    return survive(text);
}

void dev_memory_init(void) {
    cJSON_Hooks hooks = {.malloc_fn = cjson_alloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

struct buf dev_text_new(void) {
    return buf_new(SIZE_MAX / 4);
}

void dev_text_add_bytes(struct buf *b, const char *bytes, size_t n) {
    if (buf_append(b, bytes, n, NULL)) survive(NULL);
}

void dev_text_add(struct buf *b, const char *text) { dev_text_add_bytes(b, text, strlen(text)); }

void dev_text_addf(struct buf *b, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) survive(NULL);
    dev_text_add_bytes(b, text, (size_t)n);
    free(text);
}
