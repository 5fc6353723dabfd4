/*
 * findings_internal: the state behind findings.h, shared by findings.c (collection), group.c (one group over time),
 * findings_publish.c (which groups are to be published), findings_alias.c (groups that go by another name than their object),
 * findings_subject.c (which groups are about an object), findings_cause.c (which findings follow from which), findings_result.c (which
 * group a Result belongs to), findings_adopt.c (what an earlier process left) and findings_former.c (what the Go operator left).
 */
#ifndef OPERATOR_FINDINGS_INTERNAL_H
#define OPERATOR_FINDINGS_INTERNAL_H

#include "operator/findings.h"

struct findings {
    struct findings_identity identity;
    struct deadlines *deadlines; /* NULL: one-shot */
    bool immediate;
    bool no_past;
    bool has_grace; /* grace_s counts instead of the rules' own */
    int64_t grace_s;
    struct findings_owner owner;
    struct group *groups;
    struct group *results; /* of groups, those that have a Result, by its name */
    struct aliases *aliases;
    struct subject *subjects;
    bool closing;                     /* nobody wants to hear of anything any more */
    struct group *dirty, **dirty_end; /* in order of becoming dirty */
};

/* Which group: whose verdict on which object, and as what it is shown, where that is not the object's own kind or name. */
struct group_key {
    struct str analyzer, kind, ns, name;
    struct str as_kind, as_name; /* empty: its own */
};

char *group_id(const struct group_key *key); /* NULL without memory */

/* *out NULL: there is none. */
int group_find(struct findings *f, const struct group_key *key, struct group **out, struct err *err) ERR_MUST_CHECK;
void findings_lost(const struct findings *f, const char *what);
struct group *group_new(struct findings *f, const struct group_key *key, struct str api_version, struct err *err);
void group_free(struct group *g);
void finding_free(struct finding *f); /* what it owns */

/* Of a group that is shown as something else: its place beside others of the object. `object`: a key without as_kind and as_name. */
int alias_join(struct group *g, struct err *err) ERR_MUST_CHECK;
void alias_leave(struct group *g);
int alias_first(struct findings *f, const struct group_key *object, struct group **out, struct err *err) ERR_MUST_CHECK;

void group_forget_result_name(struct group *g);

/* Its place among the groups about its object. */
int subject_join(struct group *g, struct err *err) ERR_MUST_CHECK;
void subject_leave(struct group *g);
int subject_first(const struct findings *f, struct str kind, struct str ns, struct str name, struct group **out,
                  struct err *err) ERR_MUST_CHECK; /* *out NULL: there is none */

/* After which of its findings are open may have changed: those that are not follow from nothing, and nothing from them. */
void group_notice(struct group *g);
/* Asks the correlate policies, if they have to be asked. */
void group_decide(struct group *g);
/* Offers the group, once all is decided that its findings follow from. False: for some that cannot be told yet. */
bool group_offer(struct group *g);
void finding_follow_nothing(struct finding *f); /* before it is freed */

/* Somebody knows of the group, or is about to: its end has to be told, too. */
bool group_is_known(const struct group *g);

/* That a sink was told of a finding. */
int notification_add(struct group *g, struct str sink, struct str finding, struct str ref, int64_t sent_ms, struct err *err) ERR_MUST_CHECK;

/* Whether a Result is the Go operator's; then it is the group's former one until the group has its own. */
bool former_is(const struct doc *result);
int former_adopt(struct findings *f, const struct group_key *key, struct doc *result, struct err *err) ERR_MUST_CHECK;
/* True when people knew the finding from the former Result: it is open since then, and they were told. */
bool former_take_over(struct group *g, struct finding *f);

/* Adds a finding of that id, which the group has not yet. */
struct finding *group_add(struct group *g, const char *id, struct str rule, struct str key, struct err *err);

/* The finding of that rule and key, made if need be. */
struct finding *group_finding(struct group *g, struct str rule, struct str key, struct err *err);

/* Sets a text of the group's own, such as its parent; another one is shown with the next texts. */
void group_set_shown(struct group *g, char **text, struct str value);

/* A failure that is seen for the first time, or again after it was over. */
void finding_start(const struct findings *all, struct finding *f, const struct policy_rule *rule, struct doc_value failure, int64_t now_ms);

/* Asks the filters about every finding of the group anew. */
void group_refilter(struct group *g);

/* Brings every finding to its state at this moment, plans the next look, and marks the group dirty if what is shown changed. */
void group_advance(struct group *g, int64_t now_ms);

#endif
