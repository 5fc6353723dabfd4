/*
 * delivery_internal: one delivery, shared by delivery.c (the queue) and delivery_send.c (an attempt).
 */
#ifndef OPERATOR_DELIVERY_INTERNAL_H
#define OPERATOR_DELIVERY_INTERNAL_H

#include "net/http_client.h"
#include "operator/delivery.h"

enum delivery_state { QUEUED, FLYING, PAUSED };

struct delivery {
    struct deliveries *all;
    struct tenant *tenant; /* NULL: gone */
    struct bundle *bundle;
    const struct policy *policy;
    char *group_id, *finding_id, *sink, *secret_name, *secret_key;
    const char *change; /* static text */
    enum severity severity;
    struct doc *request;
    enum delivery_state state;
    int attempts;
    char problem[512];
    struct timer *timer;
    struct http_call *call;
    struct delivery *next, *next_flying;
};

struct deliveries {
    struct k8s_operator *op;
    delivery_over over;
    void *arg;
    struct delivery *list;   /* in order of arrival */
    struct delivery *flying; /* those of the list that are under way: few, however long it is */
    size_t count;
    int64_t timeout_ms;
};

/* Starts an attempt: fetches the URL if a Secret has it, sends, judges the answer; ends in one of the two below, which may free d. */
void delivery_attempt(struct delivery *d);

/* The attempt was the last: `why` where it failed. */
void delivery_end(struct delivery *d, enum delivery_end how, struct str ref, const char *why);

/* It may pass: another attempt after wait_ms, or the usual pause where that is longer. */
void delivery_try_again(struct delivery *d, int64_t wait_ms, const char *why);

/* Releases d, which is in no list. */
void delivery_free(struct delivery *d);

#endif
