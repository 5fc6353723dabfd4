/* Objects in protobuf, as kubectl's imperative commands send them. */
#include "devcluster/protobuf.h"
#include "devcluster/trees.h"

/* The bytes of `kubectl create configmap a --from-literal=x=1`, but for the empty fields that follow. */
static const char CONFIG_MAP[] = "k8s\0"
                                 "\x0a\x0f"
                                 "\x0a\x02v1"
                                 "\x12\x09"
                                 "ConfigMap"
                                 "\x12\x18"
                                 "\x0a\x0e"
                                 "\x0a\x01"
                                 "a"
                                 "\x12\x00"
                                 "\x5a\x07"
                                 "\x0a\x02"
                                 "on"
                                 "\x12\x01"
                                 "1"
                                 "\x12\x06"
                                 "\x0a\x01"
                                 "x"
                                 "\x12\x01"
                                 "1";

static struct str bytes(void) { return (struct str){CONFIG_MAP, sizeof CONFIG_MAP - 1}; }

static void a_described_kind_is_read(void **state) {
    (void)state;
    cJSON *object = dev_protobuf_read(bytes());
    assert_tree(object, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','labels':{'on':'1'}},'data':{'x':'1'}}");
    cJSON_Delete(object);
}

static void other_kinds_and_other_bytes_are_not(void **state) {
    (void)state;
    char other[sizeof CONFIG_MAP];
    memcpy(other, CONFIG_MAP, sizeof other);
    other[12] = 'X'; /* of "ConfigMap" */
    assert_null(dev_protobuf_read((struct str){other, sizeof other - 1}));
    assert_null(dev_protobuf_read(STR("{}")));
    assert_null(dev_protobuf_read(STR("")));
}

/* Bytes in exact allocations, so that a sanitizer sees any read past their end. */
static void broken_input_is_survived(void **state) {
    (void)state;
    unsigned seed = 7;
    for (size_t n = 0; n < bytes().n; n++) {
        char *cut = dev_alloc(n);
        memcpy(cut, CONFIG_MAP, n);
        cJSON_Delete(dev_protobuf_read((struct str){cut, n}));
        free(cut);
    }
    for (int i = 0; i < 2000; i++) {
        char *changed = dev_alloc(bytes().n);
        memcpy(changed, CONFIG_MAP, bytes().n);
        for (int k = 0; k < 3; k++) {
            seed = seed * 1103515245u + 12345u;
            changed[4 + (seed >> 8) % (bytes().n - 4)] = (char)(seed >> 24);
        }
        cJSON_Delete(dev_protobuf_read((struct str){changed, bytes().n}));
        free(changed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_described_kind_is_read),
        cmocka_unit_test(other_kinds_and_other_bytes_are_not),
        cmocka_unit_test(broken_input_is_survived),
    };
    return cmocka_run_group_tests(tests, init_trees, NULL);
}
