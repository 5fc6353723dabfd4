#include "operator/status.h"

#include <stdlib.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "doc/copy.h"

struct condition {
    char *type, *value, *reason, *message;
    char since[CLOCK_TEXT_LEN];
};

struct field {
    char *name;
    struct doc *value;
};

struct status {
    struct condition *conditions;
    size_t condition_count;
    struct field *fields;
    size_t field_count;
};

static void condition_free(struct condition *c) {
    free(c->type);
    free(c->value);
    free(c->reason);
    free(c->message);
}

void status_free(struct status *s) {
    if (!s) return;
    for (size_t i = 0; i < s->condition_count; i++) condition_free(&s->conditions[i]);
    for (size_t i = 0; i < s->field_count; i++) {
        free(s->fields[i].name);
        doc_unref(s->fields[i].value);
    }
    free(s->conditions);
    free(s->fields);
    free(s);
}

static struct condition *condition_get(struct status *s, struct str type) {
    for (size_t i = 0; i < s->condition_count; i++)
        if (str_is(type, s->conditions[i].type)) return &s->conditions[i];
    struct condition *grown = reallocarray(s->conditions, s->condition_count + 1, sizeof *grown);
    if (!grown) return NULL;
    s->conditions = grown;
    struct condition *c = &grown[s->condition_count];
    *c = (struct condition){str_dup(type), str_dup(STR("")), str_dup(STR("")), str_dup(STR("")), ""};
    if (c->type && c->value && c->reason && c->message) {
        s->condition_count++;
        return c;
    }
    condition_free(c);
    return NULL;
}

int status_condition(struct status *s, struct str type, struct str value, struct str reason, struct str message, struct err *err) {
    struct condition *c = condition_get(s, type);
    bool moved = c && !str_is(value, c->value);
    if (!c || !str_replace(&c->value, value)) goto nomem;
    if (moved) clock_format_s(clock_wall_ms(), c->since);
    if (str_replace(&c->reason, reason) && str_replace(&c->message, message)) return 0;
nomem:
    return err_set(err, ERR_NOMEM, "no memory for a condition");
}

static int field_set(struct status *s, struct str name, struct doc_value value, struct err *err) {
    struct doc *copy = doc_copy(value, err);
    if (!copy) return err->code;
    for (size_t i = 0; i < s->field_count; i++) {
        if (!str_is(name, s->fields[i].name)) continue;
        doc_unref(s->fields[i].value);
        s->fields[i].value = copy;
        return 0;
    }
    struct field *grown = reallocarray(s->fields, s->field_count + 1, sizeof *grown);
    char *key = str_dup(name);
    if (grown) s->fields = grown;
    if (!grown || !key) {
        free(key);
        doc_unref(copy);
        return err_set(err, ERR_NOMEM, "no memory for a status field");
    }
    s->fields[s->field_count++] = (struct field){key, copy};
    return 0;
}

int status_fields(struct status *s, struct doc_value fields, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(fields); i++) {
        struct str name;
        struct doc_value value = doc_pair(fields, i, &name, NULL);
        rc = field_set(s, name, value, err);
    }
    return rc;
}

static int adopt_condition(struct status *s, struct doc_value from, struct err *err) {
    int rc = status_condition(s, doc_path_str(from, "type"), doc_path_str(from, "status"), doc_path_str(from, "reason"),
                              doc_path_str(from, "message"), err);
    if (rc) return rc;
    int64_t since_ms;
    if (clock_parse(doc_path_str(from, "lastTransitionTime"), &since_ms))
        clock_format_s(since_ms, s->conditions[s->condition_count - 1].since);
    return 0;
}

static int adopt(struct status *s, struct doc_value status, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(status); i++) {
        struct str name;
        struct doc_value value = doc_pair(status, i, &name, NULL);
        if (!str_is(name, "conditions")) rc = field_set(s, name, value, err);
        for (size_t c = 0; !rc && str_is(name, "conditions") && c < doc_len(value); c++) rc = adopt_condition(s, doc_at(value, c), err);
    }
    return rc;
}

struct status *status_new(const struct doc *cr) {
    struct status *s = calloc(1, sizeof *s);
    struct err err;
    if (s && !adopt(s, doc_path(doc_root(cr), "status"), &err)) return s;
    status_free(s);
    return NULL;
}

bool status_is_blank(const struct status *s) { return !s->condition_count && !s->field_count; }

static void put_conditions(struct doc_builder *b, const struct status *s, int64_t generation) {
    doc_key(b, STR("conditions"));
    doc_begin_array(b);
    for (size_t i = 0; i < s->condition_count; i++) {
        const struct condition *c = &s->conditions[i];
        doc_begin_object(b);
        doc_pair_str(b, "type", str_of(c->type));
        doc_pair_str(b, "status", str_of(c->value));
        doc_pair_str(b, "reason", str_of(c->reason));
        doc_pair_str(b, "message", str_of(c->message));
        doc_pair_str(b, "lastTransitionTime", str_of(c->since));
        doc_pair_int(b, "observedGeneration", generation);
        doc_end_object(b);
    }
    doc_end_array(b);
}

struct doc *status_document(const struct status *s, const struct doc *cr, struct err *err) {
    struct doc_value o = doc_root(cr);
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a status");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", doc_path_str(o, "apiVersion"));
    doc_pair_str(b, "kind", doc_path_str(o, "kind"));
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", doc_path_str(o, "metadata.name"));
    doc_pair_str(b, "namespace", doc_path_str(o, "metadata.namespace"));
    doc_end_object(b);
    doc_key(b, STR("status"));
    doc_begin_object(b);
    for (size_t i = 0; i < s->field_count; i++) {
        doc_key(b, str_of(s->fields[i].name));
        doc_put_value(b, doc_root(s->fields[i].value));
    }
    put_conditions(b, s, doc_int(doc_path(o, "metadata.generation")));
    doc_end_object(b);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}
