#include <stdlib.h>

#include "base/clock.h"
#include "operator/oneshot_internal.h"
#include "operator/plan.h"

enum { SECOND_MS = 1000 };

/* ---- filters ------------------------------------------------------------------------------------------------------------------ */

static struct filters filters_of(const struct oneshot *o) {
    return (struct filters){.bundle = o->options.bundle, .cluster = o->options.cluster, .calls = o->calls, .owners = o->owners};
}

static bool keep(struct group *g, struct finding *f, void *arg) {
    const struct oneshot *o = arg;
    struct filters filters = filters_of(o);
    return filters_keep(&filters, o->options.cr, g, f);
}

/* What the filters asked for and nobody bears is a slip of who called. */
static int refuse_unknown(const struct oneshot *o, struct err *err) {
    const struct bundle *bundle = o->options.bundle;
    struct buf names = buf_new(sizeof err->msg - 200); /* beside the rest of the sentence */
    int rc = 0;
    for (size_t i = 0; !rc && i < bundle_count(bundle, POLICY_ANALYZER); i++)
        rc = buf_printf(&names, NULL, "%s%s", i ? ", " : "", bundle_at(bundle, POLICY_ANALYZER, i)->name);
    err_set(err, ERR_NOT_FOUND, "there is no analyzer %.100s; there are %s%s", o->choice.unknown[0], names.len ? names.data : "none",
            rc ? ", …" : "");
    buf_free(&names);
    return ERR_NOT_FOUND;
}

static int choose(struct oneshot *o, struct err *err) {
    struct filters filters = filters_of(o);
    int rc = filters_choose(&filters, o->options.cr, &o->choice, err);
    return rc || !o->choice.unknown_count ? rc : refuse_unknown(o, err);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------ */

static int want_kind(const struct oneshot *o, enum policy_kind kind, struct plan_wants *wants, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < bundle_count(o->options.bundle, kind); i++)
        rc = plan_policy_wants(bundle_at(o->options.bundle, kind, i), wants, err);
    return rc;
}

static int want_chosen(const struct oneshot *o, struct plan_wants *wants, struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < o->choice.count; i++)
        rc = plan_policy_wants(bundle_find(o->options.bundle, POLICY_ANALYZER, str_of(o->choice.names[i])), wants, err);
    return rc;
}

static void plan_ready(void *arg) { *(bool *)arg = true; }

static void await_plan(const struct oneshot *o) {
    for (int64_t left_ms; !o->ready && (left_ms = (o->until_us - clock_mono_us()) / 1000) > 0;) {
        if (loop_run_until(o->options.loop, &o->ready, left_ms < SECOND_MS ? left_ms : SECOND_MS)) return;
        if (o->options.waiting) o->options.waiting(o->options.arg);
    }
}

/* At the end of all time the plan comes into use as far as it got: what is not synced then says so itself. */
static int open_stores(struct oneshot *o, const struct plan_wants *wants, struct err *err) {
    struct cluster *c = o->options.cluster;
    o->ready = false;
    struct cluster_plan *plan = cluster_prepare(c, wants->items, wants->count, plan_ready, &o->ready, err);
    if (!plan) return (int)err->code;
    if (o->options.loop) await_plan(o);
    cluster_commit(c, plan);
    return 0;
}

enum whom { NOBODY, THE_CHOSEN, EVERYBODY };

/* What filters and reports read, and these analyzers, and who says which of their findings follow from which. */
static int want(const struct oneshot *o, enum whom analyzers, struct plan_wants *wants, struct err *err) {
    int rc = want_kind(o, POLICY_FILTER, wants, err);
    if (!rc) rc = want_kind(o, POLICY_REPORT, wants, err);
    if (!rc && analyzers == THE_CHOSEN) rc = want_chosen(o, wants, err);
    if (!rc && analyzers == EVERYBODY) rc = want_kind(o, POLICY_ANALYZER, wants, err);
    return rc || analyzers == NOBODY ? rc : plan_correlate_wants(o->options.bundle, wants, err);
}

/* A snapshot has its Secrets in a store; a cluster is asked for them one by one. */
static int open_wanted(struct oneshot *o, enum whom analyzers, struct err *err) {
    struct plan_wants wants = {0};
    int rc = want(o, analyzers, &wants, err);
    if (!rc && o->options.loop) plan_leave_out_secrets(&wants);
    if (!rc) rc = open_stores(o, &wants, err);
    plan_wants_free(&wants);
    return rc;
}

static int open_and_choose(struct oneshot *o, struct err *err) {
    o->until_us = clock_mono_us() + o->options.timeout_ms * 1000;
    int rc = open_wanted(o, NOBODY, err);
    return rc ? rc : choose(o, err);
}

int oneshot_read(struct oneshot *o, struct err *err) {
    if (!o->options.loop) return choose(o, err);
    int rc = open_and_choose(o, err);
    return rc ? rc : open_wanted(o, THE_CHOSEN, err);
}

int oneshot_capture(struct oneshot *o, bool every, struct err *err) {
    struct plan_wants wants = {0};
    int rc = open_and_choose(o, err);
    if (!rc) rc = want(o, every ? EVERYBODY : THE_CHOSEN, &wants, err);
    if (!rc) rc = plan_blind_secrets(&wants, err);
    if (!rc) rc = open_stores(o, &wants, err);
    plan_wants_free(&wants);
    return rc;
}

/* ---- namespaces --------------------------------------------------------------------------------------------------------------- */

struct search {
    struct str ns;
    bool found;
};

static void look_for(const struct store *store, void *arg) {
    struct search *s = arg;
    const struct doc *object;
    for (size_t i = 0; !s->found && (object = store_next(store, &i));)
        s->found = str_eq(doc_path_str(doc_root(object), "metadata.namespace"), s->ns);
}

bool oneshot_has_namespace(const struct oneshot *o, struct str name) {
    struct cluster *c = o->options.cluster;
    const struct gvk *gvk = gvk_of(STR("v1"), STR("Namespace"));
    const struct store *all = gvk && cluster_state(c, gvk, NULL) == REFLECTOR_SYNCED ? cluster_store(c, gvk) : NULL;
    struct search search = {name, all && store_get(all, STR(""), name)};
    if (o->options.loop) return !all || search.found;
    if (!search.found) cluster_each_store(c, look_for, &search);
    return search.found;
}

/* ---- diagnosis ---------------------------------------------------------------------------------------------------------------- */

static void verdict(const struct verdict *v, void *arg) {
    const struct oneshot *o = arg;
    findings_verdict(o->findings, v);
}

static void not_told(void *arg) { (void)arg; }
static void not_swept(const struct policy *analyzer, void *arg) { (void)analyzer, (void)arg; }
static void not_touched(struct evaluation *e, void *arg) { (void)e, (void)arg; }

static int use_chosen(struct oneshot *o, struct err *err) {
    struct str *names = calloc(o->choice.count + 1, sizeof *names);
    if (!names) return err_set(err, ERR_NOMEM, "no memory for the names of analyzers");
    for (size_t i = 0; i < o->choice.count; i++) names[i] = str_of(o->choice.names[i]);
    int rc = diagnosis_use(o->diagnosis, o->options.bundle, names, o->choice.count, err);
    free(names);
    return rc;
}

static bool settled(const struct oneshot *o) {
    for (size_t i = 0; i < o->choice.count; i++)
        if (diagnosis_waiting(o->diagnosis, str_of(o->choice.names[i]), NULL)) return false;
    return true;
}

/* Owners and Secrets are asked for one by one while the loop turns; each answer has the analyses that wait for it done again. */
static void await_answers(const struct oneshot *o) {
    static const bool never = false;
    while (!settled(o) && clock_mono_us() < o->until_us) {
        (void)loop_run_until(o->options.loop, &never, ONESHOT_POLL_MS);
        diagnosis_finish(o->diagnosis);
    }
}

static void count_problems(struct group *g, void *arg) {
    struct oneshot *o = arg;
    for (size_t i = 0; i < g->count; i++) o->problems += finding_is_shown(&g->findings[i]);
}

int oneshot_diagnose(struct oneshot *o, struct err *err) {
    int rc = use_chosen(o, err);
    if (rc) return rc;
    diagnosis_finish(o->diagnosis);
    if (o->options.loop) await_answers(o);
    oneshot_correlate(o);
    findings_each(o->findings, count_problems, o);
    return 0;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------------ */

static void note_denied(struct str ns, const struct err *why, void *arg) {
    (void)ns, (void)why;
    *(bool *)arg = true;
}

/* Its objects may be unseen in all namespaces, or in some. */
static bool is_unseen(const struct oneshot *o, const struct gvk *subject) {
    enum reflector_state state = cluster_state(o->options.cluster, subject, NULL);
    bool denied = state == REFLECTOR_DENIED || state == REFLECTOR_SYNCING;
    cluster_each_denied(o->options.cluster, subject, note_denied, &denied);
    return denied;
}

static enum insight insight_of_subjects(const struct oneshot *o, const struct policy *p, bool active) {
    for (size_t i = 0; i < p->watch_count; i++)
        if (p->watches[i].subject && is_unseen(o, p->watches[i].gvk)) return INSIGHT_UNREAD;
    return active ? INSIGHT_WHOLE : INSIGHT_NONE_NEEDED;
}

enum insight oneshot_insight(const struct oneshot *o, const char *analyzer, const char **why, size_t *objects) {
    struct str name = str_of(analyzer);
    *objects = diagnosis_failing(o->diagnosis, name, why);
    if (*objects) return diagnosis_denied(o->diagnosis, name) == *objects ? INSIGHT_UNREAD : INSIGHT_FAILED;
    *objects = diagnosis_waiting(o->diagnosis, name, why);
    if (*objects) return INSIGHT_UNREAD;
    enum analyzer_state state = diagnosis_analyzer(o->diagnosis, name, why);
    if (state == ANALYZER_WAITING) return INSIGHT_UNREAD;
    return insight_of_subjects(o, bundle_find(o->options.bundle, POLICY_ANALYZER, name), state == ANALYZER_ACTIVE);
}

static size_t count(const struct oneshot *o, enum insight insight) {
    size_t found = 0;
    for (size_t i = 0; i < o->choice.count; i++) {
        const char *why;
        size_t objects;
        found += oneshot_insight(o, o->choice.names[i], &why, &objects) == insight;
    }
    return found;
}

size_t oneshot_problems(const struct oneshot *o) { return o->problems; }

static void count_other(const struct policy *policy, size_t times, const char *message, void *arg) {
    (void)times, (void)message;
    *(size_t *)arg += policy->kind != POLICY_ANALYZER;
}

size_t oneshot_failing(const struct oneshot *o) {
    size_t failing = count(o, INSIGHT_FAILED);
    policycalls_each_failed(o->calls, count_other, &failing);
    return failing;
}

size_t oneshot_unread(const struct oneshot *o) { return count(o, INSIGHT_UNREAD); }

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

static struct findings *make_findings(struct oneshot *o) {
    struct doc_value meta = doc_path(doc_root(o->options.cr), "metadata");
    struct findings_identity identity = {STR(""), doc_path_str(meta, "namespace"), doc_path_str(meta, "name")};
    struct findings_owner owner = {.keep = keep, .dirty = not_told, .free_group = oneshot_group_going, .decide = oneshot_decide, .arg = o};
    struct findings *findings = findings_new(&identity, NULL, o->options.grace_s == 0, &owner);
    if (findings && o->options.grace_s > 0) findings_set_grace(findings, o->options.grace_s);
    return findings;
}

static int make_parts(struct oneshot *o, struct err *err) {
    const struct oneshot_options *options = &o->options;
    struct diagnosis_listener listener = {.verdict = verdict, .swept = not_swept, .arg = o};
    err_set(err, ERR_NOMEM, "no memory for a diagnosis");
    if (!(o->calls = policycalls_new(NULL, NULL))) return err->code;
    if (!(o->reads = reads_new(not_touched, o))) return err->code;
    if (!(o->owners = owners_new(options->loop, options->cluster, o->reads))) return err->code;
    if (!(o->findings = make_findings(o))) return err->code;
    if (!(o->diagnosis = diagnosis_new(options->loop, options->cluster, o->calls, NULL, &listener, err))) return err->code;
    if (oneshot_make_correlator(o, err)) return err->code;
    if (options->secret_content) diagnosis_permit_secret_content(o->diagnosis);
    if (!options->loop) return open_wanted(o, EVERYBODY, err);
    cluster_read_once(options->cluster);
    return 0;
}

struct oneshot *oneshot_new(const struct oneshot_options *options, struct err *err) {
    struct oneshot *o = calloc(1, sizeof *o);
    if (!o) {
        err_set(err, ERR_NOMEM, "no memory for a diagnosis");
        return NULL;
    }
    o->options = *options;
    if (!make_parts(o, err)) return o;
    oneshot_free(o);
    return NULL;
}

void oneshot_free(struct oneshot *o) {
    if (!o) return;
    diagnosis_free(o->diagnosis);
    findings_free(o->findings);
    oneshot_free_correlator(o);
    owners_free(o->owners);
    reads_free(o->reads);
    policycalls_free(o->calls);
    choice_free(&o->choice);
    free(o);
}
