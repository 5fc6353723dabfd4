/*
 * write: the way of every new state into the storage: create, update and what patches result in.
 *
 * A write fills system fields, lets the kind's rules default, prune and check it (admission.h), keeps the books of field managers
 * (managed.h), and stores nothing when nothing changed.
 */
#ifndef DEVCLUSTER_WRITE_H
#define DEVCLUSTER_WRITE_H

#include "devcluster/request.h"

struct dev_write {
    struct dev_cluster *cluster;
    struct dev_kind *kind;
    const char *ns, *name;   /* of the path; name "" on create */
    const char *subresource; /* "status" changes the status only; "" everything else */
    const char *manager;     /* field manager, operation Update */
    bool applied;            /* managedFields in the tree are final: server-side apply made them */
    bool dry_run;
};

/*
 * Stores `tree` (taken) as a new object, or in the place of `old`. A Status, or NULL with *out, a reference the caller drops:
 * the object as stored, or as it would have been (dry run), or `old` when nothing changed.
 */
cJSON *dev_write_create(const struct dev_write *w, cJSON *tree, struct dev_object **out);
cJSON *dev_write_update(const struct dev_write *w, struct dev_object *old, cJSON *tree, struct dev_object **out);

/* Updates `old` to `tree`, which is taken, as the request wants it written, and answers with the object; or returns the refusal. */
cJSON *dev_write_answer(const struct dev_request *r, struct dev_object *old, cJSON *tree);

/* The verbs create (POST) and update (PUT). */
struct dev_write dev_write_of(const struct dev_request *r, const char *manager);
cJSON *dev_write_post(const struct dev_request *r);
cJSON *dev_write_put(const struct dev_request *r);

#endif
