/* What kubectl shows of pods and nodes. Source: kubernetes pkg/printers' visible behaviour. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/table.h"
#include "devcluster/table_builtin.h"
#include "devcluster/tree.h"

char *dev_pod_ready(const cJSON *pod) {
    const cJSON *status;
    int ready = 0;
    cJSON_ArrayForEach(status, tree_path(pod, "status.containerStatuses")) ready += tree_true(status, "ready");
    return dev_format("%d/%d", ready, cJSON_GetArraySize(tree_path(pod, "spec.containers")));
}

/* The reason that one container gives, or NULL while it has none to give. */
static char *container_reason(const cJSON *status) {
    const char *waiting = tree_text(status, "state.waiting.reason"), *ended = tree_text(status, "state.terminated.reason");
    const cJSON *terminated = tree_path(status, "state.terminated");
    if (*waiting) return dev_copy_text(waiting);
    if (*ended) return dev_copy_text(ended);
    if (!terminated) return NULL;
    int64_t signal = tree_int(terminated, "signal", 0);
    return signal ? dev_format("Signal:%" PRId64, signal) : dev_format("ExitCode:%" PRId64, tree_int(terminated, "exitCode", 0));
}

/* While init containers run, the first unfinished one speaks for the pod. */
static char *init_reason(const cJSON *pod) {
    const cJSON *status;
    int at = 0, count = cJSON_GetArraySize(tree_path(pod, "spec.initContainers"));
    cJSON_ArrayForEach(status, tree_path(pod, "status.initContainerStatuses")) {
        const cJSON *terminated = tree_path(status, "state.terminated");
        bool done = (terminated && tree_int(terminated, "exitCode", 0) == 0) || tree_true(status, "started");
        if (!done) {
            char *reason = container_reason(status);
            bool speaks = reason && strcmp(reason, "PodInitializing") != 0;
            char *text = speaks ? dev_format("Init:%s", reason) : dev_format("Init:%d/%d", at, count);
            free(reason);
            return text;
        }
        at++;
    }
    return NULL;
}

static char *containers_reason(const cJSON *pod) {
    const cJSON *status;
    char *reason = NULL;
    bool running = false;
    cJSON_ArrayForEach(status, tree_path(pod, "status.containerStatuses")) {
        char *one = container_reason(status);
        if (tree_path(status, "state.running") && tree_true(status, "ready")) running = true;
        if (!one) continue;
        if (!reason)
            reason = one;
        else
            free(one);
    }
    if (reason && running && strcmp(reason, "Completed") == 0) {
        free(reason);
        reason = dev_copy_text("Running");
    }
    return reason;
}

char *dev_pod_status(const cJSON *pod) {
    const char *phase = tree_text(pod, "status.phase"), *why = tree_text(pod, "status.reason");
    if (tree_path(pod, "metadata.deletionTimestamp")) return dev_copy_text(strcmp(why, "NodeLost") == 0 ? "Unknown" : "Terminating");
    char *reason = init_reason(pod);
    if (!reason) reason = containers_reason(pod);
    if (reason) return reason;
    return dev_copy_text(*why ? why : phase);
}

char *dev_pod_restarts(const cJSON *pod) {
    const cJSON *status;
    const char *last = "";
    int64_t count = 0;
    cJSON_ArrayForEach(status, tree_path(pod, "status.containerStatuses")) {
        const char *ended = tree_text(status, "lastState.terminated.finishedAt");
        count += tree_int(status, "restartCount", 0);
        if (strcmp(ended, last) > 0) last = ended;
    }
    if (count == 0 || *last == '\0') return dev_format("%" PRId64, count);
    char *ago = dev_age(last), *text = dev_format("%" PRId64 " (%s ago)", count, ago);
    free(ago);
    return text;
}

char *dev_node_status(const cJSON *node) {
    const cJSON *condition;
    const char *ready = "Unknown";
    cJSON_ArrayForEach(condition, tree_path(node, "status.conditions")) {
        if (strcmp(tree_text(condition, "type"), "Ready") == 0)
            ready = strcmp(tree_text(condition, "status"), "True") == 0 ? "Ready" : "NotReady";
    }
    return dev_format("%s%s", ready, tree_true(node, "spec.unschedulable") ? ",SchedulingDisabled" : "");
}

char *dev_node_roles(const cJSON *node) {
    static const char PREFIX[] = "node-role.kubernetes.io/";
    struct buf b = dev_text_new();
    const cJSON *label;
    cJSON_ArrayForEach(label, tree_path(node, "metadata.labels")) {
        if (strncmp(label->string, PREFIX, sizeof PREFIX - 1) == 0)
            dev_text_addf(&b, "%s%s", b.len ? "," : "", label->string + sizeof PREFIX - 1);
    }
    return b.len ? buf_take(&b, NULL) : dev_copy_text("<none>");
}
