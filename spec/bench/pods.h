/*
 * pods: pods as an API server returns them in a list: 7 KB each, two containers, healthy.
 */
#ifndef BENCH_PODS_H
#define BENCH_PODS_H

#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"

enum { PODS_NAMESPACES = 20 };

/* CPU of this process: what else the machine does must not count. */
static inline int64_t cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Ends the bench on an error. */
static inline void need(int rc, const struct err *err) {
    if (!rc) return;
    fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

static inline void put(struct buf *out, const char *text) {
    struct err err;
    need(buf_puts(out, text, &err), &err);
}

/* The field names that the API server's managedFields repeat of a pod. */
static inline void put_managed_fields(struct buf *out) {
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

static inline void put_container(struct buf *out, int i) {
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

/* The fields of a spec that all pods of a kind have in common. */
static inline void put_pod_spec(struct buf *out) {
    put(out,
        "\"volumes\":[{\"name\":\"kube-api-access-x7b2k\",\"projected\":{\"sources\":[{\"serviceAccountToken\":"
        "{\"expirationSeconds\":3607,\"path\":\"token\"}},{\"configMap\":{\"name\":\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\","
        "\"path\":\"ca.crt\"}]}}],\"defaultMode\":420}}],\"containers\":[");
    put_container(out, 0);
    put_container(out, 1);
    put(out, "],\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":"
             "\"default\",\"securityContext\":{},\"schedulerName\":\"default-scheduler\",\"tolerations\":["
             "{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300},"
             "{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],"
             "\"priority\":0,\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"");
}

static inline void put_status(struct buf *out, int pod) {
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

/* Appends pod number `pod`, as an item of a list: without apiVersion and kind. */
static inline void put_pod(struct buf *out, int pod) {
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
             pod, pod % PODS_NAMESPACES, pod, 100000 + pod),
         &err);
    put_managed_fields(out);
    put(out, "},\"spec\":{\"nodeName\":\"node-7.example.com\",");
    put_pod_spec(out);
    put(out, "}");
    put_status(out, pod);
}

#endif
