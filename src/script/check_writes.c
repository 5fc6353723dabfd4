#include <stdlib.h>

#include "script/load.h"

/* writes: the kinds of objects that a policy may write. */

int policy_add_write(struct policy *p, const struct gvk *gvk, struct err *err) {
    if (policy_writes(p, gvk)) return 0;
    const struct gvk **writes = reallocarray(p->writes, p->write_count + 1, sizeof *writes);
    if (!writes) return err_set(err, ERR_NOMEM, "no memory for what a policy writes");
    p->writes = writes;
    p->writes[p->write_count++] = gvk;
    return 0;
}

int check_writes(struct policy *p, struct doc_value table, struct err *err) {
    struct doc_value writes = doc_get(table, STR("writes"));
    int rc = 0;
    if (doc_len(writes) == 0 && p->kind == POLICY_RENDER && !p->wraps)
        return err_set(err, ERR_POLICY, "a render policy needs writes: the kinds of the objects that it returns");
    for (size_t i = 0; !rc && i < doc_len(writes); i++) {
        struct doc_value kind = doc_at(writes, i);
        if (doc_type(kind) != DOC_STRING) return err_set(err, ERR_POLICY, "writes must be a list of kinds such as \"apps/v1/Deployment\"");
        const struct gvk *gvk = gvk_parse(doc_str(kind), err);
        rc = gvk ? policy_add_write(p, gvk, err) : err_prefix(err, "writes");
    }
    return rc;
}
