#include "devcluster/table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "devcluster/memory.h"
#include "devcluster/table_builtin.h"
#include "devcluster/tree.h"

/* "[?(@.type=="Ready")]": the first item whose member has the value; moves *path past it. */
static const cJSON *filter(const cJSON *list, const char **path) {
    char member[64], value[128];
    int used = 0;
    const cJSON *item;
    bool read = sscanf(*path, "[?(@.%63[A-Za-z0-9_] %*[=] \"%127[^\"]\")]%n", member, value, &used) == 2 ||
                sscanf(*path, "[?(@.%63[A-Za-z0-9_] %*[=] '%127[^']')]%n", member, value, &used) == 2;
    *path += used ? (size_t)used : strlen(*path);
    if (!read || !used) return NULL;
    cJSON_ArrayForEach(item, list) {
        if (strcmp(tree_text(item, member), value) == 0) return item;
    }
    return NULL;
}

/* One step of a path: ".name", "[3]", "[?(…)]" or "['na.me']"; moves *path past it. NULL: no such part. */
static const cJSON *step(const cJSON *node, const char **path) {
    const char *p = *path;
    if (strncmp(p, "[?(", 3) == 0) return filter(node, path);
    if (*p == '[' && isdigit((unsigned char)p[1])) {
        char *end;
        long at = strtol(p + 1, &end, 10);
        *path = *end == ']' ? end + 1 : end;
        return cJSON_GetArrayItem(node, (int)at);
    }
    bool quoted = p[0] == '[' && (p[1] == '\'' || p[1] == '"');
    p += quoted ? 2 : *p == '.';
    size_t n = 0;
    while (p[n] && (quoted ? p[n] != '\'' && p[n] != '"' : p[n] != '.' && p[n] != '[')) n += p[n] == '\\' && p[n + 1] ? 2 : 1;
    char *name = dev_copy_span(p, n), *to = name;
    for (char *from = name; *from; from++)
        if (*from != '\\' || !from[1]) *to++ = *from;
    *to = '\0';
    *path = p + n + (quoted && p[n] ? 2 : 0);
    const cJSON *found = tree_get(node, name);
    free(name);
    return found;
}

const cJSON *dev_jsonpath(const cJSON *tree, const char *path) {
    while (tree && *path) tree = step(tree, &path);
    return tree;
}

/* As k8s.io/apimachinery duration.HumanDuration: two units while the first is small. */
static char *human(int64_t s) {
    int64_t m = s / 60, h = s / 3600, d = s / 86400, y = d / 365;
    if (s < 0) return dev_copy_text("0s");
    if (s < 120) return dev_format("%" PRId64 "s", s);
    if (m < 10) return s % 60 ? dev_format("%" PRId64 "m%" PRId64 "s", m, s % 60) : dev_format("%" PRId64 "m", m);
    if (m < 180) return dev_format("%" PRId64 "m", m);
    if (h < 8) return m % 60 ? dev_format("%" PRId64 "h%" PRId64 "m", h, m % 60) : dev_format("%" PRId64 "h", h);
    if (h < 48) return dev_format("%" PRId64 "h", h);
    if (d < 8) return h % 24 ? dev_format("%" PRId64 "d%" PRId64 "h", d, h % 24) : dev_format("%" PRId64 "d", d);
    if (d < 730) return dev_format("%" PRId64 "d", d);
    if (y < 8) return d % 365 ? dev_format("%" PRId64 "y%" PRId64 "d", y, d % 365) : dev_format("%" PRId64 "y", y);
    return dev_format("%" PRId64 "y", y);
}

char *dev_age(const char *time) {
    int64_t then_ms;
    if (!clock_parse(str_of(time), &then_ms)) return dev_copy_text("<unknown>");
    return human((clock_wall_ms() - then_ms) / 1000);
}

void dev_column_add(cJSON *columns, const char *name, const char *type, const char *format, const char *description, int priority) {
    cJSON *column = cJSON_CreateObject();
    tree_set_text(column, "name", name);
    tree_set_text(column, "type", type);
    tree_set_text(column, "format", format);
    tree_set_text(column, "description", description);
    tree_set_int(column, "priority", priority);
    cJSON_AddItemToArray(columns, column);
}

/* A cell of a printer column; dates are shown as ages, which the API asks the server to do. */
static cJSON *custom_cell(const cJSON *column, const cJSON *tree) {
    const cJSON *value = dev_jsonpath(tree, tree_text(column, "jsonPath"));
    if (!value || cJSON_IsNull(value)) return cJSON_CreateNull();
    if (strcmp(tree_text(column, "type"), "date") == 0) {
        char *age = dev_age(cJSON_IsString(value) ? value->valuestring : "");
        cJSON *cell = cJSON_CreateString(age);
        free(age);
        return cell;
    }
    bool text = strcmp(tree_text(column, "type"), "string") == 0 && !cJSON_IsString(value);
    char *printed = text ? cJSON_PrintUnformatted(value) : NULL;
    cJSON *cell = text ? cJSON_CreateString(printed) : tree_copy(value);
    free(printed);
    if (cell->string) {
        free(cell->string);
        cell->string = NULL;
    }
    return cell;
}

static cJSON *custom_columns(const struct dev_kind *kind) {
    cJSON *columns = cJSON_CreateArray();
    const cJSON *column;
    dev_column_add(columns, "Name", "string", "name", "Name must be unique within a namespace.", 0);
    cJSON_ArrayForEach(column, kind->columns) {
        dev_column_add(columns, tree_text(column, "name"), tree_text(column, "type"), tree_text(column, "format"),
                       tree_text(column, "description"), (int)tree_int(column, "priority", 0));
    }
    if (!kind->columns) dev_column_add(columns, "Age", "date", "", "Time since creation.", 0);
    return columns;
}

static cJSON *custom_cells(const struct dev_kind *kind, const cJSON *tree) {
    cJSON *cells = cJSON_CreateArray();
    const cJSON *column;
    cJSON_AddItemToArray(cells, cJSON_CreateString(tree_text(tree, "metadata.name")));
    cJSON_ArrayForEach(column, kind->columns) cJSON_AddItemToArray(cells, custom_cell(column, tree));
    if (!kind->columns) {
        char *age = dev_age(tree_text(tree, "metadata.creationTimestamp"));
        cJSON_AddItemToArray(cells, cJSON_CreateString(age));
        free(age);
    }
    return cells;
}

cJSON *dev_table_columns(const struct dev_kind *kind) {
    cJSON *columns = dev_builtin_columns(kind);
    return columns ? columns : custom_columns(kind);
}

cJSON *dev_table_cells(const struct dev_kind *kind, const cJSON *tree) {
    cJSON *cells = dev_builtin_cells(kind, tree);
    return cells ? cells : custom_cells(kind, tree);
}
