#include "flow.h"

#include "memory.h"

enum { FULL_BYTES = 256 * 1024, MAX_WAITING_BYTES = 16 << 20, TICK_MS = 50 };

static void on_timer(void *arg) {
    struct flow *f = arg;
    f->late = false;
    flow_move(f);
}

void flow_init(struct flow *f, struct loop *loop, const bool *frozen, const struct flow_user *user, void *arg) {
    *f = (struct flow){.user = user, .arg = arg, .frozen = frozen, .waiting = buf_new(MAX_WAITING_BYTES)};
    f->timer = memory_or_end(timer_new(loop, on_timer, f));
}

void flow_free(struct flow *f) {
    timer_free(f->timer);
    buf_free(&f->waiting);
}

static void wait_ms(struct flow *f, int64_t ms) {
    f->late = true;
    timer_start(f->timer, ms);
}

void flow_begin(struct flow *f, struct fault fault) {
    f->fault = fault;
    f->passed = 0;
    f->late = false;
    timer_stop(f->timer);
    if (fault.kind == FAULT_DELAY) wait_ms(f, fault.delay_ms);
}

static bool stops(const struct flow *f) {
    return f->fault.kind == FAULT_CUT || f->fault.kind == FAULT_HALF_CLOSE || f->fault.kind == FAULT_BLACK_HOLE;
}

static bool stands_still(const struct flow *f) { return !f->to || f->late || f->held || *f->frozen; }

/* How many of the waiting bytes may go now. */
static size_t allowed(const struct flow *f) {
    size_t n = f->waiting.len;
    if (stands_still(f)) return 0;
    if (stops(f) && n > f->fault.after - f->passed) n = (size_t)(f->fault.after - f->passed);
    if (f->fault.kind != FAULT_TRICKLE || n == 0) return n;
    int64_t a_tick = f->fault.rate * TICK_MS / 1000;
    if (a_tick > 0) return n > (size_t)a_tick ? (size_t)a_tick : n;
    return 1;
}

static void pace(struct flow *f) {
    if (f->fault.kind != FAULT_TRICKLE) return;
    int64_t byte_ms = 1000 / f->fault.rate;
    wait_ms(f, byte_ms > TICK_MS ? byte_ms : TICK_MS);
}

/* The place where the fault strikes is reached: the rest is lost. True: the connection is gone, and the flow perhaps with it. */
static bool strike(struct flow *f) {
    if (!stops(f) || f->passed < f->fault.after) return false;
    bool first = !f->over;
    f->over = true;
    buf_clear(&f->waiting);
    if (f->fault.kind == FAULT_HALF_CLOSE && first) channel_end(f->to);
    if (f->fault.kind == FAULT_CUT && first) f->user->cut(f->arg, f->fault.reset);
    return f->fault.kind == FAULT_CUT;
}

void flow_move(struct flow *f) {
    size_t n = allowed(f);
    if (n) {
        channel_send(f->to, (struct str){f->waiting.data, n});
        f->passed += n;
        buf_consume(&f->waiting, n);
        pace(f);
    }
    if (stands_still(f) || strike(f)) return;
    if (f->ending && !f->waiting.len && !f->over) channel_end(f->to);
    f->user->moved(f->arg);
}

void flow_put(struct flow *f, struct str bytes) {
    struct err err;
    if (f->over) return;
    if (buf_append(&f->waiting, bytes.p, bytes.n, &err))
        f->user->cut(f->arg, true);
    else
        flow_move(f);
}

void flow_end(struct flow *f) {
    f->ending = true;
    flow_move(f);
}

void flow_hold(struct flow *f, bool held) {
    f->held = held;
    if (!held) flow_move(f);
}

bool flow_is_full(const struct flow *f) { return f->waiting.len + (f->to ? channel_unsent(f->to) : 0) > FULL_BYTES; }

bool flow_is_empty(const struct flow *f) { return f->waiting.len == 0; }
