#include "script/evidence.h"

#include <stdio.h>

#include "doc/builder.h"
#include "doc/copy.h"
#include "doc/json.h"

enum { MAX_PATH_BYTES = 512 };

/* ---- paths -------------------------------------------------------------------------------------------------------------------- */

enum step_kind { STEP_NAME, STEP_EACH, STEP_WHERE };

struct step {
    enum step_kind kind;
    struct str text;         /* as written: "status", `["a/b"]`, "[]", "[type=Ready]" */
    struct str name, wanted; /* STEP_WHERE: field and value */
};

/* Takes the first step off a path; false: it is written wrongly. */
static bool next_step(struct str *path, struct step *step) {
    const char *p = path->p;
    size_t n = 0;
    *step = (struct step){STEP_NAME, {p, 0}, {p, 0}, {NULL, 0}};
    if (*p != '[') {
        n = *p == '.';
        while (n < path->n && p[n] != '.' && p[n] != '[') n++;
        step->name = (struct str){p + (*p == '.'), n - (*p == '.')};
    } else if (path->n > 1 && p[1] == '"') {
        const char *end = memchr(p + 2, '"', path->n - 2);
        if (!end || (size_t)(end - p) + 1 >= path->n || end[1] != ']') return false;
        step->name = (struct str){p + 2, (size_t)(end - p) - 2};
        n = (size_t)(end - p) + 2;
    } else {
        const char *end = memchr(p, ']', path->n);
        if (!end) return false;
        n = (size_t)(end - p) + 1;
        step->kind = n == 2 ? STEP_EACH : STEP_WHERE;
        if (step->kind == STEP_WHERE && !str_cut((struct str){p + 1, n - 2}, '=', &step->name, &step->wanted)) return false;
    }
    step->text.n = n;
    *path = (struct str){p + n, path->n - n};
    return step->kind == STEP_EACH || step->name.n > 0;
}

/* ---- declared ----------------------------------------------------------------------------------------------------------------- */

/* What has to be kept for a path: itself with [] for every list, and the fields that elements are chosen by. */
static int add_needed(struct projection *needed, struct str path, struct err *err) {
    char plain[MAX_PATH_BYTES], by[MAX_PATH_BYTES * 2];
    size_t n = 0;
    struct step step;
    if (path.n >= sizeof plain) return err_set(err, ERR_POLICY, "is longer than %d bytes", MAX_PATH_BYTES - 1);
    for (struct str rest = path; rest.n;) {
        if (!next_step(&rest, &step)) return err_set(err, ERR_POLICY, "write names, [] or [field=value]");
        struct str shown = step.kind == STEP_NAME ? step.text : STR("[]");
        memcpy(plain + n, shown.p, shown.n);
        n += shown.n;
        if (step.kind != STEP_WHERE) continue;
        int len = snprintf(by, sizeof by, STR_FMT "." STR_FMT, (int)n, plain, STR_ARG(step.name));
        if (projection_add(needed, (struct str){by, (size_t)len}, err)) return err->code;
    }
    return projection_add(needed, (struct str){plain, n}, err);
}

static bool is_kept(const struct policy *p, const struct projection *needed) {
    for (size_t i = 0; i < p->watch_count; i++)
        if (p->watches[i].subject && projection_covers(p->watches[i].projection, needed)) return true;
    return false;
}

/* Takes the mark off a path that may lead to nothing. */
static bool take_optional(struct str *path) {
    bool marked = path->n && path->p[path->n - 1] == '?';
    path->n -= marked;
    return marked;
}

static int check_path(const struct policy *p, struct str path, struct err *err) {
    take_optional(&path);
    struct projection *needed = projection_new();
    if (!needed) return err_set(err, ERR_NOMEM, "no memory for evidence");
    int rc = add_needed(needed, path, err);
    if (!rc && !is_kept(p, needed)) rc = err_set(err, ERR_POLICY, "is not among the fields of the subject");
    projection_unref(needed);
    return rc;
}

int evidence_check(const struct policy *p, struct err *err) {
    for (size_t i = 0; i < p->rule_count; i++) {
        const struct policy_rule *rule = &p->rules[i];
        for (size_t k = 0; k < doc_len(rule->evidence); k++) {
            struct str path = doc_str(doc_at(rule->evidence, k));
            if (!path.n) return err_set(err, ERR_POLICY, "evidence of rule %s must be a list of paths", rule->name);
            if (!check_path(p, path, err)) continue;
            err->code = err->code == ERR_NOMEM ? ERR_NOMEM : ERR_POLICY;
            return err_prefix(err, "evidence " STR_FMT " of rule %s", STR_ARG(path), rule->name);
        }
    }
    return 0;
}

/* ---- found -------------------------------------------------------------------------------------------------------------------- */

struct search {
    struct doc_builder *builder;
    struct str key; /* of the failure */
    size_t found;   /* of the failure */
    bool quiet;     /* what is absent is not told */
    char where[MAX_PATH_BYTES];
};

/* Values come from anywhere: cut, but never within a character. */
static void put_item(struct search *s, struct str path, struct str value) {
    char text[EVIDENCE_MAX_VALUE_BYTES + sizeof "…"];
    if (s->found >= EVIDENCE_MAX_ITEMS) return;
    s->found++;
    if (value.n > EVIDENCE_MAX_VALUE_BYTES) {
        size_t n = EVIDENCE_MAX_VALUE_BYTES;
        while (n && ((unsigned char)value.p[n] & 0xC0) == 0x80) n--;
        int len = snprintf(text, sizeof text, STR_FMT "…", (int)n, value.p);
        value = (struct str){text, (size_t)len};
    }
    doc_begin_object(s->builder);
    doc_pair_str(s->builder, "path", path);
    doc_pair_str(s->builder, "value", value);
    doc_end_object(s->builder);
}

static void put_value(struct search *s, struct doc_value v, struct str path) {
    struct buf json = buf_new(EVIDENCE_MAX_VALUE_BYTES * 2);
    struct err err;
    if (doc_type(v) == DOC_STRING) {
        put_item(s, path, doc_str(v));
    } else if (doc_type(v) > DOC_NULL) {
        /* Past the limit the beginning is what is shown anyway; a text in it may be left out as a whole. */
        int rc = json_write(v, JSON_COMPACT, &json, &err);
        if (rc == ERR_LIMIT) rc = buf_puts(&json, "…", &err);
        if (rc && rc != ERR_LIMIT) doc_builder_fail(s->builder, err.code, "%s", err.msg);
        put_item(s, path, (struct str){json.data, json.len});
    } else if (!s->quiet) {
        put_item(s, path, STR("(absent)"));
    }
    buf_free(&json);
}

static bool is_wanted(const struct search *s, struct doc_value element, const struct step *step) {
    struct str wanted = str_is(step->wanted, "{key}") ? s->key : step->wanted, name, rest = step->name;
    while (str_cut(rest, '.', &name, &rest)) element = doc_get(element, name);
    return str_eq(doc_str(doc_get(element, name)), wanted) && wanted.n;
}

static void look(struct search *s, struct doc_value v, struct str path, size_t at);

static void look_at_elements(struct search *s, struct doc_value list, const struct step *step, struct str rest, size_t at) {
    s->quiet = true;
    for (size_t i = 0; i < doc_len(list) && doc_type(list) == DOC_ARRAY; i++) {
        size_t room = sizeof s->where - at;
        int len;
        if (step->kind == STEP_EACH)
            len = snprintf(s->where + at, room, "[%zu]", i);
        else if (is_wanted(s, doc_at(list, i), step))
            len = snprintf(s->where + at, room, "[" STR_FMT "=" STR_FMT "]", STR_ARG(step->name),
                           STR_ARG(str_is(step->wanted, "{key}") ? s->key : step->wanted));
        else
            continue;
        if ((size_t)len < room) look(s, doc_at(list, i), rest, at + (size_t)len);
        if (step->kind == STEP_WHERE) return; /* further ones would have the same path */
    }
}

/* Follows the rest of a path from v, which s->where leads to in `at` bytes. */
static void look(struct search *s, struct doc_value v, struct str path, size_t at) {
    struct step step;
    if (!path.n) {
        put_value(s, v, (struct str){s->where, at});
    } else if (!next_step(&path, &step)) {
        return; /* evidence_check has refused it */
    } else if (step.kind != STEP_NAME) {
        look_at_elements(s, v, &step, path, at);
    } else if (at + step.text.n < sizeof s->where) {
        memcpy(s->where + at, step.text.p, step.text.n);
        look(s, doc_get(v, step.name), path, at + step.text.n);
    }
}

static void put_evidence(struct doc_builder *b, const struct policy_rule *rule, const struct doc *object, struct doc_value failure) {
    struct search s = {.builder = b, .key = doc_path_str(failure, "key")};
    struct doc_value given = doc_get(failure, STR("evidence"));
    if (doc_len(rule->evidence) + doc_len(given) == 0) return;
    doc_key(b, STR("evidence"));
    doc_begin_array(b);
    for (size_t i = 0; i < doc_len(rule->evidence); i++) {
        struct str path = doc_str(doc_at(rule->evidence, i));
        s.quiet = take_optional(&path);
        look(&s, doc_root(object), path, 0);
    }
    for (size_t i = 0; i < doc_len(given); i++)
        put_item(&s, doc_path_str(doc_at(given, i), "path"), doc_path_str(doc_at(given, i), "value"));
    doc_end_array(b);
}

static void put_failure(struct doc_builder *b, const struct policy *p, const struct doc *object, struct doc_value failure) {
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(failure); i++) {
        struct str name;
        struct doc_value v = doc_pair(failure, i, &name, NULL);
        if (str_is(name, "evidence")) continue;
        doc_key(b, name);
        doc_put_value(b, v);
    }
    put_evidence(b, policy_rule(p, doc_path_str(failure, "rule")), object, failure);
    doc_end_object(b);
}

struct doc *evidence_attach(const struct policy *p, const struct doc *object, struct doc_value failures, struct err *err) {
    if (doc_len(failures) == 0) return doc_copy(failures, err);
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for evidence");
        return NULL;
    }
    doc_begin_array(b);
    for (size_t i = 0; i < doc_len(failures); i++) put_failure(b, p, object, doc_at(failures, i));
    doc_end_array(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}
