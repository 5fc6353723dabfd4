#include "kube/snapshot_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "doc/manifest.h"

const char SNAPSHOT_API[] = "k8sgpt.ai/v1", SNAPSHOT_KIND[] = "Snapshot";

static const char CRD_KIND[] = "CustomResourceDefinition";

enum { MAX_FILE_BYTES = 1024 * 1024 * 1024, MAX_DEPTH = 16 };

static uint64_t gvk_hash(const void *item) { return (uint64_t)(uintptr_t)item; }
static bool gvk_eq(const void *item, const void *key) { return item == key; }

struct snapshot snapshot_new(void) {
    return (struct snapshot){.seen = ptrset_new(gvk_hash, gvk_eq)};
}

void snapshot_free(struct snapshot *s) { ptrset_free(&s->seen); }

/* ---- time --------------------------------------------------------------------------------------------------------------------- */

/*
 * Fields that say when something happened. Not deletionTimestamp, which is when the grace of a deletion ends, nor dates that a certificate
 * or a schedule promises.
 */
static const char *const MOMENTS[] = {
    "creationTimestamp", "lastTransitionTime", "lastUpdateTime", "lastProbeTime",    "lastHeartbeatTime", "startTime",
    "startedAt",         "finishedAt",         "completionTime", "lastScaleTime",    "lastScheduleTime",  "lastSuccessfulTime",
    "lastTimestamp",     "firstTimestamp",     "eventTime",      "lastObservedTime", "renewTime",         "acquireTime",
};

static bool tells_a_moment(struct str key) {
    for (size_t i = 0; i < sizeof MOMENTS / sizeof *MOMENTS; i++)
        if (str_is(key, MOMENTS[i])) return true;
    return false;
}

/* Most strings are not even shaped like 2026-03-01T10:10:00Z. */
static bool looks_like_time(struct str text) { return text.n >= 20 && text.n <= 40 && text.p[4] == '-' && text.p[10] == 'T'; }

static void note_time(struct doc_value holder, size_t i, struct str text, int64_t *newest_ms) {
    struct str key;
    int64_t ms;
    (void)doc_pair(holder, i, &key, NULL);
    if (tells_a_moment(key) && clock_parse(text, &ms) && ms > *newest_ms) *newest_ms = ms;
}

static void find_newest(struct doc_value v, int64_t *newest_ms) {
    for (size_t i = 0, n = doc_len(v); i < n; i++) {
        struct doc_value value = doc_at(v, i);
        struct str text = doc_str(value);
        if (!text.p)
            find_newest(value, newest_ms);
        else if (looks_like_time(text))
            note_time(v, i, text, newest_ms);
    }
}

/* ---- objects ------------------------------------------------------------------------------------------------------------------ */

static int note_kind(struct snapshot *s, const struct gvk *gvk, struct err *err) {
    void *kind = (void *)(uintptr_t)gvk;
    return !gvk || ptrset_find(&s->seen, gvk_hash(gvk), gvk) ? 0 : ptrset_add(&s->seen, kind, err);
}

/* A CustomResourceDefinition says that its kinds are served, be there objects or not. */
static int note_definition(struct snapshot *s, struct doc_value crd, struct err *err) {
    struct str group = doc_path_str(crd, "spec.group"), kind = doc_path_str(crd, "spec.names.kind");
    struct doc_value versions = doc_path(crd, "spec.versions");
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(versions); i++) {
        char *api_version = NULL;
        if (asprintf(&api_version, STR_FMT "/" STR_FMT, STR_ARG(group), STR_ARG(doc_path_str(doc_at(versions, i), "name"))) < 0)
            return err_set(err, ERR_NOMEM, "no memory for the name of a kind");
        rc = note_kind(s, gvk_of(str_of(api_version), kind), err);
        free(api_version);
    }
    return rc;
}

struct reading {
    struct snapshot *snapshot;
    struct cluster *cluster;
};

static void each_kind(struct doc_value list, void (*each)(struct cluster *c, const struct gvk *gvk), struct cluster *c) {
    for (size_t i = 0; i < doc_len(list); i++) {
        struct err err;
        const struct gvk *gvk = gvk_parse(doc_str(doc_at(list, i)), &err);
        if (gvk) each(c, gvk);
    }
}

/* What the verb snapshot says of its own reading. */
static int take_header(const struct reading *r, struct doc_value kinds, struct err *err) {
    struct doc_value read = doc_path(kinds, "read");
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(read); i++) rc = note_kind(r->snapshot, gvk_parse(doc_str(doc_at(read, i)), err), err);
    each_kind(doc_path(kinds, "denied"), cluster_forbid, r->cluster);
    each_kind(doc_path(kinds, "missing"), cluster_lack, r->cluster);
    return rc;
}

static int take(struct doc *object, const struct projection *kept, void *arg, struct err *err) {
    const struct reading *r = arg;
    struct snapshot *s = r->snapshot;
    struct doc_value o = doc_root(object);
    s->objects++;
    if (!clock_is_fixed()) find_newest(o, &s->newest_ms);
    if (str_is(doc_path_str(o, "apiVersion"), SNAPSHOT_API) && str_is(doc_path_str(o, "kind"), SNAPSHOT_KIND))
        return take_header(r, doc_path(o, "kinds"), err);
    int rc = note_kind(s, gvk_of(doc_path_str(o, "apiVersion"), doc_path_str(o, "kind")), err);
    if (!rc && str_is(doc_path_str(o, "kind"), CRD_KIND)) rc = note_definition(s, o, err);
    if (rc) return rc;
    return kept ? cluster_load_kept(r->cluster, object, err) : cluster_load(r->cluster, object, err);
}

/* Where the clock is set, only what the stores keep is of interest; else any field may tell the time. Definitions are read whole. */
static const struct projection *keep(struct str api_version, struct str kind, void *arg) {
    const struct reading *r = arg;
    const struct gvk *gvk = clock_is_fixed() && !str_is(kind, CRD_KIND) ? gvk_of(api_version, kind) : NULL;
    const struct store *store = gvk ? cluster_store(r->cluster, gvk) : NULL;
    return store ? store_projection(store) : NULL;
}

/* ---- files -------------------------------------------------------------------------------------------------------------------- */

static int read_file(struct reading *r, const char *path, struct err *err) {
    struct buf text = buf_new(MAX_FILE_BYTES);
    int rc = file_read(path, &text, err);
    if (!rc && (rc = manifest_read((struct str){text.data, text.len}, take, keep, r, err)))
        err_prefix(err, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
    buf_free(&text);
    return rc;
}

static bool is_manifest(const char *name) {
    static const char *const suffixes[] = {".yaml", ".yml", ".json", ".jsonl"};
    bool is = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) is |= str_ends(str_of(name), str_of(suffixes[i]));
    return is;
}

static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }

static bool is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int read_path(struct reading *r, const char *path, int depth, struct err *err);

static int read_entry(struct reading *r, const char *dir, const char *name, int depth, struct err *err) {
    char *path = NULL;
    int rc = asprintf(&path, "%s/%s", dir, name) < 0 ? err_set(err, ERR_NOMEM, "no memory for a path") : 0;
    if (!rc && (is_dir(path) || is_manifest(name))) rc = read_path(r, path, depth + 1, err);
    free(path);
    return rc;
}

static int read_folder(struct reading *r, const char *dir, int depth, struct err *err) {
    struct dirent **entries = NULL;
    if (depth > MAX_DEPTH) return err_set(err, ERR_LIMIT, "%s: folders in folders, more than %d", dir, MAX_DEPTH);
    int count = scandir(dir, &entries, visible, alphasort), rc = 0;
    if (count < 0) return err_set(err, ERR_IO, "cannot read the folder %s", dir);
    for (int i = 0; i < count; i++) {
        if (!rc) rc = read_entry(r, dir, entries[i]->d_name, depth, err);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int read_path(struct reading *r, const char *path, int depth, struct err *err) {
    return is_dir(path) ? read_folder(r, path, depth, err) : read_file(r, path, err);
}

int snapshot_read(struct snapshot *s, const char *path, struct cluster *c, struct err *err) {
    struct reading r = {s, c};
    size_t before = s->objects;
    int rc = read_path(&r, path, 0, err);
    if (!rc && s->objects == before)
        rc = err_set(err, ERR_INVALID, "%s: there are no objects in it", strcmp(path, "-") ? path : "standard input");
    return rc;
}

/* ---- what is not there -------------------------------------------------------------------------------------------------------- */

struct ending {
    const struct snapshot *snapshot;
    struct cluster *cluster;
};

static void lack_if_unseen(const struct store *store, void *arg) {
    const struct ending *e = arg;
    const struct gvk *gvk = store_gvk(store);
    bool doubtful = !gvk_is_builtin(gvk) || strcmp(gvk->text, "v1/Secret") == 0;
    if (doubtful && !ptrset_find(&e->snapshot->seen, gvk_hash(gvk), gvk)) cluster_lack(e->cluster, gvk);
}

void snapshot_finish(const struct snapshot *s, struct cluster *c) {
    struct ending e = {s, c};
    cluster_each_store(c, lack_if_unseen, &e);
}
