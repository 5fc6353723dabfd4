/*
 * change: what a change of one object costs, for each analyzer, in small and large clusters: no analysis may look at objects that have
 * nothing to do with it.
 *
 *     change [objects [ANALYZER...]]      from the root of the checkout; without arguments: up to 100,000, every analyzer
 *
 * The objects are those of the analyzer's own test cases, over and over: each copy of a case has namespaces, cluster-wide names and uids of
 * its own, so that what belongs together stays together. A hundred copies share a Node, and all of them ten of each other cluster-wide
 * kind that is not the analyzer's subject, and of StorageClasses, as it is in real clusters: their changes concern many, and are left out.
 * A change is one of an object's metadata; its cost is the CPU of putting it into the store and of all analyses that it makes necessary.
 */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "operator/diagnosis.h"
#include "operator/plan.h"
#include "pods.h"

enum { SIZES = 3, CHANGES = 1000, RUNS = 2, MAX_CASES = 64, MAX_OBJECTS = 32, SHARED = 10, COPIES_A_NODE = 100, TEXT_BYTES = 1 << 22 };

/* An object of a case as JSON, with a text in its metadata that counts changes. */
struct original {
    char *text;
    char *renamed; /* a namespace or a cluster-wide name that each copy has another of; NULL: nothing of its own */
    int copies_a_name;
    bool is_shared;
};

struct sample {
    struct original objects[MAX_OBJECTS];
    int count;
};

static const char VERSION[] = "version of the bench";

static struct sample samples[MAX_CASES];
static int sample_count;
static char dir[256];
static const struct policy *policy;

/* ---- originals ---------------------------------------------------------------------------------------------------------------------- */

/* Sets what tells the copies of an object apart. */
static void classify(struct original *o, struct doc_value root) {
    struct str kind = doc_path_str(root, "kind"), ns = doc_path_str(root, "metadata.namespace"), name = doc_path_str(root, "metadata.name");
    bool is_subject = policy_subject(policy, kind) && !str_is(kind, "StorageClass"); /* of which a cluster has a handful */
    bool own = ns.n || str_is(kind, "Namespace") || str_is(kind, "PersistentVolume") || is_subject;
    o->renamed = str_dup(ns.n ? ns : name);
    o->copies_a_name = own ? 1 : str_is(kind, "Node") ? COPIES_A_NODE : 0;
    o->is_shared = !own;
}

static int add_original(struct doc *doc, void *arg, struct err *err) {
    static const char metadata[] = "\"metadata\":{";
    struct sample *s = arg;
    struct buf text = buf_new(TEXT_BYTES), counted = buf_new(TEXT_BYTES);
    int rc = json_write(doc_root(doc), JSON_COMPACT, &text, err);
    char *at = rc ? NULL : strstr(text.data, metadata);
    if (at && s->count < MAX_OBJECTS) {
        struct original *o = &s->objects[s->count++];
        at += strlen(metadata);
        rc = buf_append(&counted, text.data, (size_t)(at - text.data), err);
        if (!rc) rc = buf_printf(&counted, err, "\"selfLink\":\"%s\",%s", VERSION, at);
        o->text = buf_take(&counted, NULL);
        classify(o, doc_root(doc));
    }
    buf_free(&text);
    return rc;
}

static void read_objects(struct sample *s, struct doc_value files) {
    for (size_t i = 0; i < doc_len(files); i++) {
        char path[512];
        struct err err;
        struct buf text = buf_new(TEXT_BYTES);
        snprintf(path, sizeof path, "%s/" STR_FMT, dir, STR_ARG(doc_str(doc_at(files, i))));
        need(file_read(path, &text, &err), &err);
        need(yaml_read((struct str){text.data, text.len}, add_original, s, &err), &err);
        buf_free(&text);
    }
}

static void read_samples(void) {
    char path[512];
    struct err err;
    int64_t now_ms;
    struct buf text = buf_new(TEXT_BYTES);
    snprintf(dir, sizeof dir, "policies/analyzers/%s", policy->name);
    snprintf(path, sizeof path, "%s/policy_test.yaml", dir);
    need(file_read(path, &text, &err), &err);
    struct doc *table = yaml_decode((struct str){text.data, text.len}, &err);
    need(!table, &err);
    if (clock_parse(doc_path_str(doc_root(table), "now"), &now_ms)) clock_fix_wall(now_ms);
    struct doc_value cases = doc_path(doc_root(table), "cases"), common = doc_path(doc_root(table), "objects");
    memset(samples, 0, sizeof samples);
    sample_count = 0;
    for (size_t i = 0; i < doc_len(cases) && sample_count < MAX_CASES; i++) {
        struct doc_value files = doc_path(doc_at(cases, i), "objects");
        struct sample *s = &samples[sample_count];
        read_objects(s, doc_len(files) ? files : common);
        sample_count += s->count > 0;
    }
    doc_unref(table);
    buf_free(&text);
}

static void free_samples(void) {
    for (int i = 0; i < sample_count; i++) {
        for (int k = 0; k < samples[i].count; k++) {
            free(samples[i].objects[k].text);
            free(samples[i].objects[k].renamed);
        }
    }
}

/* ---- copies ------------------------------------------------------------------------------------------------------------------------ */

static int number_of(const struct original *o, int copy) { return o->copies_a_name ? copy / o->copies_a_name : copy % SHARED; }

/* The number to put behind a text between quotes; -1: it stays as it is. */
static int suffix_of(const struct sample *s, struct str text, bool is_uid, int copy, int version) {
    if (is_uid) return copy;
    if (str_is(text, VERSION)) return version;
    for (int i = 0; i < s->count; i++)
        if (str_is(text, s->objects[i].renamed)) return number_of(&s->objects[i], copy);
    return -1;
}

static const char *end_of_text(const char *quote) {
    const char *p = quote + 1;
    while (*p != '"') p += *p == '\\' ? 2 : 1;
    return p;
}

static void put_copy(struct buf *out, const struct sample *s, const struct original *o, int copy, int version) {
    static const char uid[] = "\"uid\":";
    struct err err;
    const char *p = o->text, *quote;
    while ((quote = strchr(p, '"'))) {
        const char *end = end_of_text(quote);
        bool is_uid = (size_t)(quote - o->text) >= strlen(uid) && memcmp(quote - strlen(uid), uid, strlen(uid)) == 0;
        int suffix = suffix_of(s, (struct str){quote + 1, (size_t)(end - quote - 1)}, is_uid, copy, version);
        need(buf_append(out, p, (size_t)(end - p), &err), &err);
        if (suffix >= 0) need(buf_printf(out, &err, "-%06d", suffix), &err);
        put(out, "\"");
        p = end + 1;
    }
    put(out, p);
}

static struct doc *make_copy(const struct sample *s, const struct original *o, int copy, int version) {
    static struct buf text;
    static struct doc_builder *b;
    struct err err;
    if (!b) {
        b = doc_builder_new();
        text = buf_new(TEXT_BYTES);
    }
    buf_clear(&text);
    put_copy(&text, s, o, copy, version);
    struct doc *doc = json_decode(b, (struct str){text.data, text.len}, NULL, &err);
    need(!doc, &err);
    return doc;
}

/* ---- one cluster -------------------------------------------------------------------------------------------------------------------- */

struct world {
    struct cluster *cluster;
    struct policycalls *calls;
    struct diagnosis *diagnosis;
    int copies, objects;
};

static void ignore_verdict(const struct verdict *v, void *arg) { (void)v, (void)arg; }
static void ignore_sweep(const struct policy *analyzer, void *arg) { (void)analyzer, (void)arg; }

static void object_changed(struct store *store, const struct doc *before, const struct doc *after, void *arg) {
    const struct world *w = arg;
    if (w->diagnosis) diagnosis_object_changed(w->diagnosis, store, before, after);
}

static void load(const struct world *w, const struct sample *s, const struct original *o, int copy, int version) {
    struct err err;
    struct doc *doc = make_copy(s, o, copy, version);
    need(cluster_load(w->cluster, doc, &err), &err);
    doc_unref(doc);
}

static void fill(struct world *w, int objects) {
    for (w->copies = 0; w->objects < objects; w->copies++) {
        const struct sample *s = &samples[w->copies % sample_count];
        for (int i = 0; i < s->count; i++) load(w, s, &s->objects[i], w->copies, 0);
        w->objects += s->count;
    }
}

static void open_world(struct world *w, struct bundle *bundle, int objects) {
    struct plan_wants wants = {0};
    struct err err;
    const struct str name = str_of(policy->name);
    struct diagnosis_listener listener = {.verdict = ignore_verdict, .swept = ignore_sweep};
    *w = (struct world){.cluster = cluster_new_offline(), .calls = policycalls_new(NULL, NULL)};
    need(plan_policy_wants(policy, &wants, &err), &err);
    struct cluster_plan *plan = cluster_prepare(w->cluster, wants.items, wants.count, NULL, NULL, &err);
    need(!plan, &err);
    cluster_commit(w->cluster, plan);
    plan_wants_free(&wants);
    cluster_on_change(w->cluster, object_changed, w);
    fill(w, objects);
    w->diagnosis = diagnosis_new(NULL, w->cluster, w->calls, NULL, &listener, &err);
    need(!w->diagnosis, &err);
    need(diagnosis_use(w->diagnosis, bundle, &name, 1, &err), &err);
    diagnosis_finish(w->diagnosis);
}

static void close_world(struct world *w) {
    diagnosis_free(w->diagnosis);
    policycalls_free(w->calls);
    cluster_free(w->cluster);
}

/* The n-th change: objects in turn, of copies all over the place. NULL: that object is not of one copy alone. */
static struct doc *change(const struct world *w, int n, int version) {
    int copy = (int)((int64_t)n * 7919 % w->copies);
    const struct sample *s = &samples[copy % sample_count];
    const struct original *o = &s->objects[n % s->count];
    return o->is_shared ? NULL : make_copy(s, o, copy, version);
}

static double cost_us(const struct world *w, int version) {
    static struct doc *changes[CHANGES];
    struct err err;
    int count = 0;
    for (int n = 0; n < CHANGES; n++)
        if ((changes[count] = change(w, n, version + n))) count++;
    int64_t start_us = cpu_us();
    for (int i = 0; i < count; i++) {
        need(cluster_load(w->cluster, changes[i], &err), &err);
        diagnosis_finish(w->diagnosis);
    }
    double us = (double)(cpu_us() - start_us) / (count ? count : 1);
    for (int i = 0; i < count; i++) doc_unref(changes[i]);
    return us;
}

static double best_cost_us(struct bundle *bundle, int objects) {
    struct world w;
    double best = 0;
    open_world(&w, bundle, objects);
    for (int run = 1; run <= RUNS; run++) {
        double us = cost_us(&w, run * CHANGES);
        if (run == 1 || us < best) best = us;
    }
    close_world(&w);
    return best;
}

static bool is_wanted(int argc, char **argv, const char *name) {
    bool wanted = argc <= 2;
    for (int i = 2; i < argc; i++) wanted |= strcmp(argv[i], name) == 0;
    return wanted;
}

int main(int argc, char **argv) {
    int largest = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100000;
    struct bundle_source source = {"policies", LAYER_BUILTIN};
    struct bundle_options options = {.lua_dir = "lua", .sources = &source, .source_count = 1};
    struct bundle_problems problems = {0};
    struct err err = {0};
    struct bundle *bundle = bundle_load(&options, &problems, &err);
    need(!bundle, &err);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%-32s %12d %12d %12d   ratio\n", "CPU of a change, us; objects:", largest / 100, largest / 10, largest);
    for (size_t i = 0; i < bundle_count(bundle, POLICY_ANALYZER); i++) {
        double us[SIZES];
        policy = bundle_at(bundle, POLICY_ANALYZER, i);
        /* One that asks the world does so by the clock, not by changes. */
        if (policy->remote || !is_wanted(argc, argv, policy->name)) continue;
        read_samples();
        for (int size = 0; size < SIZES; size++) us[size] = best_cost_us(bundle, largest / (size == 0 ? 100 : size == 1 ? 10 : 1));
        printf("%-32s %12.1f %12.1f %12.1f   %5.1f\n", policy->name, us[0], us[1], us[2], us[2] / us[0]);
        free_samples();
    }
    bundle_problems_free(&problems);
    bundle_unref(bundle);
    return 0;
}
