#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/alloc_fault.h"

#include "base/ptrset.h"
#include "base/str.h"

struct item {
    uint64_t key;
    bool present;
};

/* Few values, so that long runs of collisions form and wrap around the end. */
static uint64_t hash_of(const void *item) { return ((const struct item *)item)->key % 16 * 7; }
static bool has_key(const void *item, const void *key) { return ((const struct item *)item)->key == *(const uint64_t *)key; }

static void check(const struct ptrset *set, struct item *items, size_t n) {
    size_t present = 0, seen = 0;
    for (size_t i = 0; i < n; i++) {
        void *found = ptrset_find(set, hash_of(&items[i]), &items[i].key);
        assert_ptr_equal(found, items[i].present ? &items[i] : NULL);
        present += items[i].present;
    }
    assert_int_equal(set->count, present);
    void *item;
    for (size_t i = 0; (item = ptrset_next(set, &i)); seen++) assert_true(((struct item *)item)->present);
    assert_int_equal(seen, present);
}

static void test_random_adds_and_removes_agree_with_a_list(void **state) {
    (void)state;
    enum { ITEMS = 200 };
    struct item items[ITEMS];
    struct ptrset set = ptrset_new(hash_of, has_key);
    srand(3);
    for (size_t i = 0; i < ITEMS; i++) items[i] = (struct item){.key = i * 31};
    for (int round = 0; round < 20000; round++) {
        struct item *item = &items[(size_t)rand() % ITEMS];
        if (item->present)
            assert_ptr_equal(ptrset_remove(&set, hash_of(item), &item->key), item);
        else
            assert_int_equal(ptrset_add(&set, item, NULL), 0);
        item->present = !item->present;
        if (round % 97 == 0) check(&set, items, ITEMS);
    }
    check(&set, items, ITEMS);
    ptrset_free(&set);
}

static void test_absent_items_are_absent(void **state) {
    (void)state;
    struct ptrset set = ptrset_new(hash_of, has_key);
    uint64_t key = 1;
    size_t cursor = 0;
    assert_null(ptrset_find(&set, 7, &key));
    assert_null(ptrset_remove(&set, 7, &key));
    assert_null(ptrset_next(&set, &cursor));
    ptrset_free(&set);
}

static void test_memory_follows_the_count_down(void **state) {
    (void)state;
    static struct item items[1000];
    struct ptrset set = ptrset_new(hash_of, has_key);
    for (size_t i = 0; i < 1000; i++) {
        items[i].key = i;
        assert_int_equal(ptrset_add(&set, &items[i], NULL), 0);
    }
    assert_true(set.count * 4 <= set.cap * 3);
    for (size_t i = 0; i < 1000; i++) ptrset_remove(&set, hash_of(&items[i]), &items[i].key);
    assert_true(set.cap <= 8);
    ptrset_free(&set);
}

static void test_failed_growth_leaves_the_set(void **state) {
    (void)state;
    static struct item items[7];
    struct err err;
    struct ptrset set = ptrset_new(hash_of, has_key);
    for (size_t i = 0; i < 6; i++) {
        items[i] = (struct item){.key = i, .present = true};
        assert_int_equal(ptrset_add(&set, &items[i], &err), 0);
    }
    items[6] = (struct item){.key = 6};
    alloc_fault_after(0);
    int rc = ptrset_add(&set, &items[6], &err);
    assert_true(alloc_fault_end());
    assert_int_equal(rc, ERR_NOMEM);
    check(&set, items, 7);
    ptrset_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_adds_and_removes_agree_with_a_list),
        cmocka_unit_test(test_absent_items_are_absent),
        cmocka_unit_test(test_memory_follows_the_count_down),
        cmocka_unit_test(test_failed_growth_leaves_the_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
