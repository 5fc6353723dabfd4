/*
 * load: one policy file into a state: compiled, run once, its table checked and turned into a struct policy.
 */
#ifndef SCRIPT_LOAD_H
#define SCRIPT_LOAD_H

#include "script/vm.h"

/* A policy of a bundle and what it lives on. */
struct policy_entry {
    struct policy policy; /* first: a struct policy of a bundle is one of these */
    struct doc *table;    /* what the file returned, functions as true; names point into it */
    const struct layer_file *file;
    bool disables; /* enabled = false */
    bool owns_vm;
    bool lent; /* all but params is another entry's, see policy_lend */
};

/* Runs the file in `vm` and reads what it declares; NULL with *err ("PATH:LINE: what"). Nothing of the layers below is looked at. */
struct policy_entry *policy_load(struct script_vm *vm, const struct layer_file *file, struct err *err) ERR_MUST_CHECK;
void policy_entry_free(struct policy_entry *e);

/* The same policy for another bundle, with parameters that can be overlaid. Borrows from `e` for its life. NULL with *err. */
struct policy_entry *policy_lend(const struct policy_entry *e, struct err *err) ERR_MUST_CHECK;

/* Reads `table` into the policy: every field known, of its type, and fit for the kind. The file says which policy it must be. */
int policy_check(struct policy_entry *e, struct err *err) ERR_MUST_CHECK;

/* The parts of policy_check. */
int check_watches(struct policy *p, struct doc_value table, struct err *err) ERR_MUST_CHECK;
int check_writes(struct policy *p, struct doc_value table, struct err *err) ERR_MUST_CHECK;
int check_rules(struct policy *p, struct doc_value table, struct err *err) ERR_MUST_CHECK;
int policy_check_remote(const struct policy *p, struct err *err) ERR_MUST_CHECK; /* what it asks for needs `remote`, its own or inherited */

/* Makes `e` stand on `lower`: link, and what a wrapping policy inherits of watches, rules and description. */
int policy_stand_on(struct policy_entry *e, const struct policy *lower, struct err *err) ERR_MUST_CHECK;

/* Adds (or widens) a watch; takes the projection's reference over in any case. */
int policy_add_watch(struct policy *p, const struct gvk *gvk, struct projection *projection, struct err *err) ERR_MUST_CHECK;
int policy_add_write(struct policy *p, const struct gvk *gvk, struct err *err) ERR_MUST_CHECK;
int policy_add_follow(struct policy *p, const struct gvk *gvk, struct err *err) ERR_MUST_CHECK;
int watch_add_index(struct policy_watch *watch, struct str path, struct err *err) ERR_MUST_CHECK;

/* A new document: the fields of `base`, those of `over` in their place or after them. Either may be NULL. NULL with *err. */
struct doc *params_overlay(const struct doc *base, const struct doc *over, struct err *err) ERR_MUST_CHECK;

#endif
