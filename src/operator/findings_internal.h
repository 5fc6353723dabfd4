/*
 * findings_internal: the state behind findings.h, shared by findings.c (collection), group.c (one group over time) and
 * findings_adopt.c (what an earlier process left).
 */
#ifndef OPERATOR_FINDINGS_INTERNAL_H
#define OPERATOR_FINDINGS_INTERNAL_H

#include "operator/findings.h"

struct findings {
    struct findings_identity identity;
    struct deadlines *deadlines; /* NULL: one-shot */
    bool immediate;
    struct findings_owner owner;
    struct group *groups;
    struct group *dirty, **dirty_end; /* in order of becoming dirty */
};

/* *out NULL: there is none. */
int group_find(struct findings *f, struct str analyzer, struct str kind, struct str ns, struct str name, struct group **out,
               struct err *err) ERR_MUST_CHECK;
void findings_lost(const struct findings *f, const char *what);
struct group *group_new(struct findings *f, struct str analyzer, const struct gvk *gvk, struct str ns, struct str name, struct err *err);
void group_free(struct group *g);
void finding_free(struct finding *f); /* what it owns */

/* Somebody knows of the group, or is about to: its end has to be told, too. */
bool group_is_known(const struct group *g);

/* Adds a finding of that id, which the group has not yet. */
struct finding *group_add(struct group *g, const char *id, struct str rule, struct str key, struct err *err);

/* The finding of that rule and key, made if need be. */
struct finding *group_finding(struct group *g, struct str rule, struct str key, struct err *err);

/* Asks the filters about every finding of the group anew. */
void group_refilter(struct group *g);

/* Brings every finding to its state at this moment, plans the next look, and marks the group dirty if what is shown changed. */
void group_advance(struct group *g, int64_t now_ms);

#endif
