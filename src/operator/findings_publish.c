#include "base/clock.h"
#include "base/log.h"
#include "kube/version.h"
#include "operator/findings_internal.h"

/* Which groups differ from what was published last, and what came of publishing them. */

bool findings_any_dirty(const struct findings *f) { return f->dirty != NULL; }

static struct group *take_dirty(struct findings *f) {
    struct group *g = f->dirty;
    if (!g) return NULL;
    f->dirty = g->next_dirty;
    if (!f->dirty) f->dirty_end = &f->dirty;
    g->next_dirty = NULL;
    g->dirty = false;
    return g;
}

struct group *findings_next_dirty(struct findings *f) {
    struct group *g = take_dirty(f);
    /* What opened and was over before anybody looked is no news; what waits to know its cause comes back when it does. */
    while (g && ((!group_is_known(g) && !group_is_open(g)) || !group_offer(g))) g = take_dirty(f);
    if (!g) return NULL;
    g->offered_version = g->version;
    g->text_stale = false;
    g->text_shown_ms = clock_wall_ms();
    return g;
}

static void dirty_again(struct group *g) {
    g->offered = false;
    if (g->dirty) return;
    g->dirty = true;
    g->next_dirty = NULL;
    *g->all->dirty_end = g;
    g->all->dirty_end = &g->next_dirty;
}

void findings_retry_untold(struct findings *f) {
    for (struct group *g = f->groups; g; g = g->hh.next)
        if (g->untold) dirty_again(g);
}

void findings_end_run(struct findings *f) {
    for (struct group *g = f->groups; g; g = g->hh.next)
        if (g->offered) dirty_again(g);
}

void group_publish_failed(struct group *g) { dirty_again(g); }

void group_deferred(struct group *g) { g->offered = false; }

static void keep(struct group *g, struct doc *result) {
    doc_ref(result);
    doc_unref(g->published);
    g->published = result;
}

static struct str version_of(const struct doc *result) { return doc_path_str(doc_root(result), "metadata.resourceVersion"); }

static bool is_our_write(const struct group *g, const struct doc *result) {
    return version_of(g->published).n && str_eq(version_of(result), version_of(g->published));
}

/* The watch may bring a state that is older than what our own write returned (KEP-5504: resourceVersions compare). */
static bool is_news(const struct group *g, const struct doc *result) {
    return !version_of(g->published).n || !(is_our_write(g, result) || version_is_older(version_of(result), version_of(g->published)));
}

/* Of our last write the store has a copy when it comes back by the watch: then that one is kept, and not a second beside it. */
void group_result_changed(struct group *g, struct doc *result) {
    if (result && is_our_write(g, result)) {
        keep(g, result);
        return;
    }
    if (result && !is_news(g, result)) return;
    keep(g, result);
    g->undone = true;
    group_touch(g);
}

/*
 * Resolved ones that everybody knows of, beside others that are open: nobody needs them any more. News that they opened may still be on
 * its way (worded_shown): then their end is to follow.
 */
static void drop_told(struct group *g) {
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        if (f->state == FINDING_RESOLVED && !finding_has_records(g, f) && !f->worded_shown)
            finding_free(f);
        else
            g->findings[kept++] = *f;
    }
    g->count = kept;
}

void group_published(struct group *g, struct doc *result) {
    if (is_news(g, result)) keep(g, result);
    struct err err;
    if (!g->result_name && group_note_result_name(g, doc_path_str(doc_root(result), "metadata.name"), &err)) {
        log_error("findings", err.msg, LOG_S("group", g->id));
        dirty_again(g); /* without its name it could not be deleted one day */
        return;
    }
    g->offered = false;
    if (g->version != g->offered_version)
        group_touch(g);
    else if (group_is_open(g))
        drop_told(g);
    group_advance(g, clock_wall_ms());
}

void group_deleted(struct group *g) {
    group_forget_result_name(g);
    doc_unref(g->published);
    g->published = NULL;
    g->offered = g->undone = false;
    if (group_is_open(g))
        group_touch(g);
    else
        group_advance(g, clock_wall_ms());
}
