#include "support/population.h"

#include <string.h>

#include "pods.h"

enum {
    PODS_A_DEPLOYMENT = 20,
    SETS_A_DEPLOYMENT = 4,
    PODS_A_NODE = 100,
    DEPLOYMENTS_A_NAMESPACE = 50,
    FAULTY_EVERY = 100,
    FIRST_VERSION = 1000000,
    ANNOTATION_BYTES = 1800,
    NAMED_PORT_EVERY = 3
};

const struct population_resource POPULATION[POPULATION_KINDS] = {
    [POPULATION_PODS] = {"/api/v1/pods", "v1", "Pod"},
    [POPULATION_REPLICASETS] = {"/apis/apps/v1/replicasets", "apps/v1", "ReplicaSet"},
    [POPULATION_DEPLOYMENTS] = {"/apis/apps/v1/deployments", "apps/v1", "Deployment"},
    [POPULATION_SERVICES] = {"/api/v1/services", "v1", "Service"},
    [POPULATION_ENDPOINTSLICES] = {"/apis/discovery.k8s.io/v1/endpointslices", "discovery.k8s.io/v1", "EndpointSlice"},
    [POPULATION_NODES] = {"/api/v1/nodes", "v1", "Node"},
    [POPULATION_EVENTS] = {"/api/v1/events", "v1", "Event"},
};

/* What all pods have in common, which is most of them. */
static struct buf managed_fields, pod_spec, pod_annotations;

void population_prepare(void) {
    managed_fields = buf_new(1 << 16);
    pod_spec = buf_new(1 << 16);
    pod_annotations = buf_new(1 << 16);
    put_managed_fields(&managed_fields);
    put_pod_spec(&pod_spec);
    put(&pod_annotations, ",\"annotations\":{\"prometheus.io/scrape\":\"true\",\"last-applied\":\"");
    for (int i = 0; i < ANNOTATION_BYTES / 16; i++) put(&pod_annotations, "0123456789abcdef");
    put(&pod_annotations, "\"}");
}

#define PUT(out, ...)                                                                                                                      \
    do {                                                                                                                                   \
        struct err err_;                                                                                                                   \
        need(buf_printf(out, &err_, __VA_ARGS__), &err_);                                                                                  \
    } while (0)

static void put_buf(struct buf *out, const struct buf *text) {
    struct err err;
    need(buf_append(out, text->data, text->len, &err), &err);
}

int population_count(enum population_kind kind, int pods) {
    int deployments = pods / PODS_A_DEPLOYMENT;
    switch (kind) {
    case POPULATION_PODS: return pods;
    case POPULATION_REPLICASETS: return deployments * SETS_A_DEPLOYMENT;
    case POPULATION_NODES: return (pods + PODS_A_NODE - 1) / PODS_A_NODE;
    case POPULATION_EVENTS: return pods / FAULTY_EVERY;
    default: return deployments;
    }
}

static bool deployment_is_faulty(int d) { return d % FAULTY_EVERY == FAULTY_EVERY / 2; }

bool population_is_faulty(int pod) { return deployment_is_faulty(pod / PODS_A_DEPLOYMENT); }

/* ---- metadata ------------------------------------------------------------------------------------------------------------------- */

static void put_type(struct buf *out, enum population_kind kind, bool typed) {
    put(out, "{");
    if (typed) PUT(out, "\"apiVersion\":\"%s\",\"kind\":\"%s\",", POPULATION[kind].api_version, POPULATION[kind].kind);
}

/* Of what belongs to Deployment d and is named after it; the metadata stays open. */
static void put_metadata(struct buf *out, enum population_kind kind, int i, int d, const char *suffix) {
    PUT(out,
        "\"metadata\":{\"name\":\"shop-frontend-%04d%s\",\"namespace\":\"team-%04d\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\","
        "\"resourceVersion\":\"%d\",\"generation\":1,\"creationTimestamp\":\"2026-03-01T10:10:00Z\",\"labels\":{\"app\":\"shop-frontend-"
        "%04d\",\"team\":\"team-%04d\"}",
        d, suffix, d / DEPLOYMENTS_A_NAMESPACE, (unsigned)kind, i, FIRST_VERSION, d, d / DEPLOYMENTS_A_NAMESPACE);
}

static void put_owner(struct buf *out, enum population_kind kind, int i, const char *name) {
    PUT(out,
        ",\"ownerReferences\":[{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\","
        "\"controller\":true,\"blockOwnerDeletion\":true}]",
        POPULATION[kind].api_version, POPULATION[kind].kind, name, (unsigned)kind, i);
}

/* ---- pods ----------------------------------------------------------------------------------------------------------------------- */

/* Its ReplicaSet is the newest of the Deployment's. */
static int set_of_pod(int i) { return i / PODS_A_DEPLOYMENT * SETS_A_DEPLOYMENT + SETS_A_DEPLOYMENT - 1; }

static void put_pod_metadata(struct buf *out, int i, int version) {
    int d = i / PODS_A_DEPLOYMENT;
    char set[64];
    snprintf(set, sizeof set, "shop-frontend-%04d-7d4b9c6f%d", d, SETS_A_DEPLOYMENT - 1);
    PUT(out,
        "\"metadata\":{\"name\":\"%s-%06d\",\"generateName\":\"%s-\",\"namespace\":\"team-%04d\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\","
        "\"resourceVersion\":\"%d\",\"creationTimestamp\":\"2026-03-01T10:10:00Z\",\"labels\":{\"app\":\"shop-frontend-%04d\","
        "\"pod-template-hash\":\"7d4b9c6f%d\",\"team\":\"team-%04d\"}",
        set, i, set, d / DEPLOYMENTS_A_NAMESPACE, (unsigned)POPULATION_PODS, i, FIRST_VERSION + version, d, SETS_A_DEPLOYMENT - 1,
        d / DEPLOYMENTS_A_NAMESPACE);
    put_buf(out, &pod_annotations);
    put_owner(out, POPULATION_REPLICASETS, set_of_pod(i), set);
    put_buf(out, &managed_fields);
}

static void put_container_status(struct buf *out, int i, int container, int restarts, bool faulty) {
    const char *state = faulty ? "\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off pulling image "
                                 "\\\"registry.example.com/team/app:1.0.0\\\"\"}"
                               : "\"running\":{\"startedAt\":\"2026-03-01T10:10:03Z\"}";
    PUT(out,
        "%s{\"name\":\"app-%d\",\"state\":{%s},\"lastState\":{},\"ready\":%s,\"restartCount\":%d,\"image\":"
        "\"registry.example.com/team/app:1.%d.0\",\"imageID\":\"registry.example.com/team/app@sha256:"
        "0f3b7c1d5e9a2b4c6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e5f7a9b1c\",\"containerID\":\"containerd://"
        "4f5b7c1d5e9a2b4c6d8e0f1a3b5c7d9e1f3a5b7c9d1e3f5a7b9c1d3e%08d\",\"started\":%s}",
        container ? "," : "", container, state, faulty ? "false" : "true", restarts, container, i, faulty ? "false" : "true");
}

static void put_pod_status(struct buf *out, int i, int restarts, bool faulty) {
    static const char *const conditions[] = {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"};
    PUT(out, ",\"status\":{\"phase\":\"%s\",\"conditions\":[", faulty ? "Pending" : "Running");
    for (int c = 0; c < 5; c++) {
        bool is_false = faulty && (c == 2 || c == 3);
        PUT(out, "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-03-01T10:1%d:0%dZ\"}",
            c ? "," : "", conditions[c], is_false ? "False" : "True", i % 10, c);
    }
    PUT(out,
        "],\"hostIP\":\"10.0.%d.7\",\"podIP\":\"10.%d.%d.17\",\"podIPs\":[{\"ip\":\"10.%d.%d.17\"}],\"startTime\":\"2026-03-01T10:10:00Z\","
        "\"containerStatuses\":[",
        i / PODS_A_NODE % 250, i / 250 % 250, i % 250, i / 250 % 250, i % 250);
    put_container_status(out, i, 0, restarts, faulty);
    put_container_status(out, i, 1, 0, false);
    put(out, "],\"qosClass\":\"Burstable\"}}");
}

static void put_whole_pod(struct buf *out, int i, bool typed, int version, bool faulty) {
    put_type(out, POPULATION_PODS, typed);
    put_pod_metadata(out, i, version);
    PUT(out, "},\"spec\":{\"nodeName\":\"node-%04d.example.com\",", i / PODS_A_NODE);
    put_buf(out, &pod_spec);
    put(out, "}");
    put_pod_status(out, i, version, faulty);
}

void population_put_pod(struct buf *out, int i, int version, bool faulty) { put_whole_pod(out, i, true, version, faulty); }

int population_pod_of_result(const char *name) {
    const char *hash = strrchr(name, '-');
    if (strncmp(name, "pod-", 4) != 0 || !hash || hash - name < 8) return -1;
    return (int)strtol(hash - 6, NULL, 10);
}

/* ---- what pods belong to ------------------------------------------------------------------------------------------------------------ */

static void put_template(struct buf *out, int d) {
    PUT(out,
        "\"selector\":{\"matchLabels\":{\"app\":\"shop-frontend-%04d\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"shop-frontend-"
        "%04d\",\"team\":\"team-%04d\"}},\"spec\":{",
        d, d, d / DEPLOYMENTS_A_NAMESPACE);
    put_buf(out, &pod_spec);
    put(out, "}}");
}

static void put_set(struct buf *out, int i, bool typed) {
    int d = i / SETS_A_DEPLOYMENT, revision = i % SETS_A_DEPLOYMENT;
    bool newest = revision == SETS_A_DEPLOYMENT - 1;
    int replicas = newest ? PODS_A_DEPLOYMENT : 0, ready = newest && !deployment_is_faulty(d) ? replicas : 0;
    char suffix[32], owner[64];
    snprintf(suffix, sizeof suffix, "-7d4b9c6f%d", revision);
    snprintf(owner, sizeof owner, "shop-frontend-%04d", d);
    put_type(out, POPULATION_REPLICASETS, typed);
    put_metadata(out, POPULATION_REPLICASETS, i, d, suffix);
    put_owner(out, POPULATION_DEPLOYMENTS, d, owner);
    put_buf(out, &managed_fields);
    PUT(out, "},\"spec\":{\"replicas\":%d,", replicas);
    put_template(out, d);
    PUT(out,
        "},\"status\":{\"replicas\":%d,\"fullyLabeledReplicas\":%d,\"readyReplicas\":%d,\"availableReplicas\":%d,\"observedGeneration\":1}"
        "}",
        replicas, replicas, ready, ready);
}

static void put_deployment(struct buf *out, int d, bool typed) {
    int ready = deployment_is_faulty(d) ? 0 : PODS_A_DEPLOYMENT;
    put_type(out, POPULATION_DEPLOYMENTS, typed);
    put_metadata(out, POPULATION_DEPLOYMENTS, d, d, "");
    put_buf(out, &managed_fields);
    PUT(out, "},\"spec\":{\"replicas\":%d,\"progressDeadlineSeconds\":600,", PODS_A_DEPLOYMENT);
    put_template(out, d);
    PUT(out,
        "},\"status\":{\"observedGeneration\":1,\"replicas\":%d,\"updatedReplicas\":%d,\"readyReplicas\":%d,\"availableReplicas\":%d,"
        "\"conditions\":[{\"type\":\"Available\",\"status\":\"%s\",\"lastUpdateTime\":\"2026-03-01T10:10:00Z\",\"lastTransitionTime\":"
        "\"2026-03-01T10:10:00Z\",\"reason\":\"MinimumReplicasAvailable\",\"message\":\"Deployment has minimum availability.\"},"
        "{\"type\":\"Progressing\",\"status\":\"True\",\"lastUpdateTime\":\"2026-03-01T10:10:00Z\",\"lastTransitionTime\":"
        "\"2026-03-01T10:10:00Z\",\"reason\":\"NewReplicaSetAvailable\",\"message\":\"ReplicaSet has successfully progressed.\"}]}}",
        PODS_A_DEPLOYMENT, PODS_A_DEPLOYMENT, ready, ready, ready ? "True" : "False");
}

static void put_service(struct buf *out, int d, bool typed) {
    put_type(out, POPULATION_SERVICES, typed);
    put_metadata(out, POPULATION_SERVICES, d, d, "");
    PUT(out,
        "},\"spec\":{\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80,\"targetPort\":%s}],\"selector\":{\"app\":"
        "\"shop-frontend-%04d\"},\"clusterIP\":\"10.96.%d.%d\",\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\"},\"status\":{"
        "\"loadBalancer\":{}}}",
        d % NAMED_PORT_EVERY == 0 ? "\"http\"" : "8080", d, d / 250 % 250, d % 250);
}

static void put_slice(struct buf *out, int d, bool typed) {
    const char *ready = deployment_is_faulty(d) ? "false" : "true";
    put_type(out, POPULATION_ENDPOINTSLICES, typed);
    put_metadata(out, POPULATION_ENDPOINTSLICES, d, d, "-x7b2k");
    out->len--; /* one more label */
    PUT(out, ",\"kubernetes.io/service-name\":\"shop-frontend-%04d\"}},\"addressType\":\"IPv4\",\"endpoints\":[", d);
    for (int e = 0; e < PODS_A_DEPLOYMENT; e++) {
        int i = d * PODS_A_DEPLOYMENT + e;
        PUT(out,
            "%s{\"addresses\":[\"10.%d.%d.17\"],\"conditions\":{\"ready\":%s,\"serving\":%s,\"terminating\":false},\"targetRef\":{\"kind\":"
            "\"Pod\",\"namespace\":\"team-%04d\",\"name\":\"shop-frontend-%04d-7d4b9c6f%d-%06d\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\"},"
            "\"nodeName\":\"node-%04d.example.com\"}",
            e ? "," : "", i / 250 % 250, i % 250, ready, ready, d / DEPLOYMENTS_A_NAMESPACE, d, SETS_A_DEPLOYMENT - 1, i,
            (unsigned)POPULATION_PODS, i, i / PODS_A_NODE);
    }
    put(out, "],\"ports\":[{\"name\":\"http\",\"port\":8080,\"protocol\":\"TCP\"}]}");
}

/* ---- nodes and events ------------------------------------------------------------------------------------------------------------- */

static void put_node(struct buf *out, int i, bool typed) {
    static const char *const conditions[] = {"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"};
    put_type(out, POPULATION_NODES, typed);
    PUT(out,
        "\"metadata\":{\"name\":\"node-%04d.example.com\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\",\"resourceVersion\":\"%d\","
        "\"creationTimestamp\":\"2026-03-01T10:10:00Z\"},\"spec\":{},\"status\":{\"conditions\":[",
        i, (unsigned)POPULATION_NODES, i, FIRST_VERSION);
    for (int c = 0; c < 4; c++)
        PUT(out,
            "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastTransitionTime\":\"2026-03-01T10:10:00Z\",\"reason\":\"Kubelet\",\"message\":\"\"}",
            c ? "," : "", conditions[c], c == 3 ? "True" : "False");
    put(out, "]}}");
}

/* Event i is of the i-th pod that is faulty. */
static void put_event(struct buf *out, int i, bool typed) {
    int d = i / PODS_A_DEPLOYMENT * FAULTY_EVERY + FAULTY_EVERY / 2, pod = d * PODS_A_DEPLOYMENT + i % PODS_A_DEPLOYMENT;
    char name[96];
    snprintf(name, sizeof name, "shop-frontend-%04d-7d4b9c6f%d-%06d", d, SETS_A_DEPLOYMENT - 1, pod);
    put_type(out, POPULATION_EVENTS, typed);
    PUT(out,
        "\"metadata\":{\"name\":\"%s.17c0\",\"namespace\":\"team-%04d\",\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\",\"resourceVersion\":\"%d\","
        "\"creationTimestamp\":\"2026-03-01T10:10:05Z\"},\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":\"team-%04d\",\"name\":\"%s\","
        "\"uid\":\"%08x-5d2a-4e1b-8c6f-%012d\",\"apiVersion\":\"v1\"},\"reason\":\"BackOff\",\"message\":\"Back-off pulling image\","
        "\"source\":{\"component\":\"kubelet\"},\"firstTimestamp\":\"2026-03-01T10:10:05Z\",\"lastTimestamp\":\"2026-03-01T10:20:05Z\","
        "\"count\":40,\"type\":\"Warning\"}",
        name, d / DEPLOYMENTS_A_NAMESPACE, (unsigned)POPULATION_EVENTS, i, FIRST_VERSION, d / DEPLOYMENTS_A_NAMESPACE, name,
        (unsigned)POPULATION_PODS, pod);
}

void population_put(struct buf *out, enum population_kind kind, int i, bool typed) {
    switch (kind) {
    case POPULATION_PODS: put_whole_pod(out, i, typed, 0, population_is_faulty(i)); break;
    case POPULATION_REPLICASETS: put_set(out, i, typed); break;
    case POPULATION_DEPLOYMENTS: put_deployment(out, i, typed); break;
    case POPULATION_SERVICES: put_service(out, i, typed); break;
    case POPULATION_ENDPOINTSLICES: put_slice(out, i, typed); break;
    case POPULATION_NODES: put_node(out, i, typed); break;
    case POPULATION_EVENTS: put_event(out, i, typed); break;
    case POPULATION_KINDS: break;
    }
}
