/*
 * kind: the resources that the embedded API server serves: one table of built-in ones, and those that CRDs define.
 *
 * A registry is small (tens of kinds) and searched linearly. A kind keeps its address for as long as it is served.
 */
#ifndef DEVCLUSTER_KIND_H
#define DEVCLUSTER_KIND_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct dev_collection;

struct dev_kind {
    char *group, *version;   /* "" for core */
    char *name;              /* "Pod" */
    char *plural, *singular; /* "pods", "pod" */
    char *resource;          /* "pods", "deployments.apps": as messages name it */
    char *short_names;       /* space-separated; may be empty */
    char *categories;        /* likewise */
    bool namespaced;
    bool custom;                    /* defined by a CRD (or made up for loaded objects) */
    bool has_status;                /* status subresource */
    bool has_scale;                 /* scale subresource */
    bool has_generation;            /* metadata.generation counts changes of the spec */
    cJSON *schema;                  /* openAPIV3Schema; NULL: none */
    cJSON *columns;                 /* additionalPrinterColumns; NULL: none */
    cJSON *scale;                   /* the CRD's scale subresource; NULL: replicas as of built-ins */
    struct dev_collection *objects; /* borrowed; shared by the versions of a resource */
};

struct dev_kinds {
    struct dev_kind **items;
    size_t count;
};

/* The built-in kinds, without collections. */
void dev_kinds_init(struct dev_kinds *kinds);
void dev_kinds_free(struct dev_kinds *kinds);

/* A kind that is not in a registry yet; `plural` NULL: guessed from the name. */
struct dev_kind *dev_kind_new(const char *group, const char *version, const char *name, const char *plural);
void dev_kind_free(struct dev_kind *kind);

/* Takes the kind into the registry; takes it out again and frees it. */
void dev_kinds_add(struct dev_kinds *kinds, struct dev_kind *kind);
void dev_kinds_remove(struct dev_kinds *kinds, struct dev_kind *kind);

struct dev_kind *dev_kinds_by_plural(const struct dev_kinds *kinds, const char *group, const char *version, const char *plural);
struct dev_kind *dev_kinds_by_name(const struct dev_kinds *kinds, const char *api_version, const char *name);

bool dev_kind_is(const struct dev_kind *kind, const char *group, const char *name);
bool dev_kind_in(const struct dev_kind *kind, const char *api_version); /* its group and version, joined */
char *dev_kind_api_version(const struct dev_kind *kind);                /* "v1", "apps/v1"; the caller frees it */

#endif
