#include <stdlib.h>

#include "base/clock.h"
#include "doc/builder.h"
#include "operator/findings_internal.h"

/*
 * Which findings follow from which. Each follows from one other at most, as the correlate policies say; what they say depends on which
 * findings are open, never on what follows from what. So the roots are the same in whatever order things came to be, and a circle needs
 * no more than a rule which of its findings is the root.
 */

/* The place of one finding; there is one for each that follows or is followed. Findings move in memory, these do not. */
struct cause {
    struct group *group;
    char id[SHA256_HEX_LEN + 1];
    char root[SHA256_HEX_LEN + 1];        /* id of the root when people were last shown it; "": itself */
    struct cause *to;                     /* what it follows from */
    struct cause *followers, *next, **at; /* those that follow from it; its own place in such a list */
    struct cause *next_moved, *next_waiting;
    uint64_t by;
    bool moving;
};

static struct finding *finding_of(const struct cause *c) {
    for (size_t i = 0; i < c->group->count; i++)
        if (c->group->findings[i].cause == c) return &c->group->findings[i];
    return NULL;
}

static bool is_worse(const struct finding *a, const struct finding *b) {
    return a->severity != b->severity ? a->severity > b->severity : strcmp(a->id, b->id) < 0;
}

/* ---- roots -------------------------------------------------------------------------------------------------------------------- */

/* One that is on a circle which can be reached from here; NULL: there is none (Floyd). */
static const struct cause *circle_of(const struct cause *c) {
    const struct cause *slow = c, *fast = c;
    while (fast->to && fast->to->to) {
        slow = slow->to;
        fast = fast->to->to;
        if (slow == fast) return slow;
    }
    return NULL;
}

static const struct cause *root_of(const struct cause *c) {
    const struct cause *circle = circle_of(c), *root = circle ? circle : c;
    if (!circle)
        while (root->to) root = root->to;
    else
        for (const struct cause *other = circle->to; other != circle; other = other->to)
            if (is_worse(finding_of(other), finding_of(root))) root = other;
    return root;
}

static struct finding_place place_of(const struct cause *c) {
    return c ? (struct finding_place){c->group, finding_of(c)} : (struct finding_place){0};
}

struct finding_place finding_cause(const struct finding *f) {
    const struct cause *root = f->cause ? root_of(f->cause) : NULL;
    return place_of(root == f->cause ? NULL : root);
}

struct finding_place group_cause(const struct group *g) {
    const struct finding *worst = NULL;
    struct finding_place found = {0};
    for (size_t i = 0; i < g->count; i++) {
        const struct finding *f = &g->findings[i];
        struct finding_place root = finding_cause(f);
        if (!root.group || root.group == g || (worst && is_worse(worst, f))) continue;
        worst = f;
        found = root;
    }
    return found;
}

/* ---- what moves when something moves ------------------------------------------------------------------------------------------ */

/* What is shown of the group names another root, and whether people are to be told of the finding may have another answer. */
static void show_root(struct cause *c, bool anew) {
    const struct cause *root = root_of(c);
    const char *id = root == c ? "" : root->id;
    if (!anew && strcmp(c->root, id) == 0) return;
    memcpy(c->root, id, strlen(id) + 1);
    finding_of(c)->worded = false;
    group_touch(c->group);
}

/* Everything that follows from it, directly or not, and itself. */
static void moved(struct cause *c, bool anew) {
    struct cause *all = c;
    if (c->group->all->closing) return;
    c->moving = true;
    c->next_moved = c->next_waiting = NULL;
    for (struct cause *waiting = c; waiting;) {
        struct cause *at = waiting;
        waiting = at->next_waiting;
        for (struct cause *f = at->followers; f; f = f->next) {
            if (f->moving) continue;
            f->moving = true;
            f->next_moved = all;
            f->next_waiting = waiting;
            all = waiting = f;
        }
    }
    for (struct cause *m = all; m; m = m->next_moved) {
        m->moving = false;
        show_root(m, anew && m != c);
    }
}

static void link_to(struct cause *c, struct cause *to) {
    c->to = to;
    c->next = to->followers;
    c->at = &to->followers;
    if (c->next) c->next->at = &c->next;
    to->followers = c;
}

static void unlink_from(struct cause *c) {
    if (!c->to) return;
    *c->at = c->next;
    if (c->next) c->next->at = c->at;
    c->to = c->next = NULL;
    c->at = NULL;
}

static struct cause *cause_get(struct group *g, struct finding *f, struct err *err) {
    if (f->cause) return f->cause;
    struct cause *c = calloc(1, sizeof *c);
    if (!c) {
        err_set(err, ERR_NOMEM, "no memory for a cause");
        return NULL;
    }
    c->group = g;
    memcpy(c->id, f->id, sizeof c->id);
    return f->cause = c;
}

int finding_follow(struct group *g, struct finding *f, struct finding_place from, uint64_t by, struct err *err) {
    struct cause *to = from.finding ? cause_get(from.group, from.finding, err) : NULL;
    if (from.finding && !(to && cause_get(g, f, err))) return err->code;
    struct cause *c = f->cause;
    if (!c) return 0;
    c->by = by;
    if (c->to == to) return 0;
    unlink_from(c);
    if (to) link_to(c, to);
    moved(c, false);
    return 0;
}

struct finding_place finding_followed(const struct finding *f, uint64_t by) {
    return place_of(f->cause && f->cause->by == by ? f->cause->to : NULL);
}

void finding_follow_nothing(struct finding *f) {
    struct cause *c = f->cause;
    if (!c) return;
    bool closing = c->group->all->closing;
    while (c->followers) {
        struct cause *follower = c->followers;
        unlink_from(follower);
        if (!closing) group_decide_later(follower->group);
        moved(follower, false);
    }
    unlink_from(c);
    f->cause = NULL;
    free(c);
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------- */

void finding_told(struct finding *f, bool told) {
    if (f->told == told) return;
    f->told = told;
    if (f->cause) moved(f->cause, true);
}

bool finding_is_told(const struct group *g, const struct finding *f) { return f->told || finding_has_records(g, f); }

/* ---- deciding ------------------------------------------------------------------------------------------------------------------ */

static uint64_t mark_of(const struct group *g) {
    uint64_t mark = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct finding *f = &g->findings[i];
        if (finding_is_shown(f)) mark ^= str_hash(str_of(f->key), str_hash(str_of(f->id), (uint64_t)f->severity + 1));
    }
    return mark;
}

static void forget(struct finding *f) {
    finding_follow_nothing(f);
    f->told = f->decided = false;
    f->awaited_ms = 0;
}

void group_notice(struct group *g) {
    uint64_t mark = mark_of(g);
    if (mark == g->shown_mark) return;
    g->shown_mark = mark;
    for (size_t i = 0; i < g->count; i++) {
        struct finding *f = &g->findings[i];
        if (!finding_is_shown(f)) forget(f);
        if (f->cause) moved(f->cause, false);
    }
    g->undecided = true;
    if (g->all->owner.opened) g->all->owner.opened(g, g->all->owner.arg);
}

void group_decide_later(struct group *g) {
    struct err err;
    g->undecided = true;
    if (g->all->deadlines && deadline_set(g->all->deadlines, &g->due, clock_wall_ms(), &err)) findings_lost(g->all, err.msg);
}

void findings_decide_later(struct findings *f) {
    for (struct group *g = f->groups; g; g = g->hh.next) group_decide_later(g);
}

void group_decide(struct group *g) {
    const struct findings_owner *owner = &g->all->owner;
    if (!g->undecided) return;
    g->undecided = false;
    g->decide_again_ms = 0;
    if (owner->decide) owner->decide(g, owner->arg);
}

void findings_decide(struct findings *f) {
    for (struct group *g = f->groups; g; g = g->hh.next) group_decide(g);
}

/* False when all that the finding follows from is decided. */
static bool decide_next(const struct finding *f) {
    const struct cause *start = f->cause, *c = start ? start->to : NULL;
    const struct cause *circle = start ? circle_of(start) : NULL;
    for (int seen = 0; c && seen < 2; c = c->to) {
        if (c->group->undecided) {
            group_decide(c->group);
            return true;
        }
        seen += c == circle;
    }
    return false;
}

void finding_await(struct group *g, struct finding *f, int64_t since_ms) {
    bool over = f->awaited_ms && !since_ms;
    f->awaited_ms = since_ms;
    if (!over) return;
    group_touch(g);
    if (f->cause) moved(f->cause, true);
}

/* It, or something that it follows from. */
static bool awaits(const struct finding *f) {
    const struct cause *c = f->cause, *circle = c ? circle_of(c) : NULL;
    bool waits = f->awaited_ms != 0;
    for (int seen = 0; c && seen < 2 && !waits; c = c->to) {
        waits = finding_of(c)->awaited_ms != 0;
        seen += c == circle;
    }
    return waits;
}

bool group_offer(struct group *g) {
    g->offered = true; /* so that what is decided now is part of what is offered */
    group_decide(g);
    for (size_t i = 0; i < g->count; i++) {
        while (decide_next(&g->findings[i])) continue;
        g->offered = g->offered && !awaits(&g->findings[i]);
    }
    return g->offered;
}

/* ---- what correlate policies see ----------------------------------------------------------------------------------------------- */

struct listed {
    const struct group *group;
    const struct finding *finding;
};

static int worst_first(const void *a, const void *b) {
    const struct listed *x = a, *y = b;
    return is_worse(x->finding, y->finding) ? -1 : 1;
}

static size_t count_shown(const struct group *g) {
    size_t n = 0;
    for (; g; g = g->next_of_subject)
        for (size_t i = 0; i < g->count; i++) n += finding_is_shown(&g->findings[i]);
    return n;
}

static struct listed *list_shown(const struct group *g, size_t count) {
    struct listed *all = calloc(count + 1, sizeof *all);
    size_t n = 0;
    for (; all && g; g = g->next_of_subject)
        for (size_t i = 0; i < g->count; i++)
            if (finding_is_shown(&g->findings[i])) all[n++] = (struct listed){g, &g->findings[i]};
    if (n > 1) qsort(all, n, sizeof *all, worst_first);
    return all;
}

/* Nothing that may change without group_notice: what a policy sees is what it depends on. */
static void put_listed(struct doc_builder *b, const struct listed *l) {
    doc_begin_object(b);
    doc_pair_str(b, "id", str_of(l->finding->id));
    doc_pair_str(b, "analyzer", str_of(l->group->analyzer));
    doc_pair_str(b, "kind", str_of(l->group->kind));
    doc_pair_str(b, "namespace", str_of(l->group->ns));
    doc_pair_str(b, "name", str_of(l->group->name));
    doc_pair_str(b, "rule", str_of(l->finding->rule));
    doc_pair_str(b, "key", str_of(l->finding->key));
    doc_pair_str(b, "severity", str_of(severity_name(l->finding->severity)));
    doc_end_object(b);
}

struct doc *findings_open(const struct findings *f, struct str kind, struct str ns, struct str name, struct err *err) {
    struct group *first;
    if (subject_first(f, kind, ns, name, &first, err)) return NULL;
    size_t count = count_shown(first);
    struct listed *all = list_shown(first, count);
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = NULL;
    err_set(err, ERR_NOMEM, "no memory for a list of findings");
    if (all && b) {
        doc_begin_array(b);
        for (size_t i = 0; i < count; i++) put_listed(b, &all[i]);
        doc_end_array(b);
        doc = doc_builder_finish(b, err);
    }
    doc_builder_free(b);
    free(all);
    return doc;
}

int findings_open_find(const struct findings *f, struct doc_value entry, struct finding_place *out, struct err *err) {
    struct str id = doc_path_str(entry, "id");
    struct group *g;
    *out = (struct finding_place){0};
    int rc = subject_first(f, doc_path_str(entry, "kind"), doc_path_str(entry, "namespace"), doc_path_str(entry, "name"), &g, err);
    for (; !rc && g; g = g->next_of_subject)
        for (size_t i = 0; i < g->count; i++)
            if (finding_is_shown(&g->findings[i]) && str_is(id, g->findings[i].id)) *out = (struct finding_place){g, &g->findings[i]};
    return rc;
}
