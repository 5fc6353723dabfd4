/*
 * fixture: policies from text, and a host whose cache is a list of documents, for the tests of script.
 *
 * A test writes files into a folder of its own below /tmp, loads a bundle, and calls. fx_free removes the folder.
 */
#ifndef SPEC_SCRIPT_FIXTURE_H
#define SPEC_SCRIPT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "script/bundle.h"
#include "script/call.h"
#include "script/vm.h"

enum { FX_MAX_DOCS = 64 };

struct fixture {
    char dir[64];
    struct bundle *bundle;
    struct bundle_problems problems;
    struct err err;
    struct doc *docs[FX_MAX_DOCS]; /* the cache */
    size_t doc_count;
    enum err_code get_fails; /* what ctx.get answers instead */
    int64_t now_ms, again_ms;
    struct store_query query; /* of the last list */
    char log[512], trace[512];
    void (*on_get)(struct fixture *fx);
    const char *lua_dir;
    unsigned kinds; /* as in bundle_options */
};

static inline struct doc *fx_json(const char *text) {
    struct doc_builder *b = doc_builder_new();
    struct err err = {0};
    struct doc *doc = json_decode(b, str_of(text), NULL, &err);
    doc_builder_free(b);
    if (!doc) fail_msg("%s in %s", err.msg, text);
    return doc;
}

static inline struct doc *fx_keep(struct fixture *fx, struct doc *doc) {
    assert_true(fx->doc_count < FX_MAX_DOCS);
    return fx->docs[fx->doc_count++] = doc;
}

static inline struct doc *fx_add(struct fixture *fx, const char *json) { return fx_keep(fx, fx_json(json)); }

static inline void fx_new(struct fixture *fx) {
    *fx = (struct fixture){0};
    snprintf(fx->dir, sizeof fx->dir, "/tmp/k8sgpt-script-XXXXXX");
    assert_non_null(mkdtemp(fx->dir));
    fx->now_ms = 1772359800000; /* 2026-03-01T10:10:00Z */
}

static inline int fx_remove(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void fx_free(struct fixture *fx) {
    bundle_unref(fx->bundle);
    bundle_problems_free(&fx->problems);
    for (size_t i = 0; i < fx->doc_count; i++) doc_unref(fx->docs[i]);
    nftw(fx->dir, fx_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes DIR/path, with the folders it needs. */
static inline void fx_write(struct fixture *fx, const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "%s/%s", fx->dir, path);
    for (char *slash = strchr(full + strlen(fx->dir) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* DIR/builtin, DIR/cluster and DIR/object, those that exist, in place of `before`, which stays the caller's. */
static inline struct bundle *fx_bundle(struct fixture *fx, bool tolerate, const struct bundle *before) {
    static const char *const names[] = {"builtin", "cluster", "object"};
    char paths[3][512], lua_dir[512];
    struct bundle_source sources[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", fx->dir, names[i]);
        if (access(paths[i], F_OK) == 0) sources[n++] = (struct bundle_source){paths[i], (enum policy_layer)i};
    }
    snprintf(lua_dir, sizeof lua_dir, "%s/lua", fx->dir);
    struct bundle_options options = {.sources = sources, .source_count = n, .kinds = fx->kinds, .tolerate = tolerate, .before = before};
    if (access(lua_dir, F_OK) == 0) options.lua_dir = lua_dir;
    if (fx->lua_dir) options.lua_dir = fx->lua_dir;
    bundle_problems_free(&fx->problems);
    return bundle_load(&options, &fx->problems, &fx->err);
}

/* Loads all anew. */
static inline bool fx_load(struct fixture *fx, bool tolerate) {
    bundle_unref(fx->bundle);
    fx->bundle = fx_bundle(fx, tolerate, NULL);
    return fx->bundle != NULL;
}

static inline bool fx_is(const struct doc *doc, const struct gvk *gvk) {
    struct doc_value root = doc_root(doc);
    return gvk_of(doc_path_str(root, "apiVersion"), doc_path_str(root, "kind")) == gvk;
}

static inline int fx_get(void *arg, const struct gvk *gvk, struct str ns, struct str name, const struct doc **out, struct err *err) {
    struct fixture *fx = arg;
    *out = NULL;
    if (fx->on_get) fx->on_get(fx);
    if (fx->get_fails) return err_set(err, fx->get_fails, "reading %s is refused", gvk->text);
    for (size_t i = 0; i < fx->doc_count; i++) {
        struct doc_value root = doc_root(fx->docs[i]);
        if (fx_is(fx->docs[i], gvk) && str_eq(doc_path_str(root, "metadata.namespace"), ns) &&
            str_eq(doc_path_str(root, "metadata.name"), name))
            *out = fx->docs[i];
    }
    return 0;
}

static inline int fx_exists(void *arg, const struct gvk *gvk, struct str ns, struct str name, bool *out, struct err *err) {
    const struct doc *doc;
    int rc = fx_get(arg, gvk, ns, name, &doc, err);
    *out = doc != NULL;
    return rc;
}

static inline int fx_pick(struct fixture *fx, const struct gvk *gvk, const struct store_query *q, struct doc ***out, size_t *count,
                          struct err *err) {
    *count = 0;
    *out = calloc(FX_MAX_DOCS, sizeof **out);
    if (!*out) return err_set(err, ERR_NOMEM, "no memory");
    for (size_t i = 0; i < fx->doc_count; i++)
        if (fx_is(fx->docs[i], gvk) && (!q || str_eq(q->ns, doc_path_str(doc_root(fx->docs[i]), "metadata.namespace"))))
            (*out)[(*count)++] = fx->docs[i];
    return 0;
}

static inline int fx_list(void *arg, const struct gvk *gvk, const struct store_query *q, struct doc ***out, size_t *count,
                          struct err *err) {
    ((struct fixture *)arg)->query = *q;
    return fx_pick(arg, gvk, q, out, count, err);
}

static inline int fx_events(void *arg, const struct doc *object, struct doc ***out, size_t *count, struct err *err) {
    (void)object;
    return fx_pick(arg, gvk_of(STR("v1"), STR("Event")), NULL, out, count, err);
}

static inline int fx_parent(void *arg, const struct doc *object, const struct doc **out, struct err *err) {
    (void)object, (void)err;
    struct fixture *fx = arg;
    *out = fx->doc_count ? fx->docs[0] : NULL;
    return 0;
}

static inline bool fx_readable(void *arg, const struct gvk *gvk, struct str ns) {
    (void)arg;
    return strcmp(gvk->text, "v1/Secret") != 0 && !str_is(ns, "closed");
}

static inline int64_t fx_now(void *arg) { return ((struct fixture *)arg)->now_ms; }
static inline void fx_again(void *arg, int64_t ms) { ((struct fixture *)arg)->again_ms = ms; }

static inline void fx_log(void *arg, struct str level, struct str message) {
    struct fixture *fx = arg;
    snprintf(fx->log, sizeof fx->log, STR_FMT ": " STR_FMT, STR_ARG(level), STR_ARG(message));
}

static inline void fx_trace(void *arg, struct str message) {
    struct fixture *fx = arg;
    snprintf(fx->trace, sizeof fx->trace, STR_FMT, STR_ARG(message));
}

/* One finding of whatever has a name that begins with "bad". */
static inline int fx_findings_of(void *arg, struct str kind, struct str ns, struct str name, struct doc **out, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    (void)arg;
    if (!b) return err_set(err, ERR_NOMEM, "no memory");
    doc_begin_array(b);
    if (name.n >= 3 && strncmp(name.p, "bad", 3) == 0) {
        doc_begin_object(b);
        doc_pair_str(b, "kind", kind);
        doc_pair_str(b, "namespace", ns);
        doc_pair_str(b, "name", name);
        doc_end_object(b);
    }
    doc_end_array(b);
    *out = doc_builder_finish(b, err);
    doc_builder_free(b);
    return *out ? 0 : err->code;
}

static const struct script_host fx_host = {fx_get,         fx_exists, fx_list,  fx_events, fx_parent, fx_readable,
                                           fx_findings_of, fx_now,    fx_again, fx_log,    fx_trace};

/* A call of analyzers/NAME's run with this subject, or of another kind's function. */
static inline struct script_call fx_call(struct fixture *fx, enum policy_kind kind, const char *name, const char *function,
                                         const struct doc *subject) {
    const struct policy *p = bundle_find(fx->bundle, kind, str_of(name));
    if (!p) fail_msg("no policy %s", name);
    struct script_call call = {.policy = p, .function = function, .host = &fx_host, .host_arg = fx};
    call.args[0] = (struct script_arg){subject, p->watch_count ? p->watches[0].projection : NULL};
    call.arg_count = subject ? 1 : 0;
    return call;
}

/* Runs it; asserts that it ends well; the values as JSON ("nil" where there are none), valid until the next. */
static inline const char *fx_values(const struct script_outcome *out) {
    static char text[65536];
    if (!out->values) return "nil";
    struct buf b = buf_new(sizeof text - 1);
    struct err err = {0};
    assert_int_equal(json_write(doc_root(out->values), JSON_COMPACT, &b, &err), 0);
    snprintf(text, sizeof text, "%s", b.data);
    buf_free(&b);
    return text;
}

static inline const char *fx_run(struct fixture *fx, enum policy_kind kind, const char *name, const char *function,
                                 const struct doc *subject) {
    struct script_call call = fx_call(fx, kind, name, function, subject);
    struct script_outcome out;
    script_run(&call, &out);
    if (out.result != SCRIPT_OK) fail_msg("%s: %s", script_result_name(out.result), out.err.msg);
    const char *text = fx_values(&out);
    doc_unref(out.values);
    return text;
}

/* An analyzer called T of pods whose run is `body` (ctx and pod are its arguments), in the layer above built-in. */
static inline void fx_write_analyzer(struct fixture *fx, const char *declare, const char *body) {
    char text[16384];
    snprintf(text, sizeof text,
             "local k8sgpt = require 'k8sgpt'\n"
             "return { api = 1, kind = 'analyzer', name = 'T', description = 'test', rules = { r = { severity = 'low' } },\n"
             "%s run = function(ctx, pod) %s end }\n",
             *declare ? declare : "watches = { 'v1/Pod' }, fields = { 'spec', 'status' },", body);
    fx_write(fx, "cluster/analyzers/T/policy.lua", text);
}

static const char FX_POD[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u1\"},"
    "\"spec\":{\"n\":9007199254740993,\"f\":1.5,\"none\":null,\"list\":[1,\"two\",{\"three\":3}],\"empty\":[],\"object\":{}},"
    "\"status\":{\"phase\":\"Running\"}}";

/* Loads that analyzer and runs it on FX_POD. */
static inline void fx_try(struct fixture *fx, const char *declare, const char *body, struct script_outcome *out) {
    fx_write_analyzer(fx, declare, body);
    if (!fx_load(fx, false)) fail_msg("%s", fx->err.msg);
    struct doc *pod = fx_json(FX_POD);
    struct script_call call = fx_call(fx, POLICY_ANALYZER, "T", "run", pod);
    script_run(&call, out);
    doc_unref(pod);
}

#endif
