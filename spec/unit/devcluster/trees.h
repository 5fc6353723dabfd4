/* trees: JSON for tests, written with single quotes. */
#ifndef SPEC_DEVCLUSTER_TREES_H
#define SPEC_DEVCLUSTER_TREES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

static inline cJSON *tree(const char *text) {
    char *json = dev_copy_text(text);
    for (char *p = json; *p; p++)
        if (*p == '\'') *p = '"';
    cJSON *node = tree_parse(str_of(json), NULL);
    if (!node) fail_msg("bad JSON in the test: %s", text);
    free(json);
    return node;
}

static inline void assert_tree(const cJSON *is, const char *wanted) {
    cJSON *node = tree(wanted);
    bool same = tree_equal(is, node);
    char *text = cJSON_PrintUnformatted(is);
    cJSON_Delete(node);
    if (!same) fail_msg("is %s\nwanted %s", text, wanted);
    free(text);
}

static inline int init_trees(void **state) {
    (void)state;
    dev_memory_init();
    return 0;
}

#endif
