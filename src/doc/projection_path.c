#include "doc/projection_internal.h"

enum {
    MAX_SEGMENTS = 64, /* bounds every recursion over a tree */
};

struct path {
    struct str whole, text; /* text: without the # */
    struct str names[MAX_SEGMENTS];
    size_t count;
    bool sizes;
};

static int fail(const struct path *path, const char *what, struct err *err) {
    return err_set(err, ERR_SYNTAX, "field path \"" STR_FMT "\": %s", STR_ARG(path->whole), what);
}

static int add_name(struct path *path, struct str name, struct err *err) {
    if (!name.n) return fail(path, "an empty name", err);
    if (path->count == MAX_SEGMENTS) return fail(path, "too many names", err);
    path->names[path->count++] = name;
    return 0;
}

/* At "[]" or "[\"name\"]"; moves *i past it. */
static int parse_brackets(struct path *path, size_t *i, struct err *err) {
    struct str rest = {path->text.p + *i, path->text.n - *i}, name, after;
    if (str_starts(rest, STR("[]"))) {
        if (!path->count) return fail(path, "it begins with []", err);
        *i += 2;
        return 0;
    }
    if (!str_starts(rest, STR("[\""))) return fail(path, "[ wants ] or a name in double quotes", err);
    rest = (struct str){rest.p + 2, rest.n - 2};
    if (!str_cut(rest, '"', &name, &after) || !str_starts(after, STR("]"))) return fail(path, "a quoted name without its \"]", err);
    *i += 2 + name.n + 2;
    return add_name(path, name, err);
}

static int parse_name(struct path *path, size_t *i, struct err *err) {
    size_t start = *i;
    while (*i < path->text.n && !strchr(".[]\"", path->text.p[*i])) ++*i;
    return add_name(path, (struct str){path->text.p + start, *i - start}, err);
}

static int parse(struct path *path, struct err *err) {
    size_t i = 0;
    path->text = path->whole;
    path->sizes = path->whole.n && path->whole.p[path->whole.n - 1] == '#';
    path->text.n -= path->sizes;
    int rc = path->text.n && path->text.p[0] == '[' ? 0 : parse_name(path, &i, err);
    while (!rc && i < path->text.n) {
        char c = path->text.p[i];
        if (c == '[') {
            rc = parse_brackets(path, &i, err);
        } else if (c == '.') {
            i++;
            rc = parse_name(path, &i, err);
        } else {
            rc = fail(path, "names are parted by a dot", err);
        }
    }
    return rc;
}

static int no_memory(struct err *err) { return err_set(err, ERR_NOMEM, "no memory for a projection"); }

/* Where only sizes are wanted and something else is too, the texts are kept: they have sizes. */
static void keep_whole(struct projection_field *f, bool sizes) {
    bool only_sizes = sizes && (!f->node || f->node->sizes);
    projection_node_free(f->node);
    f->node = only_sizes ? projection_node_sizes() : projection_node_all();
}

int projection_add(struct projection *p, struct str text, struct err *err) {
    struct path path = {.whole = text};
    int rc = parse(&path, err);
    if (rc) return rc;
    struct projection_node *node = p->root;
    for (size_t i = 0; i < path.count && !node->whole; i++) {
        bool last = i + 1 == path.count;
        uint32_t id = key_intern(path.names[i]);
        struct projection_field *f = projection_field_of(node, id, path.names[i]);
        if (!f && projection_child(node, id, path.names[i])) return 0;
        if (!f) f = projection_field_add(node, path.names[i], NULL);
        if (!f) return no_memory(err);
        if (last || (f->node && f->node->sizes))
            keep_whole(f, path.sizes);
        else if (!f->node)
            f->node = projection_node_new(false, false);
        node = f->node;
        if (!node) return no_memory(err);
    }
    return 0;
}
