#include "metrics/metrics.h"

#include <stdbool.h>
#include <stdlib.h>

#include "metrics/registry.h"

static const double default_buckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 0};

static uint64_t labels_hash(const struct str *labels, int count) {
    uint64_t hash = 0;
    for (int i = 0; i < count; i++) hash = str_hash(labels[i], hash + 1);
    return hash;
}

static uint64_t series_hash(const void *item) {
    const struct series *s = item;
    return s->hash;
}

static bool series_has(const void *item, const void *key) {
    const struct series *s = item;
    const struct str *labels = key;
    for (int i = 0; i < s->label_count; i++) {
        if (!str_eq(series_label(s, i), labels[i])) return false;
    }
    return true;
}

struct metrics *metrics_new(void) {
    return calloc(1, sizeof(struct metrics));
}

static void family_free(struct metric *f) {
    metric_clear(f);
    ptrset_free(&f->by_labels);
    free(f);
}

void metrics_free(struct metrics *m) {
    if (!m) return;
    while (m->first) {
        struct metric *f = m->first;
        m->first = f->next;
        family_free(f);
    }
    while (m->collectors) {
        struct collector *c = m->collectors;
        m->collectors = c->next;
        free(c);
    }
    free(m);
}

static struct metric *family_new(const struct metric_def *def) {
    struct metric *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->def = *def;
    f->by_labels = ptrset_new(series_hash, series_has);
    f->last_series = &f->first_series;
    while (f->label_count < METRIC_MAX_LABELS && def->labels[f->label_count]) f->label_count++;
    if (def->type != METRIC_HISTOGRAM) return f;
    if (!f->def.buckets) f->def.buckets = default_buckets;
    while (f->def.buckets[f->bucket_count] > 0) f->bucket_count++;
    return f;
}

struct metric *metrics_define(struct metrics *m, const struct metric_def *def) {
    struct metric **end = &m->first;
    for (; *end; end = &(*end)->next) {
        if (strcmp((*end)->def.name, def->name) == 0) return *end;
    }
    *end = family_new(def);
    return *end;
}

static struct series *find(const struct metric *f, const struct str *labels) {
    return ptrset_find(&f->by_labels, labels_hash(labels, f->label_count), labels);
}

/* One allocation: the head, the label lengths and numbers, then the label texts. */
static struct series *series_new(const struct metric *f, const struct str *labels) {
    size_t text_bytes = 0;
    for (int i = 0; i < f->label_count; i++) text_bytes += labels[i].n;
    size_t numbers = f->def.type == METRIC_HISTOGRAM ? f->bucket_count + 2 : 1;
    struct series *s = calloc(1, sizeof *s + numbers * sizeof s->numbers[0] + text_bytes);
    if (!s) return NULL;
    s->label_count = f->label_count;
    s->hash = labels_hash(labels, f->label_count);
    s->text = (char *)(s->numbers + numbers);
    size_t at = 0;
    for (int i = 0; i < f->label_count; i++) {
        if (labels[i].n) memcpy(s->text + at, labels[i].p, labels[i].n);
        at += labels[i].n;
        s->label_end[i] = at;
    }
    return s;
}

/* The series, made if need be; NULL without memory. */
static struct series *series_of(struct metric *f, const struct str *labels) {
    struct series *s = find(f, labels);
    if (s) return s;
    s = series_new(f, labels);
    if (!s || ptrset_add(&f->by_labels, s, NULL)) {
        free(s);
        return NULL;
    }
    s->prev_link = f->last_series;
    *f->last_series = s;
    f->last_series = &s->next;
    return s;
}

void metric_add(struct metric *f, const struct str *labels, double by) {
    if (!f || f->def.type == METRIC_HISTOGRAM || (f->def.type == METRIC_COUNTER && !(by >= 0))) return;
    struct series *s = series_of(f, labels);
    if (s) s->numbers[0] += by;
}

void metric_set(struct metric *f, const struct str *labels, double value) {
    if (!f || f->def.type != METRIC_GAUGE) return;
    struct series *s = series_of(f, labels);
    if (s) s->numbers[0] = value;
}

/* numbers: one count a bucket (not cumulative), then the count above the last bound, then the sum. */
void metric_observe(struct metric *f, const struct str *labels, double value) {
    if (!f || f->def.type != METRIC_HISTOGRAM) return;
    struct series *s = series_of(f, labels);
    if (!s) return;
    size_t i = 0;
    while (i < f->bucket_count && !(value <= f->def.buckets[i])) i++;
    s->numbers[i] += 1;
    s->numbers[f->bucket_count + 1] += value;
}

double metric_value(const struct metric *f, const struct str *labels) {
    const struct series *s = f ? find(f, labels) : NULL;
    if (!s) return 0;
    if (f->def.type != METRIC_HISTOGRAM) return s->numbers[0];
    double count = 0;
    for (size_t i = 0; i <= f->bucket_count; i++) count += s->numbers[i];
    return count;
}

static void drop(struct metric *f, struct series *s) {
    struct str labels[METRIC_MAX_LABELS];
    for (int i = 0; i < f->label_count; i++) labels[i] = series_label(s, i);
    ptrset_remove(&f->by_labels, s->hash, labels);
    *s->prev_link = s->next;
    if (s->next)
        s->next->prev_link = s->prev_link;
    else
        f->last_series = s->prev_link;
    free(s);
}

void metric_remove_where(struct metric *f, int index, struct str value) {
    if (!f || index < 0 || index >= f->label_count) return;
    for (struct series *s = f->first_series, *next; s; s = next) {
        next = s->next;
        if (str_eq(series_label(s, index), value)) drop(f, s);
    }
}

void metric_remove(struct metric *f, const struct str *labels) {
    struct series *s = f ? find(f, labels) : NULL;
    if (s) drop(f, s);
}

void metric_clear(struct metric *f) {
    while (f && f->first_series) drop(f, f->first_series);
}

void metrics_on_collect(struct metrics *m, void (*collect)(void *arg), void *arg) {
    struct collector **end = &m->collectors;
    while (*end) end = &(*end)->next;
    *end = calloc(1, sizeof **end);
    if (*end) **end = (struct collector){.collect = collect, .arg = arg};
}

void metrics_off_collect(struct metrics *m, const void *arg) {
    for (struct collector **at = &m->collectors, *c; (c = *at);) {
        if (c->arg == arg) {
            *at = c->next;
            free(c);
        } else {
            at = &c->next;
        }
    }
}
