/* Whether an analyzer can work, and what it may not read, in words for the status. */
#include <stdio.h>
#include <string.h>

#include "operator/diagnosis_internal.h"

enum { MAX_MESSAGE = 200 }; /* of a reason that names several kinds */

struct denial {
    struct analyzer *analyzer;
    const struct gvk *gvk;
};

static void add_reason(struct analyzer *z, const char *text) {
    size_t used = strlen(z->reason);
    snprintf(z->reason + used, sizeof z->reason - used, "%s%s", used ? "; " : "", text);
}

static void add_denial(struct str ns, const struct err *why, void *arg) {
    const struct denial *d = arg;
    char text[MAX_MESSAGE + 300];
    snprintf(text, sizeof text, "%.80s may not be read%s%.63s%s%.*s", d->gvk->text, ns.n ? " in namespace " : "", ns.p ? ns.p : "",
             why ? ": " : "", MAX_MESSAGE, why ? why->msg : "");
    add_reason(d->analyzer, text);
}

/* What it reads beside its subject and may not; it works without, or counts as failed where it cannot. */
static void name_denied(const struct diagnosis *d, struct analyzer *z) {
    const struct policy *p = z->policy;
    for (size_t i = 0; i < p->watch_count; i++) {
        struct denial denial = {z, p->watches[i].gvk};
        const struct err *why = NULL;
        if (cluster_state(d->cluster, denial.gvk, &why) == REFLECTOR_DENIED)
            add_denial(STR(""), why, &denial);
        else
            cluster_each_denied(d->cluster, denial.gvk, add_denial, &denial);
    }
}

static enum analyzer_state inactive(struct analyzer *z, enum reflector_state state, const struct err *why) {
    struct denial subject = {z, z->subject->gvk};
    char text[MAX_MESSAGE + 120];
    z->absent = state == REFLECTOR_MISSING;
    if (state == REFLECTOR_DENIED) {
        add_denial(STR(""), why, &subject);
        return ANALYZER_INACTIVE;
    }
    snprintf(text, sizeof text, "%.80s is not served by this cluster%s%.*s", subject.gvk->text, why ? ": " : "", MAX_MESSAGE,
             why ? why->msg : "");
    add_reason(z, text);
    return ANALYZER_INACTIVE;
}

enum analyzer_state analyzer_state_now(const struct diagnosis *d, struct analyzer *z) {
    const struct policy *p = z->policy;
    const struct err *why = NULL;
    z->reason[0] = '\0';
    z->absent = false;
    z->awaited = NULL;
    for (size_t i = 0; i < p->watch_count; i++) {
        enum reflector_state s = cluster_state(d->cluster, p->watches[i].gvk, &why);
        if (s == REFLECTOR_SYNCING) {
            snprintf(z->reason, sizeof z->reason, "%.80s is not synced yet%s%.*s", p->watches[i].gvk->text, why ? ": " : "", MAX_MESSAGE,
                     why ? why->msg : "");
            z->awaited = p->watches[i].gvk;
            return ANALYZER_WAITING;
        }
        if (&p->watches[i] == z->subject && s != REFLECTOR_SYNCED) return inactive(z, s, why);
    }
    const char *lacking = asks_lack(&d->asks, p);
    if (lacking) {
        add_reason(z, lacking);
        return ANALYZER_INACTIVE;
    }
    name_denied(d, z);
    return ANALYZER_ACTIVE;
}

bool analyzer_knows_objects(const struct analyzer *z) { return z->state == ANALYZER_ACTIVE || z->absent; }
