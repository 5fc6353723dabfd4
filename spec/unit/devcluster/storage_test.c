/* Objects, order, owners and the log of events. */
#include "devcluster/storage.h"
#include "devcluster/trees.h"

static struct dev_storage storage;
static struct dev_collection *pods;
static unsigned heard;

static void on_event(const struct dev_event *event, void *arg) {
    (void)event;
    (void)arg;
    heard++;
}

static struct dev_object *put(const char *ns, const char *name, const char *owner) {
    char text[256];
    snprintf(text, sizeof text, "{'metadata':{'namespace':'%s','name':'%s','uid':'u-%s','ownerReferences':[{'uid':'%s'}]}}", ns, name, name,
             owner);
    return dev_storage_put(&storage, pods, tree(text));
}

static int setup(void **state) {
    (void)state;
    dev_storage_init(&storage, on_event, NULL);
    pods = dev_storage_collection(&storage, "", "pods");
    heard = 0;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    dev_storage_free(&storage);
    return 0;
}

static void lists_are_in_key_order_whatever_happened(void **state) {
    (void)state;
    static const char *const NAMES[] = {"b", "a", "c"}, *const WANTED[] = {"ns1/a", "ns1/c", "ns2/a", "ns2/b", "ns2/c"};
    size_t count;
    for (size_t i = 0; i < 3; i++) {
        put("ns2", NAMES[i], "");
        put("ns1", NAMES[i], "");
        dev_storage_list(pods, &count); /* so that the next write meets an ordered list */
    }
    put("ns1", "a", "");
    dev_storage_remove(&storage, pods, "ns1", "b");
    struct dev_object **list = dev_storage_list(pods, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%s/%s", list[i]->ns, list[i]->name);
        assert_string_equal(key, WANTED[i]);
        assert_ptr_equal(list[i], dev_storage_get(pods, list[i]->ns, list[i]->name));
    }
    assert_int_equal(dev_storage_after(pods, "ns1", "a"), 1);
    assert_int_equal(dev_storage_after(pods, "ns1", "b"), 1);
    assert_int_equal(dev_storage_after(pods, "ns2", ""), 2);
}

static void every_write_is_one_event_with_its_own_version(void **state) {
    (void)state;
    uint64_t first = put("n", "a", "")->version;
    put("n", "a", "");
    dev_storage_remove(&storage, pods, "n", "a");
    dev_storage_remove(&storage, pods, "n", "a"); /* nothing to remove: no event */
    assert_int_equal(heard, 3);
    static const enum dev_event_type TYPES[] = {DEV_ADDED, DEV_MODIFIED, DEV_DELETED};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dev_storage_event(&storage, i)->type, TYPES[i]);
        assert_int_equal(dev_storage_event(&storage, i)->version, first + i);
    }
    assert_int_equal(dev_storage_event(&storage, 2)->now->version, first + 2); /* a deletion is reported with its own version */
    assert_int_equal(dev_storage_events_after(&storage, first), 1);
    assert_int_equal(dev_storage_events_after(&storage, first + 2), 3);
    assert_int_equal(dev_storage_events_after(&storage, 0), 0);
}

static void the_log_forgets_the_oldest_and_says_so(void **state) {
    (void)state;
    put("n", "a", "");
    for (int i = 0; i < DEV_LOG_EVENTS - 1; i++) put("n", "b", "");
    assert_int_equal(storage.forgotten, 0);
    put("n", "b", "");
    assert_int_equal(storage.forgotten, 1);
    assert_int_equal(storage.log_count, DEV_LOG_EVENTS);
    assert_int_equal(dev_storage_event(&storage, 0)->version, 2);
    assert_int_equal(dev_storage_event(&storage, DEV_LOG_EVENTS - 1)->version, storage.version);
}

static void owners_know_what_they_own_now(void **state) {
    (void)state;
    struct dev_owned *owned;
    put("n", "a", "x");
    put("n", "b", "x");
    put("n", "a", "y");
    size_t count = dev_owned_list(&storage.owners, "x", &owned);
    assert_int_equal(count, 1);
    assert_string_equal(owned[0].object->name, "b");
    dev_storage_remove(&storage, pods, "n", "b");
    assert_string_equal(owned[0].object->name, "b"); /* a snapshot holds what it lists */
    dev_owned_free(owned, count);
    assert_int_equal(dev_owned_list(&storage.owners, "x", &owned), 0);
    dev_owned_free(owned, 0);
}

static void text_keeps_what_the_tree_said(void **state) {
    (void)state;
    struct dev_kinds kinds;
    dev_kinds_init(&kinds);
    const struct dev_kind *kind = dev_kinds_by_name(&kinds, "v1", "Pod");
    struct dev_object *o =
        dev_object_new(tree("{'kind':'Pod','apiVersion':'v1','metadata':{'name':'p'},'spec':{'x':[1,2.5,true,null]}}"), 42);
    struct buf b = dev_text_new();
    dev_object_write(o, kind, &b);
    assert_string_equal(b.data, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"resourceVersion\":\"42\"},"
                                "\"spec\":{\"x\":[1,2.5,true,null]}}");
    cJSON *back = dev_object_tree(o, kind);
    assert_tree(back, "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','resourceVersion':'42'},'spec':{'x':[1,2.5,true,null]}}");
    cJSON_Delete(back);
    buf_free(&b);
    dev_object_unref(o);
    dev_kinds_free(&kinds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_are_in_key_order_whatever_happened, setup, teardown),
        cmocka_unit_test_setup_teardown(every_write_is_one_event_with_its_own_version, setup, teardown),
        cmocka_unit_test_setup_teardown(the_log_forgets_the_oldest_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(owners_know_what_they_own_now, setup, teardown),
        cmocka_unit_test(text_keeps_what_the_tree_said),
    };
    return cmocka_run_group_tests(tests, init_trees, NULL);
}
