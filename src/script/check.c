#include <stdlib.h>

#include "script/evidence.h"
#include "script/load.h"

/* What a policy file returned, against the contract in lua/k8sgpt/meta.lua. Messages say "PATH: what; what to do". */

static int refuse(const struct policy_entry *e, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const struct policy_entry *e, struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    err_setv(err, ERR_POLICY, format, args);
    va_end(args);
    return err_prefix(err, "%s", e->file->source);
}

enum function_use { NOT_A_FUNCTION, MUST, MAY };

static const struct {
    const char *name;
    unsigned char use[POLICY_KINDS]; /* enum function_use; NOT_A_FUNCTION: the kind has no such function */
} functions[] = {
    {"run", {[POLICY_STEP] = MUST, [POLICY_ANALYZER] = MUST, [POLICY_ROUTE] = MUST}},
    {"select", {[POLICY_FILTER] = MAY}},
    {"keep", {[POLICY_FILTER] = MAY}},
    {"cause", {[POLICY_CORRELATE] = MUST}},
    {"request", {[POLICY_SINK] = MUST}},
    {"response", {[POLICY_SINK] = MAY}},
    {"render", {[POLICY_REPORT] = MUST, [POLICY_RENDER] = MUST}},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

enum field_use { ANY, HIGHER_ONLY, ANALYZER_ONLY, ORDERED_ONLY, WRITER_ONLY, RENDER_ONLY };

static const struct {
    const char *name;
    enum doc_type type;
    enum field_use use;
} fields[] = {
    {"api", DOC_INT, ANY},
    {"kind", DOC_STRING, ANY},
    {"name", DOC_STRING, ANY},
    {"description", DOC_STRING, ANY},
    {"mode", DOC_STRING, HIGHER_ONLY},
    {"enabled", DOC_BOOL, HIGHER_ONLY},
    {"watches", DOC_ARRAY, ANY},
    {"fields", DOC_ARRAY, ANY},
    {"indexes", DOC_OBJECT, ANY},
    {"rules", DOC_OBJECT, ANALYZER_ONLY},
    {"remote", DOC_BOOL, ANALYZER_ONLY},
    {"logs", DOC_BOOL, ANALYZER_ONLY},
    {"secret_content", DOC_BOOL, ANALYZER_ONLY},
    {"aws", DOC_BOOL, ANALYZER_ONLY},
    {"order", DOC_INT, ORDERED_ONLY},
    {"writes", DOC_ARRAY, WRITER_ONLY},
    {"follows", DOC_ARRAY, RENDER_ONLY},
    {"params", DOC_OBJECT, ANY},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static int function_index(struct str name) {
    for (int i = 0; i < FUNCTIONS; i++)
        if (str_is(name, functions[i].name)) return i;
    return -1;
}

static int check_function(const struct policy_entry *e, int i, struct err *err) {
    const struct policy *p = &e->policy;
    if (functions[i].use[p->kind] == NOT_A_FUNCTION)
        return refuse(e, err, "the kind %s has no function %s; remove it", policy_kind_name(p->kind), functions[i].name);
    return script_has(p, functions[i].name) ? 0 : refuse(e, err, "%s must be a function", functions[i].name);
}

/* An empty table says neither array nor object. */
static bool has_type(struct doc_value v, enum doc_type wanted) {
    enum doc_type type = doc_type(v);
    return type == wanted || (wanted == DOC_ARRAY && type == DOC_OBJECT && doc_len(v) == 0);
}

static int check_field(const struct policy_entry *e, struct str name, struct doc_value v, struct err *err) {
    const struct policy *p = &e->policy;
    int i = 0;
    while (i < FIELDS && !str_is(name, fields[i].name)) i++;
    if (i == FIELDS) return refuse(e, err, "a policy has no field " STR_FMT "; correct or remove it", STR_ARG(name));
    if (!has_type(v, fields[i].type)) return refuse(e, err, "%s must be of type %s", fields[i].name, doc_type_name(fields[i].type));
    if (fields[i].use == HIGHER_ONLY && p->layer == LAYER_BUILTIN)
        return refuse(e, err, "%s is for layers above the built-in one; remove it", fields[i].name);
    if (fields[i].use == ANALYZER_ONLY && p->kind != POLICY_ANALYZER)
        return refuse(e, err, "%s is for analyzers; remove it", fields[i].name);
    if (fields[i].use == ORDERED_ONLY && p->kind != POLICY_CORRELATE && p->kind != POLICY_RENDER)
        return refuse(e, err, "%s is for correlate and render policies; remove it", fields[i].name);
    if (fields[i].use == WRITER_ONLY && p->kind != POLICY_STEP && p->kind != POLICY_RENDER)
        return refuse(e, err, "%s is for steps and render policies; remove it", fields[i].name);
    if (fields[i].use == RENDER_ONLY && p->kind != POLICY_RENDER)
        return refuse(e, err, "%s is for render policies; remove it", fields[i].name);
    return 0;
}

static int check_known(const struct policy_entry *e, struct err *err) {
    struct doc_value table = doc_root(e->table);
    int rc = 0;
    for (size_t i = 0; i < doc_len(table) && !rc; i++) {
        struct str name;
        struct doc_value v = doc_pair(table, i, &name, NULL);
        int function = function_index(name);
        rc = function >= 0 ? check_function(e, function, err) : check_field(e, name, v, err);
    }
    return rc;
}

static int check_identity(const struct policy_entry *e, struct err *err) {
    struct doc_value table = doc_root(e->table), api = doc_get(table, STR("api"));
    const char *kind = policy_kind_name(e->policy.kind);
    if (doc_type(table) != DOC_OBJECT) return refuse(e, err, "must return a table of named fields");
    if (doc_type(api) != DOC_INT || doc_int(api) != 1) return refuse(e, err, "api must be 1");
    if (!str_is(doc_path_str(table, "kind"), kind)) return refuse(e, err, "kind must be \"%s\", as where the file lies says", kind);
    if (!str_is(doc_path_str(table, "name"), e->file->name))
        return refuse(e, err, "name must be \"%s\", as where the file lies says", e->file->name);
    return 0;
}

static int check_mode(struct policy_entry *e, struct err *err) {
    struct doc_value table = doc_root(e->table), enabled = doc_get(table, STR("enabled"));
    struct str mode = doc_path_str(table, "mode");
    e->policy.wraps = str_is(mode, "wrap");
    if (mode.n && !e->policy.wraps && !str_is(mode, "replace")) return refuse(e, err, "mode must be \"replace\" or \"wrap\"");
    e->disables = doc_type(enabled) == DOC_BOOL && !doc_bool(enabled);
    if (doc_type(enabled) == DOC_BOOL && !e->disables) return refuse(e, err, "enabled can only be false; remove it");
    if (e->disables && doc_len(table) > 4) return refuse(e, err, "with enabled = false nothing but api, kind and name may be given");
    return 0;
}

static int check_functions(const struct policy_entry *e, struct err *err) {
    struct doc_value table = doc_root(e->table);
    bool any = e->policy.wraps; /* what it does not have, the one below has */
    for (int i = 0; i < FUNCTIONS; i++) {
        bool there = doc_type(doc_get(table, str_of(functions[i].name))) != DOC_ABSENT;
        any = any || there;
        if (!there && !e->policy.wraps && functions[i].use[e->policy.kind] == MUST)
            return refuse(e, err, "the kind %s needs a function %s", policy_kind_name(e->policy.kind), functions[i].name);
    }
    return any ? 0 : refuse(e, err, "a filter needs a function select or keep");
}

static int check_layer(const struct policy_entry *e, struct err *err) {
    const struct policy *p = &e->policy;
    if (p->layer != LAYER_OBJECT) return 0;
    if (p->kind != POLICY_FILTER && p->kind != POLICY_ROUTE) return refuse(e, err, "a K8sGPT object may bring filters and routes only");
    return e->disables ? refuse(e, err, "a K8sGPT object may not switch a policy off") : 0;
}

static int check_description(struct policy_entry *e, struct err *err) {
    struct policy *p = &e->policy;
    struct str text = doc_path_str(doc_root(e->table), "description");
    p->description = text.n ? text.p : "";
    if (p->kind == POLICY_ANALYZER && !text.n && !p->wraps) return refuse(e, err, "an analyzer needs a description");
    return text.n && memchr(text.p, '\n', text.n) ? refuse(e, err, "description must be one line") : 0;
}

static int check_params(struct policy_entry *e, struct err *err) {
    struct doc_value params = doc_get(doc_root(e->table), STR("params"));
    if (doc_type(params) == DOC_ABSENT) return 0;
    struct doc_builder *b = doc_builder_new();
    if (!b) return err_set(err, ERR_NOMEM, "no memory for parameters");
    doc_put_value(b, params);
    e->policy.params = doc_builder_finish(b, err);
    doc_builder_free(b);
    return e->policy.params ? 0 : (int)err->code;
}

/* A wrapping policy may leave `remote` to the one below: see policy_stand_on. */
static void read_remote(struct policy_entry *e) {
    struct doc_value table = doc_root(e->table);
    e->policy.remote = doc_bool(doc_get(table, STR("remote")));
    e->policy.logs = doc_bool(doc_get(table, STR("logs")));
    e->policy.secret_content = doc_bool(doc_get(table, STR("secret_content")));
    e->policy.aws = doc_bool(doc_get(table, STR("aws")));
}

int policy_check_remote(const struct policy *p, struct err *err) {
    const char *asks = p->logs ? "logs" : p->secret_content ? "secret_content" : p->aws ? "aws" : NULL;
    if (p->remote || !asks) return 0;
    return err_set(err, ERR_POLICY, "%s is for analyzers that ask while they run; add remote = true", asks);
}

int policy_check(struct policy_entry *e, struct err *err) {
    struct doc_value table = doc_root(e->table);
    int rc = check_identity(e, err);
    if (!rc) rc = check_known(e, err);
    if (!rc) rc = check_mode(e, err);
    if (!rc) rc = check_layer(e, err);
    if (rc || e->disables) return rc;
    e->policy.order = doc_int(doc_get(table, STR("order")));
    read_remote(e);
    rc = check_functions(e, err);
    if (!rc) rc = check_description(e, err);
    if (!rc) rc = check_params(e, err);
    if (rc) return rc;
    rc = check_watches(&e->policy, table, err);
    if (!rc) rc = check_writes(&e->policy, table, err);
    if (!rc) rc = check_rules(&e->policy, table, err);
    if (!rc && !e->policy.wraps) rc = policy_check_remote(&e->policy, err);
    if (!rc && !e->policy.wraps) rc = evidence_check(&e->policy, err);
    return rc ? err_prefix(err, "%s", e->file->source) : 0;
}
