/* What bundle.c (the whole) and resolve.c (which file of which layer counts) share. */
#ifndef SCRIPT_BUNDLE_INTERNAL_H
#define SCRIPT_BUNDLE_INTERNAL_H

#include "script/builtins.h"

/* All that is known of one kind and name. */
struct resolved {
    struct policy_entry *effective;   /* NULL: disabled, or every file of it is broken */
    struct policy_entry *disabled_by; /* the file that says so */
};

struct bundle {
    size_t refs;
    unsigned kinds; /* as in the options */
    struct builtins *builtins;
    struct layer_files files;      /* of all layers; the built-in ones are borrowed from there */
    struct policy_entry **entries; /* every file that loaded */
    size_t entry_count;
    struct resolved *names;
    size_t name_count;
    char hash[65];
};

/* Loads all files and decides what is in effect. Problems are listed; an error return is for what stops everything. */
int bundle_resolve(struct bundle *b, struct bundle_problems *problems, struct err *err) ERR_MUST_CHECK;

#endif
