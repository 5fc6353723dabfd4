/*
 * figure: what a test measured, kept for docs/reliability.md: one line of JSON a figure in the folder that FIGURES names; without
 * it, nothing. The same as spec/support/figures.lua.
 */
#ifndef SUPPORT_FIGURE_H
#define SUPPORT_FIGURE_H

#include <stdio.h>
#include <stdlib.h>

/* `row`: id of a requirement in spec/reliability.lua. `unit`: "s", "ms" …, "" for counts. Plain texts: nothing is escaped. */
static inline void figure_record(const char *row, const char *what, double value, const char *unit) {
    const char *folder = getenv("FIGURES");
    char path[4096];
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, row);
    FILE *file = fopen(path, "a");
    if (!file) abort();
    fprintf(file, "{\"what\":\"%s\",\"value\":%.6g%s%s%s}\n", what, value, *unit ? ",\"unit\":\"" : "", unit, *unit ? "\"" : "");
    fclose(file);
}

#endif
