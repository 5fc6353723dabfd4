/*
 * review: "may I?": SelfSubjectAccessReview and SelfSubjectRulesReview are answered, never stored.
 */
#ifndef DEVCLUSTER_REVIEW_H
#define DEVCLUSTER_REVIEW_H

#include "devcluster/cluster.h"

/* Answers a POST to a review path; false when the request is none. */
bool dev_review(struct dev_cluster *c, struct http_exchange *x);

#endif
