#include "operator/preview.h"

#include <stdlib.h>

#include "doc/builder.h"
#include "operator/operator_internal.h"
#include "operator/plan.h"
#include "operator/rendering.h"

enum { MAX_RESOURCES = 256 };

struct preview {
    struct bundle *bundle;
    struct doc *options; /* what ctx.options shows */
    struct cluster *cluster;
    struct reads *reads;
    struct owners *owners;
    struct policycalls *calls;
    struct doc *resources[MAX_RESOURCES];
    size_t count;
};

static void not_touched(struct evaluation *e, void *arg) { (void)e, (void)arg; }

static int open_stores(struct preview *p, struct err *err) {
    struct plan_wants wants = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < bundle_count(p->bundle, POLICY_RENDER); i++)
        rc = plan_policy_wants(bundle_at(p->bundle, POLICY_RENDER, i), &wants, err);
    struct cluster_plan *plan = rc ? NULL : cluster_prepare(p->cluster, wants.items, wants.count, NULL, NULL, err);
    if (plan) cluster_commit(p->cluster, plan);
    plan_wants_free(&wants);
    return rc || plan ? rc : (int)err->code;
}

static int make_parts(struct preview *p, const struct operator_options *options, struct err *err) {
    if (!(p->options = operator_policy_options(options, err))) return (int)err->code;
    err_set(err, ERR_NOMEM, "no memory for a preview");
    if (!(p->cluster = cluster_new_offline())) return err->code;
    if (!(p->reads = reads_new(not_touched, NULL))) return err->code;
    if (!(p->owners = owners_new(NULL, p->cluster, p->reads))) return err->code;
    if (!(p->calls = policycalls_new(NULL, p->options))) return err->code;
    return open_stores(p, err);
}

struct preview *preview_new(struct bundle *bundle, const char *engine, bool dynamic_rbac, struct err *err) {
    const struct operator_options options = {.engine = engine, .cluster_name = "", .no_dynamic_rbac = !dynamic_rbac};
    struct preview *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(err, ERR_NOMEM, "no memory for a preview");
        return NULL;
    }
    p->bundle = bundle;
    if (!make_parts(p, &options, err)) return p;
    preview_free(p);
    return NULL;
}

void preview_free(struct preview *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) doc_unref(p->resources[i]);
    policycalls_free(p->calls);
    owners_free(p->owners);
    reads_free(p->reads);
    cluster_free(p->cluster);
    doc_unref(p->options);
    free(p);
}

int preview_add(struct preview *p, struct doc *cr, struct err *err) {
    if (p->count == MAX_RESOURCES) return err_set(err, ERR_LIMIT, "more than %d K8sGPT resources", MAX_RESOURCES);
    int rc = cluster_load(p->cluster, cr, err);
    if (!rc) p->resources[p->count++] = doc_ref(cr);
    return rc;
}

size_t preview_count(const struct preview *p) { return p->count; }

/* ---- step Init ------------------------------------------------------------------------------------------------------------------ */

static struct doc *yes(struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) return NULL;
    doc_put_bool(b, true);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}

/* Whatever it asks for (conditions, a status) is done: there is nobody to tell. */
static int run_init(struct preview *p, struct doc *cr, struct script_outcome *out, struct err *err) {
    const struct policy *init = bundle_find(p->bundle, POLICY_STEP, STR("Init"));
    struct reader reader = {.cluster = p->cluster, .owners = p->owners, .hold = true};
    struct script_call call = {.policy = init, .function = "run", .args = {{cr, NULL}}, .arg_count = 1};
    struct script_task *task = NULL;
    *out = (struct script_outcome){0};
    if (!init) return 0;
    struct doc *done = yes(err);
    if (!done) return err_set(err, ERR_NOMEM, "no memory for a preview");
    policycalls_prepare(p->calls, &call, &reader);
    script_start(&call, &task, out);
    while (out->result == SCRIPT_SUSPENDED) script_resume(&task, done, NULL, out);
    reader_release(&reader);
    doc_unref(done);
    return out->result == SCRIPT_OK ? 0 : err_set(err, ERR_POLICY, "%s", out->err.msg);
}

static int check(struct preview *p, struct doc *cr, struct err *err) {
    struct script_outcome out;
    int rc = run_init(p, cr, &out, err);
    struct str problem = doc_path_str(doc_at(doc_root(out.values), 0), "stop");
    if (!rc && problem.n) rc = err_set(err, ERR_INVALID, STR_FMT, STR_ARG(problem));
    doc_unref(out.values);
    return rc;
}

/* ---- objects -------------------------------------------------------------------------------------------------------------------- */

/* What several share each of them wants, and all in the same way. */
static bool is_there(struct doc *const *lists, size_t count, struct doc_value object) {
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < doc_len(doc_root(lists[i])); k++)
            if (rendering_same_object(doc_at(doc_root(lists[i]), k), object)) return true;
    return false;
}

static struct doc *join(struct doc *const *lists, size_t count, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a preview");
        return NULL;
    }
    doc_begin_array(b);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < doc_len(doc_root(lists[i])); k++)
            if (!is_there(lists, i, doc_at(doc_root(lists[i]), k))) doc_put_value(b, doc_at(doc_root(lists[i]), k));
    doc_end_array(b);
    struct doc *all = doc_builder_finish(b, err);
    doc_builder_free(b);
    return all;
}

static struct doc *render_one(struct preview *p, struct doc *cr, struct err *err) {
    struct rendering rendering = {p->bundle, p->cluster, p->calls, p->owners};
    struct doc_value meta = doc_path(doc_root(cr), "metadata");
    struct doc *objects = check(p, cr, err) ? NULL : rendering_objects(&rendering, cr, NULL, err);
    if (!objects)
        err_prefix(err, "K8sGPT " STR_FMT "/" STR_FMT, STR_ARG(doc_path_str(meta, "namespace")), STR_ARG(doc_path_str(meta, "name")));
    return objects;
}

struct doc *preview_objects(struct preview *p, struct err *err) {
    struct doc *lists[MAX_RESOURCES], *all = NULL;
    size_t count = 0;
    while (count < p->count && (lists[count] = render_one(p, p->resources[count], err))) count++;
    if (count == p->count) all = join(lists, count, err);
    for (size_t i = 0; i < count; i++) doc_unref(lists[i]);
    return all;
}
