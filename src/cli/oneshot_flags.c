#include "cli/oneshot_flags.h"

#include <sys/stat.h>

#include "cli/paths.h"
#include "cli/verbs.h"
#include "kube/selector.h"

int flag_take(const char *verb, struct flag_values *list, const char *value) {
    if (list->count == FLAG_MAX_VALUES) return verb_usage(verb, "too many of a repeated flag: ", value);
    list->items[list->count++] = value;
    return 0;
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int flag_take_folder(const char *verb, struct flag_values *list, const char *value) {
    return is_folder(value) ? flag_take(verb, list, value) : verb_usage(verb, "--policy-dir: there is no folder ", value);
}

bool flag_duration(const char *text, int64_t *seconds) {
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    struct str number = str_of(text);
    int64_t unit = str_is(number, "0") ? 1 : 0;
    for (size_t i = 0; number.n > 1 && !unit && i < sizeof units / sizeof *units; i++)
        if (number.p[number.n - 1] == units[i].letter) unit = units[i].seconds;
    if (unit && !str_is(number, "0")) number.n--;
    if (!unit || !str_to_int(number, seconds) || *seconds < 0 || *seconds > INT32_MAX) return false;
    *seconds *= unit;
    return true;
}

static void put_list(struct doc_builder *b, const char *name, const struct flag_values *list) {
    if (!list || !list->count) return;
    doc_key(b, str_of(name));
    doc_begin_array(b);
    for (size_t i = 0; i < list->count; i++) doc_put_str(b, str_of(list->items[i]));
    doc_end_array(b);
}

static int put_cr(struct doc_builder *b, const struct flag_values *filters, const struct flag_values *namespaces, const char *selector,
                  struct err *err) {
    doc_begin_object(b);
    doc_pair_str(b, "apiVersion", STR("core.k8sgpt.ai/v1alpha1"));
    doc_pair_str(b, "kind", STR("K8sGPT"));
    doc_key(b, STR("metadata"));
    doc_begin_object(b);
    doc_pair_str(b, "name", STR("analyze"));
    doc_pair_str(b, "namespace", STR(""));
    doc_end_object(b);
    doc_key(b, STR("spec"));
    doc_begin_object(b);
    put_list(b, "filters", filters);
    put_list(b, "namespaces", namespaces);
    if (selector) doc_key(b, STR("objectSelector"));
    int rc = selector ? selector_put(b, str_of(selector), err) : 0;
    doc_end_object(b);
    doc_end_object(b);
    return rc;
}

struct doc *flag_cr(const struct flag_values *filters, const struct flag_values *namespaces, const char *selector, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    int rc = b ? put_cr(b, filters, namespaces, selector, err) : err_set(err, ERR_NOMEM, "no memory");
    struct doc *cr = rc ? NULL : doc_builder_finish(b, err);
    doc_builder_free(b);
    return cr;
}

struct bundle *flag_policies(const char *builtin, const struct flag_values *dirs, unsigned kinds, struct err *err) {
    struct paths paths;
    struct bundle_source sources[1 + FLAG_MAX_VALUES];
    struct bundle_problems problems = {0};
    if (paths_find(builtin, &paths, err)) {
        paths_free(&paths);
        return NULL;
    }
    struct bundle_options options = {
        .lua_dir = paths.lua, .sources = sources, .source_count = dirs->count + 1, .kinds = kinds, .brief = true};
    sources[0] = (struct bundle_source){paths.policies, LAYER_BUILTIN};
    for (size_t i = 0; i < dirs->count; i++) sources[i + 1] = (struct bundle_source){dirs->items[i], LAYER_CLUSTER};
    struct bundle *bundle = bundle_load(&options, &problems, err);
    bundle_problems_free(&problems);
    paths_free(&paths);
    return bundle;
}
