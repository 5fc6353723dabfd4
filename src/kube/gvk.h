/*
 * gvk: group, version and kind, written "v1/Pod" or "apps/v1/Deployment", and what discovery says of it.
 */
#ifndef KUBE_GVK_H
#define KUBE_GVK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Interned: one for a text, for the life of the process, so two are equal when their pointers are. */
struct gvk {
    const char *text;        /* "apps/v1/Deployment" */
    const char *api_version; /* "apps/v1" */
    const char *group;       /* "apps", "" for core */
    const char *version;
    const char *kind;
};

/* ERR_SYNTAX for anything but VERSION/Kind or GROUP/VERSION/Kind. */
const struct gvk *gvk_parse(struct str text, struct err *err) ERR_MUST_CHECK;

/* From the apiVersion and kind of an object; NULL when one is missing or malformed. */
const struct gvk *gvk_of(struct str api_version, struct str kind);

/* True for kinds that every API server serves itself, false for those that a CustomResourceDefinition or an aggregated API brings. */
bool gvk_is_builtin(const struct gvk *gvk);

/* What discovery tells of a kind; owned by the cluster's discovery, valid until it is refreshed. */
struct resource {
    const struct gvk *gvk;
    char *plural; /* "deployments" */
    bool namespaced;
    bool watchable;
    bool has_status; /* the status subresource */
};

#endif
