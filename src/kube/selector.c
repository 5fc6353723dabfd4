#include "kube/selector.h"

#include <ctype.h>

struct reader {
    struct str rest;
    struct doc_builder *b;
    bool failed;
};

static void skip_space(struct reader *r) {
    while (r->rest.n && (*r->rest.p == ' ' || *r->rest.p == '\t')) r->rest.p++, r->rest.n--;
}

static bool take(struct reader *r, const char *token) {
    skip_space(r);
    struct str wanted = str_of(token);
    if (!str_starts(r->rest, wanted)) return false;
    r->rest.p += wanted.n;
    r->rest.n -= wanted.n;
    return true;
}

static bool is_part(char c) { return isalnum((unsigned char)c) || strchr("-_./", c); }

/* A label's key or value. */
static struct str word(struct reader *r) {
    skip_space(r);
    struct str w = {r->rest.p, 0};
    while (w.n < r->rest.n && r->rest.p[w.n] && is_part(r->rest.p[w.n])) w.n++;
    r->rest.p += w.n;
    r->rest.n -= w.n;
    return w;
}

/* "in" and "notin" are words: "index=1" is no set. */
static bool take_word(struct reader *r, const char *token) {
    skip_space(r);
    size_t n = strlen(token);
    bool is_word = str_starts(r->rest, str_of(token)) && r->rest.n > n && strchr(" \t(", r->rest.p[n]);
    return is_word && take(r, token);
}

static void put_operator(struct reader *r, const char *name, bool has_values) {
    doc_pair_str(r->b, "operator", str_of(name));
    if (!has_values) return;
    doc_key(r->b, STR("values"));
    doc_begin_array(r->b);
}

static void put_set(struct reader *r, const char *operator) {
    put_operator(r, operator, true);
    r->failed |= !take(r, "(");
    do doc_put_str(r->b, word(r));
    while (take(r, ","));
    r->failed |= !take(r, ")");
    doc_end_array(r->b);
}

static void put_one(struct reader *r, const char *operator) {
    put_operator(r, operator, true);
    doc_put_str(r->b, word(r));
    doc_end_array(r->b);
}

static void put_requirement(struct reader *r) {
    bool negated = take(r, "!");
    struct str key = word(r);
    r->failed |= key.n == 0;
    doc_begin_object(r->b);
    doc_pair_str(r->b, "key", key);
    if (negated)
        put_operator(r, "DoesNotExist", false);
    else if (take_word(r, "in"))
        put_set(r, "In");
    else if (take_word(r, "notin"))
        put_set(r, "NotIn");
    else if (take(r, "!="))
        put_one(r, "NotIn");
    else if (take(r, "==") || take(r, "="))
        put_one(r, "In");
    else
        put_operator(r, "Exists", false);
    doc_end_object(r->b);
}

int selector_put(struct doc_builder *b, struct str text, struct err *err) {
    struct reader r = {.rest = text, .b = b};
    doc_begin_object(b);
    doc_key(b, STR("matchExpressions"));
    doc_begin_array(b);
    do put_requirement(&r);
    while (!r.failed && take(&r, ","));
    doc_end_array(b);
    doc_end_object(b);
    skip_space(&r);
    if (!r.failed && r.rest.n == 0) return 0;
    return err_set(err, ERR_SYNTAX, "\"" STR_FMT "\" is no label selector: write app=web,tier in (a,b),!old", STR_ARG(text));
}
