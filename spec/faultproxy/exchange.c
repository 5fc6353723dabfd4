#include "exchange.h"

#include "canned.h"
#include "link.h"
#include "memory.h"
#include "report.h"

enum { MAX_REQUEST_BYTES = 8 << 20, FULL_REQUEST_BYTES = 4 << 20, MAX_HEAD_BYTES = 256 << 10, MAX_EVENT_BYTES = 8 << 20 };

void exchange_init(struct exchange *x) {
    *x = (struct exchange){.request = buf_new(MAX_REQUEST_BYTES), .head = buf_new(MAX_HEAD_BYTES), .event = buf_new(MAX_EVENT_BYTES)};
}

void exchange_free(struct exchange *x) {
    buf_free(&x->request);
    buf_free(&x->head);
    buf_free(&x->event);
}

bool exchange_is_full(const struct exchange *x) { return x->state != EXCHANGE_REQUEST && x->request.len > FULL_REQUEST_BYTES; }

static struct str span(const struct buf *b) { return (struct str){b->data, b->len}; }

/* False: it is more than the proxy keeps, and the link is over. */
static bool keep(struct link *l, struct buf *b, struct str bytes) {
    struct err err;
    if (!buf_append(b, bytes.p, bytes.n, &err)) return true;
    link_end(l, err.msg, true);
    return false;
}

/* ---- the request -------------------------------------------------------------------------------------------------------------- */

static bool request_is_whole(struct exchange *x, bool *broken) {
    struct str bytes = span(&x->request), content;
    struct http_body body;
    size_t head = http_head_len(bytes), taken = head;
    if (!head) return false;
    http_body_begin(&body, (struct str){bytes.p, head}, true);
    for (size_t n = 1; n; taken += n) n = http_body_take(&body, (struct str){bytes.p + taken, bytes.n - taken}, &content);
    x->request_head_len = head;
    x->request_len = taken;
    *broken = body.broken;
    return body.whole;
}

/* The head for the server: its name in Host, and the proxy's token where it has one. */
static void put_head(struct link *l, struct str head) {
    const struct proxy *p = l->proxy;
    struct buf out = buf_new(MAX_HEAD_BYTES + 64 * 1024);
    struct str line;
    struct err err;
    int rc = 0;
    while (!rc && str_cut(head, '\n', &line, &head) && line.n > 1) {
        if (http_field_is(line, "Host"))
            rc = buf_printf(&out, &err, "Host: %s\r\n", p->authority);
        else if (!p->authorization || !http_field_is(line, "Authorization"))
            rc = buf_printf(&out, &err, STR_FMT "\n", STR_ARG(line));
    }
    if (!rc && p->authorization) rc = buf_printf(&out, &err, "Authorization: %s\r\n", p->authorization);
    if (!rc) rc = buf_puts(&out, "\r\n", &err);
    if (rc)
        link_end(l, err.msg, true);
    else
        flow_put(&l->up, span(&out));
    buf_free(&out);
}

static void send_on(struct link *l) {
    struct exchange *x = &l->exchange;
    struct fault none = {0};
    struct str body = {x->request.data + x->request_head_len, x->request_len - x->request_head_len};
    if (!link_reach(l)) return;
    x->state = EXCHANGE_ANSWER;
    flow_begin(&l->up, x->fault.up ? x->fault : none);
    flow_begin(&l->down, x->fault.up ? none : x->fault);
    flow_hold(&l->down, x->fault.kind == FAULT_HOLD && x->fault.at_answer);
    put_head(l, (struct str){x->request.data, x->request_head_len});
    if (!l->over) flow_put(&l->up, body);
    if (!l->over) buf_consume(&x->request, x->request_len);
}

/* What a rule says instead of the server. */
static void answer_for_server(struct link *l) {
    struct exchange *x = &l->exchange;
    struct buf answer = canned_answer(&x->fault);
    struct fault none = {0};
    if (x->state != EXCHANGE_ANSWER) buf_consume(&x->request, x->request_len);
    x->state = EXCHANGE_ANSWER;
    x->status = x->fault.in_stream ? 200 : x->fault.status;
    x->head_passed = x->body.whole = true;
    flow_begin(&l->down, none);
    flow_put(&l->down, span(&answer));
    buf_free(&answer);
}

static void act(struct link *l) {
    struct exchange *x = &l->exchange;
    if (x->fault.kind == FAULT_REFUSE) {
        link_end(l, "refused", true);
    } else if (x->fault.kind == FAULT_HOLD && !x->fault.at_answer) {
        x->state = EXCHANGE_HELD;
        report_held(l);
    } else if (x->fault.kind == FAULT_ANSWER && !x->fault.applied) {
        answer_for_server(l);
    } else {
        send_on(l);
    }
}

static void begin(struct link *l) {
    struct exchange *x = &l->exchange;
    struct str words[3] = {0};
    struct request_line line;
    (void)http_start((struct str){x->request.data, x->request_head_len}, words);
    line.method = words[0];
    (void)str_cut(words[1], '?', &line.path, &line.query);
    line.verb = request_verb(&line);
    x->number = ++l->proxy->requests;
    x->fault = rules_meet(&l->proxy->rules, &line);
    x->of_head = str_is(line.method, "HEAD");
    x->head_passed = false;
    x->body = (struct http_body){0};
    x->status = 0;
    x->events = 0;
    buf_clear(&x->head);
    buf_clear(&x->event);
    report_request(l, &line);
    act(l);
}

static void next_request(struct link *l) {
    struct exchange *x = &l->exchange;
    bool broken = false;
    if (x->state == EXCHANGE_REQUEST && request_is_whole(x, &broken))
        begin(l);
    else if (broken)
        link_end(l, "a request that is not HTTP/1.1", true);
}

void exchange_request_bytes(struct link *l, struct str bytes) {
    if (keep(l, &l->exchange.request, bytes)) next_request(l);
}

bool exchange_go(struct link *l, unsigned request) {
    struct exchange *x = &l->exchange;
    if (x->number != request) return false;
    if (x->state == EXCHANGE_HELD)
        send_on(l);
    else if (l->down.held)
        flow_hold(&l->down, false);
    else
        return false;
    return true;
}

/* ---- the answer --------------------------------------------------------------------------------------------------------------- */

static bool is_replaced(const struct exchange *x) { return x->fault.kind == FAULT_ANSWER; }

static bool is_rechunked(const struct exchange *x) { return x->fault.kind == FAULT_DUPLICATE && x->body.framing == BODY_CHUNKED; }

/* An event is a line; each goes as a chunk of its own, the one that is meant twice. */
static void put_event(struct link *l) {
    struct exchange *x = &l->exchange;
    x->events++;
    for (int64_t i = x->events == x->fault.event ? 2 : 1; i > 0 && !l->over; i--) canned_chunk(&l->down, span(&x->event), false);
    buf_clear(&x->event);
}

static void put_events(struct link *l, struct str content) {
    struct exchange *x = &l->exchange;
    while (content.n && !l->over) {
        const char *end = memchr(content.p, '\n', content.n);
        size_t n = end ? (size_t)(end - content.p) + 1 : content.n;
        if (!keep(l, &x->event, (struct str){content.p, n})) return;
        content.p += n;
        content.n -= n;
        if (end) put_event(l);
    }
    if (x->body.whole && !l->over) canned_chunk(&l->down, span(&x->event), true);
}

static void body_bytes(struct link *l, struct str bytes) {
    struct exchange *x = &l->exchange;
    struct str content;
    size_t taken = 0;
    for (size_t n = 1; n && !l->over; taken += n) {
        n = http_body_take(&x->body, (struct str){bytes.p + taken, bytes.n - taken}, &content);
        if (n && is_rechunked(x)) put_events(l, content);
    }
    if (l->over) return;
    if (x->body.broken)
        link_end(l, "an answer that is not HTTP/1.1", true);
    else if (!is_rechunked(x) && !is_replaced(x) && taken)
        flow_put(&l->down, (struct str){bytes.p, taken});
}

/* True: the head is whole; the bytes after it are left in *bytes. Interim answers are left out: the whole request is there already. */
static bool head_bytes(struct link *l, struct str *bytes) {
    struct exchange *x = &l->exchange;
    struct str words[3];
    int64_t status = 0;
    size_t before = x->head.len, len;
    if (!keep(l, &x->head, *bytes) || !(len = http_head_len(span(&x->head)))) return false;
    *bytes = (struct str){bytes->p + (len - before), bytes->n - (len - before)};
    x->head.len = len;
    if (!http_start(span(&x->head), words) || !str_to_int(words[1], &status)) {
        link_end(l, "an answer that is not HTTP/1.1", true);
        return false;
    }
    if (status >= 100 && status < 200) {
        buf_clear(&x->head);
        return bytes->n && head_bytes(l, bytes);
    }
    x->status = (int)status;
    return true;
}

static void finish(struct link *l) {
    struct exchange *x = &l->exchange;
    if (x->state != EXCHANGE_ANSWER || !x->body.whole || !x->head_passed || !flow_is_empty(&l->down) || l->down.over) return;
    report_answer(l);
    x->state = EXCHANGE_REQUEST;
    next_request(l);
}

void exchange_answer_bytes(struct link *l, struct str bytes) {
    struct exchange *x = &l->exchange;
    if (x->state != EXCHANGE_ANSWER || x->body.whole) {
        link_end(l, "an answer that nobody asked for", true);
        return;
    }
    if (!x->head_passed) {
        if (!head_bytes(l, &bytes)) return;
        http_body_begin(&x->body, span(&x->head), false);
        if (x->of_head) x->body.whole = true;
        x->head_passed = true;
        if (l->down.held) report_held(l);
        if (!is_replaced(x)) flow_put(&l->down, span(&x->head));
    }
    if (!l->over) body_bytes(l, bytes);
    if (!l->over && x->body.whole && is_replaced(x)) answer_for_server(l);
    if (!l->over) finish(l);
}

void exchange_answer_end(struct link *l) {
    struct exchange *x = &l->exchange;
    if (x->state == EXCHANGE_ANSWER && x->head_passed) {
        if (x->body.framing == BODY_UNTIL_END) x->body.whole = true;
        flow_end(&l->down);
    } else {
        link_end(l, "server", false);
    }
}

void exchange_moved(struct link *l) { finish(l); }
