#include "devcluster/kind.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devcluster/memory.h"

enum { NAMESPACED = 1, STATUS = 2, SCALE = 4, GENERATION = 8 };

static const struct builtin {
    const char *group, *version, *name, *plural, *short_names, *categories;
    unsigned flags;
} BUILTIN[] = {
    {"", "v1", "Namespace", "namespaces", "ns", "", STATUS},
    {"", "v1", "Node", "nodes", "no", "", STATUS},
    {"", "v1", "Pod", "pods", "po", "all", NAMESPACED | STATUS | GENERATION},
    {"", "v1", "Service", "services", "svc", "all", NAMESPACED | STATUS},
    {"", "v1", "Endpoints", "endpoints", "ep", "", NAMESPACED},
    {"", "v1", "Event", "events", "ev", "", NAMESPACED},
    {"", "v1", "ConfigMap", "configmaps", "cm", "", NAMESPACED},
    {"", "v1", "Secret", "secrets", "", "", NAMESPACED},
    {"", "v1", "ServiceAccount", "serviceaccounts", "sa", "", NAMESPACED},
    {"", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", "", NAMESPACED | STATUS},
    {"", "v1", "PersistentVolume", "persistentvolumes", "pv", "", STATUS},
    {"", "v1", "ReplicationController", "replicationcontrollers", "rc", "all", NAMESPACED | STATUS | SCALE | GENERATION},
    {"", "v1", "ResourceQuota", "resourcequotas", "quota", "", NAMESPACED | STATUS},
    {"", "v1", "LimitRange", "limitranges", "limits", "", NAMESPACED},
    {"apps", "v1", "Deployment", "deployments", "deploy", "all", NAMESPACED | STATUS | SCALE | GENERATION},
    {"apps", "v1", "ReplicaSet", "replicasets", "rs", "all", NAMESPACED | STATUS | SCALE | GENERATION},
    {"apps", "v1", "StatefulSet", "statefulsets", "sts", "all", NAMESPACED | STATUS | SCALE | GENERATION},
    {"apps", "v1", "DaemonSet", "daemonsets", "ds", "all", NAMESPACED | STATUS | GENERATION},
    {"batch", "v1", "Job", "jobs", "", "all", NAMESPACED | STATUS | GENERATION},
    {"batch", "v1", "CronJob", "cronjobs", "cj", "all", NAMESPACED | STATUS | GENERATION},
    {"networking.k8s.io", "v1", "Ingress", "ingresses", "ing", "", NAMESPACED | STATUS | GENERATION},
    {"networking.k8s.io", "v1", "IngressClass", "ingressclasses", "", "", GENERATION},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", "", NAMESPACED | GENERATION},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "", "", NAMESPACED | GENERATION},
    {"storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", "", 0},
    {"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", "", NAMESPACED | STATUS | GENERATION},
    {"autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "all", NAMESPACED | STATUS},
    {"rbac.authorization.k8s.io", "v1", "Role", "roles", "", "", NAMESPACED},
    {"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "", "", NAMESPACED},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "", "", 0},
    {"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", "", "", 0},
    {"coordination.k8s.io", "v1", "Lease", "leases", "", "", NAMESPACED},
    {"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", "", "api-extensions",
     GENERATION},
    {"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", "", "api-extensions",
     GENERATION},
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd crds", "api-extensions",
     STATUS | GENERATION},
};

static char *lower(const char *text) {
    char *copy = dev_copy_text(text);
    for (char *p = copy; *p; p++) *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* English as far as kinds go: policies, classes, pods. Serves only kinds that were loaded without their CRD. */
static char *guess_plural(const char *singular) {
    size_t n = strlen(singular);
    char last = n ? singular[n - 1] : 's';
    if (last == 'y' && n > 1 && !strchr("aeo", singular[n - 2])) return dev_format("%.*sies", (int)n - 1, singular);
    return dev_format("%s%s", singular, strchr("sxzh", last) ? "es" : "s");
}

struct dev_kind *dev_kind_new(const char *group, const char *version, const char *name, const char *plural) {
    struct dev_kind *k = dev_alloc(sizeof *k);
    k->group = dev_copy_text(group);
    k->version = dev_copy_text(version);
    k->name = dev_copy_text(name);
    k->singular = lower(name);
    k->plural = plural ? dev_copy_text(plural) : guess_plural(k->singular);
    k->resource = *group ? dev_format("%s.%s", k->plural, group) : dev_copy_text(k->plural);
    k->short_names = dev_copy_text("");
    k->categories = dev_copy_text("");
    return k;
}

void dev_kind_free(struct dev_kind *k) {
    char *texts[] = {k->group, k->version, k->name, k->plural, k->singular, k->resource, k->short_names, k->categories};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    cJSON_Delete(k->schema);
    cJSON_Delete(k->columns);
    cJSON_Delete(k->scale);
    free(k);
}

static struct dev_kind *builtin_new(const struct builtin *b) {
    struct dev_kind *k = dev_kind_new(b->group, b->version, b->name, b->plural);
    free(k->short_names);
    free(k->categories);
    k->short_names = dev_copy_text(b->short_names);
    k->categories = dev_copy_text(b->categories);
    k->namespaced = b->flags & NAMESPACED;
    k->has_status = b->flags & STATUS;
    k->has_scale = b->flags & SCALE;
    k->has_generation = b->flags & GENERATION;
    return k;
}

void dev_kinds_init(struct dev_kinds *kinds) {
    *kinds = (struct dev_kinds){0};
    for (size_t i = 0; i < sizeof BUILTIN / sizeof *BUILTIN; i++) dev_kinds_add(kinds, builtin_new(&BUILTIN[i]));
}

void dev_kinds_free(struct dev_kinds *kinds) {
    for (size_t i = 0; i < kinds->count; i++) dev_kind_free(kinds->items[i]);
    free(kinds->items);
    *kinds = (struct dev_kinds){0};
}

void dev_kinds_add(struct dev_kinds *kinds, struct dev_kind *kind) {
    kinds->items = dev_resize(kinds->items, (kinds->count + 1) * sizeof(struct dev_kind *));
    kinds->items[kinds->count++] = kind;
}

void dev_kinds_remove(struct dev_kinds *kinds, struct dev_kind *kind) {
    size_t i = 0;
    while (i < kinds->count && kinds->items[i] != kind) i++;
    if (i == kinds->count) return;
    memmove(kinds->items + i, kinds->items + i + 1, (kinds->count - i - 1) * sizeof(struct dev_kind *));
    kinds->count--;
    dev_kind_free(kind);
}

struct dev_kind *dev_kinds_by_plural(const struct dev_kinds *kinds, const char *group, const char *version, const char *plural) {
    for (size_t i = 0; i < kinds->count; i++) {
        struct dev_kind *k = kinds->items[i];
        if (strcmp(k->plural, plural) == 0 && strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0) return k;
    }
    return NULL;
}

struct dev_kind *dev_kinds_by_name(const struct dev_kinds *kinds, const char *api_version, const char *name) {
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->items[i]->name, name) == 0 && dev_kind_in(kinds->items[i], api_version)) return kinds->items[i];
    return NULL;
}

bool dev_kind_is(const struct dev_kind *kind, const char *group, const char *name) {
    return strcmp(kind->name, name) == 0 && strcmp(kind->group, group) == 0;
}

bool dev_kind_in(const struct dev_kind *kind, const char *api_version) {
    size_t n = strlen(kind->group);
    if (n == 0) return strcmp(kind->version, api_version) == 0;
    return strncmp(api_version, kind->group, n) == 0 && api_version[n] == '/' && strcmp(api_version + n + 1, kind->version) == 0;
}

char *dev_kind_api_version(const struct dev_kind *kind) {
    return *kind->group ? dev_format("%s/%s", kind->group, kind->version) : dev_copy_text(kind->version);
}
