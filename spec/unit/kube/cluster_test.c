/* Wants and stores: against the embedded API server, and offline. */
#include "kube/dev.h"

static struct doc *get_map(struct fixture *f, const char *name) {
    return store_get(cluster_store(f->cluster, gvk("v1/ConfigMap")), STR("default"), str_of(name));
}

static void what_is_wanted_is_there_and_followed(void **state) {
    struct fixture *f = *state;
    create_map(f, CONFIG_MAP("one", "1"));
    assert_null(cluster_store(f->cluster, gvk("v1/ConfigMap")));
    use(f, "v1/ConfigMap", "data.k");
    assert_int_equal(cluster_state(f->cluster, gvk("v1/ConfigMap"), NULL), REFLECTOR_SYNCED);
    assert_true(cluster_all_settled(f->cluster));
    assert_true(str_is(doc_path_str(doc_root(get_map(f, "one")), "data.k"), "1"));
    f->changes = 0;
    create_map(f, CONFIG_MAP("two", "2"));
    while (!f->changes) wait_for(f);
    assert_non_null(get_map(f, "two"));
}

static void a_wider_want_gets_a_store_beside_the_old_one(void **state) {
    struct fixture *f = *state;
    create_map(f, CONFIG_MAP("one", "1"));
    use(f, "v1/ConfigMap", "");
    struct store *narrow = cluster_store(f->cluster, gvk("v1/ConfigMap"));
    assert_int_equal(doc_type(doc_path(doc_root(get_map(f, "one")), "data")), DOC_ABSENT);
    f->changes = 0;
    struct cluster_plan *plan = prepare(f, "v1/ConfigMap", "data.k", NULL);
    while (f->readies < 2) {
        assert_ptr_equal(cluster_store(f->cluster, gvk("v1/ConfigMap")), narrow);
        wait_for(f);
    }
    assert_int_equal(f->changes, 0); /* the new store fills unheard */
    cluster_commit(f->cluster, plan);
    assert_ptr_not_equal(cluster_store(f->cluster, gvk("v1/ConfigMap")), narrow);
    assert_true(str_is(doc_path_str(doc_root(get_map(f, "one")), "data.k"), "1"));
}

static void a_narrower_want_keeps_the_store_and_adds_its_index(void **state) {
    struct fixture *f = *state;
    const struct str index = STR("data.k");
    create_map(f, CONFIG_MAP("one", "1"));
    use(f, "v1/ConfigMap", "data");
    struct store *before = cluster_store(f->cluster, gvk("v1/ConfigMap"));
    struct cluster_plan *plan = prepare(f, "v1/ConfigMap", "", &index);
    wait_for(f);
    cluster_commit(f->cluster, plan);
    assert_ptr_equal(cluster_store(f->cluster, gvk("v1/ConfigMap")), before);
    assert_true(store_has_index(before, index));
    use(f, "v1/Namespace", "");
    assert_null(cluster_store(f->cluster, gvk("v1/ConfigMap"))); /* nobody wants it any more */
    assert_int_equal(cluster_state(f->cluster, gvk("v1/ConfigMap"), NULL), REFLECTOR_MISSING);
}

static void an_index_is_kept_even_where_no_field_was_declared(void **state) {
    struct fixture *f = *state;
    const struct str index = STR("data.k");
    create_map(f, CONFIG_MAP("one", "1"));
    struct cluster_plan *plan = prepare(f, "v1/ConfigMap", "", &index);
    wait_for(f);
    cluster_commit(f->cluster, plan);
    const struct store_query query = {.index_path = index, .index_value = STR("1")};
    struct doc **found;
    size_t count;
    struct err err;
    assert_int_equal(store_list(cluster_store(f->cluster, gvk("v1/ConfigMap")), &query, &found, &count, &err), 0);
    assert_int_equal(count, 1);
    free(found);
}

static void a_newer_plan_goes_on_with_what_the_one_before_began(void **state) {
    struct fixture *f = *state;
    create_map(f, CONFIG_MAP("one", "1"));
    (void)prepare(f, "v1/ConfigMap", "data", NULL);
    use(f, "v1/ConfigMap", ""); /* a store of its own would not have `data` */
    assert_int_equal(f->readies, 1);
    assert_true(str_is(doc_path_str(doc_root(get_map(f, "one")), "data.k"), "1"));
}

static void a_newer_plan_begins_anew_where_it_wants_more(void **state) {
    struct fixture *f = *state;
    create_map(f, CONFIG_MAP("one", "1"));
    (void)prepare(f, "v1/ConfigMap", "", NULL);
    (void)prepare(f, "v1/Secret", "", NULL);
    (void)prepare(f, "v1/ConfigMap", "", NULL);
    use(f, "v1/ConfigMap", "data.k");
    assert_int_equal(f->readies, 1);
    assert_true(str_is(doc_path_str(doc_root(get_map(f, "one")), "data.k"), "1"));
}

#define LABELLED(name, label)                                                                                                              \
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\",\"labels\":{\"" label "\":\"x\"}}}"

static void only_what_has_the_label_is_there_and_followed(void **state) {
    struct fixture *f = *state;
    cluster_watch_labelled(f->cluster, "a.b/c");
    create_map(f, LABELLED("ours", "a.b/c"));
    create_map(f, LABELLED("theirs", "other"));
    use(f, "v1/ConfigMap", "");
    assert_non_null(get_map(f, "ours"));
    assert_null(get_map(f, "theirs"));
    f->changes = 0;
    create_map(f, LABELLED("theirs-too", "other"));
    create_map(f, LABELLED("ours-too", "a.b/c"));
    while (!f->changes) wait_for(f);
    assert_non_null(get_map(f, "ours-too"));
    assert_int_equal(store_count(cluster_store(f->cluster, gvk("v1/ConfigMap"))), 2);
}

static void denied_and_missing_kinds_hold_nobody_up(void **state) {
    struct fixture *f = *state;
    struct err err;
    const struct err *why;
    assert_int_equal(dev_server_deny(f->server, "v1/Secret", &err), 0);
    use(f, "v1/Secret", "");
    assert_int_equal(cluster_state(f->cluster, gvk("v1/Secret"), &why), REFLECTOR_DENIED);
    assert_int_equal(why->code, ERR_FORBIDDEN);
    use(f, "none.example/v1/Absent", "");
    assert_int_equal(cluster_state(f->cluster, gvk("none.example/v1/Absent"), &why), REFLECTOR_MISSING);
    assert_int_equal(why->code, ERR_NOT_FOUND);
    assert_true(cluster_all_settled(f->cluster));
}

static void an_unreachable_server_is_waited_for_ten_seconds(void **state) {
    struct fixture *f = *state;
    dev_server_free(f->server);
    f->server = NULL;
    int64_t start_us = clock_mono_us();
    use(f, "v1/ConfigMap", "");
    assert_in_range(clock_mono_us() - start_us, 9900 * 1000, 13000 * 1000);
    const struct err *why;
    assert_int_equal(cluster_state(f->cluster, gvk("v1/ConfigMap"), &why), REFLECTOR_SYNCING);
    assert_int_equal(why->code, ERR_UNREACHABLE);
    assert_false(cluster_all_settled(f->cluster));
    assert_true(cluster_is_stuck(f->cluster, gvk("v1/ConfigMap")));
    assert_false(cluster_is_stuck(f->cluster, gvk("v1/Pod")));
}

static bool denied;

static void on_closed(void *arg) { (void)arg; }

static void script_denied_discovery(struct api *api, struct http_exchange *x, const struct seen *q, size_t nth) {
    (void)api;
    (void)nth;
    if (denied)
        api_status(x, 403, "Forbidden", "discovery is forbidden", 0);
    else if (q->initial)
        api_status(x, 422, "Invalid", "sendInitialEvents is forbidden", 0);
    else if (q->watch)
        http_stream_begin(x, 200, "application/json", 1024, on_closed, NULL);
    else if (strcmp(q->path, "/api/v1") == 0)
        api_json(x, 200, "{\"resources\":[{\"name\":\"pods\",\"kind\":\"Pod\",\"verbs\":[\"list\",\"watch\"]}]}");
    else
        api_json(x, 200, "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}");
}

static void on_api_state(const struct gvk *kind, struct str ns, enum reflector_state state, const struct err *err, void *arg) {
    struct api *api = arg;
    assert_ptr_equal(kind, gvk("v1/Pod"));
    assert_int_equal(state, REFLECTOR_SYNCED);
    assert_null(err);
    assert_int_equal(ns.n, 0);
    api->flag = true;
}

static void on_api_ready(void *arg) { ((struct api *)arg)->flag = true; }

static void a_denied_kind_is_tried_again_and_its_change_told(void **state) {
    struct api *api = *state;
    struct err err;
    struct cluster *c = cluster_new(api->loop, api->client, api->metrics, &err);
    struct projection *p = projection_new();
    const struct cluster_want want = {.gvk = gvk("v1/Pod"), .projection = p};
    api->script = script_denied_discovery;
    denied = true;
    cluster_on_state(c, on_api_state, api);
    struct cluster_plan *plan = cluster_prepare(c, &want, 1, on_api_ready, api, &err);
    projection_unref(p);
    api_wait(api);
    cluster_commit(c, plan);
    assert_int_equal(cluster_state(c, gvk("v1/Pod"), NULL), REFLECTOR_DENIED);
    denied = false;
    api_wait(api);
    assert_int_equal(cluster_state(c, gvk("v1/Pod"), NULL), REFLECTOR_SYNCED);
    cluster_free(c);
}

static void offline_holds_what_was_loaded_through_the_projection(void **state) {
    (void)state;
    struct err err;
    struct cluster *c = cluster_new_offline();
    struct projection *p = projection_new();
    const struct cluster_want wants[] = {{.gvk = gvk("v1/ConfigMap"), .projection = p}, {.gvk = gvk("v1/Secret"), .projection = p}};
    cluster_forbid(c, gvk("v1/Secret"));
    struct cluster_plan *plan = cluster_prepare(c, wants, 2, NULL, NULL, &err);
    cluster_commit(c, plan);
    projection_unref(p);
    struct doc *map = decode(CONFIG_MAP("one", "1")),
               *other = decode("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"x\"}}"),
               *none = decode("{\"kind\":\"Pod\"}");
    assert_int_equal(cluster_load(c, map, &err), 0);
    assert_int_equal(cluster_load(c, other, &err), 0);
    assert_int_equal(cluster_load(c, none, &err), ERR_INVALID);
    struct doc *kept = store_get(cluster_store(c, gvk("v1/ConfigMap")), STR("default"), STR("one"));
    assert_non_null(kept);
    assert_int_equal(doc_type(doc_path(doc_root(kept), "data")), DOC_ABSENT);
    assert_null(cluster_store(c, gvk("v1/Pod")));
    assert_int_equal(cluster_state(c, gvk("v1/ConfigMap"), NULL), REFLECTOR_SYNCED);
    assert_int_equal(cluster_state(c, gvk("v1/Secret"), NULL), REFLECTOR_DENIED);
    cluster_forbid(c, gvk("v1/ConfigMap"));
    assert_int_equal(cluster_state(c, gvk("v1/ConfigMap"), NULL), REFLECTOR_DENIED);
    assert_null(cluster_client(c));
    doc_unref(map);
    doc_unref(other);
    doc_unref(none);
    cluster_free(c);
}

static void wants_of_one_kind_are_united(void **state) {
    (void)state;
    struct err err;
    struct cluster *c = cluster_new_offline();
    struct projection *a = projection_new(), *b = projection_new();
    assert_int_equal(projection_add(a, STR("data.k"), &err), 0);
    assert_int_equal(projection_add(b, STR("immutable"), &err), 0);
    const struct cluster_want wants[] = {{.gvk = gvk("v1/ConfigMap"), .projection = a}, {.gvk = gvk("v1/ConfigMap"), .projection = b}};
    cluster_commit(c, cluster_prepare(c, wants, 2, NULL, NULL, &err));
    const struct projection *kept = store_projection(cluster_store(c, gvk("v1/ConfigMap")));
    assert_true(projection_covers(kept, a) && projection_covers(kept, b));
    projection_unref(a);
    projection_unref(b);
    cluster_free(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_wanted_is_there_and_followed),
        TEST(a_wider_want_gets_a_store_beside_the_old_one),
        TEST(a_narrower_want_keeps_the_store_and_adds_its_index),
        TEST(an_index_is_kept_even_where_no_field_was_declared),
        TEST(a_newer_plan_goes_on_with_what_the_one_before_began),
        TEST(a_newer_plan_begins_anew_where_it_wants_more),
        TEST(only_what_has_the_label_is_there_and_followed),
        TEST(denied_and_missing_kinds_hold_nobody_up),
        TEST(an_unreachable_server_is_waited_for_ten_seconds),
        cmocka_unit_test_setup_teardown(a_denied_kind_is_tried_again_and_its_change_told, api_setup, api_teardown),
        cmocka_unit_test(offline_holds_what_was_loaded_through_the_projection),
        cmocka_unit_test(wants_of_one_kind_are_united),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
