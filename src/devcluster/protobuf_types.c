#include "devcluster/protobuf_types.h"

#include <stddef.h>
#include <string.h>

#define END                                                                                                                                \
    { 0, NULL, PB_TEXT, 0, NULL }
#define TEXT(n, name)                                                                                                                      \
    { n, name, PB_TEXT, '1', NULL }
#define TEXTS(n, name)                                                                                                                     \
    { n, name, PB_TEXT, '*', NULL }
#define NUMBER(n, name)                                                                                                                    \
    { n, name, PB_NUMBER, '1', NULL }
#define NUMBER_P(n, name)                                                                                                                  \
    { n, name, PB_NUMBER, '?', NULL }
#define BOOL_P(n, name)                                                                                                                    \
    { n, name, PB_BOOL, '?', NULL }
#define MAP(n, name)                                                                                                                       \
    { n, name, PB_TEXT_MAP, '1', NULL }
#define ONE(n, name, type)                                                                                                                 \
    { n, name, PB_MESSAGE, '1', type }
#define MANY(n, name, type)                                                                                                                \
    { n, name, PB_MESSAGE, '*', type }

static const struct dev_pb_field OWNER[] = {
    TEXT(1, "kind"), TEXT(3, "name"), TEXT(4, "uid"), TEXT(5, "apiVersion"), BOOL_P(6, "controller"), BOOL_P(7, "blockOwnerDeletion"), END};
static const struct dev_pb_field META[] = {TEXT(1, "name"),
                                           TEXT(2, "generateName"),
                                           TEXT(3, "namespace"),
                                           TEXT(5, "uid"),
                                           TEXT(6, "resourceVersion"),
                                           MAP(11, "labels"),
                                           MAP(12, "annotations"),
                                           MANY(13, "ownerReferences", OWNER),
                                           TEXTS(14, "finalizers"),
                                           END};
static const struct dev_pb_field NAMED[] = {TEXT(1, "name"), END};
static const struct dev_pb_field NAMESPACE[] = {ONE(1, "metadata", META), END};
static const struct dev_pb_field CONFIG_MAP[] = {
    ONE(1, "metadata", META), MAP(2, "data"), {3, "binaryData", PB_BYTES_MAP, '1', NULL}, BOOL_P(4, "immutable"), END};
static const struct dev_pb_field SECRET[] = {
    ONE(1, "metadata", META), {2, "data", PB_BYTES_MAP, '1', NULL}, TEXT(3, "type"), MAP(4, "stringData"), BOOL_P(5, "immutable"), END};
static const struct dev_pb_field SERVICE_ACCOUNT[] = {ONE(1, "metadata", META), MANY(2, "secrets", NAMED),
                                                      MANY(3, "imagePullSecrets", NAMED), BOOL_P(4, "automountServiceAccountToken"), END};

static const struct dev_pb_field SERVICE_PORT[] = {
    TEXT(1, "name"), TEXT(2, "protocol"), NUMBER(3, "port"), {4, "targetPort", PB_INT_OR_TEXT, '1', NULL}, NUMBER(5, "nodePort"), END};
static const struct dev_pb_field SERVICE_SPEC[] = {
    MANY(1, "ports", SERVICE_PORT), MAP(2, "selector"),         TEXT(3, "clusterIP"),     TEXT(4, "type"),
    TEXTS(5, "externalIPs"),        TEXT(7, "sessionAffinity"), TEXT(10, "externalName"), END};
static const struct dev_pb_field SERVICE[] = {ONE(1, "metadata", META), ONE(2, "spec", SERVICE_SPEC), END};

static const struct dev_pb_field REQUIREMENT[] = {TEXT(1, "key"), TEXT(2, "operator"), TEXTS(3, "values"), END};
static const struct dev_pb_field SELECTOR[] = {MAP(1, "matchLabels"), MANY(2, "matchExpressions", REQUIREMENT), END};
static const struct dev_pb_field PORT[] = {TEXT(1, "name"),     NUMBER(2, "hostPort"), NUMBER(3, "containerPort"),
                                           TEXT(4, "protocol"), TEXT(5, "hostIP"),     END};
static const struct dev_pb_field ENV[] = {TEXT(1, "name"), TEXT(2, "value"), END};
static const struct dev_pb_field CONTAINER[] = {TEXT(1, "name"),
                                                TEXT(2, "image"),
                                                TEXTS(3, "command"),
                                                TEXTS(4, "args"),
                                                TEXT(5, "workingDir"),
                                                MANY(6, "ports", PORT),
                                                MANY(7, "env", ENV),
                                                TEXT(14, "imagePullPolicy"),
                                                END};
static const struct dev_pb_field POD_SPEC[] = {MANY(2, "containers", CONTAINER),
                                               TEXT(3, "restartPolicy"),
                                               NUMBER_P(4, "terminationGracePeriodSeconds"),
                                               TEXT(6, "dnsPolicy"),
                                               MAP(7, "nodeSelector"),
                                               TEXT(8, "serviceAccountName"),
                                               TEXT(10, "nodeName"),
                                               END};
static const struct dev_pb_field POD_TEMPLATE[] = {ONE(1, "metadata", META), ONE(2, "spec", POD_SPEC), END};
static const struct dev_pb_field DEPLOYMENT_SPEC[] = {NUMBER_P(1, "replicas"), ONE(2, "selector", SELECTOR),
                                                      ONE(3, "template", POD_TEMPLATE), END};
static const struct dev_pb_field DEPLOYMENT[] = {ONE(1, "metadata", META), ONE(2, "spec", DEPLOYMENT_SPEC), END};
static const struct dev_pb_field JOB_SPEC[] = {NUMBER_P(1, "parallelism"),
                                               NUMBER_P(2, "completions"),
                                               NUMBER_P(3, "activeDeadlineSeconds"),
                                               ONE(4, "selector", SELECTOR),
                                               ONE(6, "template", POD_TEMPLATE),
                                               NUMBER_P(7, "backoffLimit"),
                                               END};
static const struct dev_pb_field JOB[] = {ONE(1, "metadata", META), ONE(2, "spec", JOB_SPEC), END};
static const struct dev_pb_field JOB_TEMPLATE[] = {ONE(1, "metadata", META), ONE(2, "spec", JOB_SPEC), END};
static const struct dev_pb_field CRON_SPEC[] = {TEXT(1, "schedule"),
                                                NUMBER_P(2, "startingDeadlineSeconds"),
                                                TEXT(3, "concurrencyPolicy"),
                                                BOOL_P(4, "suspend"),
                                                ONE(5, "jobTemplate", JOB_TEMPLATE),
                                                NUMBER_P(6, "successfulJobsHistoryLimit"),
                                                NUMBER_P(7, "failedJobsHistoryLimit"),
                                                TEXT(8, "timeZone"),
                                                END};
static const struct dev_pb_field CRON_JOB[] = {ONE(1, "metadata", META), ONE(2, "spec", CRON_SPEC), END};

static const struct dev_pb_field RULE[] = {TEXTS(1, "verbs"),         TEXTS(2, "apiGroups"),       TEXTS(3, "resources"),
                                           TEXTS(4, "resourceNames"), TEXTS(5, "nonResourceURLs"), END};
static const struct dev_pb_field SUBJECT[] = {TEXT(1, "kind"), TEXT(2, "apiGroup"), TEXT(3, "name"), TEXT(4, "namespace"), END};
static const struct dev_pb_field ROLE_REF[] = {TEXT(1, "apiGroup"), TEXT(2, "kind"), TEXT(3, "name"), END};
static const struct dev_pb_field ROLE[] = {ONE(1, "metadata", META), MANY(2, "rules", RULE), END};
static const struct dev_pb_field BINDING[] = {ONE(1, "metadata", META), MANY(2, "subjects", SUBJECT), ONE(3, "roleRef", ROLE_REF), END};

static const struct dev_pb_field ATTRIBUTES[] = {TEXT(1, "namespace"), TEXT(2, "verb"),        TEXT(3, "group"), TEXT(4, "version"),
                                                 TEXT(5, "resource"),  TEXT(6, "subresource"), TEXT(7, "name"),  END};
static const struct dev_pb_field REVIEW_SPEC[] = {ONE(1, "resourceAttributes", ATTRIBUTES), END};
static const struct dev_pb_field REVIEW[] = {ONE(1, "metadata", META), ONE(2, "spec", REVIEW_SPEC), END};

static const struct {
    const char *kind;
    const struct dev_pb_field *fields;
} KINDS[] = {
    {"Namespace", NAMESPACE},
    {"ConfigMap", CONFIG_MAP},
    {"Secret", SECRET},
    {"ServiceAccount", SERVICE_ACCOUNT},
    {"Service", SERVICE},
    {"Deployment", DEPLOYMENT},
    {"Job", JOB},
    {"CronJob", CRON_JOB},
    {"Role", ROLE},
    {"ClusterRole", ROLE},
    {"RoleBinding", BINDING},
    {"ClusterRoleBinding", BINDING},
    {"SelfSubjectAccessReview", REVIEW},
};

const struct dev_pb_field *dev_pb_kind(const char *kind) {
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].kind, kind) == 0) return KINDS[i].fields;
    return NULL;
}
