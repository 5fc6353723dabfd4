/* Objects out of text, in every form that kubectl writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "doc/json.h"
#include "doc/manifest.h"
#include "doc/yaml.h"

/* "v1/Pod a;apps/v1/Deployment b;" */
static int note(struct doc *object, const struct projection *kept, void *arg, struct err *err) {
    (void)kept;
    struct doc_value o = doc_root(object);
    struct str api = doc_path_str(o, "apiVersion"), kind = doc_path_str(o, "kind"), name = doc_path_str(o, "metadata.name");
    if (str_is(name, "stop")) return err_set(err, ERR_LIMIT, "no more");
    return buf_printf(arg, err, STR_FMT "/" STR_FMT " " STR_FMT ";", STR_ARG(api), STR_ARG(kind), STR_ARG(name));
}

static void assert_reads(const char *text, const char *expected) {
    struct err err = {0};
    struct buf seen = buf_new(100000);
    if (manifest_read(str_of(text), note, NULL, &seen, &err)) fail_msg("%s: %s", text, err.msg);
    assert_string_equal(seen.len ? seen.data : "", expected);
    buf_free(&seen);
}

static void assert_refused(const char *text, enum err_code code, const char *message) {
    struct err err = {0};
    struct buf seen = buf_new(100000);
    int rc = manifest_read(str_of(text), note, NULL, &seen, &err);
    if (rc != (int)code || strcmp(err.msg, message) != 0) fail_msg("%s: %d %s", text, rc, err.msg);
    buf_free(&seen);
}

#define POD(name) "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name "\"}}"

static void test_json(void **state) {
    (void)state;
    assert_reads(POD("a"), "v1/Pod a;");
    assert_reads(" \n" POD("a") "\n\n" POD("b") POD("c") "\n", "v1/Pod a;v1/Pod b;v1/Pod c;");
    assert_reads("{\"apiVersion\":\"v1\",\"items\":[" POD("a") "," POD("b") "],\"kind\":\"List\",\"metadata\":{}}\n" POD("c"),
                 "v1/Pod a;v1/Pod b;v1/Pod c;");
    assert_reads("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[{\"metadata\":{\"name\":\"a\"}}," POD("b") "]}",
                 "v1/Pod a;v1/Pod b;");
    assert_reads("{\"items\":[{\"metadata\":{\"name\":\"a\"}}],\"kind\":\"IngressList\",\"apiVersion\":\"networking.k8s.io/v1\"}",
                 "networking.k8s.io/v1/Ingress a;");
    assert_reads("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":null}", "");
    assert_reads("{\"kind\":\"AllowList\",\"apiVersion\":\"x/v1\",\"metadata\":{\"name\":\"a\"}}", "x/v1/AllowList a;");
}

static void test_yaml(void **state) {
    (void)state;
    assert_reads("", "");
    assert_reads("# nothing\n---\n---\n", "");
    assert_reads("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n# empty\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n",
                 "v1/Pod a;v1/Pod b;");
    assert_reads("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n", "v1/Pod a;");
    assert_reads("apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n- {kind: Deployment, apiVersion: apps/v1, "
                 "metadata: {name: b}}\n",
                 "apps/v1/Deployment a;apps/v1/Deployment b;");
    assert_reads("[" POD("a") "," POD("b") "]", "v1/Pod a;v1/Pod b;");
}

static void test_what_is_wrong_and_where(void **state) {
    (void)state;
    assert_refused(POD("a") "\n\n{\"kind\":}", ERR_SYNTAX, "line 3: a value expected");
    assert_refused(POD("a") "\n{\"kind\":\"Pod\",\n", ERR_SYNTAX, "line 3: the text ends within an object");
    assert_refused(POD("a") "\nnothing", ERR_SYNTAX, "line 2: an object in braces expected");
    assert_refused(POD("a") "{\"apiVersion\":\"v1\"}", ERR_INVALID, "document 2: no Kubernetes object: it lacks kind");
    assert_refused("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" POD("a") ",{}]}", ERR_INVALID,
                   "document 1, item 2: no Kubernetes object: it lacks apiVersion");
    assert_refused("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"x\":\"\\q\"}]}", ERR_SYNTAX,
                   "document 1: item 0 of the list: an unknown escape in a string");
    assert_refused("kind: Pod\napiVersion: v1\nmetadata: {}\n", ERR_INVALID, "document 1: no Kubernetes object: it lacks metadata.name");
    assert_refused("replicas: 3\n", ERR_INVALID, "document 1: no Kubernetes object: it lacks apiVersion");
    assert_refused("kind: Pod\napiVersion: v1\nmetadata: {name: a}\n---\nkind: [\n", ERR_SYNTAX,
                   "line 6: did not find expected node content");
    assert_refused("apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}, 3]\n", ERR_INVALID,
                   "document 1, item 2: no Kubernetes object: it lacks apiVersion");
    assert_refused(POD("stop"), ERR_LIMIT, "document 1: no more");
}

/* A stream of YAML may be longer than what the reader takes at once; lines are counted through. */
static void test_long_streams(void **state) {
    (void)state;
    enum { FILLER = 5 * 1024 * 1024 };
    struct buf text = buf_new(64 * 1024 * 1024), seen = buf_new(1000);
    struct err err = {0};
    char *filler = malloc(FILLER);
    memset(filler, 'x', FILLER);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(buf_printf(&text, &err, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nx: ", i), 0);
        assert_int_equal(buf_append(&text, filler, FILLER, &err), 0);
        assert_int_equal(buf_puts(&text, "\n", &err), 0);
    }
    assert_true(text.len > YAML_MAX_BYTES);
    assert_int_equal(manifest_read((struct str){text.data, text.len}, note, NULL, &seen, &err), 0);
    assert_string_equal(seen.data, "v1/Pod p0;v1/Pod p1;v1/Pod p2;v1/Pod p3;");
    assert_int_equal(buf_puts(&text, "y: [\n", &err), 0);
    assert_int_equal(manifest_read((struct str){text.data, text.len}, note, NULL, &seen, &err), ERR_SYNTAX);
    assert_string_equal(err.msg, "line 22: did not find expected node content");
    free(filler);
    buf_free(&text);
    buf_free(&seen);
}

static int write_down(struct doc *object, const struct projection *kept, void *arg, struct err *err) {
    assert_true((kept != NULL) == str_is(doc_path_str(doc_root(object), "kind"), "Pod"));
    return json_write(doc_root(object), JSON_COMPACT, arg, err);
}

static const struct projection *keep_no_spec_of_pods(struct str api_version, struct str kind, void *arg) {
    static struct projection *narrow;
    (void)api_version, (void)arg;
    if (!narrow) narrow = projection_new();
    return str_is(kind, "Pod") ? narrow : NULL;
}

static void test_what_is_kept_is_chosen_by_kind(void **state) {
    static const char pod[] = "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}",
                      list[] =
                          "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{\"metadata\":{\"name\":\"b\"},\"spec\":{\"x\":1}}]}",
                      map[] = "{\"kind\":\"Map\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\"},\"spec\":{\"x\":1}}";
    (void)state;
    struct buf text = buf_new(10000), seen = buf_new(10000);
    struct err err;
    assert_int_equal(buf_printf(&text, &err, "%s%s%s", pod, list, map), 0);
    assert_int_equal(manifest_read((struct str){text.data, text.len}, write_down, keep_no_spec_of_pods, &seen, &err), 0);
    assert_string_equal(seen.data, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}"
                                   "{\"metadata\":{\"name\":\"b\"},\"apiVersion\":\"v1\",\"kind\":\"Pod\"}"
                                   "{\"kind\":\"Map\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c\"},\"spec\":{\"x\":1}}");
    buf_free(&text);
    buf_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_what_is_wrong_and_where),
        cmocka_unit_test(test_long_streams),
        cmocka_unit_test(test_what_is_kept_is_chosen_by_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
