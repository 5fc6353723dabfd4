/* A cluster out of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "kube/snapshot.h"

struct fixture {
    char folder[64];
    struct cluster *cluster;
    struct snapshot snapshot;
    struct err err;
};

static const struct gvk *gvk(const char *text) {
    struct err err;
    return gvk_parse(str_of(text), &err);
}

static int setup(void **state) {
    static const char *const kinds[] = {"v1/Pod",
                                        "v1/Secret",
                                        "v1/ConfigMap",
                                        "example.com/v1/Robot",
                                        "example.com/v1/Factory",
                                        "example.com/v2/Robot",
                                        "apiextensions.k8s.io/v1/CustomResourceDefinition"};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    struct fixture *f = calloc(1, sizeof *f);
    struct cluster_want wants[KINDS];
    struct projection *p = projection_new();
    snprintf(f->folder, sizeof f->folder, "/tmp/snapshot-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->cluster = cluster_new_offline();
    for (size_t i = 0; i < KINDS; i++) wants[i] = (struct cluster_want){gvk(kinds[i]), p, NULL, 0};
    cluster_commit(f->cluster, cluster_prepare(f->cluster, wants, KINDS, NULL, NULL, &f->err));
    projection_unref(p);
    f->snapshot = snapshot_new();
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    snapshot_free(&f->snapshot);
    cluster_free(f->cluster);
    free(f);
    return 0;
}

static const char *path_of(struct fixture *f, const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return path;
}

static void write_file(struct fixture *f, const char *name, const char *text) {
    assert_int_equal(file_write(path_of(f, name), str_of(text), 0600, &f->err), 0);
}

static void read_all(struct fixture *f) {
    if (snapshot_read(&f->snapshot, f->folder, f->cluster, &f->err)) fail_msg("%s", f->err.msg);
    snapshot_finish(&f->snapshot, f->cluster);
}

static bool holds(const struct fixture *f, const char *kind, const char *ns, const char *name) {
    return store_get(cluster_store(f->cluster, gvk(kind)), str_of(ns), str_of(name)) != NULL;
}

#define ROBOT "apiVersion: example.com/v1\nkind: Robot\nmetadata: {name: r}\n"

static void test_folders_are_read_whole(void **state) {
    struct fixture *f = *state;
    write_file(f, "a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\n");
    write_file(f, "b.jsonl", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\",\"namespace\":\"x\"}}\n");
    write_file(f, "README.md", "not an object");
    write_file(f, ".hidden.yaml", "not an object");
    assert_int_equal(mkdir(path_of(f, "deep"), 0700), 0);
    write_file(f, "deep/c.yml", ROBOT "---\napiVersion: v1\nkind: Service\nmetadata: {name: nobody-wants-it}\n");
    read_all(f);
    assert_int_equal(f->snapshot.objects, 4);
    assert_true(holds(f, "v1/Pod", "x", "a") && holds(f, "v1/Pod", "x", "b") && holds(f, "example.com/v1/Robot", "", "r"));
    assert_int_equal(store_count(cluster_store(f->cluster, gvk("v1/Pod"))), 2);
}

static enum reflector_state state_of(const struct fixture *f, const char *kind) { return cluster_state(f->cluster, gvk(kind), NULL); }

static void test_what_nothing_speaks_of_is_not_served(void **state) {
    struct fixture *f = *state;
    write_file(f, "a.yaml", ROBOT);
    read_all(f);
    assert_int_equal(state_of(f, "example.com/v1/Robot"), REFLECTOR_SYNCED);
    assert_int_equal(state_of(f, "example.com/v2/Robot"), REFLECTOR_MISSING);
    assert_int_equal(state_of(f, "example.com/v1/Factory"), REFLECTOR_MISSING);
    assert_int_equal(state_of(f, "v1/Secret"), REFLECTOR_MISSING);
    assert_int_equal(state_of(f, "v1/ConfigMap"), REFLECTOR_SYNCED); /* there are none */
}

static void test_definitions_and_secrets_speak(void **state) {
    struct fixture *f = *state;
    write_file(f, "a.yaml",
               "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: factories.example.com}\n"
               "spec: {group: example.com, names: {kind: Factory}, versions: [{name: v1alpha1}, {name: v1}]}\n"
               "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: x}\n");
    read_all(f);
    assert_int_equal(state_of(f, "example.com/v1/Factory"), REFLECTOR_SYNCED);
    assert_int_equal(state_of(f, "example.com/v1/Robot"), REFLECTOR_MISSING);
    assert_int_equal(state_of(f, "v1/Secret"), REFLECTOR_SYNCED);
}

static void assert_newest(struct fixture *f, const char *expected) {
    char text[CLOCK_TEXT_LEN];
    assert_string_equal(clock_format_s(f->snapshot.newest_ms, text), expected);
}

static void test_the_newest_moment(void **state) {
    struct fixture *f = *state;
    write_file(f, "a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: 2026-03-01T10:00:00Z}\n");
    read_all(f);
    assert_newest(f, "2026-03-01T10:00:00Z");
    write_file(f, "b.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nstatus: {conditions: [{lastTransitionTime: 2026-03-01T10:00:05Z}]}\n");
    read_all(f);
    assert_newest(f, "2026-03-01T10:00:05Z");
    /* These lie ahead, or say nothing of when. */
    write_file(f, "c.yaml",
               "apiVersion: v1\nkind: Pod\nmetadata: {name: c, deletionTimestamp: 2026-03-01T10:05:00Z}\n"
               "spec: {startTime: soon}\nstatus: {notAfter: 2027-03-01T10:00:00Z, note: 2028-03-01T10:00:00Z}\n");
    read_all(f);
    assert_newest(f, "2026-03-01T10:00:05Z");
}

static void assert_refused(struct fixture *f, const char *path, enum err_code code, const char *message) {
    assert_int_equal(snapshot_read(&f->snapshot, path, f->cluster, &f->err), code);
    if (!strstr(f->err.msg, message)) fail_msg("%s", f->err.msg);
}

static void test_errors_name_the_file(void **state) {
    struct fixture *f = *state;
    assert_refused(f, "/no/such/file", ERR_NOT_FOUND, "/no/such/file");
    assert_refused(f, f->folder, ERR_INVALID, "there are no objects in it");
    write_file(f, "a.yaml", ROBOT "---\nreplicas: 3\n");
    assert_refused(f, f->folder, ERR_INVALID, "/a.yaml: document 2: no Kubernetes object: it lacks apiVersion");
    write_file(f, "a.yaml", "a: [\n");
    assert_refused(f, path_of(f, "a.yaml"), ERR_SYNTAX, "/a.yaml: line 2: ");
}

/* The clock is set from here on: of a definition all counts, of other objects what the stores keep. */
static void test_with_a_clock_definitions_are_read_whole(void **state) {
    struct fixture *f = *state;
    clock_fix_wall(1772359800000);
    write_file(f, "a.json",
               "{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{\"name\":\"f\"},"
               "\"spec\":{\"group\":\"example.com\",\"names\":{\"kind\":\"Factory\"},\"versions\":[{\"name\":\"v1\"}]}}");
    write_file(f, "b.json", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1}}");
    read_all(f);
    assert_int_equal(state_of(f, "example.com/v1/Factory"), REFLECTOR_SYNCED);
    assert_true(holds(f, "v1/Pod", "", "a"));
    assert_int_equal(f->snapshot.newest_ms, 0);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_folders_are_read_whole),        TEST(test_what_nothing_speaks_of_is_not_served),
        TEST(test_definitions_and_secrets_speak), TEST(test_the_newest_moment),
        TEST(test_errors_name_the_file),          TEST(test_with_a_clock_definitions_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
