/*
 * selector: label selectors as people write them, "app=web,tier in (a,b),!old", as the LabelSelector of the API.
 *
 * Source: kubernetes.io/docs, "Labels and Selectors". What objects satisfy is decided by policies (lua/k8sgpt/selector.lua).
 */
#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H

#include "doc/builder.h"

/* Feeds {matchExpressions: […]}. ERR_SYNTAX: it makes no sense; b then holds a part. */
int selector_put(struct doc_builder *b, struct str text, struct err *err) ERR_MUST_CHECK;

#endif
