#include "doc/json.h"

#include "doc/json_reader.h"
#include "doc/json_skip.h"

bool json_fail(struct json_reader *r, const char *what) {
    doc_builder_fail(r->b, ERR_SYNTAX, "%s", what);
    return false;
}

bool json_cut(struct json_reader *r) {
    if (r->final) {
        r->p = r->end;
        return json_fail(r, "the text ends inside a value");
    }
    r->more = true;
    return false;
}

static inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool json_space(struct json_reader *r) {
    while (r->p < r->end && is_space(*r->p)) r->p++;
    return r->p < r->end || json_cut(r);
}

/* As json_space, for the common case that there is none. */
static inline bool at_byte(struct json_reader *r) { return (r->p<r->end && * r->p> ' ') || json_space(r); }

bool json_expect(struct json_reader *r, char c) {
    if (!at_byte(r)) return false;
    if (*r->p != c) {
        char what[] = "'?' expected";
        what[1] = c;
        return json_fail(r, what);
    }
    r->p++;
    return true;
}

static bool literal(struct json_reader *r, struct str word) {
    size_t left = (size_t)(r->end - r->p), n = left < word.n ? left : word.n;
    if (memcmp(r->p, word.p, n) != 0) return json_fail(r, "a value expected");
    if (n < word.n) return json_cut(r);
    r->p += n;
    return true;
}

static bool skip_value(struct json_reader *r) {
    struct json_skip skip = json_skip_new(DOC_MAX_DEPTH - (int)r->b->depth);
    struct str text = {r->p, (size_t)(r->end - r->p)};
    size_t used;
    switch (json_skip_feed(&skip, text, &used)) {
    case SKIP_DONE: break;
    case SKIP_MORE: return json_cut(r);
    case SKIP_UNBALANCED: return json_fail(r, "brackets that do not match");
    case SKIP_CONTROL: return json_fail(r, "a control character in a string");
    case SKIP_DEEP: doc_builder_fail(r->b, ERR_LIMIT, "nested deeper than %d", DOC_MAX_DEPTH); return false;
    }
    if (skip.has_high && !json_is_utf8((struct str){r->p, used})) return json_fail(r, "a string that is not UTF-8");
    r->p += used;
    return true;
}

static bool skip_string(struct json_reader *r) {
    const char *p = json_find_special(r->p + 1, r->end);
    if (p == r->end || *p != '"') return skip_value(r);
    r->p = p + 1;
    return true;
}

/* Passes a comma, or `close`: then *ended. */
static inline bool next(struct json_reader *r, char close, bool *ended) {
    if (!at_byte(r)) return false;
    *ended = *r->p == close;
    if (!*ended && *r->p != ',') return json_fail(r, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
    r->p++;
    return true;
}

/* Passes the opening bracket, and of an empty container the closing one: then *ended. */
static inline bool first(struct json_reader *r, char close, bool *ended) {
    r->p++;
    if (!at_byte(r)) return false;
    *ended = *r->p == close;
    r->p += *ended;
    return true;
}

static bool read_array(struct json_reader *r, const struct projection_node *node) {
    bool ended;
    doc_begin_array(r->b);
    if (r->b->failed || !first(r, ']', &ended)) return false;
    while (!ended) {
        if (!json_value(r, node) || !next(r, ']', &ended)) return false;
    }
    doc_end_array(r->b);
    return !r->b->failed;
}

/* apiVersion and kind of the outermost object are few different texts however many objects there are. */
static bool read_type_name(struct json_reader *r) {
    struct str text;
    if (!json_string(r, &text)) return false;
    doc_put_atom(r->b, text);
    return true;
}

static bool is_type_name(const struct json_reader *r, struct str name) {
    return r->is_object && r->b->depth == 1 && (str_eq(name, STR("kind")) || str_eq(name, STR("apiVersion")));
}

static bool read_pair(struct json_reader *r, const struct projection_node *node) {
    struct str name;
    if (!at_byte(r)) return false;
    if (*r->p != '"') return json_fail(r, "a name in double quotes expected");
    if (!json_string(r, &name)) return false;
    const struct projection_node *child = node;
    uint32_t id;
    if (node->whole) {
        id = key_intern(name);
    } else {
        id = key_find(name);
        child = projection_child(node, id, name);
        if (child && id == KEY_NONE) id = key_intern(name);
    }
    bool is_type = child && is_type_name(r, name);
    if (child) builder_key(r->b, id, name);
    if (r->b->failed || !json_expect(r, ':') || !at_byte(r)) return false;
    return is_type && *r->p == '"' ? read_type_name(r) : json_value(r, child);
}

/* Gives the outermost object the apiVersion and kind that a list response leaves out of its items. */
static void add_type_names(struct json_reader *r) {
    uint32_t api_version = key_intern(STR("apiVersion")), kind = key_intern(STR("kind"));
    if (!builder_has_name(r->b, api_version, STR("apiVersion"))) {
        builder_key(r->b, api_version, STR("apiVersion"));
        doc_put_atom(r->b, r->api_version);
    }
    if (!builder_has_name(r->b, kind, STR("kind"))) {
        builder_key(r->b, kind, STR("kind"));
        doc_put_atom(r->b, r->kind);
    }
}

static bool read_object(struct json_reader *r, const struct projection_node *node) {
    bool ended;
    doc_begin_object(r->b);
    if (r->b->failed || !first(r, '}', &ended)) return false;
    while (!ended) {
        if (!read_pair(r, node) || !next(r, '}', &ended)) return false;
    }
    if (r->b->depth == 1 && r->kind.n) add_type_names(r);
    doc_end_object(r->b);
    return !r->b->failed;
}

static bool read_string(struct json_reader *r, const struct projection_node *node) {
    struct str text;
    if (!json_string(r, &text)) return false;
    if (node->sizes)
        doc_put_int(r->b, (int64_t)text.n);
    else
        doc_put_str(r->b, text);
    return true;
}

bool json_value(struct json_reader *r, const struct projection_node *node) {
    if (!at_byte(r)) return false;
    switch (*r->p) {
    case '"': return node ? read_string(r, node) : skip_string(r);
    case '{': return node ? read_object(r, node) : skip_value(r);
    case '[': return node ? read_array(r, node) : skip_value(r);
    case 't':
        if (!literal(r, STR("true"))) return false;
        if (node) doc_put_bool(r->b, true);
        return true;
    case 'f':
        if (!literal(r, STR("false"))) return false;
        if (node) doc_put_bool(r->b, false);
        return true;
    case 'n':
        if (!literal(r, STR("null"))) return false;
        if (node) doc_null(r->b);
        return true;
    default: return json_number(r, !node);
    }
}

enum json_step json_read_value(struct doc_builder *b, struct str text, const struct projection_node *node, size_t *used) {
    struct json_reader r = {.p = text.p, .end = text.p + text.n, .b = b};
    return json_run(&r, text, node, used);
}

enum json_step json_run(struct json_reader *r, struct str text, const struct projection_node *node, size_t *used) {
    if (!text.n) return JSON_MORE;
    bool ok = json_value(r, node);
    *used = (size_t)(r->p - text.p);
    if (r->b->failed) return JSON_FAILED;
    if (ok) return JSON_DONE;
    doc_builder_reset(r->b);
    return JSON_MORE;
}

static int line_of(struct str text, const char *p) {
    int line = 1;
    for (const char *q = text.p; q < p; q++) line += *q == '\n';
    return line;
}

struct doc *json_decode(struct doc_builder *b, struct str text, const struct projection *p, struct err *err) {
    struct json_reader r = {.p = text.p, .end = text.p + text.n, .b = b, .final = true};
    doc_builder_reset(b);
    if (json_value(&r, p ? projection_root(p) : &projection_all)) {
        while (r.p < r.end && is_space(*r.p)) r.p++;
        if (r.p < r.end) json_fail(&r, "text after the value");
    }
    struct doc *doc = doc_builder_finish(b, err);
    if (!doc) err_prefix(err, "line %d", line_of(text, r.p));
    return doc;
}
