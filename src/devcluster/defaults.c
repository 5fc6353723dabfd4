#include "devcluster/defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

/* A member that is missing gets a value; "a[].b" means b of every item of a. Parents are not made. */
struct value {
    const char *path;
    const char *json;
};

static const struct value POD_SPEC[] = {
    {"restartPolicy", "\"Always\""},
    {"dnsPolicy", "\"ClusterFirst\""},
    {"terminationGracePeriodSeconds", "30"},
    {"schedulerName", "\"default-scheduler\""},
    {"securityContext", "{}"},
    {"containers[].ports[].protocol", "\"TCP\""},
    {"containers[].resources", "{}"},
    {"containers[].terminationMessagePath", "\"/dev/termination-log\""},
    {"containers[].terminationMessagePolicy", "\"File\""},
    {"containers[].env[].valueFrom.fieldRef.apiVersion", "\"v1\""},
    {"initContainers[].resources", "{}"},
    {"initContainers[].terminationMessagePath", "\"/dev/termination-log\""},
    {"initContainers[].terminationMessagePolicy", "\"File\""},
    {"volumes[].secret.defaultMode", "420"},
    {"volumes[].configMap.defaultMode", "420"},
    {"volumes[].projected.defaultMode", "420"},
    {NULL, NULL},
};

static const struct value PROBE[] = {
    {"timeoutSeconds", "1"},   {"periodSeconds", "10"},        {"successThreshold", "1"},
    {"failureThreshold", "3"}, {"httpGet.scheme", "\"HTTP\""}, {NULL, NULL},
};

enum { MAX_VALUES = 8 };

/* Of each kind; `pod_spec` is where its pod template's spec stands. */
static const struct of_kind {
    const char *group, *name, *pod_spec;
    struct value values[MAX_VALUES];
} KINDS[] = {
    {"", "Pod", "spec", {{"spec.enableServiceLinks", "true"}}},
    {"apps",
     "Deployment",
     "spec.template.spec",
     {{"spec.replicas", "1"},
      {"spec.revisionHistoryLimit", "10"},
      {"spec.progressDeadlineSeconds", "600"},
      {"spec.strategy", "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":\"25%\",\"maxUnavailable\":\"25%\"}}"},
      {"spec.strategy.type", "\"RollingUpdate\""}}},
    {"apps", "ReplicaSet", "spec.template.spec", {{"spec.replicas", "1"}}},
    {"apps",
     "StatefulSet",
     "spec.template.spec",
     {{"spec.replicas", "1"},
      {"spec.revisionHistoryLimit", "10"},
      {"spec.podManagementPolicy", "\"OrderedReady\""},
      {"spec.updateStrategy", "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0}}"}}},
    {"apps",
     "DaemonSet",
     "spec.template.spec",
     {{"spec.revisionHistoryLimit", "10"},
      {"spec.updateStrategy", "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":1}}"}}},
    {"", "ReplicationController", "spec.template.spec", {{"spec.replicas", "1"}}},
    {"batch",
     "Job",
     "spec.template.spec",
     {{"spec.completions", "1"},
      {"spec.parallelism", "1"},
      {"spec.backoffLimit", "6"},
      {"spec.completionMode", "\"NonIndexed\""},
      {"spec.suspend", "false"}}},
    {"batch",
     "CronJob",
     "spec.jobTemplate.spec.template.spec",
     {{"spec.concurrencyPolicy", "\"Allow\""},
      {"spec.suspend", "false"},
      {"spec.successfulJobsHistoryLimit", "3"},
      {"spec.failedJobsHistoryLimit", "1"}}},
    {"",
     "Service",
     NULL,
     {{"spec.type", "\"ClusterIP\""},
      {"spec.sessionAffinity", "\"None\""},
      {"spec.internalTrafficPolicy", "\"Cluster\""},
      {"spec.ipFamilyPolicy", "\"SingleStack\""},
      {"spec.ipFamilies", "[\"IPv4\"]"},
      {"spec.ports[].protocol", "\"TCP\""}}},
    {"", "Secret", NULL, {{"type", "\"Opaque\""}}},
    {"", "PersistentVolumeClaim", NULL, {{"spec.volumeMode", "\"Filesystem\""}}},
    {"storage.k8s.io", "StorageClass", NULL, {{"reclaimPolicy", "\"Delete\""}, {"volumeBindingMode", "\"Immediate\""}}},
    {"autoscaling", "HorizontalPodAutoscaler", NULL, {{"spec.minReplicas", "1"}}},
    {"apiextensions.k8s.io", "CustomResourceDefinition", NULL, {{"spec.conversion", "{\"strategy\":\"None\"}"}}},
};

static void fill(cJSON *node, const char *path, const char *json);

static void fill_items(cJSON *list, const char *path, const char *json) {
    cJSON *item;
    cJSON_ArrayForEach(item, list) fill(item, path, json);
}

static void fill(cJSON *node, const char *path, const char *json) {
    size_t n = strcspn(path, ".[");
    char *name = dev_copy_span(path, n);
    cJSON *member = tree_get(node, name);
    if (path[n] == '\0' && !member && cJSON_IsObject(node)) tree_set(node, name, tree_parse(str_of(json), NULL));
    if (path[n] == '.' && member) fill(member, path + n + 1, json);
    if (path[n] == '[' && member) fill_items(member, path + n + 3, json);
    free(name);
}

static void fill_all(cJSON *node, const struct value *values, size_t limit) {
    for (size_t i = 0; i < limit && values[i].path; i++) fill(node, values[i].path, values[i].json);
}

/* An image without a tag, or :latest, is always pulled. */
static const char *pull_policy(const char *image) {
    const char *slash = strrchr(image, '/'), *tag = strchr(slash ? slash : image, ':');
    if (strchr(image, '@')) return "IfNotPresent";
    return !tag || strcmp(tag, ":latest") == 0 ? "Always" : "IfNotPresent";
}

static void fill_container(cJSON *container) {
    static const char *const PROBES[] = {"livenessProbe", "readinessProbe", "startupProbe"};
    if (!tree_get(container, "imagePullPolicy")) tree_set_text(container, "imagePullPolicy", pull_policy(tree_text(container, "image")));
    for (size_t i = 0; i < 3; i++)
        if (tree_get(container, PROBES[i])) fill_all(tree_get(container, PROBES[i]), PROBE, SIZE_MAX);
}

static void fill_pod_spec(cJSON *spec) {
    cJSON *container;
    if (!cJSON_IsObject(spec)) return;
    fill_all(spec, POD_SPEC, SIZE_MAX);
    cJSON_ArrayForEach(container, tree_get(spec, "containers")) fill_container(container);
    cJSON_ArrayForEach(container, tree_get(spec, "initContainers")) fill_container(container);
    if (*tree_text(spec, "serviceAccountName")) tree_set_text(spec, "serviceAccount", tree_text(spec, "serviceAccountName"));
}

/* Addresses are given out one after another. */
static void give_address(cJSON *spec) {
    static unsigned next = 1;
    char address[32];
    next++;
    snprintf(address, sizeof address, "10.96.%u.%u", next / 250 % 256, next % 250 + 1);
    tree_set_text(spec, "clusterIP", address);
}

static void fill_service(cJSON *spec, const cJSON *before) {
    cJSON *port, *addresses;
    cJSON_ArrayForEach(port, tree_get(spec, "ports")) {
        if (!tree_get(port, "targetPort")) tree_set(port, "targetPort", cJSON_CreateNumber((double)tree_int(port, "port", 0)));
    }
    if (!cJSON_IsObject(spec) || strcmp(tree_text(spec, "type"), "ExternalName") == 0) return;
    if (!*tree_text(spec, "clusterIP") && *tree_text(before, "spec.clusterIP"))
        tree_set_text(spec, "clusterIP", tree_text(before, "spec.clusterIP"));
    if (!*tree_text(spec, "clusterIP")) give_address(spec);
    if (tree_get(spec, "clusterIPs")) return;
    addresses = cJSON_CreateArray();
    cJSON_AddItemToArray(addresses, cJSON_CreateString(tree_text(spec, "clusterIP")));
    tree_set(spec, "clusterIPs", addresses);
}

void dev_defaults_fill(const struct dev_kind *kind, cJSON *tree, const cJSON *before) {
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        const struct of_kind *of = &KINDS[i];
        if (!dev_kind_is(kind, of->group, of->name)) continue;
        fill_all(tree, of->values, MAX_VALUES);
        if (of->pod_spec) fill_pod_spec(tree_path(tree, of->pod_spec));
    }
    if (dev_kind_is(kind, "", "Service")) fill_service(tree_get(tree, "spec"), before);
}
