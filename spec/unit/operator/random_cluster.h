/*
 * random_cluster: a small cluster of objects that relate, changed at random: faults that the built-in analyzers look for, and what
 * only just is none.
 *
 * Every object is a template with some aspects, each with a few alternatives. One step changes one thing: an object comes, goes or
 * gets another alternative of one aspect, or time moves on. A step depends on the seed, its number and the state that it meets, so
 * that steps can be left out when a failure is made smaller.
 */
#ifndef SPEC_OPERATOR_RANDOM_CLUSTER_H
#define SPEC_OPERATOR_RANDOM_CLUSTER_H

#include <string.h>

#include "base/clock.h"
#include "document.h"
#include "random_others.h"

enum { THINGS = 320 };

#define HOOK(name, service, more)                                                                                                          \
    "{'name':'" name ".example.org','clientConfig':{'caBundle':'','service':{'namespace':'a','name':'" service "'}}" more "}"

static const struct sort SORTS[] = {
    {"v1",
     "Pod",
     false,
     {"web-0", "web-1", "db-0", "db-1", "lone"},
     "$0$1$2",
     "'spec':{'restartPolicy':'$3','initContainers':[{'name':'init'$4}],'containers':[{'name':'app','ports':[$5],'envFrom':[$6]}],"
     "'volumes':[$7]},'status':{$8,'conditions':[$9],'initContainerStatuses':[{'name':'init'$A}],'containerStatuses':[{'name':'app',"
     "'restartCount':3$B$C}]}",
     {{LABELS("'app':'web'"), LABELS("'app':'db'"), LABELS("'app':'web','tier':'front'"), ""},
      {"", OWNER("apps/v1", "ReplicaSet", "&", "web", "1"), OWNER("apps/v1", "ReplicaSet", "&", "web", "0"),
       OWNER("apps/v1", "StatefulSet", "&", "db", "1"), OWNER("batch/v1", "Job", "&", "once", "1"), OWNER("v1", "Node", "", "n%", "1"),
       OWNER("example.com/v1", "Robot", "&", "r2", "1")},
      {"", "", "", GOING, ",'deletionTimestamp':'~'"},
      {"Always", "Never", "OnFailure", "Always','nodeName':'n1", "Always','nodeName':'n2"},
      {"", ",'restartPolicy':'Always'"},
      {"", "{'name':'http','containerPort':8080}", "{'name':'http'},{'name':'metrics'}"},
      {"", "{'configMapRef':{'name':'settings'}}", "{'configMapRef':{'name':'settings'}},{'configMapRef':{'name':'extra'}}",
       "{'configMapRef':{'name':'extra','optional':true}}"},
      {"", "{'name':'d','persistentVolumeClaim':{'claimName':'data'}}", "{'name':'d','persistentVolumeClaim':{'claimName':'data-db-0'}}"},
      {"'phase':'Running'", "'phase':'Running'", "'phase':'Pending'", "'phase':'Pending'", "'phase':'Failed'",
       "'phase':'Failed','reason':'Evicted','message':'low on memory'", "'phase':'Failed','reason':'DeadlineExceeded'",
       "'phase':'Succeeded'"},
      {CONDITION("Ready", "True", "", ""), CONDITION("Ready", "False", "ContainersNotReady", ""),
       CONDITION("PodScheduled", "False", "Unschedulable", "0/2 nodes are available") "," CONDITION("Ready", "False", "", ""),
       CONDITION("PodScheduled", "False", "Unschedulable", ""), CONDITION("PodScheduled", "False", "SchedulingGated", ""), ""},
      {",'ready':true,'state':{'terminated':{'exitCode':0,'reason':'Completed','finishedAt':'~'}}",
       ",'state':{'running':{'startedAt':'~'}}", ",'state':{'waiting':{'reason':'CrashLoopBackOff','message':'back-off'}}",
       ",'ready':true,'state':{'running':{'startedAt':'@'}}", ",'state':{'terminated':{'exitCode':1,'reason':'Error','finishedAt':'~'}}"},
      {",'ready':true,'state':{'running':{'startedAt':'@'}}", ",'ready':true,'state':{'running':{'startedAt':'~'}}",
       ",'ready':false,'state':{'running':{'startedAt':'@'}}", ",'ready':false,'started':false,'state':{'running':{'startedAt':'~'}}",
       ",'state':{'waiting':{'reason':'ImagePullBackOff','message':'back-off pulling'}}",
       ",'state':{'waiting':{'reason':'ErrImagePull','message':'no such tag'}}", ",'state':{'waiting':{'reason':'ContainerCreating'}}",
       ",'state':{'waiting':{'reason':'CrashLoopBackOff','message':'back-off 10s'}}",
       ",'state':{'terminated':{'exitCode':2,'reason':'Error','finishedAt':'@'}}",
       ",'state':{'terminated':{'exitCode':0,'reason':'Completed','finishedAt':'@'}}",
       ",'state':{'waiting':{'reason':'CreateContainerConfigError','message':'secret not found'}}", ""},
      {"", ",'lastState':{'terminated':{'exitCode':137,'reason':'OOMKilled','finishedAt':'~'}}",
       ",'lastState':{'terminated':{'exitCode':1,'reason':'Error','finishedAt':'~'}}"}}},
    {"apps/v1",
     "ReplicaSet",
     false,
     {"web"},
     "$0$1",
     "'spec':{'replicas':$2},'status':{'replicas':$3,'conditions':[$4]}",
     {{"", OWNER("apps/v1", "Deployment", "&", "web", "1"), OWNER("apps/v1", "Deployment", "&", "web", "0")},
      {"", "", "", GOING},
      {"0", "1", "2"},
      {"0", "1", "2", "3"},
      {"", CONDITION("ReplicaFailure", "True", "FailedCreate", "quota exceeded for #"),
       CONDITION("ReplicaFailure", "True", "FailedDelete", "denied"), CONDITION("ReplicaFailure", "False", "FailedCreate", "was")}}},
    {"apps/v1",
     "Deployment",
     false,
     {"web"},
     ",'generation':2$0$1",
     "'spec':{'replicas':$2,'progressDeadlineSeconds':$3,'template':{'metadata':{'labels':{$4}}}},"
     "'status':{'observedGeneration':$5,'replicas':$6,'readyReplicas':$7,'conditions':[$8]}",
     {{"", OWNER("example.com/v1", "Robot", "&", "r2", "1")},
      {"", "", "", GOING},
      {"0", "1", "2", "2"},
      {"600", "60"},
      {"'app':'web'", "'app':'web','tier':'front'", "'app':'other'"},
      {"2", "2", "1"},
      {"0", "1", "2", "3"},
      {"0", "1", "2"},
      {CONDITION("Progressing", "True", "NewReplicaSetAvailable", "done"),
       CONDITION("Progressing", "True", "ReplicaSetUpdated", "under way"),
       CONDITION("Progressing", "False", "ProgressDeadlineExceeded", "timed out"),
       CONDITION("ReplicaFailure", "True", "FailedCreate", "quota"), ""}}},
    {"apps/v1",
     "StatefulSet",
     false,
     {"db"},
     "$0",
     "'spec':{'replicas':$1,'serviceName':'$2','volumeClaimTemplates':[$3],'template':{'metadata':{'labels':{'app':'db'}}}},"
     "'status':{'availableReplicas':$4,'readyReplicas':$5}",
     {{"", "", "", GOING},
      {"0", "1", "2", "2"},
      {"db", "web", "none", ""},
      {"", "{'spec':{'storageClassName':'fast'}}", "{'spec':{'storageClassName':'slow'}},{'spec':{'storageClassName':'fast'}}",
       "{'spec':{'storageClassName':''}}"},
      {"0", "0", "1", "2"},
      {"0", "1"}}},
    {"batch/v1",
     "Job",
     false,
     {"once"},
     "$1$2",
     "'spec':{$3},'status':{'active':$4,'conditions':[$0]}",
     {{"", "", CONDITION("Failed", "True", "BackoffLimitExceeded", "too often"), CONDITION("Complete", "True", "", ""),
       CONDITION("Suspended", "True", "", ""), CONDITION("FailureTarget", "True", "", "")},
      {"", OWNER("batch/v1", "CronJob", "&", "sweep", "1"), OWNER("jobset.x-k8s.io/v1", "JobSet", "&", "train", "1")},
      {"", "", LABELS("'kueue.x-k8s.io/queue-name':'batch'"), GOING},
      {"'parallelism':2", "'suspend':true"},
      {"0", "1", "2"}}},
    {"batch/v1",
     "CronJob",
     false,
     {"sweep"},
     "$0",
     "'spec':{'schedule':'$1'$2,'jobTemplate':{'spec':{'template':{'spec':{'volumes':[$3]}}}}},'status':{'active':[$4]$5$6}",
     {{"", "", "", GOING},
      {"* * * * *", "*/20 * * * *", "0 0 30 2 *", "@every 1h", "a b"},
      {"", "", ",'suspend':true", ",'timeZone':'Asia/Kolkata'", ",'startingDeadlineSeconds':-1", ",'concurrencyPolicy':'Forbid'"},
      {"", "{'name':'c','configMap':{'name':'settings'}}"},
      {"", "", "{'name':'once'}"},
      {"", ",'lastScheduleTime':'@'"},
      {"", ",'lastSuccessfulTime':'~'"}}},
    {"apps/v1",
     "DaemonSet",
     false,
     {"agent"},
     ",'generation':2$0",
     "'spec':{'template':{'spec':{'imagePullSecrets':[$1]}}},'status':{'observedGeneration':$2,'desiredNumberScheduled':$3,'numberReady':$"
     "4,"
     "'updatedNumberScheduled':$5}",
     {{"", "", "", GOING},
      {"", "{'name':'tls'}", "{'name':'none'},{'name':'none'}"},
      {"2", "2", "1"},
      {"0", "2", "2"},
      {"0", "1", "2"},
      {"0", "1", "2", "2"}}},
    {"v1",
     "Service",
     false,
     {"web", "db", "ext"},
     "$0",
     "'spec':{'type':'$1'$2,'ports':[{'name':'http','port':80,'targetPort':$3}]}",
     {{"", "", "", GOING},
      {"ClusterIP", "LoadBalancer", "ClusterIP", "ExternalName"},
      {",'selector':{'app':'web'}", ",'selector':{'app':'db'}", ",'selector':{'app':'web','tier':'front'}", ""},
      {"8080", "8080", "'http'", "'metrics'"}}},
    {"discovery.k8s.io/v1",
     "EndpointSlice",
     false,
     {"web-a", "web-b", "db-a"},
     ",'labels':{'kubernetes.io/service-name':'$0'}",
     "'addressType':'$1','endpoints':[$2]",
     {{"web", "web", "db", "ext"},
      {"IPv4", "IPv4", "IPv6"},
      {"", "{'conditions':{'ready':true},'targetRef':{'kind':'Pod','name':'web-0'}}",
       "{'conditions':{'ready':false},'targetRef':{'kind':'Pod','name':'web-0'}}",
       "{'conditions':{'ready':false,'terminating':true},'targetRef':{'kind':'Pod','name':'web-1'}}", "{'conditions':{}}",
       "{'conditions':{'ready':false}},{'conditions':{'ready':false},'targetRef':{'kind':'Pod','name':'db-0'}}"}}},
    {"v1",
     "PersistentVolumeClaim",
     false,
     {"data", "data-db-0"},
     "$0",
     "'spec':{$1},'status':{'phase':'$2','conditions':[$3]}",
     {{"", "", "", GOING},
      {"'storageClassName':'fast'", "'storageClassName':'slow'", "", "'storageClassName':''"},
      {"Pending", "Pending", "Bound", "Bound", "Lost"},
      {"", CONDITION("Resizing", "True", "", ""), CONDITION("ControllerResizeError", "True", "", "no room for #"),
       CONDITION("FileSystemResizePending", "True", "", "")}}},
    {"storage.k8s.io/v1",
     "StorageClass",
     true,
     {"fast", "slow"},
     "$1",
     "'volumeBindingMode':'$0'",
     {{"WaitForFirstConsumer", "Immediate"},
      {"", ",'annotations':{'storageclass.kubernetes.io/is-default-class':'true'}",
       ",'annotations':{'storageclass.kubernetes.io/is-default-class':'false'}"}}},
    {"v1",
     "PersistentVolume",
     true,
     {"pv-1", "pv-2"},
     "$0",
     "'spec':{'capacity':{'storage':'$1'}},'status':{'phase':'$2'}",
     {{"", "", "", GOING}, {"500Mi", "1Gi"}, {"Available", "Bound", "Released", "Failed"}}},
    {"v1",
     "Event",
     false,
     {"e0", "e1", "e2", "e3", "e4"},
     "",
     "'involvedObject':{$0,'namespace':'&'},'type':'$1','reason':'$2','message':'$3','lastTimestamp':'@'",
     {{"'kind':'Pod','name':'web-0'", "'kind':'Pod','name':'web-1','uid':'Pod.&.web-1.1'", "'kind':'Pod','name':'db-0'",
       "'kind':'Service','name':'web'", "'kind':'Service','name':'db','uid':'Service.&.db.1'",
       "'kind':'PersistentVolumeClaim','name':'data'",
       "'kind':'PersistentVolumeClaim','name':'data-db-0','uid':'PersistentVolumeClaim.&.data-db-0.1'", "'kind':'StatefulSet','name':'db'"},
      {"Warning", "Warning", "Normal"},
      {"FailedMount", "FailedCreatePodSandBox", "Pulling", "Unhealthy", "ProvisioningFailed", "WaitForFirstConsumer", "VolumeResizeFailed",
       "SyncLoadBalancerFailed", "EnsuredLoadBalancer", "FailedCreate", "SuccessfulCreate", "FailedBinding"},
      {"it did not work", "it did not work again", "", "create Pod db-0 in StatefulSet db successful"}}},
    {"v1",
     "Event",
     false,
     {"f0", "f1"},
     "",
     "'involvedObject':{$0,'namespace':'&'},'type':'Warning','reason':'$1','message':'$2','firstTimestamp':'~','lastTimestamp':'@'",
     {{"'kind':'Job','name':'once'", "'kind':'HorizontalPodAutoscaler','name':'web'"},
      {"BackoffLimitExceeded", "FailedGetPodsMetric", "FailedCreate"},
      {"too often", "no answer"}}},
    {"v1",
     "Pod",
     false,
     {"tuner", "reader"},
     "$0$1",
     "'spec':{'serviceAccountName':'$2','containers':[{'name':'app'$3}],'volumes':[$4]},'status':{'phase':'$5'}",
     {{LABELS("'app':'web'"), LABELS("'app':'api','tier':'back'"), ""},
      {"", "", "", GOING},
      {"default", "worker"},
      {"", ",'securityContext':{'privileged':true}", ",'env':[{'name':'MODE','valueFrom':{'configMapKeyRef':{'name':'extra','key':'a'}}}]"},
      {"", "{'name':'c','configMap':{'name':'settings'}}", "{'name':'c','projected':{'sources':[{'configMap':{'name':'extra'}}]}}"},
      {"Running", "Running", "Succeeded"}}},
    {"v1",
     "ConfigMap",
     false,
     {"settings", "extra", "idle"},
     "$1",
     "'data':{$0}",
     {{"'a':'1'", "'a':'2'", ""},
      {"", "", "", GOING, LABELS("'grafana_dashboard':'1'"), ",'annotations':{'k8sgpt.ai/skip-usage-check':'true'}"}}},
    {"v1", "Secret", false, {"tls"}, "", "'type':'$0'", {{"kubernetes.io/tls", "Opaque"}}},
    {"networking.k8s.io/v1",
     "Ingress",
     false,
     {"site", "blog"},
     "$0$1",
     "'spec':{$2'tls':[$3],'rules':[{'http':{'paths':[{'path':'/','backend':{'service':{'name':'$4','port':{$5}}}}]}}]},"
     "'status':{'loadBalancer':{'ingress':[$6]}}",
     {{"", "", "", GOING},
      {"", ",'annotations':{'kubernetes.io/ingress.class':'nginx'}", ",'annotations':{'cert-manager.io/issuer':'ca'}",
       ",'annotations':{'kubernetes.io/ingress.class':'gce'}"},
      {"'ingressClassName':'nginx',", "'ingressClassName':'other',", ""},
      {"", "{'secretName':'tls'}", "{'secretName':'tls'},{'secretName':'none'}", "{}"},
      {"web", "db", "ext", "none"},
      {"'number':80", "'name':'http'", "'number':81"},
      {"", "{'ip':'10.0.0.1'}"}}},
    {"networking.k8s.io/v1",
     "IngressClass",
     true,
     {"nginx", "other"},
     "$0",
     "'spec':{'controller':'example.com/c'}",
     {{"", ",'annotations':{'ingressclass.kubernetes.io/is-default-class':'true'}",
       ",'annotations':{'ingressclass.kubernetes.io/is-default-class':'false'}"}}},
    {"v1",
     "Node",
     true,
     {"n1", "n2"},
     "$0",
     "'spec':{$1},'status':{'conditions':[$2,$3]}",
     {{"", "", "", GOING},
      {"", "", "'unschedulable':true", "'unschedulable':true,'taints':[{'key':'node.kubernetes.io/unschedulable','timeAdded':'~'}]"},
      {CONDITION("Ready", "True", "KubeletReady", "posting"), CONDITION("Ready", "False", "KubeletNotReady", "no network"),
       CONDITION("Ready", "Unknown", "NodeStatusUnknown", "stopped posting")},
      {CONDITION("DiskPressure", "False", "", ""), CONDITION("DiskPressure", "True", "KubeletHasDiskPressure", "full"),
       CONDITION("NetworkUnavailable", "True", "NoRoute", ""), CONDITION("KernelDeadlock", "Unknown", "", ""),
       CONDITION("ContainerRuntimeHealthy", "False", "Down", ""), CONDITION("ReadonlyFilesystem", "True", "Ro", "")}}},
    {"admissionregistration.k8s.io/v1",
     "ValidatingWebhookConfiguration",
     true,
     {"guard", "gate"},
     "$0",
     "'webhooks':[$1]",
     {{"", "", "", GOING},
      {HOOK("one", "web", ",'failurePolicy':'Fail'"), HOOK("one", "db", ",'failurePolicy':'Ignore'") "," HOOK("two", "web", ""),
       HOOK("one", "none", "") "," HOOK("two", "none", ""), ""}}},
    {"admissionregistration.k8s.io/v1",
     "MutatingWebhookConfiguration",
     true,
     {"guard"},
     "$0",
     "'webhooks':[$1]",
     {{"", "", "", GOING}, {HOOK("one", "web", ""), HOOK("one", "none", "") "," HOOK("two", "db", ",'failurePolicy':'Ignore'")}}},
    {"autoscaling/v2",
     "HorizontalPodAutoscaler",
     false,
     {"web", "other"},
     "$0",
     "'spec':{'minReplicas':$1,'maxReplicas':3,'scaleTargetRef':{$2},'metrics':[{'resource':{'target':{'type':'$3'}}}]},"
     "'status':{'desiredReplicas':1,'conditions':[$4]}",
     {{"", "", "", GOING},
      {"1", "3"},
      {"'apiVersion':'apps/v1','kind':'Deployment','name':'web'", "'apiVersion':'apps/v1','kind':'StatefulSet','name':'db'",
       "'apiVersion':'example.com/v1','kind':'Robot','name':'web'", "'apiVersion':'apps/v1','kind':'DaemonSet','name':'agent'"},
      {"Utilization", "AverageValue"},
      {CONDITION("ScalingActive", "True", "ValidMetricFound", "well"),
       CONDITION("ScalingActive", "False", "FailedGetResourceMetric", "no metrics"),
       CONDITION("ScalingActive", "False", "ScalingDisabled", "at zero"), CONDITION("ScalingLimited", "True", "TooFewReplicas", "at least"),
       CONDITION("ScalingLimited", "True", "TooManyReplicas", "at most")}}},
    {"apiextensions.k8s.io/v1",
     "CustomResourceDefinition",
     true,
     {"robots"},
     "",
     "'spec':{'group':'$0','names':{'kind':'Robot'}}",
     {{"example.com", "other.example.com"}}},
    {"policy/v1",
     "PodDisruptionBudget",
     false,
     {"web"},
     "$0",
     "'spec':{'selector':{$1}},'status':{'expectedPods':$2,'currentHealthy':1,'desiredHealthy':$3,'conditions':[$4]}",
     {{"", "", "", GOING},
      {"'matchLabels':{'app':'web','tier':'front'}", "'matchExpressions':[{'key':'tier','operator':'In','values':['front']}]"},
      {"0", "2"},
      {"1", "2"},
      {CONDITION("DisruptionAllowed", "True", "SufficientPods", ""), CONDITION("DisruptionAllowed", "False", "InsufficientPods", ""),
       CONDITION("DisruptionAllowed", "False", "SyncFailed", "")}}},
    {"networking.k8s.io/v1",
     "NetworkPolicy",
     false,
     {"web", "all"},
     "$0",
     "'spec':{'podSelector':{$1},'ingress':[$2]}",
     {{"", "", "", GOING},
      {"", "'matchLabels':{'app':'web'}", "'matchLabels':{'app':'db'}",
       "'matchExpressions':[{'key':'app','operator':'In','values':['web','api']}]",
       "'matchExpressions':[{'key':'tier','operator':'Exists'}]"},
      {"", "{}", "{'from':[{'podSelector':{}}]}"}}},
    {"v1", "ServiceAccount", false, {"default", "worker"}, "$0", "'automountServiceAccountToken':true", {{"", "", "", GOING}}},
    {"rbac.authorization.k8s.io/v1",
     "Role",
     false,
     {"reader"},
     "",
     "'rules':[{'verbs':['$0'],'resources':['$1']}]",
     {{"get", "get", "*"}, {"pods", "pods", "*"}}},
    {"rbac.authorization.k8s.io/v1",
     "ClusterRole",
     true,
     {"reader"},
     "",
     "'rules':[{'verbs':['$0'],'resources':['pods']}]",
     {{"get", "*"}}},
    {"rbac.authorization.k8s.io/v1",
     "RoleBinding",
     false,
     {"reads"},
     "$0",
     "'roleRef':{'kind':'$1','name':'$2'}",
     {{"", "", "", GOING}, {"Role", "ClusterRole"}, {"reader", "reader", "none", "cluster-admin"}}},
    {"rbac.authorization.k8s.io/v1",
     "ClusterRoleBinding",
     true,
     {"reads"},
     "$0",
     "'roleRef':{'kind':'ClusterRole','name':'reader'},'subjects':[$1]",
     {{"", "", "", GOING},
      {"{'kind':'ServiceAccount','name':'worker','namespace':'a'}", "{'kind':'Group','name':'system:authenticated'}",
       "{'kind':'User','name':'jo'}"}}},
};
enum { SORT_COUNT = sizeof SORTS / sizeof *SORTS };

struct thing {
    const struct sort *sort;
    const char *ns, *name; /* ns "": none */
    bool present;
    int generation; /* of its uid: 0 or 1 */
    int choice[ASPECTS];
    int64_t born_ms, moment_ms[2];
};

struct random_cluster {
    uint64_t seed, draws;
    int64_t now_ms;
    size_t count;
    struct thing things[THINGS];
};

/* What a step did. */
struct random_step {
    enum { STEP_TIME, STEP_PUT, STEP_DELETE } what;
    struct thing *thing;
    int64_t seconds; /* of STEP_TIME */
};

/* ---- draws (splitmix64) -------------------------------------------------------------------------------------------------------- */

static inline size_t draw(struct random_cluster *r, size_t n) {
    uint64_t z = r->seed * 0x9e3779b97f4a7c15u + ++r->draws * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t)((z ^ (z >> 31)) % n);
}

static inline size_t alternatives(const struct sort *s, size_t aspect) {
    size_t n = 0;
    while (n < ALTERNATIVES && s->aspects[aspect][n]) n++;
    return n;
}

static inline void draw_aspect(struct random_cluster *r, struct thing *t, size_t aspect) {
    size_t n = alternatives(t->sort, aspect);
    if (n) t->choice[aspect] = (int)draw(r, n);
}

/* Around the times that rules wait for. */
static inline int64_t draw_moment(struct random_cluster *r) {
    static const int ago_s[] = {0, 0, 1, 30, 59, 60, 299, 600, 899, 3000, 86000};
    return r->now_ms - 1000LL * ago_s[draw(r, sizeof ago_s / sizeof *ago_s)];
}

/* ---- objects --------------------------------------------------------------------------------------------------------------------- */

static inline void expand(const struct thing *t, const char *text, FILE *out);

static inline void expand_one(const struct thing *t, char c, FILE *out) {
    char time[CLOCK_TEXT_LEN];
    switch (c) {
    case '\'': fputc('"', out); return;
    case '#': fputs(t->name, out); return;
    case '&': fputs(t->ns, out); return;
    case '%': fputc(*t->ns == 'b' ? '2' : '1', out); return;
    case '^': fputs(clock_format_s(t->born_ms, time), out); return;
    case '@': fputs(clock_format_s(t->moment_ms[0], time), out); return;
    case '~': fputs(clock_format_s(t->moment_ms[1], time), out); return;
    default: fputc(c, out);
    }
}

static inline void expand(const struct thing *t, const char *text, FILE *out) {
    for (; *text; text++) {
        if (*text != '$') {
            expand_one(t, *text, out);
            continue;
        }
        text++;
        size_t aspect = (size_t)(*text >= 'A' ? *text - 'A' + 10 : *text - '0');
        expand(t, t->sort->aspects[aspect][t->choice[aspect]], out);
    }
}

/* The object as JSON; to be freed. */
static inline char *thing_text(const struct thing *t) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out, "{\"apiVersion\":\"%s\",\"kind\":\"%s\",", t->sort->api, t->sort->kind);
    fprintf(out, "\"metadata\":{\"name\":\"%s\",\"uid\":\"%s.%s.%s.%d\",", t->name, t->sort->kind, t->ns, t->name, t->generation);
    if (*t->ns) fprintf(out, "\"namespace\":\"%s\",", t->ns);
    expand(t, "'creationTimestamp':'^'", out);
    expand(t, t->sort->metadata, out);
    fputs("},", out);
    expand(t, t->sort->body, out);
    fputs("}", out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline struct doc *thing_document(const struct thing *t) {
    char *text = thing_text(t);
    struct doc *doc = document("%s", text);
    free(text);
    return doc;
}

static inline void create(struct random_cluster *r, struct thing *t) {
    t->present = true;
    t->generation = !t->generation;
    t->born_ms = draw_moment(r);
    for (size_t i = 0; i < 2; i++) t->moment_ms[i] = draw_moment(r);
    for (size_t i = 0; i < ASPECTS; i++) draw_aspect(r, t, i);
}

/* ---- the cluster ----------------------------------------------------------------------------------------------------------------- */

static inline void add_things(struct random_cluster *r, const struct sort *s, const char *ns) {
    for (size_t i = 0; i < NAMES && s->names[i]; i++) {
        assert_true(r->count < THINGS);
        r->things[r->count++] = (struct thing){.sort = s, .ns = ns, .name = s->names[i]};
    }
}

static inline void add_sorts(struct random_cluster *r, const struct sort *sorts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add_things(r, &sorts[i], sorts[i].is_global ? "" : "a");
        if (!sorts[i].is_global) add_things(r, &sorts[i], "b");
    }
}

/* About half of what there can be. */
static inline void random_cluster_start(struct random_cluster *r, uint64_t seed, int64_t now_ms) {
    *r = (struct random_cluster){.seed = seed, .now_ms = now_ms};
    add_sorts(r, SORTS, SORT_COUNT);
    add_sorts(r, OTHERS, OTHER_COUNT);
    for (size_t i = 0; i < r->count; i++)
        if (draw(r, 2)) create(r, &r->things[i]);
}

static inline struct random_step move_time(struct random_cluster *r) {
    static const int steps_s[] = {1, 1, 2, 3, 30, 60, 60, 240, 600, 3600, 86400};
    int64_t seconds = steps_s[draw(r, sizeof steps_s / sizeof *steps_s)];
    r->now_ms += seconds * 1000;
    return (struct random_step){STEP_TIME, NULL, seconds};
}

static inline void change(struct random_cluster *r, struct thing *t) {
    size_t aspects = 0;
    while (aspects < ASPECTS && alternatives(t->sort, aspects)) aspects++;
    draw_aspect(r, t, draw(r, aspects));
    size_t moment = draw(r, 4);
    if (moment < 2) t->moment_ms[moment] = draw_moment(r);
}

/* Takes one step, the `number`-th. */
static inline struct random_step random_cluster_step(struct random_cluster *r, size_t number) {
    r->draws = (uint64_t)(number + 1) << 20;
    if (draw(r, 5) == 0) return move_time(r);
    struct thing *t = &r->things[draw(r, r->count)];
    if (t->present && draw(r, 6) == 0) {
        t->present = false;
        return (struct random_step){STEP_DELETE, t, 0};
    }
    if (t->present)
        change(r, t);
    else
        create(r, t);
    return (struct random_step){STEP_PUT, t, 0};
}

#endif
