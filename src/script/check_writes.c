#include <stdlib.h>

#include "script/load.h"

/* writes: the kinds of objects that a policy may write. follows: those that others make of them. */

static int add(const struct gvk ***list, size_t *count, const struct gvk *gvk, struct err *err) {
    for (size_t i = 0; i < *count; i++)
        if ((*list)[i] == gvk) return 0;
    const struct gvk **longer = reallocarray(*list, *count + 1, sizeof *longer);
    if (!longer) return err_set(err, ERR_NOMEM, "no memory for what a policy writes");
    *list = longer;
    longer[(*count)++] = gvk;
    return 0;
}

int policy_add_write(struct policy *p, const struct gvk *gvk, struct err *err) { return add(&p->writes, &p->write_count, gvk, err); }
int policy_add_follow(struct policy *p, const struct gvk *gvk, struct err *err) { return add(&p->follows, &p->follow_count, gvk, err); }

static int check_kinds(struct policy *p, struct doc_value kinds, const char *field,
                       int (*put)(struct policy *p, const struct gvk *gvk, struct err *err), struct err *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < doc_len(kinds); i++) {
        struct doc_value kind = doc_at(kinds, i);
        if (doc_type(kind) != DOC_STRING)
            return err_set(err, ERR_POLICY, "%s must be a list of kinds such as \"apps/v1/Deployment\"", field);
        const struct gvk *gvk = gvk_parse(doc_str(kind), err);
        rc = gvk ? put(p, gvk, err) : err_prefix(err, "%s", field);
    }
    return rc;
}

int check_writes(struct policy *p, struct doc_value table, struct err *err) {
    struct doc_value writes = doc_get(table, STR("writes"));
    if (doc_len(writes) == 0 && p->kind == POLICY_RENDER && !p->wraps)
        return err_set(err, ERR_POLICY, "a render policy needs writes: the kinds of the objects that it returns");
    int rc = check_kinds(p, writes, "writes", policy_add_write, err);
    return rc ? rc : check_kinds(p, doc_get(table, STR("follows")), "follows", policy_add_follow, err);
}
