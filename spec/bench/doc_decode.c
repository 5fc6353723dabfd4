/*
 * doc_decode: how fast JSON becomes documents, beside cJSON on the same text, and how many bytes a kept pod takes.
 *
 *     doc_decode [rounds]      prints medians of 5 runs
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "doc/stream.h"
#include "pods.h"

enum { PODS = 200, RUNS = 5 };

/* What the built-in Pod analyzer reads (policies/analyzers/Pod). */
static const char *const paths[] = {
    "spec.nodeName",
    "spec.containers[].name",
    "status.phase",
    "status.reason",
    "status.message",
    "status.startTime",
    "status.conditions[].type",
    "status.conditions[].status",
    "status.conditions[].reason",
    "status.conditions[].message",
    "status.containerStatuses[].name",
    "status.containerStatuses[].ready",
    "status.containerStatuses[].restartCount",
    "status.containerStatuses[].state",
    "status.containerStatuses[].lastState",
};

struct input {
    struct buf list;
    struct str pods[PODS];
};

static void make_input(struct input *in) {
    size_t starts[PODS + 1];
    in->list = buf_new(64 * 1024 * 1024);
    put(&in->list, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
    for (int i = 0; i < PODS; i++) {
        if (i) put(&in->list, ",");
        starts[i] = in->list.len;
        put_pod(&in->list, i);
        starts[PODS] = in->list.len;
        in->pods[i].n = starts[PODS] - starts[i];
    }
    for (int i = 0; i < PODS; i++) in->pods[i].p = in->list.data + starts[i];
    put(&in->list, "]}");
}

struct job {
    const char *name;
    void (*run)(const struct input *in, const struct projection *p);
    const struct projection *p;
};

static size_t kept_bytes;

static int count_item(struct doc *item, void *arg, struct err *err) {
    (void)arg;
    (void)err;
    kept_bytes += doc_size_bytes(item);
    return 0;
}

static void run_decode(const struct input *in, const struct projection *p) {
    struct err err;
    struct doc_builder *b = doc_builder_new();
    kept_bytes = 0;
    for (int i = 0; b && i < PODS; i++) {
        struct doc *doc = json_decode(b, in->pods[i], p, &err);
        need(!doc, &err);
        kept_bytes += doc_size_bytes(doc);
        doc_unref(doc);
    }
    doc_builder_free(b);
}

static void run_stream(const struct input *in, const struct projection *p) {
    struct err err;
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), p, count_item, NULL);
    kept_bytes = 0;
    for (size_t at = 0; r && at < in->list.len; at += 16 * 1024) {
        size_t n = in->list.len - at < 16 * 1024 ? in->list.len - at : 16 * 1024;
        need(list_reader_feed(r, (struct str){in->list.data + at, n}, &err), &err);
    }
    if (r) need(list_reader_end(r, &err), &err);
    list_reader_free(r);
}

static void run_cjson(const struct input *in, const struct projection *p) {
    (void)p;
    kept_bytes = 0;
    for (int i = 0; i < PODS; i++) cJSON_Delete(cJSON_ParseWithLength(in->pods[i].p, in->pods[i].n));
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct job *job, const struct input *in, int rounds) {
    double mb_per_s[RUNS];
    for (int run = 0; run < RUNS; run++) {
        int64_t start_us = cpu_us();
        for (int i = 0; i < rounds; i++) job->run(in, job->p);
        double spent_s = (double)(cpu_us() - start_us) / 1e6;
        mb_per_s[run] = (double)in->list.len * rounds / 1e6 / spent_s;
    }
    qsort(mb_per_s, RUNS, sizeof *mb_per_s, by_value);
    printf("%-28s %7.0f MB/s", job->name, mb_per_s[RUNS / 2]);
    if (kept_bytes) printf("  %5zu bytes a pod", kept_bytes / PODS);
    putchar('\n');
}

int main(int argc, char **argv) {
    static struct input in;
    struct err err;
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 40;
    struct projection *p = projection_new();
    for (size_t i = 0; p && i < sizeof paths / sizeof *paths; i++) need(projection_add(p, str_of(paths[i]), &err), &err);
    make_input(&in);
    printf("%d pods of %zu bytes\n", PODS, in.list.len / PODS);
    const struct job jobs[] = {{"decode, projected", run_decode, p},
                               {"list in 16 KiB chunks", run_stream, p},
                               {"decode, whole", run_decode, NULL},
                               {"cJSON", run_cjson, NULL}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) measure(&jobs[i], &in, rounds);
    projection_unref(p);
    buf_free(&in.list);
    return 0;
}
