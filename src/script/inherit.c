#include <stdlib.h>

#include "script/evidence.h"
#include "script/load.h"

/* What a policy takes from the layer below, and from params.yaml. */

static int inherit_watch(struct policy *p, const struct policy_watch *from, struct err *err) {
    int rc = policy_add_watch(p, from->gvk, projection_ref(from->projection), err);
    for (size_t i = 0; i < p->watch_count && !rc; i++) {
        if (p->watches[i].gvk != from->gvk) continue;
        p->watches[i].subject |= from->subject;
        for (size_t k = 0; k < from->index_count && !rc; k++) rc = watch_add_index(&p->watches[i], from->indexes[k], err);
    }
    return rc;
}

/* Caches and permissions derive from the effective policy alone, so that what the lower one reads is part of it. */
static int inherit_watches(struct policy *p, const struct policy *lower, struct err *err) {
    if (p->watch_count && lower->watch_count && p->kind == POLICY_ANALYZER && p->watches[0].gvk != lower->watches[0].gvk)
        return err_set(err, ERR_POLICY, "it wraps an analyzer of %s, so its first watch must be that too", lower->watches[0].gvk->text);
    int rc = 0;
    for (size_t i = 0; i < lower->watch_count && !rc; i++) rc = inherit_watch(p, &lower->watches[i], err);
    return rc;
}

/* A rule of its own beats the lower one's of that name. */
static int inherit_rules(struct policy *p, const struct policy *lower, struct err *err) {
    if (!lower->rule_count) return 0;
    struct policy_rule *rules = realloc(p->rules, (p->rule_count + lower->rule_count) * sizeof *rules);
    if (!rules) return err_set(err, ERR_NOMEM, "no memory for rules");
    p->rules = rules;
    for (size_t i = 0; i < lower->rule_count; i++)
        if (!policy_rule(p, str_of(lower->rules[i].name))) p->rules[p->rule_count++] = lower->rules[i];
    return 0;
}

int policy_stand_on(struct policy_entry *e, const struct policy *lower, struct err *err) {
    struct policy *p = &e->policy;
    p->lower = lower;
    if (!p->wraps) return 0;
    if (!*p->description) p->description = lower->description;
    if (doc_type(doc_get(doc_root(e->table), STR("order"))) == DOC_ABSENT) p->order = lower->order;
    p->remote |= lower->remote;
    p->logs |= lower->logs;
    p->secret_content |= lower->secret_content;
    p->aws |= lower->aws;
    int rc = policy_check_remote(p, err);
    if (!rc) rc = inherit_watches(p, lower, err);
    for (size_t i = 0; i < lower->write_count && !rc; i++) rc = policy_add_write(p, lower->writes[i], err);
    for (size_t i = 0; i < lower->follow_count && !rc; i++) rc = policy_add_follow(p, lower->follows[i], err);
    if (!rc) rc = inherit_rules(p, lower, err);
    if (!rc) rc = evidence_check(p, err); /* its rules may name fields that only the layer below reads */
    return rc ? err_prefix(err, "%s", e->file->source) : 0;
}

static void put_overlaid(struct doc_builder *b, struct doc_value base, struct doc_value over) {
    doc_begin_object(b);
    for (int pass = 0; pass < 2; pass++) {
        struct doc_value from = pass == 0 ? base : over;
        for (size_t i = 0; i < doc_len(from); i++) {
            struct str key;
            struct doc_value v = doc_pair(from, i, &key, NULL), other = doc_get(pass == 0 ? over : base, key);
            if (pass == 1 && doc_type(other) != DOC_ABSENT) continue;
            doc_key(b, key);
            doc_put_value(b, pass == 0 && doc_type(other) != DOC_ABSENT ? other : v);
        }
    }
    doc_end_object(b);
}

struct doc *params_overlay(const struct doc *base, const struct doc *over, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for parameters");
        return NULL;
    }
    put_overlaid(b, doc_root(base), doc_root(over));
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}
