#include "operator/diagnosis.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/aws.h"
#include "operator/diagnosis_internal.h"
#include "operator/turns.h"

enum { SLICE_US = 5000 }; /* of one loop turn: leases, probes and watches come in between */

/* ---- the set of analyses ---------------------------------------------------------------------------------------------------- */

struct analysis_key {
    const struct analyzer *analyzer;
    struct str ns, name;
};

static uint64_t hash_of(const struct analyzer *z, struct str ns, struct str name) {
    return str_hash(name, str_hash(ns, (uint64_t)(uintptr_t)z));
}

static uint64_t analysis_hash(const void *item) {
    const struct analysis *a = item;
    return hash_of(a->analyzer, analysis_ns(a), analysis_name(a));
}

static bool analysis_eq(const void *item, const void *key) {
    const struct analysis *a = item;
    if (item == key) return true;
    const struct analysis_key *k = key;
    return a->analyzer == k->analyzer && str_eq(analysis_ns(a), k->ns) && str_eq(analysis_name(a), k->name);
}

void diagnosis_lost(const struct diagnosis *d, const char *what) {
    log_error("diagnosis", what);
    if (d->listener.lost) d->listener.lost(d->listener.arg);
}

static void again(struct deadline *deadline) { analysis_enqueue((struct analysis *)((char *)deadline - offsetof(struct analysis, again))); }

static struct analysis *analysis_get(struct diagnosis *d, struct analyzer *z, struct str ns, struct str name) {
    struct analysis_key key = {z, ns, name};
    struct analysis *a = ptrset_find(&d->analyses, hash_of(z, ns, name), &key);
    if (a) return a;
    a = calloc(1, sizeof *a + ns.n + name.n + 2);
    if (!a) return NULL;
    a->diagnosis = d;
    a->analyzer = z;
    a->again.fire = again;
    a->name_at = (uint32_t)ns.n + 1;
    if (ns.n) memcpy(a->key, ns.p, ns.n);
    memcpy(a->key + a->name_at, name.p, name.n);
    struct err err;
    if (!ptrset_add(&d->analyses, a, &err)) return a;
    free(a);
    return NULL;
}

static void touched(struct evaluation *e, void *arg) {
    struct diagnosis *d = arg;
    struct analysis *a = (struct analysis *)e;
    (void)d;
    if (a->noticed_us == 0) a->noticed_us = clock_mono_us();
    analysis_enqueue(a);
}

/* ---- work ------------------------------------------------------------------------------------------------------------------- */

static bool do_queued(struct diagnosis *d) {
    struct analysis *a = d->queue;
    if (!a) return false;
    d->queue = a->next;
    if (!d->queue) d->queue_end = &d->queue;
    d->queued--;
    a->queued = false;
    analysis_do(a);
    return true;
}

static void drop_sweep(struct analyzer *z) {
    while (z->sweep_at < z->sweep_count) doc_unref(z->sweep[z->sweep_at++]);
    free(z->sweep);
    z->sweep = NULL;
    z->sweep_at = z->sweep_count = 0;
}

static void sweep_one(struct diagnosis *d, struct analyzer *z) {
    struct doc *object = z->sweep[z->sweep_at++];
    struct doc_value o = doc_root(object);
    struct analysis *a = analysis_get(d, z, doc_path_str(o, "metadata.namespace"), doc_path_str(o, "metadata.name"));
    if (!a)
        diagnosis_lost(d, "no memory to look at an object");
    else if (!a->queued)
        analysis_do(a);
    doc_unref(object);
}

static void end_sweep(struct diagnosis *d, struct analyzer *z) {
    drop_sweep(z);
    z->swept = true;
    if (diagnosis_swept(d, str_of(z->policy->name))) d->listener.swept(z->policy, d->listener.arg);
}

static bool do_sweep(struct diagnosis *d) {
    for (size_t i = 0; i < d->analyzer_count; i++) {
        struct analyzer *z = &d->analyzers[i];
        if (!analyzer_knows_objects(z) || z->swept) continue;
        if (z->sweep_at < z->sweep_count)
            sweep_one(d, z);
        else
            end_sweep(d, z);
        return true;
    }
    return false;
}

static bool work(void *arg) {
    struct diagnosis *d = arg;
    int64_t until_us = clock_mono_us() + SLICE_US;
    /* Changes come first: a sweep of a large cluster must not delay the news. */
    while (do_queued(d) || do_sweep(d))
        if (clock_mono_us() >= until_us) return true;
    return false;
}

void diagnosis_finish(struct diagnosis *d) {
    while (do_queued(d) || do_sweep(d)) continue;
}

const struct owners *diagnosis_owners(const struct diagnosis *d) { return d->owners; }

size_t diagnosis_pending(const struct diagnosis *d) {
    size_t pending = d->queued;
    for (size_t i = 0; i < d->analyzer_count; i++) pending += d->analyzers[i].sweep_count - d->analyzers[i].sweep_at;
    return pending;
}

/* ---- analyzers -------------------------------------------------------------------------------------------------------------- */

/* What went while the analyzer could not look: nobody told of it. */
static void enqueue_vanished(struct diagnosis *d, const struct analyzer *z, const struct store *store) {
    struct analysis *a;
    for (size_t i = 0; (a = ptrset_next(&d->analyses, &i));)
        if (a->analyzer == z && !store_get(store, analysis_ns(a), analysis_name(a))) analysis_enqueue(a);
}

/* Takes a snapshot of the subject's store: the objects to be looked at, whatever changes meanwhile. */
static int start_sweep(struct diagnosis *d, struct analyzer *z) {
    struct store *store = cluster_store(d->cluster, z->subject->gvk);
    drop_sweep(z);
    z->swept = false;
    z->sweep = calloc(store_count(store) + 1, sizeof(struct doc *));
    if (!z->sweep) return ERR_NOMEM;
    struct doc *object;
    for (size_t i = 0; (object = store_next(store, &i));) z->sweep[z->sweep_count++] = doc_ref(object);
    enqueue_vanished(d, z, store);
    if (d->worker) worker_wake(d->worker);
    return 0;
}

static void refresh(struct diagnosis *d, struct analyzer *z) {
    struct analyzer before = *z;
    z->state = analyzer_state_now(d, z);
    bool news = before.state != z->state || before.absent != z->absent;
    if (news && analyzer_knows_objects(z) && start_sweep(d, z)) {
        z->state = ANALYZER_WAITING;
        z->absent = false;
        snprintf(z->reason, sizeof z->reason, "no memory to look at every object");
        diagnosis_lost(d, z->reason);
    }
    news |= strcmp(before.reason, z->reason) != 0;
    if (news && d->listener.changed) d->listener.changed(d->listener.arg);
}

/* The next one of that policy after `z`, the first after NULL; NULL at the end. */
static struct analyzer *analyzer_next(const struct diagnosis *d, struct str name, const struct analyzer *z) {
    for (size_t i = z ? (size_t)(z - d->analyzers) + 1 : 0; i < d->analyzer_count; i++)
        if (str_is(name, d->analyzers[i].policy->name)) return &d->analyzers[i];
    return NULL;
}

static void drop_all(struct diagnosis *d) {
    struct analysis *a;
    d->queue = NULL;
    d->queue_end = &d->queue;
    d->queued = 0;
    for (size_t i = 0; i < d->analyzer_count; i++) drop_sweep(&d->analyzers[i]);
    for (size_t i = 0; (a = ptrset_next(&d->analyses, &i));) analysis_free(a);
    ptrset_free(&d->analyses);
    d->analyses = ptrset_new(analysis_hash, analysis_eq);
    free(d->analyzers);
    d->analyzers = NULL;
    d->analyzer_count = d->policy_count = 0;
    bundle_unref(d->bundle);
    d->bundle = NULL;
}

static size_t count_subjects(const struct policy *p) {
    size_t n = 0;
    for (size_t i = 0; p && i < p->watch_count; i++) n += p->watches[i].subject;
    return n;
}

static void add_policy(struct diagnosis *d, const struct policy *p) {
    if (!p) return;
    d->policy_count++;
    for (size_t i = 0; i < p->watch_count; i++)
        if (p->watches[i].subject) d->analyzers[d->analyzer_count++] = (struct analyzer){.policy = p, .subject = &p->watches[i]};
}

int diagnosis_use(struct diagnosis *d, struct bundle *bundle, const struct str *names, size_t count, struct err *err) {
    size_t subjects = 0;
    for (size_t i = 0; i < count; i++) subjects += count_subjects(bundle_find(bundle, POLICY_ANALYZER, names[i]));
    struct analyzer *analyzers = calloc(subjects + 1, sizeof *analyzers);
    if (!analyzers) return err_set(err, ERR_NOMEM, "no memory for %zu analyzers", count);
    drop_all(d);
    d->bundle = bundle_ref(bundle);
    d->analyzers = analyzers;
    for (size_t i = 0; i < count; i++) add_policy(d, bundle_find(bundle, POLICY_ANALYZER, names[i]));
    for (size_t i = 0; i < d->analyzer_count; i++) refresh(d, &d->analyzers[i]);
    return 0;
}

bool diagnosis_uses(const struct diagnosis *d, const struct str *names, size_t count) {
    bool same = count == d->policy_count;
    for (size_t i = 0; same && i < count; i++) same = analyzer_next(d, names[i], NULL) != NULL;
    return same;
}

void diagnosis_object_changed(struct diagnosis *d, struct store *store, const struct doc *before, const struct doc *after) {
    struct doc_value o = doc_root(after ? after : before);
    for (size_t i = 0; i < d->analyzer_count; i++) {
        struct analyzer *z = &d->analyzers[i];
        if (z->subject->gvk != store_gvk(store) || z->state != ANALYZER_ACTIVE) continue;
        struct analysis *a = analysis_get(d, z, doc_path_str(o, "metadata.namespace"), doc_path_str(o, "metadata.name"));
        if (a)
            touched(&a->evaluation, d);
        else
            diagnosis_lost(d, "no memory to look at an object");
    }
    reads_object_changed(d->reads, store, before, after);
}

/* Of a namespace that may be read from now on all is known when its list is in: also what went before. */
static void state_changed(struct diagnosis *d, struct analyzer *z, const struct gvk *gvk) {
    bool swept = z->state == ANALYZER_ACTIVE && z->swept;
    refresh(d, z);
    if (swept && z->swept && z->subject->gvk == gvk) d->listener.swept(z->policy, d->listener.arg);
}

void diagnosis_state_changed(struct diagnosis *d, const struct gvk *gvk) {
    for (size_t i = 0; i < d->analyzer_count; i++)
        if (policy_watch(d->analyzers[i].policy, gvk)) state_changed(d, &d->analyzers[i], gvk);
    reads_state_changed(d->reads, gvk);
}

enum analyzer_state diagnosis_analyzer(const struct diagnosis *d, struct str name, const char **reason) {
    const struct analyzer *z = analyzer_next(d, name, NULL);
    enum analyzer_state state = z ? z->state : ANALYZER_WAITING;
    const char *why = "";
    for (; z; z = analyzer_next(d, name, z)) {
        if (z->state == ANALYZER_WAITING || state == ANALYZER_INACTIVE) state = z->state;
        if (!*why) why = z->reason;
    }
    if (reason) *reason = why;
    return state;
}

size_t diagnosis_failing(const struct diagnosis *d, struct str name, const char **reason) {
    size_t failing = 0;
    const char *why = "";
    for (const struct analyzer *z = NULL; (z = analyzer_next(d, name, z));) {
        if (z->failing) why = z->failure;
        failing += z->failing;
    }
    if (reason) *reason = why;
    return failing;
}

size_t diagnosis_denied(const struct diagnosis *d, struct str name) {
    size_t denied = 0;
    for (const struct analyzer *z = NULL; (z = analyzer_next(d, name, z));) denied += z->denied;
    return denied;
}

size_t diagnosis_waiting(const struct diagnosis *d, struct str name, const char **reason) {
    size_t waiting = 0;
    const char *why = "";
    for (const struct analyzer *z = NULL; (z = analyzer_next(d, name, z));) {
        if (z->waiting) why = z->unknown;
        waiting += z->waiting;
    }
    if (reason) *reason = why;
    return waiting;
}

size_t diagnosis_withheld(const struct diagnosis *d, struct str name, const char **what) {
    size_t withheld = 0;
    *what = "";
    for (const struct analyzer *z = NULL; (z = analyzer_next(d, name, z));) {
        if (z->withheld) *what = z->lacking;
        withheld += z->withheld;
    }
    return withheld;
}

void diagnosis_permit_secret_content(struct diagnosis *d) { d->asks.secret_content = true; }

void diagnosis_interval_changed(struct diagnosis *d, struct str analyzer) {
    struct analysis *a;
    for (size_t i = 0; d->listener.interval_s && (a = ptrset_next(&d->analyses, &i));)
        if (str_is(analyzer, a->analyzer->policy->name))
            turn_no_later(a, d->listener.interval_s(a->analyzer->policy, d->listener.arg) * 1000);
}

bool diagnosis_swept(const struct diagnosis *d, struct str name) {
    const struct analyzer *first = analyzer_next(d, name, NULL), *z = first;
    while (z && (z->state == ANALYZER_INACTIVE || z->swept)) z = analyzer_next(d, name, z);
    return first && !z;
}

bool diagnosis_stuck(const struct diagnosis *d, struct str name) {
    for (const struct analyzer *z = NULL; (z = analyzer_next(d, name, z));)
        if (z->state == ANALYZER_WAITING && z->awaited && cluster_is_stuck(d->cluster, z->awaited)) return true;
    return false;
}

bool diagnosis_looking(const struct diagnosis *d, struct str name) {
    const struct analyzer *first = analyzer_next(d, name, NULL), *z = first;
    while (z && (z->swept || !analyzer_knows_objects(z))) z = analyzer_next(d, name, z);
    return !first || z;
}

void diagnosis_replay(struct diagnosis *d, struct str name, void (*verdict)(const struct verdict *v, void *arg), void *arg) {
    const struct analysis *a;
    for (size_t i = 0; (a = ptrset_next(&d->analyses, &i));) {
        if (!str_is(name, a->analyzer->policy->name) || !a->failures) continue;
        struct verdict v = analysis_verdict(a);
        verdict(&v, arg);
    }
}

static void retell(struct diagnosis *d, struct analyzer *z, struct str ns, struct str name) {
    struct analysis *a = analysis_get(d, z, ns, name);
    if (!a) {
        diagnosis_lost(d, "no memory for an analysis");
        return;
    }
    struct verdict v = analysis_verdict(a);
    if (a->failures && !a->failed)
        d->listener.verdict(&v, d->listener.arg);
    else
        analysis_enqueue(a);
}

void diagnosis_retell(struct diagnosis *d, struct str analyzer, struct str kind, struct str ns, struct str name) {
    for (size_t i = 0; i < d->analyzer_count; i++) {
        struct analyzer *z = &d->analyzers[i];
        if (str_is(analyzer, z->policy->name) && str_is(kind, z->subject->gvk->kind)) retell(d, z, ns, name);
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

struct diagnosis *diagnosis_new(struct loop *loop, struct cluster *cluster, struct policycalls *calls, struct deadlines *deadlines,
                                const struct diagnosis_listener *listener, struct err *err) {
    struct diagnosis *d = calloc(1, sizeof *d);
    if (!d) goto nomem;
    *d =
        (struct diagnosis){.cluster = cluster, .calls = calls, .deadlines = deadlines, .listener = *listener, .asks = {.cluster = cluster}};
    d->analyses = ptrset_new(analysis_hash, analysis_eq);
    d->queue_end = &d->queue;
    d->reads = reads_new(touched, d);
    d->owners = d->reads ? owners_new(loop, cluster, d->reads) : NULL;
    if (loop) d->worker = worker_new(loop, work, d);
    if (loop && d->reads && cluster_client(cluster)) d->secrets = secrets_new(loop, cluster, d->reads);
    struct kube_client *client = cluster_client(cluster);
    if (client) d->asks.aws = aws_new(kube_client_http(client));
    if (client && !d->asks.aws) goto nomem;
    if (d->owners && (d->worker || !loop) && (d->secrets || !loop || !cluster_client(cluster))) return d;
nomem:
    err_set(err, ERR_NOMEM, "no memory for the diagnosis");
    diagnosis_free(d);
    return NULL;
}

void diagnosis_free(struct diagnosis *d) {
    if (!d) return;
    d->listener.changed = NULL;
    drop_all(d);
    aws_free(d->asks.aws);
    worker_free(d->worker);
    secrets_free(d->secrets);
    owners_free(d->owners);
    reads_free(d->reads);
    free(d);
}
