/*
 * doc_decode: how fast JSON becomes documents, beside cJSON on the same text, and how many bytes a kept pod takes.
 *
 *     doc_decode [rounds]      prints medians of 5 runs
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "doc/json.h"
#include "doc/stream.h"

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

static void need(int rc, const struct err *err) {
    if (!rc) return;
    fprintf(stderr, "doc_decode: %s\n", err->msg);
    exit(1);
}

static void put(struct buf *out, const char *text) {
    struct err err;
    need(buf_puts(out, text, &err), &err);
}

/* The field names that the API server's managedFields repeat of a pod. */
static void put_managed_fields(struct buf *out) {
    static const char *const names[] = {"apiVersion",
                                        "fieldPath",
                                        "image",
                                        "imagePullPolicy",
                                        "livenessProbe",
                                        "name",
                                        "ports",
                                        "readinessProbe",
                                        "resources",
                                        "terminationMessagePath",
                                        "terminationMessagePolicy",
                                        "volumeMounts"};
    put(out,
        ",\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\",\"apiVersion\":\"v1\","
        "\"time\":\"2026-03-01T10:10:00Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:generateName\":{},\"f:labels\":{"
        "\".\":{},\"f:app\":{},\"f:pod-template-hash\":{}},\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"d9607e19\\\"}\":{}}},"
        "\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"app\\\"}\":{\".\":{}");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            put(out, ",\"f:");
            put(out, names[i]);
            put(out, round ? "Status\":{\".\":{},\"f:value\":{}}" : "\":{}");
        }
    }
    put(out,
        "}},\"f:dnsPolicy\":{},\"f:enableServiceLinks\":{},\"f:restartPolicy\":{},\"f:schedulerName\":{},\"f:securityContext\":{}}}}]");
}

static void put_container(struct buf *out, int i) {
    struct err err;
    need(buf_printf(
             out, &err,
             "%s{\"name\":\"app-%d\",\"image\":\"registry.example.com/team/app:1.%d.0\",\"args\":[\"--port=8080\",\"--log=json\"],"
             "\"ports\":[{\"name\":\"http\",\"containerPort\":8080,\"protocol\":\"TCP\"}],\"env\":[{\"name\":\"A\",\"value\":\"x y\"},"
             "{\"name\":\"POD_IP\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"status.podIP\"}}}],"
             "\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"256Mi\"},\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}},"
             "\"volumeMounts\":[{\"name\":\"kube-api-access-x7b2k\",\"readOnly\":true,"
             "\"mountPath\":\"/var/run/secrets/kubernetes.io/serviceaccount\"}],\"livenessProbe\":{\"httpGet\":{\"path\":\"/healthz\","
             "\"port\":8080,\"scheme\":\"HTTP\"},\"initialDelaySeconds\":5,\"timeoutSeconds\":1,\"periodSeconds\":10,"
             "\"successThreshold\":1,\"failureThreshold\":3},\"terminationMessagePath\":\"/dev/termination-log\","
             "\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\",\"securityContext\":{\"runAsNonRoot\":true,"
             "\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":[\"ALL\"]}}}",
             i ? "," : "", i, i),
         &err);
}

static void put_status(struct buf *out, int pod) {
    static const char *const conditions[] = {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"};
    struct err err;
    put(out, ",\"status\":{\"phase\":\"Running\",\"conditions\":[");
    for (int i = 0; i < 5; i++) {
        need(buf_printf(out, &err,
                        "%s{\"type\":\"%s\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-03-01T10:10:0%dZ\"}",
                        i ? "," : "", conditions[i], i),
             &err);
    }
    put(out, "],\"hostIP\":\"10.0.0.7\",\"podIP\":\"10.244.1.17\",\"podIPs\":[{\"ip\":\"10.244.1.17\"}],"
             "\"startTime\":\"2026-03-01T10:10:00Z\",\"containerStatuses\":[");
    for (int i = 0; i < 2; i++) {
        need(buf_printf(
                 out, &err,
                 "%s{\"name\":\"app-%d\",\"state\":{\"running\":{\"startedAt\":\"2026-03-01T10:10:03Z\"}},\"lastState\":{},"
                 "\"ready\":true,\"restartCount\":%d,\"image\":\"registry.example.com/team/app:1.%d.0\",\"imageID\":"
                 "\"registry.example.com/team/app@sha256:0f3b7c1d5e9a2b4c6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9b1c\","
                 "\"containerID\":\"containerd://4f5b7c1d5e9a2b4c6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9b1c\",\"started\":true}",
                 i ? "," : "", i, pod % 3, i),
             &err);
    }
    put(out, "],\"qosClass\":\"Burstable\"}}");
}

static void put_pod(struct buf *out, int pod) {
    struct err err;
    need(buf_printf(
             out, &err,
             "{\"metadata\":{\"name\":\"shop-frontend-7d4b9c6f5-%05d\",\"generateName\":\"shop-frontend-7d4b9c6f5-\","
             "\"namespace\":\"shop-%d\",\"uid\":\"0b9f3c7e-5d2a-4e1b-8c6f-%012d\",\"resourceVersion\":\"%d\","
             "\"creationTimestamp\":\"2026-03-01T10:10:00Z\",\"labels\":{\"app\":\"shop-frontend\",\"pod-template-hash\":\"7d4b9c6f5\","
             "\"team\":\"caf\xc3\xa9\"},\"annotations\":{\"prometheus.io/scrape\":\"true\",\"checksum/config\":"
             "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
             "\"kind\":\"ReplicaSet\",\"name\":\"shop-frontend-7d4b9c6f5\",\"uid\":\"d9607e19-f88f-11e6-a518-42010a800195\","
             "\"controller\":true,\"blockOwnerDeletion\":true}]",
             pod, pod % 20, pod, 100000 + pod),
         &err);
    put_managed_fields(out);
    put(out,
        "},\"spec\":{\"volumes\":[{\"name\":\"kube-api-access-x7b2k\",\"projected\":{\"sources\":[{\"serviceAccountToken\":"
        "{\"expirationSeconds\":3607,\"path\":\"token\"}},{\"configMap\":{\"name\":\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\","
        "\"path\":\"ca.crt\"}]}}],\"defaultMode\":420}}],\"containers\":[");
    put_container(out, 0);
    put_container(out, 1);
    put(out,
        "],\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":"
        "\"default\",\"nodeName\":\"node-7.example.com\",\"securityContext\":{},\"schedulerName\":\"default-scheduler\",\"tolerations\":["
        "{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300},"
        "{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],"
        "\"priority\":0,\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"}");
    put_status(out, pod);
}

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
        int64_t start_us = clock_mono_us();
        for (int i = 0; i < rounds; i++) job->run(in, job->p);
        double spent_s = (double)(clock_mono_us() - start_us) / 1e6;
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
