#include "kube/field.h"

#include <inttypes.h>
#include <stdio.h>

#include "doc/key.h"

/* Takes one name, with its brackets, off the front of *rest. */
static bool take_name(struct str *rest, struct str *name) {
    struct str s = *rest, after;
    if (str_starts(s, STR("[\""))) {
        if (!str_cut((struct str){s.p + 2, s.n - 2}, '"', name, &after) || !str_starts(after, STR("]"))) return false;
        *rest = (struct str){after.p + 1, after.n - 1};
        return name->n > 0;
    }
    if (s.n && *s.p == '.') s = (struct str){s.p + 1, s.n - 1};
    size_t n = 0;
    while (n < s.n && s.p[n] != '.' && s.p[n] != '[') n++;
    *name = (struct str){s.p, n};
    *rest = (struct str){s.p + n, s.n - n};
    return n > 0;
}

bool field_path_parse(struct str text, struct field_path *path) {
    path->count = 0;
    while (text.n) {
        if (path->count == FIELD_MAX_NAMES) return false;
        struct field_name *name = &path->names[path->count++];
        if (!take_name(&text, &name->text)) return false;
        name->id = key_intern(name->text);
        while (str_starts(text, STR("[]"))) text = (struct str){text.p + 2, text.n - 2};
    }
    return path->count > 0;
}

struct walk {
    const struct field_path *path;
    field_value each;
    void *arg;
};

static bool tell(const struct walk *w, struct doc_value v) {
    char text[64] = "";
    switch (doc_type(v)) {
    case DOC_STRING: return w->each(doc_str(v), w->arg);
    case DOC_BOOL: return w->each(doc_bool(v) ? STR("true") : STR("false"), w->arg);
    case DOC_INT: snprintf(text, sizeof text, "%" PRId64, doc_int(v)); break;
    case DOC_DOUBLE: snprintf(text, sizeof text, "%.17g", doc_double(v)); break;
    default: return false;
    }
    return w->each(str_of(text), w->arg);
}

static struct doc_value child(struct doc_value v, const struct field_name *name) {
    return name->id != KEY_NONE ? doc_get_id(v, name->id) : doc_get(v, name->text);
}

/* Documents are at most DOC_MAX_DEPTH deep, and so is this. */
static bool step(const struct walk *w, size_t at, struct doc_value v) {
    if (doc_type(v) == DOC_ARRAY) {
        for (size_t i = 0; i < doc_len(v); i++) {
            if (step(w, at, doc_at(v, i))) return true;
        }
        return false;
    }
    return at == w->path->count ? tell(w, v) : step(w, at + 1, child(v, &w->path->names[at]));
}

bool field_each(const struct field_path *path, struct doc_value root, field_value each, void *arg) {
    const struct walk w = {path, each, arg};
    return step(&w, 0, root);
}
