#include "devcluster/selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

enum op { ONE_OF, NONE_OF, EXISTS, MISSING };

struct dev_requirement {
    char *key;
    enum op op;
    char **values;
    size_t count;
};

/* What is being read; `failed` once it does not parse. */
struct reader {
    struct str rest;
    bool failed;
};

static void skip_space(struct reader *r) {
    while (r->rest.n && isspace((unsigned char)*r->rest.p)) r->rest.p++, r->rest.n--;
}

static bool take(struct reader *r, const char *token) {
    skip_space(r);
    if (!str_starts(r->rest, str_of(token))) return false;
    r->rest.p += strlen(token);
    r->rest.n -= strlen(token);
    return true;
}

/* A name or value: everything up to a separator. Empty values are legal ("app="). */
static char *word(struct reader *r) {
    skip_space(r);
    size_t n = 0;
    while (n < r->rest.n && !strchr("=!,() \t", r->rest.p[n])) n++;
    char *text = dev_copy_span(r->rest.n ? r->rest.p : "", n);
    r->rest.p += n;
    r->rest.n -= n;
    return text;
}

static void add_value(struct dev_requirement *q, char *value) {
    q->values = dev_resize(q->values, (q->count + 1) * sizeof(char *));
    q->values[q->count++] = value;
}

static void read_set(struct reader *r, struct dev_requirement *q) {
    if (!take(r, "(")) {
        r->failed = true;
        return;
    }
    do add_value(q, word(r));
    while (take(r, ","));
    if (!take(r, ")")) r->failed = true;
}

/* "in" and "notin" are words: "index=1" is no set. */
static bool take_word(struct reader *r, const char *token) {
    skip_space(r);
    size_t n = strlen(token);
    if (!str_starts(r->rest, str_of(token)) || r->rest.n <= n || !strchr(" \t(", r->rest.p[n])) return false;
    return take(r, token);
}

static void read_operator(struct reader *r, struct dev_requirement *q) {
    if (take_word(r, "in")) {
        read_set(r, q);
    } else if (take_word(r, "notin")) {
        q->op = NONE_OF;
        read_set(r, q);
    } else if (take(r, "!=")) {
        q->op = NONE_OF;
        add_value(q, word(r));
    } else if (take(r, "==") || take(r, "=")) {
        add_value(q, word(r));
    } else {
        q->op = EXISTS;
    }
}

static void read_requirement(struct reader *r, struct dev_requirement *q) {
    bool missing = take(r, "!");
    q->key = word(r);
    if (*q->key == '\0') r->failed = true;
    if (missing)
        q->op = MISSING;
    else
        read_operator(r, q);
}

static bool read_all(struct str text, bool sets, struct dev_requirement **out, size_t *count) {
    struct reader r = {.rest = text};
    for (skip_space(&r); r.rest.n && !r.failed;) {
        *out = dev_resize(*out, (*count + 1) * sizeof **out);
        struct dev_requirement *q = &(*out)[(*count)++];
        *q = (struct dev_requirement){.op = ONE_OF};
        read_requirement(&r, q);
        if (!sets && q->op > NONE_OF) r.failed = true;
        skip_space(&r);
        if (r.rest.n && !take(&r, ",")) r.failed = true;
    }
    return !r.failed;
}

cJSON *dev_selector_parse(struct dev_selector *s, struct str labels, struct str fields) {
    *s = (struct dev_selector){0};
    if (!read_all(labels, true, &s->labels, &s->label_count))
        return dev_status_bad_request("unable to parse requirement: invalid label selector \"" STR_FMT "\"", STR_ARG(labels));
    if (!read_all(fields, false, &s->fields, &s->field_count))
        return dev_status_bad_request("invalid field selector \"" STR_FMT "\"", STR_ARG(fields));
    return NULL;
}

static void requirements_free(struct dev_requirement *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < list[i].count; k++) free(list[i].values[k]);
        free(list[i].values);
        free(list[i].key);
    }
    free(list);
}

void dev_selector_free(struct dev_selector *s) {
    requirements_free(s->labels, s->label_count);
    requirements_free(s->fields, s->field_count);
    *s = (struct dev_selector){0};
}

bool dev_selector_is_empty(const struct dev_selector *s) { return s->label_count + s->field_count == 0; }

static bool has_value(const struct dev_requirement *q, const char *value) {
    for (size_t i = 0; i < q->count; i++)
        if (strcmp(q->values[i], value) == 0) return true;
    return false;
}

static bool label_holds(const struct dev_requirement *q, const cJSON *labels) {
    const cJSON *label = tree_get(labels, q->key);
    const char *value = cJSON_IsString(label) ? label->valuestring : NULL;
    switch (q->op) {
    case ONE_OF: return value && has_value(q, value);
    case NONE_OF: return !value || !has_value(q, value);
    case EXISTS: return value;
    case MISSING: return !value;
    }
    return false;
}

/* As the real server prints a field: absent is "", numbers and booleans by their JSON text. */
static bool field_holds(const struct dev_requirement *q, const cJSON *tree) {
    const cJSON *node = tree_path(tree, q->key);
    char *text = !node || cJSON_IsString(node) ? NULL : cJSON_PrintUnformatted(node);
    const char *value = cJSON_IsString(node) ? node->valuestring : text ? text : "";
    bool holds = has_value(q, value) == (q->op == ONE_OF);
    free(text);
    return holds;
}

static bool meta_field_holds(const struct dev_requirement *q, const char *value) { return has_value(q, value) == (q->op == ONE_OF); }

/* The two fields that every resource has need no parsing of the object. */
static bool fields_hold(const struct dev_selector *s, const struct dev_object *object) {
    cJSON *tree = NULL;
    bool hold = true;
    for (size_t i = 0; i < s->field_count && hold; i++) {
        const struct dev_requirement *q = &s->fields[i];
        if (strcmp(q->key, "metadata.name") == 0) {
            hold = meta_field_holds(q, object->name);
        } else if (strcmp(q->key, "metadata.namespace") == 0) {
            hold = meta_field_holds(q, object->ns);
        } else {
            if (!tree) tree = tree_parse((struct str){object->text, object->len}, NULL);
            hold = field_holds(q, tree);
        }
    }
    cJSON_Delete(tree);
    return hold;
}

bool dev_selector_matches(const struct dev_selector *s, const struct dev_object *object) {
    for (size_t i = 0; i < s->label_count; i++)
        if (!label_holds(&s->labels[i], object->labels)) return false;
    return s->field_count == 0 || fields_hold(s, object);
}
