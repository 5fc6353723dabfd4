#include "operator/policies.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"

enum {
    SETTLE_MS = 30, /* an editor or kubectl cp writes several files: read once they are still */
    MAX_DEPTH = 3,  /* KIND/NAME/policy.lua */
};

struct watched {
    struct dirwatch *watch;
    struct watched *next;
};

struct policies {
    struct policies_options options;
    struct bundle_source *sources;
    size_t source_count;
    struct bundle *bundle;
    struct watched *watched;
    struct timer *settle;
    bool partial;
    char problem[1024];
    struct metric *failures, *info;
};

static const struct metric_def FAILURES = {
    "k8sgpt_policy_load_failures_total", "Policy bundles that were refused.", METRIC_COUNTER, {"reason"}, NULL};
static const struct metric_def INFO = {"k8sgpt_policy_bundle_info", "The policy bundle in use.", METRIC_GAUGE, {"hash"}, NULL};

/* ---- watching ----------------------------------------------------------------------------------------------------------------- */

static void something_changed(void *arg) {
    struct policies *p = arg;
    timer_start(p->settle, SETTLE_MS);
}

static void unwatch(struct policies *p) {
    struct watched *w;
    while ((w = p->watched)) {
        p->watched = w->next;
        dirwatch_free(w->watch);
        free(w);
    }
}

static void watch_tree(struct policies *p, const char *dir, int depth);

static void watch_below(struct policies *p, const char *dir, int depth) {
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        char *path = NULL;
        struct stat st;
        if (e->d_name[0] == '.' || asprintf(&path, "%s/%s", dir, e->d_name) < 0) continue;
        if (!lstat(path, &st) && S_ISDIR(st.st_mode)) watch_tree(p, path, depth);
        free(path);
    }
    if (d) closedir(d);
}

/* inotify is not recursive. The ..data link of a mounted ConfigMap lies in the root, so one watch is enough there. */
static void watch_tree(struct policies *p, const char *dir, int depth) {
    struct err err;
    struct watched *w = calloc(1, sizeof *w);
    if (w) w->watch = dirwatch_new(p->options.loop, dir, something_changed, p, &err);
    if (!w || !w->watch) {
        log_warn("policies", "cannot watch a folder; changes there need a restart", LOG_S("dir", dir),
                 LOG_S("error", w ? err.msg : "no memory"));
        free(w);
        return;
    }
    w->next = p->watched;
    p->watched = w;
    if (depth > 1) watch_below(p, dir, depth - 1);
}

static void watch_all(struct policies *p) {
    unwatch(p);
    for (size_t i = 0; i < p->options.dir_count; i++) watch_tree(p, p->options.dirs[i], MAX_DEPTH);
}

/* ---- loading ------------------------------------------------------------------------------------------------------------------ */

static void report(struct policies *p, const struct bundle_problems *problems, const char *verdict) {
    for (size_t i = 0; i < problems->count; i++)
        log_error("policies", verdict, LOG_S("name", problems->items[i].name), LOG_S("error", problems->items[i].message));
    p->problem[0] = '\0';
    if (problems->count == 1) snprintf(p->problem, sizeof p->problem, "%.900s", problems->items[0].message);
    if (problems->count > 1)
        snprintf(p->problem, sizeof p->problem, "%.900s (and %zu more)", problems->items[0].message, problems->count - 1);
}

static struct bundle *load(struct policies *p, bool tolerate, struct bundle_problems *problems, struct err *err) {
    struct bundle_options options = {
        .lua_dir = p->options.lua_dir, .sources = p->sources, .source_count = p->source_count, .tolerate = tolerate, .before = p->bundle};
    return bundle_load(&options, problems, err);
}

static void use(struct policies *p, struct bundle *bundle) {
    bundle_unref(p->bundle);
    p->bundle = bundle;
    metric_clear(p->info);
    metric_set(p->info, METRIC_LABELS(str_of(bundle_hash(bundle))), 1);
}

static void refuse(struct policies *p, const struct bundle_problems *problems, const struct err *err) {
    report(p, problems, "policies refused, the last good ones stay in use");
    if (!p->problem[0]) snprintf(p->problem, sizeof p->problem, "%.1000s", err->msg);
    p->partial = false;
    metric_add(p->failures, METRIC_LABELS(str_of(err_code_name(err->code))), 1);
    p->options.refused(p->problem, p->options.arg);
}

void policies_reload(struct policies *p) {
    struct bundle_problems problems = {0};
    struct err err;
    watch_all(p); /* folders may be new */
    struct bundle *bundle = load(p, false, &problems, &err);
    if (!bundle) {
        refuse(p, &problems, &err);
    } else {
        bool healed = p->problem[0] != '\0', same = str_is(str_of(bundle_hash(bundle)), bundle_hash(p->bundle)) && !p->partial;
        p->problem[0] = '\0';
        p->partial = false;
        if (same)
            bundle_unref(bundle);
        else
            use(p, bundle);
        if (!same || healed) p->options.loaded(p->bundle, p->options.arg);
    }
    bundle_problems_free(&problems);
}

static void settled(void *arg) { policies_reload(arg); }

static int first_load(struct policies *p, struct err *err) {
    struct bundle_problems problems = {0};
    struct bundle *bundle = load(p, true, &problems, err);
    report(p, &problems, bundle ? "a policy is left out" : "policies cannot be loaded");
    if (bundle) {
        use(p, bundle);
        p->partial = problems.count > 0;
        if (p->partial) metric_add(p->failures, METRIC_LABELS(STR("PolicyInvalid")), 1);
    }
    bundle_problems_free(&problems);
    return bundle ? 0 : err->code;
}

static int make_sources(struct policies *p, struct err *err) {
    p->source_count = p->options.dir_count + 1;
    p->sources = calloc(p->source_count, sizeof *p->sources);
    if (!p->sources) return err_set(err, ERR_NOMEM, "no memory for the policies");
    p->sources[0] = (struct bundle_source){p->options.builtin_dir, LAYER_BUILTIN};
    for (size_t i = 0; i < p->options.dir_count; i++) p->sources[i + 1] = (struct bundle_source){p->options.dirs[i], LAYER_CLUSTER};
    return 0;
}

struct policies *policies_new(const struct policies_options *options, struct err *err) {
    struct policies *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(err, ERR_NOMEM, "no memory for the policies");
        return NULL;
    }
    p->options = *options;
    p->failures = metrics_define(options->metrics, &FAILURES);
    p->info = metrics_define(options->metrics, &INFO);
    p->settle = timer_new(options->loop, settled, p);
    int rc = p->settle ? make_sources(p, err) : err_set(err, ERR_NOMEM, "no memory for the policies");
    if (!rc) watch_all(p); /* first, so that no change falls between */
    if (!rc) rc = first_load(p, err);
    if (!rc) return p;
    policies_free(p);
    return NULL;
}

void policies_free(struct policies *p) {
    if (!p) return;
    unwatch(p);
    timer_free(p->settle);
    bundle_unref(p->bundle);
    free(p->sources);
    free(p);
}

struct bundle *policies_bundle(const struct policies *p) {
    return p->bundle;
}
const char *policies_problem(const struct policies *p) { return p->problem; }
bool policies_problem_is_partial(const struct policies *p) { return p->partial; }
