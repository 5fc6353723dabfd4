#include <stdio.h>
#include <stdlib.h>

#include "script/layers.h"

static void problem_clear(struct bundle_problem *p) {
    free(p->source);
    free(p->name);
    free(p->message);
}

void bundle_problems_free(struct bundle_problems *problems) {
    for (size_t i = 0; i < problems->count; i++) problem_clear(&problems->items[i]);
    free(problems->items);
    *problems = (struct bundle_problems){0};
}

static char *full_name(const char *folder, const char *name) {
    if (!folder || !name) return str_dup(str_of(""));
    size_t size = strlen(folder) + strlen(name) + 2;
    char *text = malloc(size);
    if (text) snprintf(text, size, "%s/%s", folder, name);
    return text;
}

int problem_add(struct bundle_problems *problems, const char *source, const char *folder, const char *name, const char *message,
                struct err *err) {
    struct bundle_problem p = {str_dup(str_of(source)), full_name(folder, name), str_dup(str_of(message))};
    struct bundle_problem *items = realloc(problems->items, (problems->count + 1) * sizeof *items);
    if (items) problems->items = items;
    if (!items || !p.source || !p.name || !p.message) {
        problem_clear(&p);
        return err_set(err, ERR_NOMEM, "no memory to list a problem");
    }
    problems->items[problems->count++] = p;
    return 0;
}
