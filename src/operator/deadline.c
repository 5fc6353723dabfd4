#include "operator/deadline.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    FIRST_CAP = 64,
    /* Wall time may jump; the monotonic timer is set anew at least this often. */
    MAX_WAIT_MS = 60 * 1000,
};

struct deadlines {
    struct timer *timer;
    struct deadline **heap; /* heap[0] is due first */
    size_t count, cap;
};

static void place(struct deadlines *all, size_t i, struct deadline *d) {
    all->heap[i] = d;
    d->slot = i + 1;
}

static void sift_up(struct deadlines *all, size_t i) {
    struct deadline *d = all->heap[i];
    for (; i > 0 && all->heap[(i - 1) / 2]->due_ms > d->due_ms; i = (i - 1) / 2) place(all, i, all->heap[(i - 1) / 2]);
    place(all, i, d);
}

static void sift_down(struct deadlines *all, size_t i) {
    struct deadline *d = all->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= all->count) break;
        if (child + 1 < all->count && all->heap[child + 1]->due_ms < all->heap[child]->due_ms) child++;
        if (all->heap[child]->due_ms >= d->due_ms) break;
        place(all, i, all->heap[child]);
        i = child;
    }
    place(all, i, d);
}

static void arm(struct deadlines *all) {
    if (all->count == 0) {
        timer_stop(all->timer);
        return;
    }
    int64_t wait_ms = all->heap[0]->due_ms - clock_wall_ms();
    if (wait_ms > 0 && clock_is_fixed()) {
        timer_stop(all->timer);
        return;
    }
    timer_start(all->timer, wait_ms < 0 ? 0 : wait_ms > MAX_WAIT_MS ? MAX_WAIT_MS : wait_ms);
}

static void remove_at(struct deadlines *all, size_t i) {
    all->heap[i]->slot = 0;
    struct deadline *last = all->heap[--all->count];
    if (i == all->count) return;
    place(all, i, last);
    sift_up(all, i);
    sift_down(all, last->slot - 1);
}

static void fire_due(void *arg) {
    struct deadlines *all = arg;
    int64_t now_ms = clock_wall_ms();
    /* What fires may set itself again for later than now, so this ends. */
    while (all->count > 0 && all->heap[0]->due_ms <= now_ms) {
        struct deadline *d = all->heap[0];
        remove_at(all, 0);
        d->fire(d);
    }
    arm(all);
}

struct deadlines *deadlines_new(struct loop *loop) {
    struct deadlines *all = calloc(1, sizeof *all);
    if (!all) return NULL;
    all->timer = timer_new(loop, fire_due, all);
    if (!all->timer) {
        free(all);
        return NULL;
    }
    return all;
}

void deadlines_free(struct deadlines *all) {
    if (!all) return;
    timer_free(all->timer);
    free(all->heap);
    free(all);
}

static int reserve(struct deadlines *all, struct err *err) {
    if (all->count < all->cap) return 0;
    size_t cap = all->cap ? all->cap * 2 : FIRST_CAP;
    struct deadline **heap = reallocarray(all->heap, cap, sizeof(struct deadline *));
    if (!heap) return err_set(err, ERR_NOMEM, "no memory for %zu deadlines", cap);
    all->heap = heap;
    all->cap = cap;
    return 0;
}

int deadline_set(struct deadlines *all, struct deadline *d, int64_t due_wall_ms, struct err *err) {
    if (d->slot && d->due_ms == due_wall_ms) return 0;
    deadline_clear(all, d);
    int rc = reserve(all, err);
    if (rc) return rc;
    d->due_ms = due_wall_ms;
    place(all, all->count++, d);
    sift_up(all, all->count - 1);
    if (all->heap[0] == d) arm(all);
    return 0;
}

void deadline_clear(struct deadlines *all, struct deadline *d) {
    if (d->slot) remove_at(all, d->slot - 1);
}
