/*
 * exchange: a request of HTTP/1.1 and its answer on a link. A request is collected whole before a rule is asked what becomes of it; an
 * answer passes as it comes. One after the other, as clients without pipelining send them.
 */
#ifndef FAULTPROXY_EXCHANGE_H
#define FAULTPROXY_EXCHANGE_H

#include "base/buf.h"
#include "http.h"
#include "rule.h"

struct link;

struct exchange {
    enum { EXCHANGE_REQUEST, EXCHANGE_HELD, EXCHANGE_ANSWER } state;
    unsigned number; /* of this request, from 1 on through all links */
    struct fault fault;
    struct buf request; /* bytes of it that came, and of the next */
    size_t request_head_len, request_len;
    bool of_head; /* the method is HEAD: no body follows */
    struct buf head;
    bool head_passed;
    struct http_body body;
    int status;
    struct buf event; /* of a watch, until its line is whole */
    int64_t events;
};

void exchange_init(struct exchange *x);
void exchange_free(struct exchange *x);
bool exchange_is_full(const struct exchange *x); /* no more of requests is taken for now */

void exchange_request_bytes(struct link *l, struct str bytes);
void exchange_answer_bytes(struct link *l, struct str bytes);
void exchange_answer_end(struct link *l);
void exchange_moved(struct link *l); /* something was passed down */
bool exchange_go(struct link *l, unsigned request);

#endif
