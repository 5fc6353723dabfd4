#include "base/clock.h"
#include "doc/builder.h"
#include "kube/lease_internal.h"

struct str lease_record_holder(const struct doc *lease) {
    return doc_path_str(doc_root(lease), "spec.holderIdentity");
}

int64_t lease_record_duration_ms(const struct doc *lease) {
    int64_t seconds = doc_int(doc_path(doc_root(lease), "spec.leaseDurationSeconds"));
    return seconds > 0 && seconds <= INT32_MAX ? seconds * 1000 : LEASE_DURATION_MS;
}

bool lease_record_equal(const struct doc *a, const struct doc *b) {
    if (!a || !b) return !a && !b;
    return doc_equal(doc_path(doc_root(a), "spec"), doc_path(doc_root(b), "spec"));
}

static void put_metadata(struct doc_builder *b, const struct lease_options *o, const struct doc *seen) {
    doc_key(b, STR("metadata"));
    if (seen) {
        doc_put_value(b, doc_path(doc_root(seen), "metadata"));
        return;
    }
    doc_begin_object(b);
    doc_pair_str(b, "name", str_of(o->name));
    doc_pair_str(b, "namespace", str_of(o->ns));
    doc_end_object(b);
}

/* API reference: LeaseSpec. The transition of a release is counted by whoever holds it next, as client-go does. */
static void put_spec(struct doc_builder *b, const struct doc *seen, struct str holder) {
    char now[CLOCK_TEXT_LEN];
    struct doc_value was = doc_path(doc_root(seen), "spec");
    bool stays = seen && holder.n && str_eq(lease_record_holder(seen), holder);
    int64_t transitions = doc_int(doc_path(was, "leaseTransitions"));
    clock_micro_time(now);
    doc_key(b, STR("spec"));
    doc_begin_object(b);
    doc_pair_str(b, "holderIdentity", holder);
    doc_pair_int(b, "leaseDurationSeconds", holder.n ? LEASE_DURATION_MS / 1000 : 1);
    doc_pair_str(b, "acquireTime", stays ? doc_path_str(was, "acquireTime") : str_of(now));
    doc_pair_str(b, "renewTime", str_of(now));
    doc_pair_int(b, "leaseTransitions", seen && holder.n && !stays ? transitions + 1 : transitions);
    doc_end_object(b);
}

struct doc *lease_record_next(const struct lease_options *o, const struct doc *seen, struct str holder, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a Lease");
        return NULL;
    }
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", STR("coordination.k8s.io/v1"));
    doc_pair_str(b, "kind", STR("Lease"));
    put_metadata(b, o, seen);
    put_spec(b, seen, holder);
    doc_end_object(b);
    struct doc *doc = doc_builder_finish(b, err);
    doc_builder_free(b);
    return doc;
}
