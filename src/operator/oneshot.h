/*
 * oneshot: diagnoses a cluster once, by the same diagnosis, findings and filters as the operator, and says what it found as one document.
 *
 * For a K8sGPT that need not exist anywhere: whoever asks makes one of what it was told (filters, namespaces, labels). There is no past:
 * a failure without `since` opens at once, grace counts from `since`, and nothing settles. Called by the verbs analyze and snapshot, and by
 * rbac for what such a diagnosis reads.
 */
#ifndef OPERATOR_ONESHOT_H
#define OPERATOR_ONESHOT_H

#include "operator/filters.h"

struct oneshot;

struct oneshot_options {
    struct loop *loop; /* NULL: the cluster is offline */
    struct cluster *cluster;
    struct bundle *bundle;
    struct doc *cr;
    int64_t grace_s;            /* of every rule; 0: none; < 0: what the rules say */
    int64_t timeout_ms;         /* of all reading from a connected cluster */
    bool secret_content;        /* of which analyzers may read what is in Secrets; in a snapshot they may anyway */
    void (*waiting)(void *arg); /* called once a second while it reads from one; may be NULL */
    void *arg;
};

/* Borrows all for its life. Offline it opens the stores of all that policies read; they are filled before the next step. */
struct oneshot *oneshot_new(const struct oneshot_options *options, struct err *err) ERR_MUST_CHECK;
void oneshot_free(struct oneshot *o);

/*
 * Has the filters choose, and reads what the chosen analyzers need; each kind is listed once. What cannot be read is no error here, but
 * see oneshot_unread. ERR_NOT_FOUND: the filters name analyzers that nobody bears; ERR_POLICY: no filter could choose.
 */
int oneshot_read(struct oneshot *o, struct err *err) ERR_MUST_CHECK;

/*
 * Instead of both, for snapshots: reads what filters, reports and analyzers read (every analyzer, or the chosen ones), and of Secrets which
 * there are and of what type. As oneshot_read otherwise.
 */
int oneshot_capture(struct oneshot *o, bool every, struct err *err) ERR_MUST_CHECK;

/*
 * Whether the cluster, as far as it was read, has a namespace of this name; a snapshot may have nothing of it but what is in it. True where
 * that cannot be known.
 */
bool oneshot_has_namespace(const struct oneshot *o, struct str name);

/* Looks at every object. Analyzers that fail are no error here. */
int oneshot_diagnose(struct oneshot *o, struct err *err) ERR_MUST_CHECK;

size_t oneshot_problems(const struct oneshot *o); /* findings that are open and kept */
size_t oneshot_failing(const struct oneshot *o);  /* policies that failed on some object or finding */
size_t oneshot_unread(const struct oneshot *o);   /* analyzers that lack something which may not or could not be read */

/* What was found, as report policies get it (k8sgpt.Report): the fields of `about`, then ours. Owned by the caller. */
struct doc *oneshot_report(const struct oneshot *o, const struct doc *about, struct err *err) ERR_MUST_CHECK;

/*
 * What an operator needs of the API server that runs these policies for such K8sGPTs (k8sgpt.Needs): the fields of `about`, then ours.
 * `engines`: who diagnoses with the analyzers that the filters chose; `elects`: it takes part in a leader election. After
 * oneshot_read. Owned by the caller.
 */
enum oneshot_engines { ENGINE_EMBEDDED = 1, ENGINE_DEPLOYMENT = 2 }; /* or both */
struct doc *oneshot_rights(const struct oneshot *o, const struct doc *about, unsigned engines, bool elects, struct err *err) ERR_MUST_CHECK;

/* Appends what the report policy of that name makes of it. ERR_NOT_FOUND: there is none; ERR_POLICY: it failed. */
int oneshot_render(struct oneshot *o, struct str name, const struct doc *report, struct buf *out, struct err *err) ERR_MUST_CHECK;

#endif
