/*
 * policy: what the host knows of one policy after it was loaded and checked.
 *
 * A policy is a Lua file that returns a table (lua/k8sgpt/meta.lua is the definition). Reading the table happens once, in bundle;
 * everything declared is here as plain data, so that caches, RBAC, documentation and checks derive from it without touching Lua.
 */
#ifndef SCRIPT_POLICY_H
#define SCRIPT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doc/doc.h"
#include "doc/projection.h"
#include "kube/gvk.h"

enum policy_kind {
    POLICY_STEP,
    POLICY_RENDER,
    POLICY_ANALYZER,
    POLICY_CORRELATE,
    POLICY_FILTER,
    POLICY_ROUTE,
    POLICY_SINK,
    POLICY_REPORT,
    POLICY_KINDS,
};

enum policy_layer { LAYER_BUILTIN, LAYER_CLUSTER, LAYER_OBJECT };

enum severity { SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL, SEVERITIES };

struct policy_rule {
    const char *name;
    enum severity severity;
    int64_t grace_s;           /* open only once it has lasted that long */
    int64_t settle_s;          /* resolve only once it was gone that long */
    struct doc_value evidence; /* paths that it rests on (script/evidence.h), in the policy's table; absent: none */
};

struct policy_watch {
    const struct gvk *gvk;
    bool subject; /* an analyzer judges each object of it */
    const struct projection *projection;
    struct str *indexes;
    size_t index_count;
};

struct script_vm;

struct policy {
    enum policy_kind kind;
    const char *name;
    enum policy_layer layer;
    const char *source; /* where it was read: a path or ConfigMap key, for people */
    const char *description;
    struct policy_watch *watches; /* the first is a subject of an analyzer; a wrapping policy has those of the one below too */
    size_t watch_count;
    struct policy_rule *rules;
    size_t rule_count;
    const struct gvk **writes; /* kinds of objects that it writes; a wrapping policy has those of the one below too */
    size_t write_count;
    const struct gvk **follows; /* of a render policy: kinds of objects that others make of what it writes, with its labels */
    size_t follow_count;
    int64_t order;              /* of a correlate or render policy: lower ones are asked first */
    bool remote;                /* an analyzer that may ask what no cache holds, and is suspended meanwhile */
    bool logs, secret_content;  /* what it may ask for then: logs of pods, what is in Secrets */
    bool aws;                   /* and the APIs of AWS */
    struct doc *params;         /* what ctx.params shows; NULL: none */
    const struct policy *lower; /* the policy of this kind and name in the layer below (built-in at last), or NULL */
    bool wraps;                 /* mode = "wrap": ctx.next calls `lower` */

    struct script_vm *vm; /* the Lua state it lives in; script/ only */
    int table_ref;        /* its table there; script/ only */
};

/* "analyzer", and the folder name "analyzers". */
const char *policy_kind_name(enum policy_kind kind);
const char *policy_kind_folder(enum policy_kind kind);
bool policy_kind_of_folder(struct str folder, enum policy_kind *out);

const char *policy_layer_name(enum policy_layer layer); /* "builtin", "cluster", "object" */
const char *severity_name(enum severity severity);
bool severity_parse(struct str text, enum severity *out);

const struct policy_rule *policy_rule(const struct policy *p, struct str name); /* NULL: not declared */
const struct policy_watch *policy_watch(const struct policy *p, const struct gvk *gvk);
bool policy_writes(const struct policy *p, const struct gvk *gvk);
const struct policy_watch *policy_subject(const struct policy *p, struct str kind); /* the watch of an analyzer's subject of that kind */

#endif
