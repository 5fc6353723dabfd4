#include "kube/gvk.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/ptrset.h"

enum { GVK_MAX_LEN = 512 };

static struct ptrset interned;

static uint64_t gvk_hash(const void *item) { return str_hash(str_of(((const struct gvk *)item)->text), 0); }
static bool gvk_eq(const void *item, const void *key) { return str_is(*(const struct str *)key, ((const struct gvk *)item)->text); }

/* Parts go into URL paths as they are, so they may hold only what DNS names and Go identifiers are made of; no "..". */
static bool is_part(struct str part) {
    for (size_t i = 0; i < part.n; i++) {
        if (!isalnum((unsigned char)part.p[i]) && part.p[i] != '.' && part.p[i] != '-') return false;
    }
    return part.n > 0 && isalnum((unsigned char)part.p[0]);
}

static bool split(struct str text, struct str *group, struct str *version, struct str *kind) {
    struct str first, rest, second;
    if (!str_cut(text, '/', &first, &rest)) return false;
    bool grouped = str_cut(rest, '/', &second, kind);
    *group = grouped ? first : (struct str){text.p, 0};
    *version = grouped ? second : first;
    if (!grouped) *kind = rest;
    return is_part(*version) && is_part(*kind) && (!grouped || is_part(*group));
}

/* One allocation: the struct, the text (which ends with the kind), the apiVersion (which ends with the version), the group. */
static struct gvk *gvk_make(struct str text, struct str group, struct str kind) {
    size_t api_len = text.n - kind.n - 1, version_at = group.n ? group.n + 1 : 0;
    struct gvk *g = malloc(sizeof *g + text.n + 1 + api_len + 1 + group.n + 1);
    if (!g) return NULL;
    char *own_text = (char *)(g + 1), *own_api = own_text + text.n + 1, *own_group = own_api + api_len + 1;
    memcpy(own_text, text.p, text.n);
    own_text[text.n] = '\0';
    memcpy(own_api, text.p, api_len);
    own_api[api_len] = '\0';
    memcpy(own_group, text.p, group.n);
    own_group[group.n] = '\0';
    *g = (struct gvk){own_text, own_api, own_group, own_api + version_at, own_text + api_len + 1};
    return g;
}

const struct gvk *gvk_parse(struct str text, struct err *err) {
    struct str group, version, kind;
    if (text.n > GVK_MAX_LEN || !split(text, &group, &version, &kind)) {
        err_set(err, ERR_SYNTAX, "\"" STR_FMT "\" is no kind: write VERSION/Kind or GROUP/VERSION/Kind, as in apps/v1/Deployment",
                STR_ARG(text));
        return NULL;
    }
    if (!interned.hash) interned = ptrset_new(gvk_hash, gvk_eq);
    struct gvk *g = ptrset_find(&interned, str_hash(text, 0), &text);
    if (g) return g;
    g = gvk_make(text, group, kind);
    if (!g) {
        err_set(err, ERR_NOMEM, "no memory for kind " STR_FMT, STR_ARG(text));
        return NULL;
    }
    if (ptrset_add(&interned, g, err)) {
        free(g);
        return NULL;
    }
    return g;
}

const struct gvk *gvk_of(struct str api_version, struct str kind) {
    char text[GVK_MAX_LEN];
    if (!api_version.n || !kind.n || api_version.n + 1 + kind.n > sizeof text) return NULL;
    if (memchr(kind.p, '/', kind.n)) return NULL;
    memcpy(text, api_version.p, api_version.n);
    text[api_version.n] = '/';
    memcpy(text + api_version.n + 1, kind.p, kind.n);
    return gvk_parse((struct str){text, api_version.n + 1 + kind.n}, NULL);
}

/* The groups of the Kubernetes API reference (v1.34). */
bool gvk_is_builtin(const struct gvk *gvk) {
    static const char *const groups[] = {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    };
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(gvk->group, groups[i]) == 0) return true;
    return false;
}
