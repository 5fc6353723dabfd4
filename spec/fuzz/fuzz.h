/*
 * fuzz: what the fuzz targets share.
 *
 * A target is one file with LLVMFuzzerTestOneInput: hostile bytes in, and besides never crashing, a property that has to hold.
 * `make fuzz` builds and runs them (tools/fuzz.sh); seeds are in spec/fuzz/corpus/NAME, words in spec/fuzz/NAME.dict.
 */
#ifndef SPEC_FUZZ_FUZZ_H
#define SPEC_FUZZ_FUZZ_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A property that does not hold is a finding, as a crash is. */
#define FUZZ_CHECK(condition, ...)                                                                                                         \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: " #condition ": ", __FILE__, __LINE__);                                                                \
            fprintf(stderr, __VA_ARGS__);                                                                                                  \
            fputc('\n', stderr);                                                                                                           \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

enum { FUZZ_MAX_TEXT = 1 << 26 };

/* Takes the first byte off the input: a choice between n. */
static inline unsigned fuzz_choice(struct str *input, unsigned n) {
    if (!input->n) return 0;
    unsigned char first = (unsigned char)*input->p;
    input->p++;
    input->n--;
    return first % n;
}

static inline struct str fuzz_input(const uint8_t *data, size_t size) { return (struct str){(const char *)data, size}; }

/* One of a few projections, none among them (NULL: everything). Lives as long as the process. */
static inline const struct projection *fuzz_projection(unsigned choice) {
    static const char *const paths[] = {"status.phase", "spec.volumes[].configMap.name", "metadata.annotations[\"a.b/c\"]", "a[].b"};
    static struct projection *some, *always, *object;
    if (!some) {
        some = projection_new();
        always = projection_new();
        object = projection_object();
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
            if (projection_add(some, str_of(paths[i]), NULL)) abort();
    }
    return (const struct projection *const[]){NULL, some, always, object}[choice % 4];
}
enum { FUZZ_PROJECTIONS = 4 };

static inline struct doc *fuzz_json(const char *text) {
    struct err err = {0};
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    FUZZ_CHECK(doc, "%s", err.msg);
    return doc;
}

/* A folder of this process below $FUZZ_FOLDER, which the runner removes. */
static inline const char *fuzz_folder(void) {
    static char folder[PATH_MAX - 256];
    const char *base = getenv("FUZZ_FOLDER");
    if (*folder) return folder;
    snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) abort();
    return folder;
}

/* Writes FOLDER/path, with the folders that it needs; `out` gets the whole path. */
static inline void fuzz_write(const char *path, struct str text, char out[static PATH_MAX]) {
    snprintf(out, PATH_MAX, "%s/%s", fuzz_folder(), path);
    for (char *slash = strchr(out + strlen(fuzz_folder()) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(out, 0700);
        *slash = '/';
    }
    FILE *f = fopen(out, "w");
    if (!f || (text.n && fwrite(text.p, text.n, 1, f) != 1) || fclose(f)) abort();
}

#endif
