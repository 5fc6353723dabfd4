#include "operator/enginepage.h"

#include <stdlib.h>

#include "doc/json_reader.h"
#include "metrics/sample.h"

/* Kubernetes' names have 253 characters at most; "namespace/name" and kinds fit well. */
enum { MAX_LABEL_BYTES = 600 };

enum family { UP, ERRORS, CPU, RESIDENT, FDS, START, FAMILIES };

/* The first is the operator's own, the second the engine's with its name and help, the others those of the Prometheus client library. Not
 * "pod": Prometheus gives that of the operator to all that it fetches from it. */
static const struct metric_def DEFS[FAMILIES] = {
    [UP] = {"k8sgpt_engine_up",
            "Whether the engine of a K8sGPT resource showed its metrics when it was asked last.",
            METRIC_GAUGE,
            {"k8sgpt_namespace", "k8sgpt", "engine_pod"},
            NULL},
    [ERRORS] = {"analyzer_errors",
                "Number of errors detected by analyzer",
                METRIC_GAUGE,
                {"analyzer_name", "object_name", "namespace", "k8sgpt_namespace", "k8sgpt", "engine_pod"},
                NULL},
    [CPU] = {"k8sgpt_engine_process_cpu_seconds_total",
             "CPU time that the process of an engine has spent.",
             METRIC_COUNTER,
             {"k8sgpt_namespace", "k8sgpt", "engine_pod"},
             NULL},
    [RESIDENT] = {"k8sgpt_engine_process_resident_memory_bytes",
                  "Resident memory of the process of an engine.",
                  METRIC_GAUGE,
                  {"k8sgpt_namespace", "k8sgpt", "engine_pod"},
                  NULL},
    [FDS] = {"k8sgpt_engine_process_open_fds",
             "File descriptors that the process of an engine has open.",
             METRIC_GAUGE,
             {"k8sgpt_namespace", "k8sgpt", "engine_pod"},
             NULL},
    [START] = {"k8sgpt_engine_process_start_time_seconds",
               "Start time of the process of an engine since unix epoch.",
               METRIC_GAUGE,
               {"k8sgpt_namespace", "k8sgpt", "engine_pod"},
               NULL},
};

/* As an engine calls them. */
static const char *const SOURCES[FAMILIES] = {
    [ERRORS] = "analyzer_errors", [CPU] = "process_cpu_seconds_total",    [RESIDENT] = "process_resident_memory_bytes",
    [FDS] = "process_open_fds",   [START] = "process_start_time_seconds",
};

struct objecterrors {
    struct str analyzer, object, ns; /* in the text of the page */
    double count;
};

struct enginepage {
    char *text;
    double process[FAMILIES];
    bool has[FAMILIES];
    size_t count, max;
    struct objecterrors errors[];
};

struct enginefamilies {
    struct metric *of[FAMILIES];
};

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

static int check_label(struct str value, const char *name, struct err *err) {
    if (value.n > MAX_LABEL_BYTES) return err_set(err, ERR_LIMIT, "a label %s has more than %d bytes", name, MAX_LABEL_BYTES);
    if (!json_is_utf8(value)) return err_set(err, ERR_SYNTAX, "a label %s is not UTF-8", name);
    return 0;
}

static int keep_errors(struct enginepage *page, const struct sample *s, struct err *err) {
    static const char *const names[] = {"analyzer_name", "object_name", "namespace"};
    struct str values[3];
    if (page->count == page->max) return err_set(err, ERR_LIMIT, "more than %zu series of analyzer_errors", page->max);
    for (int i = 0; i < 3; i++) {
        values[i] = sample_label(s, names[i]);
        if (check_label(values[i], names[i], err)) return err->code;
    }
    page->errors[page->count++] = (struct objecterrors){values[0], values[1], values[2], s->value};
    return 0;
}

static int keep(struct enginepage *page, const struct sample *s, struct err *err) {
    for (int i = 0; i < FAMILIES; i++) {
        if (!SOURCES[i] || !str_is(s->name, SOURCES[i])) continue;
        if (i == ERRORS) return keep_errors(page, s, err);
        page->process[i] = s->value;
        page->has[i] = true;
    }
    return 0;
}

/* So many lines begin as one of analyzer_errors does, so that a small page takes little room. */
static size_t count_errors(struct str text) {
    size_t count = 0, n = strlen(SOURCES[ERRORS]);
    for (const char *at = text.p, *end = text.p + text.n; at && (at = memmem(at, (size_t)(end - at), SOURCES[ERRORS], n)); at += n) count++;
    return count;
}

struct enginepage *enginepage_read(struct str text, size_t max_series, struct err *err) {
    size_t wanted = count_errors(text), room = wanted < max_series ? wanted : max_series;
    struct enginepage *page = calloc(1, sizeof *page + room * sizeof *page->errors);
    struct sample s;
    int rc = 1;
    if (page) page->text = str_dup(text);
    if (!page || !page->text) {
        err_set(err, ERR_NOMEM, "no memory for the metrics of an engine");
        enginepage_free(page);
        return NULL;
    }
    page->max = room;
    struct sample_reader reader = sample_reader_new(page->text, text.n);
    while (rc == 1 && (rc = sample_next(&reader, &s, err)) == 1)
        if (keep(page, &s, err)) rc = -1;
    if (rc == 0) return page;
    enginepage_free(page);
    return NULL;
}

void enginepage_free(struct enginepage *page) {
    if (!page) return;
    free(page->text);
    free(page);
}

/* ---- showing ---------------------------------------------------------------------------------------------------------------------- */

struct enginefamilies *enginefamilies_new(struct metrics *m) {
    struct enginefamilies *f = calloc(1, sizeof *f);
    for (int i = 0; f && i < FAMILIES; i++) f->of[i] = metrics_define(m, &DEFS[i]);
    return f;
}

void enginefamilies_free(struct enginefamilies *f) { free(f); }

void enginefamilies_clear(struct enginefamilies *f) {
    for (int i = 0; i < FAMILIES; i++) metric_clear(f->of[i]);
}

/* A counter is what the engine's stands at: one that began anew falls, as those that read it expect. */
static void put_process(struct enginefamilies *f, const struct str *labels, const struct enginepage *page) {
    for (int i = 0; i < FAMILIES; i++) {
        if (!page->has[i]) continue;
        if (DEFS[i].type == METRIC_COUNTER)
            metric_add(f->of[i], labels, page->process[i]);
        else
            metric_set(f->of[i], labels, page->process[i]);
    }
}

void enginefamilies_put(struct enginefamilies *f, const struct engineid *id, const struct enginepage *page) {
    const struct str *whose = METRIC_LABELS(id->ns, id->k8sgpt, id->pod);
    metric_set(f->of[UP], whose, page ? 1 : 0);
    if (!page) return;
    put_process(f, whose, page);
    for (size_t i = 0; i < page->count; i++) {
        const struct objecterrors *e = &page->errors[i];
        metric_set(f->of[ERRORS], METRIC_LABELS(e->analyzer, e->object, e->ns, id->ns, id->k8sgpt, id->pod), e->count);
    }
}
