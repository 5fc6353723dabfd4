#include "kube/lists.h"

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client_internal.h"

static const int64_t ASK_AGAIN_US = 24 * 3600 * 1000LL * 1000;

static bool is_free(const struct kube_lists *lists) { return lists->taken < (lists->streaming == STREAMING_UNKNOWN ? 1 : LISTS_AT_ONCE); }

static void admit(struct kube_lists *lists) {
    while (lists->waiting && is_free(lists)) {
        struct list_seat *seat = lists->waiting;
        DL_DELETE(lists->waiting, seat);
        seat->waits = false;
        seat->taken = true;
        lists->taken++;
        seat->ready(seat->arg);
    }
}

bool list_seat_take(struct list_seat *seat) {
    struct kube_lists *lists = &seat->client->lists;
    if (seat->taken || seat->waits) return seat->taken;
    seat->taken = is_free(lists) && !lists->waiting;
    seat->waits = !seat->taken;
    if (seat->taken)
        lists->taken++;
    else
        DL_APPEND(lists->waiting, seat);
    return seat->taken;
}

void list_seat_leave(struct list_seat *seat) {
    struct kube_lists *lists = &seat->client->lists;
    if (seat->waits) DL_DELETE(lists->waiting, seat);
    if (seat->taken) lists->taken--;
    seat->waits = seat->taken = false;
    admit(lists);
}

bool lists_stream(struct kube_client *client) {
    struct kube_lists *lists = &client->lists;
    if (lists->streaming == STREAMING_REFUSED && clock_mono_us() - lists->refused_us > ASK_AGAIN_US) lists->streaming = STREAMING_UNKNOWN;
    return lists->streaming != STREAMING_REFUSED && !link_is_slow(&client->link);
}

void lists_streamed(struct kube_client *client) {
    client->lists.streaming = STREAMING_WORKS;
    admit(&client->lists);
}

void lists_refused(struct kube_client *client) {
    struct kube_lists *lists = &client->lists;
    if (lists->streaming != STREAMING_UNKNOWN) return;
    log_info("kube.watch", "the API server does not stream lists: they are read in pages");
    lists->streaming = STREAMING_REFUSED;
    lists->refused_us = clock_mono_us();
    admit(lists);
}

void lists_by_pages(struct kube_client *client) {
    client->lists.streaming = STREAMING_REFUSED;
    client->lists.refused_us = clock_mono_us();
    admit(&client->lists);
}

void lists_forget(struct kube_client *client) { client->lists.streaming = STREAMING_UNKNOWN; }
