#include "devcluster/review.h"

#include <string.h>

#include "devcluster/protobuf.h"
#include "devcluster/reply.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

/* Everything is allowed but the kinds that are denied; they are asked for by group and resource. */
static bool allowed(const struct dev_cluster *c, const cJSON *attributes) {
    const char *group = tree_text(attributes, "group"), *resource = tree_text(attributes, "resource");
    for (size_t i = 0; i < c->kinds.count; i++) {
        const struct dev_kind *kind = c->kinds.items[i];
        bool meant = strcmp(kind->group, group) == 0 && strcmp(kind->plural, resource) == 0;
        if (meant && dev_cluster_denies(c, kind)) return false;
    }
    return true;
}

bool dev_review(struct dev_cluster *c, struct http_exchange *x) {
    if (!str_is(http_path(x), "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") || !str_is(http_method(x), "POST")) return false;
    cJSON *tree = dev_protobuf_read(http_body(x));
    if (!tree) tree = tree_parse(http_body(x), NULL);
    if (!cJSON_IsObject(tree)) {
        cJSON_Delete(tree);
        dev_reply_status(x, dev_status_bad_request("the body of the request must be a SelfSubjectAccessReview"));
        return true;
    }
    cJSON *status = tree_make(tree, "status");
    tree_set(status, "allowed", cJSON_CreateBool(allowed(c, tree_path(tree, "spec.resourceAttributes"))));
    dev_reply_tree(x, 201, tree);
    return true;
}
