/* A K8sGPT as it is now: our own writes of its status are known before the watch brings them, and what is newer wins. */
#include "document.h"

#include "operator/operator_internal.h"

static const char CR[] =
    "{\"apiVersion\":\"core.k8sgpt.ai/v1alpha1\",\"kind\":\"K8sGPT\",\"metadata\":{\"namespace\":\"ns\",\"name\":\"k\","
    "\"generation\":7,\"resourceVersion\":\"%d\"},\"spec\":{},\"status\":{\"observedGeneration\":%d,\"conditions\":[]}}";

/* What our last write says, and what somebody else made of it. */
enum { OURS = 7, THEIRS = 3 };

struct fixture {
    struct loop *loop;
    struct k8s_operator op;
    struct tenant t;
};

static bool never_ready(void *arg) {
    (void)arg;
    return false;
}

static void never_starts(struct work *w, void *arg) {
    (void)w;
    (void)arg;
}

static void added(void *arg) { (void)arg; }

static void taken(int64_t waited_us, void *arg) {
    (void)waited_us;
    (void)arg;
}

static int setup(void **state) {
    struct fixture *fx = calloc(1, sizeof *fx);
    struct err err;
    struct workqueue_owner owner = {never_ready, never_starts, added, taken, fx};
    fx->loop = loop_new(&err);
    fx->op.queue = workqueue_new(fx->loop, &owner);
    fx->t = (struct tenant){.op = &fx->op, .cr = document(CR, 9, OURS), .ran = true};
    fx->t.status = status_new(fx->t.cr);
    assert_true(work_init(&fx->t.work, fx->op.queue));
    *state = fx;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fx = *state;
    work_free(&fx->t.work);
    workqueue_free(fx->op.queue);
    status_free(fx->t.status);
    doc_unref(fx->t.cr);
    doc_unref(fx->t.written);
    loop_free(fx->loop);
    free(fx);
    return 0;
}

static void writes(struct fixture *fx, int version) {
    struct doc *answer = document(CR, version, OURS);
    tenant_wrote(&fx->t, answer);
    doc_unref(answer);
}

/* The watch brings a state of this version. */
static void comes(struct fixture *fx, int version, int says) {
    struct doc *cr = document(CR, version, says);
    tenant_changed(&fx->t, cr);
    doc_unref(cr);
}

static void assert_current(const struct fixture *fx, const char *version) {
    assert_str(doc_path_str(doc_root(tenant_current(&fx->t)), "metadata.resourceVersion"), version);
}

static void is_what_was_written_until_the_watch_has_brought_it(void **state) {
    struct fixture *fx = *state;
    assert_current(fx, "9");
    writes(fx, 10); /* is newer, though "10" sorts before "9" */
    assert_current(fx, "10");
    writes(fx, 12);
    assert_current(fx, "12");
    comes(fx, 10, OURS);
    assert_current(fx, "12");
    assert_non_null(fx->t.written);
    comes(fx, 12, OURS);
    assert_current(fx, "12");
    assert_null(fx->t.written); /* the store has it: it is held once */
    assert_int_equal(workqueue_depth(fx->op.queue), 0);
}

static void is_what_the_watch_brings_where_that_is_newer(void **state) {
    struct fixture *fx = *state;
    writes(fx, 10);
    comes(fx, 11, OURS);
    assert_current(fx, "11");
    assert_null(fx->t.written);
    writes(fx, 10); /* an answer that was slower than the watch */
    assert_current(fx, "11");
    tenant_wrote(&fx->t, NULL);
    assert_current(fx, "11");
}

/* What the status was before our write is no news when it comes after it; what it is afterwards is. */
static void only_what_others_make_of_the_status_wants_a_run(void **state) {
    struct fixture *fx = *state;
    writes(fx, 12);
    comes(fx, 11, THEIRS);
    assert_int_equal(workqueue_depth(fx->op.queue), 0);
    assert_false(fx->t.undone);
    comes(fx, 13, THEIRS);
    assert_int_equal(workqueue_depth(fx->op.queue), 1);
    assert_true(fx->t.undone);
}

static void what_the_process_before_said_nobody_undid(void **state) {
    struct fixture *fx = *state;
    fx->t.ran = false;
    comes(fx, 13, THEIRS);
    assert_int_equal(workqueue_depth(fx->op.queue), 0);
    assert_false(fx->t.undone);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(is_what_was_written_until_the_watch_has_brought_it),
        TEST(is_what_the_watch_brings_where_that_is_newer),
        TEST(only_what_others_make_of_the_status_wants_a_run),
        TEST(what_the_process_before_said_nobody_undid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
