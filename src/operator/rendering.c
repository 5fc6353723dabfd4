#include "operator/rendering.h"

#include "doc/builder.h"

const char LABEL_OF_NAMESPACE[] = "k8sgpts.k8sgpt.ai/namespace";
const char LABEL_OF_NAME[] = "k8sgpts.k8sgpt.ai/name";

enum { MAX_OBJECTS = 64 };

/* The objects so far: each is kept by what its policy returned. */
struct collected {
    struct doc *returned[MAX_OBJECTS];
    size_t returned_count;
    struct doc_value objects[MAX_OBJECTS];
    size_t count;
};

static int refuse(const struct policy *p, struct doc_value object, const char *why, struct err *err) {
    struct str kind = doc_path_str(object, "kind"), name = doc_path_str(object, "metadata.name");
    return err_set(err, ERR_POLICY, "%s: the object " STR_FMT " " STR_FMT " %s", p->source, STR_ARG(kind), STR_ARG(name), why);
}

bool rendering_same_object(struct doc_value a, struct doc_value b) {
    static const char *const paths[] = {"apiVersion", "kind", "metadata.namespace", "metadata.name"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!str_eq(doc_path_str(a, paths[i]), doc_path_str(b, paths[i]))) return false;
    return true;
}

static int check(const struct collected *c, const struct policy *p, struct str home, struct doc_value object, struct err *err) {
    const struct gvk *gvk = gvk_of(doc_path_str(object, "apiVersion"), doc_path_str(object, "kind"));
    struct str ns = doc_path_str(object, "metadata.namespace");
    struct doc_value labels = doc_path(object, "metadata.labels");
    if (!gvk || !doc_path_str(object, "metadata.name").n) return refuse(p, object, "needs apiVersion, kind and metadata.name", err);
    if (!policy_writes(p, gvk)) return refuse(p, object, "is of a kind that the policy does not declare; add it to writes", err);
    if (ns.n && !str_eq(ns, home)) return refuse(p, object, "is in another namespace than its K8sGPT; leave it out", err);
    if (!str_eq(doc_str(doc_get(labels, str_of(LABEL_OF_NAMESPACE))), home))
        return refuse(p, object, "does not say whose it is; make it by own or share of \"k8sgpt.render\"", err);
    for (size_t i = 0; i < c->count; i++)
        if (rendering_same_object(c->objects[i], object)) return refuse(p, object, "is wanted twice; remove one", err);
    return c->count < MAX_OBJECTS ? 0 : refuse(p, object, "is one too many; return fewer", err);
}

/* What ctx.retry and ctx.permanent return, see meta.lua. */
static int check_failed(const struct policy *p, struct doc_value values, struct err *err) {
    struct doc_value failed = doc_path(doc_at(values, 1), "failed");
    struct str message = doc_path_str(failed, "message");
    if (doc_type(failed) != DOC_OBJECT) return 0;
    err_set(err, ERR_POLICY, "%s/%s: " STR_FMT, policy_kind_folder(p->kind), p->name, STR_ARG(message));
    err->retry_after_s = (int)doc_double(doc_path(failed, "retry"));
    return ERR_POLICY;
}

static int take(struct collected *c, const struct policy *p, struct str home, struct doc *values, struct err *err) {
    struct doc_value list = doc_at(doc_root(values), 0);
    int rc = check_failed(p, doc_root(values), err);
    if (rc || !values || doc_len(list) == 0) {
        doc_unref(values);
        return rc;
    }
    c->returned[c->returned_count++] = values; /* no more than there are objects: each holds one at least */
    if (doc_type(list) != DOC_ARRAY) return err_set(err, ERR_POLICY, "%s: render must return a list of objects", p->source);
    for (size_t i = 0; !rc && i < doc_len(list); i++) {
        rc = check(c, p, home, doc_at(list, i), err);
        if (!rc) c->objects[c->count++] = doc_at(list, i);
    }
    return rc;
}

static int ask(const struct rendering *r, struct collected *c, const struct policy *named, const struct script_arg args[2],
               struct err *err) {
    struct reader reader = {.cluster = r->cluster, .owners = r->owners};
    const struct policy *p = policycalls_effective(r->calls, named);
    struct script_call call = {.policy = p ? p : named, .function = "render", .args = {args[0], args[1]}, .arg_count = 2};
    struct script_outcome out;
    if (c->count == MAX_OBJECTS || c->returned_count == MAX_OBJECTS) return err_set(err, ERR_POLICY, "more than %d objects", MAX_OBJECTS);
    policycalls_run(r->calls, &call, &reader, &out);
    if (out.result == SCRIPT_OK) return take(c, call.policy, doc_path_str(doc_root(args[0].doc), "metadata.namespace"), out.values, err);
    *err = out.err;
    return (int)(err->code = ERR_POLICY);
}

static struct doc *list_of(const struct collected *c, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for the objects of a K8sGPT");
        return NULL;
    }
    doc_begin_array(b);
    for (size_t i = 0; i < c->count; i++) doc_put_value(b, c->objects[i]);
    doc_end_array(b);
    struct doc *list = doc_builder_finish(b, err);
    doc_builder_free(b);
    return list;
}

struct doc *rendering_objects(const struct rendering *r, struct doc *cr, struct doc *size, struct err *err) {
    const struct script_arg args[] = {{cr, NULL}, {size, NULL}};
    struct collected c = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < bundle_count(r->bundle, POLICY_RENDER); i++)
        rc = ask(r, &c, bundle_at(r->bundle, POLICY_RENDER, i), args, err);
    struct doc *list = rc ? NULL : list_of(&c, err);
    for (size_t i = 0; i < c.returned_count; i++) doc_unref(c.returned[i]);
    return list;
}

void rendering_each_kind(const struct bundle *bundle, void (*each)(const struct gvk *gvk, bool written, void *arg), void *arg) {
    for (size_t i = 0; i < bundle_count(bundle, POLICY_RENDER); i++)
        for (const struct policy *p = bundle_at(bundle, POLICY_RENDER, i); p; p = p->lower) {
            for (size_t k = 0; k < p->write_count; k++) each(p->writes[k], true, arg);
            for (size_t k = 0; k < p->follow_count; k++) each(p->follows[k], false, arg);
        }
}
