#include "base/log.h"
#include "operator/correlate.h"
#include "operator/operator_internal.h"

/* Before the first look is over, caches may lack what the policies read. */
void tenant_decide(struct group *g, void *arg) {
    const struct tenant *t = arg;
    struct k8s_operator *op = t->op;
    struct correlator c = {op->cluster, op->calls, op->cause_owners, op->cause_reads};
    struct err err;
    if (!t->looked || !correlate_group(&c, op->bundle, g, &err)) return;
    log_error("operator", err.msg);
    operator_look_again(op);
}

void tenant_opened(const struct group *g, void *arg) {
    const struct tenant *t = arg;
    reads_findings_changed(t->op->cause_reads, t->findings, str_of(g->kind), str_of(g->ns), str_of(g->name));
}

bool tenant_has_looked(struct tenant *t) {
    bool looking = !t->has_chosen;
    for (size_t i = 0; !t->looked && !looking && i < t->choice.count; i++)
        looking = diagnosis_looking(t->op->diagnosis, str_of(t->choice.names[i]));
    if (!t->looked && !looking) {
        t->looked = true;
        findings_decide_later(t->findings);
    }
    return t->looked;
}
