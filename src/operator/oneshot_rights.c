#include <stdio.h>
#include <stdlib.h>

#include "doc/builder.h"
#include "operator/leader.h"
#include "operator/oneshot_internal.h"
#include "operator/operator_internal.h"
#include "operator/plan.h"

/* What the operator asks of the API server: what policies read, as they declare it, and what its own requests are. */

#define LEASE_GVK "coordination.k8s.io/v1/Lease"

/* The requests that C sends of itself, with the files that send them. `verbs` are separated by spaces. */
static const struct own {
    const char *gvk, *subresource, *verbs, *name, *why;
    bool elects; /* only with a leader election */
} OWN[] = {
    {K8SGPT_GVK, NULL, "list watch", NULL, "what is to be diagnosed", false},
    {K8SGPT_GVK, NULL, "get", NULL, "who keeps changing what the operator writes", false},                           /* contest.c */
    {K8SGPT_GVK, NULL, "patch", NULL, "the finalizer", false},                                                       /* step Finalizer */
    {K8SGPT_GVK, "status", "patch", NULL, "conditions", false},                                                      /* run.c */
    {K8SGPT_GVK, "finalizers", "update", NULL, "owner references, where these are checked (OpenShift)", false},      /* result.lua */
    {RESULT_GVK, NULL, "list watch", NULL, "what was found and told before", false},                                 /* takeover.c */
    {RESULT_GVK, NULL, "get", NULL, "who keeps changing what the operator writes", false},                           /* contest.c */
    {RESULT_GVK, NULL, "create delete patch", NULL, "what is found", false},                                         /* publish.c */
    {RESULT_GVK, "status", "patch", NULL, "who was told of it", false},                                              /* publish.c */
    {"v1/Event", NULL, "create", NULL, "Events about a K8sGPT", false},                                              /* event.c */
    {"v1/Secret", NULL, "get", NULL, "addresses of sinks", false},                                                   /* delivery_send.c */
    {"apiextensions.k8s.io/v1/CustomResourceDefinition", NULL, "list watch", NULL, "kinds that come and go", false}, /* crds.c */
    {LEASE_GVK, NULL, "create", NULL, "leader election", true},                                                      /* lease.c */
    {LEASE_GVK, NULL, "get update watch", LEADER_LEASE, "leader election", true},
};

static void put_verbs(struct doc_builder *b, const char *verbs) {
    struct str rest = str_of(verbs), verb;
    bool more = true;
    doc_key(b, STR("verbs"));
    doc_begin_array(b);
    while (more) {
        more = str_cut(rest, ' ', &verb, &rest);
        doc_put_str(b, verb);
    }
    doc_end_array(b);
}

static void put_own(struct doc_builder *b, bool elects) {
    doc_key(b, STR("own"));
    doc_begin_array(b);
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) {
        const struct own *own = &OWN[i];
        if (own->elects && !elects) continue;
        doc_begin_object(b);
        doc_pair_str(b, "gvk", str_of(own->gvk));
        if (own->subresource) doc_pair_str(b, "subresource", str_of(own->subresource));
        if (own->name) doc_pair_str(b, "name", str_of(own->name));
        put_verbs(b, own->verbs);
        doc_pair_str(b, "why", str_of(own->why));
        doc_end_object(b);
    }
    doc_end_array(b);
}

static void put_read(struct doc_builder *b, const char *gvk, const char *subresource, const char *by, bool subject, bool widens) {
    doc_begin_object(b);
    doc_pair_str(b, "gvk", str_of(gvk));
    if (subresource) doc_pair_str(b, "subresource", str_of(subresource));
    doc_pair_str(b, "by", str_of(by));
    doc_pair_bool(b, "subject", subject);
    doc_pair_bool(b, "widens", widens);
    doc_end_object(b);
}

/* A layer below may have to stand in, so that what it reads counts too. */
static int put_reader(const struct policy *p, bool widens, void *arg, struct err *err) {
    struct doc_builder *b = arg;
    char by[160];
    (void)err;
    snprintf(by, sizeof by, "%.40s/%.100s", policy_kind_folder(p->kind), p->name);
    for (; p; p = p->lower) {
        for (size_t i = 0; i < p->watch_count; i++) put_read(b, p->watches[i].gvk->text, NULL, by, p->watches[i].subject, widens);
        if (p->logs) put_read(b, "v1/Pod", "log", by, false, widens);
        if (p->secret_content) put_read(b, "v1/Secret", NULL, by, false, widens);
    }
    return 0;
}

static int put_reads(struct doc_builder *b, const struct oneshot *o, bool embedded, struct err *err) {
    size_t count = embedded ? o->choice.count : 0;
    struct str *names = calloc(count + 1, sizeof *names);
    if (!names) return err_set(err, ERR_NOMEM, "no memory for the names of analyzers");
    for (size_t i = 0; i < count; i++) names[i] = str_of(o->choice.names[i]);
    doc_key(b, STR("reads"));
    doc_begin_array(b);
    int rc = plan_each_reader(o->options.bundle, names, count, put_reader, b, err);
    doc_end_array(b);
    free(names);
    return rc;
}

static void put_kinds(struct doc_builder *b, const struct policy *p, const struct gvk *const *kinds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char by[160];
        snprintf(by, sizeof by, "%.40s/%.100s", policy_kind_folder(p->kind), p->name);
        doc_begin_object(b);
        doc_pair_str(b, "gvk", str_of(kinds[i]->text));
        doc_pair_str(b, "by", str_of(by));
        doc_end_object(b);
    }
}

static void put_rendered(struct doc_builder *b, const struct bundle *bundle, bool written) {
    doc_key(b, written ? STR("writes") : STR("follows"));
    doc_begin_array(b);
    for (size_t i = 0; bundle && i < bundle_count(bundle, POLICY_RENDER); i++)
        for (const struct policy *p = bundle_at(bundle, POLICY_RENDER, i); p; p = p->lower)
            put_kinds(b, p, written ? p->writes : p->follows, written ? p->write_count : p->follow_count);
    doc_end_array(b);
}

/* What K8sGPT Deployments consist of; and their analyzers, as nobody may grant a right that he does not hold. */
static void put_deployment(struct doc_builder *b, const struct oneshot *o, bool deployment) {
    const struct bundle *bundle = deployment ? o->options.bundle : NULL;
    put_rendered(b, bundle, true);
    put_rendered(b, bundle, false);
    doc_key(b, STR("engine"));
    doc_begin_array(b);
    for (size_t i = 0; deployment && i < o->choice.count; i++) doc_put_str(b, str_of(o->choice.names[i]));
    doc_end_array(b);
}

struct doc *oneshot_rights(const struct oneshot *o, const struct doc *about, unsigned engines, bool elects, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a list of rights");
        return NULL;
    }
    doc_begin_object(b);
    for (size_t i = 0; i < doc_len(doc_root(about)); i++) {
        struct str key;
        struct doc_value value = doc_pair(doc_root(about), i, &key, NULL);
        doc_key(b, key);
        doc_put_value(b, value);
    }
    put_own(b, elects);
    put_deployment(b, o, engines & ENGINE_DEPLOYMENT);
    int rc = put_reads(b, o, engines & ENGINE_EMBEDDED, err);
    doc_end_object(b);
    struct doc *rights = rc ? NULL : doc_builder_finish(b, err);
    doc_builder_free(b);
    return rights;
}
