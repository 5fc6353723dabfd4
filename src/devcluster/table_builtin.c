#include "devcluster/table_builtin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"
#include "devcluster/table.h"
#include "devcluster/tree.h"

/* How a cell comes from an object: a function, a path (text or number, with what to show when absent), or the age. */
struct column {
    const char *name, *type;
    const char *path;
    const char *otherwise;
    char *(*cell)(const cJSON *tree);
    int priority;
};

static char *age(const cJSON *tree) { return dev_age(tree_text(tree, "metadata.creationTimestamp")); }

static char *ratio(const cJSON *tree, const char *part, const char *whole, int64_t otherwise) {
    return dev_format("%" PRId64 "/%" PRId64, tree_int(tree, part, 0), tree_int(tree, whole, otherwise));
}

static char *workload_ready(const cJSON *tree) { return ratio(tree, "status.readyReplicas", "spec.replicas", 1); }
static char *job_completions(const cJSON *tree) { return ratio(tree, "status.succeeded", "spec.completions", 1); }

static char *job_status(const cJSON *tree) {
    const cJSON *condition;
    cJSON_ArrayForEach(condition, tree_path(tree, "status.conditions")) {
        const char *type = tree_text(condition, "type");
        bool ends = strcmp(type, "Complete") == 0 || strcmp(type, "Failed") == 0 || strcmp(type, "Suspended") == 0;
        if (ends && strcmp(tree_text(condition, "status"), "True") == 0) return dev_copy_text(type);
    }
    return dev_copy_text("Running");
}

static char *service_ports(const cJSON *tree) {
    struct buf b = dev_text_new();
    const cJSON *port;
    cJSON_ArrayForEach(port, tree_path(tree, "spec.ports")) {
        const char *protocol = tree_text(port, "protocol");
        int64_t node = tree_int(port, "nodePort", 0);
        dev_text_addf(&b, "%s%" PRId64, b.len ? "," : "", tree_int(port, "port", 0));
        if (node) dev_text_addf(&b, ":%" PRId64, node);
        dev_text_addf(&b, "/%s", *protocol ? protocol : "TCP");
    }
    return b.len ? buf_take(&b, NULL) : dev_copy_text("<none>");
}

static char *service_external(const cJSON *tree) {
    const cJSON *first = dev_jsonpath(tree, ".status.loadBalancer.ingress[0]");
    const char *address = *tree_text(first, "ip") ? tree_text(first, "ip") : tree_text(first, "hostname");
    const char *type = tree_text(tree, "spec.type");
    if (strcmp(type, "ExternalName") == 0) return dev_copy_text(tree_text(tree, "spec.externalName"));
    if (strcmp(type, "LoadBalancer") == 0) return dev_copy_text(*address ? address : "<pending>");
    return dev_copy_text("<none>");
}

static char *data_count(const cJSON *tree) {
    int count = cJSON_GetArraySize(tree_get(tree, "data")) + cJSON_GetArraySize(tree_get(tree, "binaryData"));
    return dev_format("%d", count);
}

static char *event_seen(const cJSON *tree) {
    static const char *const TIMES[] = {"series.lastObservedTime", "lastTimestamp", "eventTime", "metadata.creationTimestamp"};
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++)
        if (*tree_text(tree, TIMES[i])) return dev_age(tree_text(tree, TIMES[i]));
    return dev_copy_text("<unknown>");
}

static char *event_object(const cJSON *tree) {
    char *text = dev_format("%s/%s", tree_text(tree, "involvedObject.kind"), tree_text(tree, "involvedObject.name"));
    for (char *p = text; *p && *p != '/'; p++)
        if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
    return text;
}

static char *claim_modes(const cJSON *tree) {
    struct buf b = dev_text_new();
    const cJSON *mode;
    dev_text_add(&b, "");
    cJSON_ArrayForEach(mode, tree_path(tree, "spec.accessModes")) {
        if (b.len) dev_text_add(&b, ",");
        for (const char *p = cJSON_IsString(mode) ? mode->valuestring : ""; *p; p++)
            if (*p >= 'A' && *p <= 'Z') dev_text_add_bytes(&b, p, 1);
    }
    return buf_take(&b, NULL);
}

#define AGE                                                                                                                                \
    { "Age", "string", NULL, NULL, age, 0 }
#define NUMBER(name, path)                                                                                                                 \
    { name, "integer", path, "0", NULL, 0 }
#define TEXT(name, path, otherwise)                                                                                                        \
    { name, "string", path, otherwise, NULL, 0 }
#define CELL(name, function)                                                                                                               \
    { name, "string", NULL, NULL, function, 0 }
#define WIDE(name, path, otherwise)                                                                                                        \
    { name, "string", path, otherwise, NULL, 1 }

enum { MAX_COLUMNS = 9 };

static const struct printer {
    const char *group, *kind;
    struct column columns[MAX_COLUMNS];
} PRINTERS[] = {
    {"",
     "Pod",
     {CELL("Ready", dev_pod_ready), CELL("Status", dev_pod_status), CELL("Restarts", dev_pod_restarts), AGE,
      WIDE("IP", "status.podIP", "<none>"), WIDE("Node", "spec.nodeName", "<none>"),
      WIDE("Nominated Node", "status.nominatedNodeName", "<none>")}},
    {"",
     "Node",
     {CELL("Status", dev_node_status), CELL("Roles", dev_node_roles), AGE, TEXT("Version", "status.nodeInfo.kubeletVersion", ""),
      WIDE("OS-Image", "status.nodeInfo.osImage", "<unknown>"), WIDE("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>")}},
    {"", "Namespace", {TEXT("Status", "status.phase", ""), AGE}},
    {"",
     "Service",
     {TEXT("Type", "spec.type", "ClusterIP"), TEXT("Cluster-IP", "spec.clusterIP", "<none>"), CELL("External-IP", service_external),
      CELL("Port(s)", service_ports), AGE}},
    {"", "ConfigMap", {CELL("Data", data_count), AGE}},
    {"", "Secret", {TEXT("Type", "type", ""), CELL("Data", data_count), AGE}},
    {"",
     "Event",
     {CELL("Last Seen", event_seen), TEXT("Type", "type", ""), TEXT("Reason", "reason", ""), CELL("Object", event_object),
      TEXT("Message", "message", "")}},
    {"",
     "PersistentVolumeClaim",
     {TEXT("Status", "status.phase", ""), TEXT("Volume", "spec.volumeName", ""), TEXT("Capacity", "status.capacity.storage", ""),
      CELL("Access Modes", claim_modes), TEXT("StorageClass", "spec.storageClassName", ""), AGE}},
    {"apps",
     "Deployment",
     {CELL("Ready", workload_ready), NUMBER("Up-to-date", "status.updatedReplicas"), NUMBER("Available", "status.availableReplicas"), AGE}},
    {"apps",
     "ReplicaSet",
     {NUMBER("Desired", "spec.replicas"), NUMBER("Current", "status.replicas"), NUMBER("Ready", "status.readyReplicas"), AGE}},
    {"apps", "StatefulSet", {CELL("Ready", workload_ready), AGE}},
    {"apps",
     "DaemonSet",
     {NUMBER("Desired", "status.desiredNumberScheduled"), NUMBER("Current", "status.currentNumberScheduled"),
      NUMBER("Ready", "status.numberReady"), NUMBER("Up-to-date", "status.updatedNumberScheduled"),
      NUMBER("Available", "status.numberAvailable"), AGE}},
    {"batch", "Job", {CELL("Status", job_status), CELL("Completions", job_completions), AGE}},
    {"batch", "CronJob", {TEXT("Schedule", "spec.schedule", ""), TEXT("Suspend", "spec.suspend", "False"), AGE}},
    {"coordination.k8s.io", "Lease", {TEXT("Holder", "spec.holderIdentity", ""), AGE}},
    {"apiextensions.k8s.io", "CustomResourceDefinition", {TEXT("Created At", "metadata.creationTimestamp", "")}},
};

static const struct printer *printer_of(const struct dev_kind *kind) {
    for (size_t i = 0; i < sizeof PRINTERS / sizeof *PRINTERS; i++)
        if (dev_kind_is(kind, PRINTERS[i].group, PRINTERS[i].kind)) return &PRINTERS[i];
    return NULL;
}

/* Events have no name column of their own in front. */
static bool shows_name(const struct dev_kind *kind) { return !dev_kind_is(kind, "", "Event"); }

cJSON *dev_builtin_columns(const struct dev_kind *kind) {
    const struct printer *printer = printer_of(kind);
    if (!printer) return NULL;
    cJSON *columns = cJSON_CreateArray();
    if (shows_name(kind)) dev_column_add(columns, "Name", "string", "name", "Name must be unique within a namespace.", 0);
    for (const struct column *c = printer->columns; c < printer->columns + MAX_COLUMNS && c->name; c++)
        dev_column_add(columns, c->name, c->type, "", c->name, c->priority);
    if (!shows_name(kind)) dev_column_add(columns, "Name", "string", "name", "Name must be unique within a namespace.", 1);
    return columns;
}

static cJSON *path_cell(const struct column *c, const cJSON *tree) {
    const cJSON *value = tree_path(tree, c->path);
    if (cJSON_IsNumber(value)) return cJSON_CreateNumber(value->valuedouble);
    if (cJSON_IsBool(value)) return cJSON_CreateString(cJSON_IsTrue(value) ? "True" : "False");
    if (cJSON_IsString(value) && *value->valuestring) return cJSON_CreateString(value->valuestring);
    return strcmp(c->type, "integer") == 0 ? cJSON_CreateNumber(0) : cJSON_CreateString(c->otherwise);
}

static cJSON *cell_of(const struct column *c, const cJSON *tree) {
    if (!c->cell) return path_cell(c, tree);
    char *text = c->cell(tree);
    cJSON *cell = cJSON_CreateString(text);
    free(text);
    return cell;
}

cJSON *dev_builtin_cells(const struct dev_kind *kind, const cJSON *tree) {
    const struct printer *printer = printer_of(kind);
    if (!printer) return NULL;
    cJSON *cells = cJSON_CreateArray(), *name = cJSON_CreateString(tree_text(tree, "metadata.name"));
    if (shows_name(kind)) cJSON_AddItemToArray(cells, name);
    for (const struct column *c = printer->columns; c < printer->columns + MAX_COLUMNS && c->name; c++)
        cJSON_AddItemToArray(cells, cell_of(c, tree));
    if (!shows_name(kind)) cJSON_AddItemToArray(cells, name);
    return cells;
}
