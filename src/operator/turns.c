#include "operator/turns.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "operator/judgement.h"

enum { RETRY_MS = 10 * 1000, MAX_DOUBLINGS = 16 };

/* Of an analysis that has asked once. */
struct turn {
    struct analysis *analysis;
    struct turn *prev, *next; /* in line */
    struct inquiry *inquiry;  /* that asks, or NULL */
    bool in_line, taken;
    bool doubtful; /* while it is either: it is one of those that had no answer last time */
    bool stale;
    int failures; /* in a row */
};

static struct turn *turn_of(struct analysis *a) {
    if (a->turn) return a->turn;
    a->turn = calloc(1, sizeof *a->turn);
    if (a->turn) a->turn->analysis = a;
    return a->turn;
}

static bool is_free(const struct analyzer *z, bool doubtful) {
    return z->turns[doubtful].asking < (doubtful ? DOUBTFUL_AT_ONCE : TURNS_AT_ONCE);
}

static void leave_line(struct turn *t) {
    struct turns *turns = &t->analysis->analyzer->turns[t->doubtful];
    if (t->in_line) DL_DELETE(turns->line, t);
    t->in_line = false;
}

static void stand_in_line(struct turn *t) {
    t->doubtful = t->failures > 0;
    t->in_line = true;
    DL_APPEND(t->analysis->analyzer->turns[t->doubtful].line, t);
}

static void take(struct turn *t) {
    leave_line(t);
    t->doubtful = t->failures > 0;
    t->taken = true;
    t->analysis->analyzer->turns[t->doubtful].asking++;
}

bool turn_take(struct analysis *a, struct inquiry *q) {
    struct turn *t = turn_of(a);
    if (!t) {
        diagnosis_lost(a->diagnosis, "no memory for an analysis that asks");
        return false;
    }
    if (!t->taken && is_free(a->analyzer, t->failures > 0)) take(t);
    if (t->taken)
        t->inquiry = q;
    else if (!t->in_line)
        stand_in_line(t);
    return t->taken;
}

/* The turn is given, not offered: whoever comes meanwhile stands behind. */
static void call_next(struct analyzer *z, bool doubtful) {
    struct turn *next = z->turns[doubtful].line;
    if (!next || !is_free(z, doubtful)) return;
    take(next);
    analysis_enqueue(next->analysis);
}

void turn_end(struct analysis *a) {
    struct turn *t = a->turn;
    if (!t) return;
    t->inquiry = NULL;
    if (!t->taken) return;
    t->taken = false;
    a->analyzer->turns[t->doubtful].asking--;
    call_next(a->analyzer, t->doubtful);
}

struct inquiry *turn_inquiry(const struct analysis *a) {
    return a->turn ? a->turn->inquiry : NULL;
}

void turn_is_stale(struct analysis *a) { a->turn->stale = true; }

bool turn_was_stale(struct analysis *a) {
    bool stale = a->turn && a->turn->stale;
    if (stale) a->turn->stale = false;
    return stale;
}

static int64_t interval_ms(const struct analysis *a) {
    const struct diagnosis_listener *l = &a->diagnosis->listener;
    return l->interval_s ? l->interval_s(a->analyzer->policy, l->arg) * 1000 : 0;
}

int64_t turn_again_ms(struct analysis *a, bool failed) {
    struct turn *t = a->turn;
    int64_t wait_ms = interval_ms(a);
    if (!t || !wait_ms) return 0;
    int64_t retry_ms = (int64_t)RETRY_MS << t->failures;
    t->failures = !failed ? 0 : t->failures < MAX_DOUBLINGS ? t->failures + 1 : t->failures;
    return clock_wall_ms() + (failed && retry_ms < wait_ms ? retry_ms : wait_ms);
}

void turn_no_later(struct analysis *a, int64_t interval) {
    int64_t latest_ms = clock_wall_ms() + interval;
    struct diagnosis *d = a->diagnosis;
    struct err err;
    if (!a->turn || !a->again.slot || a->again.due_ms <= latest_ms) return;
    if (deadline_set(d->deadlines, &a->again, latest_ms, &err)) diagnosis_lost(d, err.msg);
}

void turn_forget(struct analysis *a, bool pass) {
    struct turn *t = a->turn;
    struct analyzer *z = a->analyzer;
    if (!t) return;
    bool doubtful = t->doubtful;
    inquiry_drop(t->inquiry);
    leave_line(t);
    if (t->taken) z->turns[doubtful].asking--;
    a->turn = NULL;
    free(t);
    if (pass) call_next(z, doubtful);
}
