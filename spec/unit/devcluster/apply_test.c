/* Server-side apply and the books of field managers. */
#include "devcluster/apply.h"
#include "devcluster/fieldset.h"
#include "devcluster/kind.h"
#include "devcluster/managed.h"
#include "devcluster/status.h"
#include "devcluster/trees.h"

static struct dev_kinds kinds;

static const struct dev_kind *deployment(void) { return dev_kinds_by_name(&kinds, "apps/v1", "Deployment"); }

/* Applies to *live and replaces it; returns the refusal. */
static cJSON *apply(cJSON **live, const char *manager, bool force, const char *wanted) {
    struct dev_apply a = {deployment(), manager, "", force};
    cJSON *node = tree(wanted), *out = NULL, *refusal = dev_apply(&a, *live, node, &out);
    cJSON_Delete(node);
    if (refusal) return refusal;
    cJSON_Delete(*live);
    *live = out;
    return NULL;
}

static void must_apply(cJSON **live, const char *manager, const char *wanted) { assert_null(apply(live, manager, false, wanted)); }

static void update(cJSON **live, const char *manager, const char *after) {
    cJSON *node = tree(after);
    dev_managed_update(deployment(), node, *live, manager, "");
    cJSON_Delete(*live);
    *live = node;
}

static void assert_spec(const cJSON *live, const char *wanted) { assert_tree(tree_get(live, "spec"), wanted); }

static char *fields_of(const cJSON *live, const char *manager) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, tree_path(live, "metadata.managedFields")) {
        if (strcmp(tree_text(entry, "manager"), manager) == 0) return cJSON_PrintUnformatted(tree_get(entry, "fieldsV1"));
    }
    return dev_copy_text("none");
}

static void assert_fields(const cJSON *live, const char *manager, const char *wanted) {
    char *text = fields_of(live, manager);
    cJSON *is = strcmp(text, "none") == 0 ? cJSON_CreateString("none") : tree_parse(str_of(text), NULL);
    assert_tree(is, wanted);
    cJSON_Delete(is);
    free(text);
}

static void applied_fields_are_owned_leaf_by_leaf(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "m",
               "{'metadata':{'name':'n','labels':{'a':'1'},'finalizers':['f/x']},'spec':{'replicas':2,'selector':{'matchLabels':{'a':'1'}},"
               "'template':{'spec':{'containers':[{'name':'c','image':'i','args':['x'],'ports':[{'containerPort':80}]}],'volumes':[]}}}}");
    assert_fields(
        live, "m",
        "{'f:metadata':{'f:labels':{'f:a':{}},'f:finalizers':{'v:\\'f/x\\'':{}}},'f:spec':{'f:replicas':{},'f:selector':{},"
        "'f:template':{'f:spec':{'f:volumes':{},'f:containers':{'k:{\\'name\\':\\'c\\'}':{'.':{},'f:name':{},'f:image':{},'f:args':{},"
        "'f:ports':{'k:{\\'containerPort\\':80,\\'protocol\\':\\'TCP\\'}':{'.':{},'f:containerPort':{}}}}}}}}}");
    cJSON_Delete(live);
}

static void fields_given_up_go_unless_someone_else_owns_them(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "one",
               "{'spec':{'replicas':1,'paused':true,'template':{'spec':{'containers':[{'name':'a'},{'name':'b','image':'i'}]}}}}");
    must_apply(&live, "two", "{'spec':{'paused':true,'template':{'spec':{'containers':[{'name':'b','image':'i'}]}}}}");
    must_apply(&live, "one", "{'spec':{'replicas':1}}");
    assert_spec(live, "{'replicas':1,'paused':true,'template':{'spec':{'containers':[{'name':'b','image':'i'}]}}}");
    must_apply(&live, "two", "{'spec':{}}");
    assert_spec(live, "{'replicas':1}");
    cJSON_Delete(live);
}

static void fields_nobody_applied_stay(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "m", "{'spec':{'strategy':{'type':'Recreate'}}}");
    tree_set_int(tree_path(live, "spec.strategy"), "defaulted", 1);
    must_apply(&live, "m", "{'spec':{'replicas':1}}");
    assert_spec(live, "{'strategy':{'defaulted':1},'replicas':1}");
    cJSON_Delete(live);
}

static void another_managers_value_is_a_conflict(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "one", "{'metadata':{'name':'n'},'spec':{'replicas':1,'paused':true}}");
    cJSON *before = tree_copy(live);
    cJSON *refusal = apply(&live, "two", false, "{'metadata':{'name':'n'},'spec':{'replicas':2,'paused':true}}");
    assert_int_equal(dev_status_code(refusal), 409);
    assert_string_equal(tree_text(refusal, "message"), "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");
    assert_string_equal(tree_text(tree_path(refusal, "details.causes")->child, "field"), ".spec.replicas");
    assert_true(tree_equal(live, before));
    cJSON_Delete(refusal);
    cJSON_Delete(before);
    cJSON_Delete(live);
}

static void conflicts_are_told_by_manager(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "one", "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'a'}]}},'paused':true}}");
    update(&live, "two", "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'a'}]}},'paused':true,'replicas':1}}");
    cJSON *refusal =
        apply(&live, "me", false, "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'b'}]}},'paused':false,'replicas':2}}");
    assert_string_equal(tree_text(refusal, "message"), "Apply failed with 3 conflicts: conflicts with \"one\":\n"
                                                       "- .spec.template.spec.containers[name=\"c\"].image\n- .spec.paused\n"
                                                       "conflicts with \"two\" using apps/v1:\n- .spec.replicas");
    cJSON_Delete(refusal);
    cJSON_Delete(live);
}

static void force_takes_the_field_over(void **state) {
    (void)state;
    cJSON *live = NULL;
    must_apply(&live, "one", "{'spec':{'replicas':1,'paused':true}}");
    assert_null(apply(&live, "two", true, "{'spec':{'replicas':2}}"));
    assert_spec(live, "{'replicas':2,'paused':true}");
    assert_fields(live, "one", "{'f:spec':{'f:paused':{}}}");
    assert_fields(live, "two", "{'f:spec':{'f:replicas':{}}}");
    cJSON_Delete(live);
}

static void the_same_apply_again_changes_nothing(void **state) {
    (void)state;
    static const char WANTED[] = "{'metadata':{'name':'n','labels':{'a':'1'}},'spec':{'replicas':1,'template':{'spec':{'containers':["
                                 "{'name':'c','ports':[{'containerPort':80}]}]}}}}";
    cJSON *live = NULL;
    must_apply(&live, "m", WANTED);
    cJSON *before = tree_copy(live);
    tree_set_text(tree_path(before, "metadata.managedFields")->child, "time", "2000-01-01T00:00:00Z");
    cJSON *again = tree_copy(before);
    must_apply(&again, "m", WANTED);
    assert_true(tree_equal(again, before)); /* not even the time */
    cJSON_Delete(again);
    cJSON_Delete(before);
    cJSON_Delete(live);
}

static void an_update_takes_what_it_changes(void **state) {
    (void)state;
    cJSON *live = NULL;
    update(&live, "creator", "{'spec':{'replicas':1,'paused':true}}");
    assert_fields(live, "creator", "{'f:spec':{'.':{},'f:replicas':{},'f:paused':{}}}");
    update(&live, "scaler", "{'spec':{'replicas':5}}");
    assert_fields(live, "creator", "{'f:spec':{}}");
    assert_fields(live, "scaler", "{'f:spec':{'f:replicas':{}}}");
    cJSON *refusal = apply(&live, "applier", false, "{'spec':{'replicas':1}}");
    assert_non_null(refusal);
    cJSON_Delete(refusal);
    cJSON_Delete(live);
}

static void an_object_without_books_is_owned_by_its_past(void **state) {
    (void)state;
    cJSON *live = tree("{'spec':{'replicas':1}}"), *refusal = apply(&live, "m", false, "{'spec':{'replicas':2}}");
    assert_non_null(strstr(tree_text(refusal, "message"), "\"before-first-apply\""));
    cJSON_Delete(refusal);
    cJSON_Delete(live);
}

/* Random sets: the operations keep the laws of sets. */
static cJSON *random_set(unsigned *seed) {
    cJSON *set = cJSON_CreateObject();
    for (int i = 0; i < 6; i++) {
        char path[3][8];
        cJSON *at = set;
        for (int d = 0; d < 3; d++) {
            *seed = *seed * 1103515245u + 12345u;
            snprintf(path[d], sizeof path[d], "f:%u", *seed >> 16 & 3);
            at = tree_make(at, path[d]);
            if ((*seed >> 20 & 3) == 0) break;
        }
        tree_make(at, ".");
    }
    return set;
}

static void sets_keep_their_laws(void **state) {
    (void)state;
    unsigned seed = 1;
    for (int i = 0; i < 300; i++) {
        cJSON *a = random_set(&seed), *b = random_set(&seed), *common = dev_fields_common(a, b), *rest = tree_copy(a);
        dev_fields_subtract(rest, b);
        cJSON *nothing = dev_fields_common(rest, b);
        assert_true(dev_fields_empty(nothing)); /* (a − b) ∩ b = ∅ */
        dev_fields_add(rest, common);
        assert_true(tree_equal(rest, a)); /* (a − b) ∪ (a ∩ b) = a */
        cJSON *wire = dev_fields_write(a), *back = dev_fields_read(wire);
        assert_true(tree_equal(back, a));
        cJSON *all[] = {a, b, common, rest, nothing, wire, back};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) cJSON_Delete(all[k]);
    }
}

static int setup(void **state) {
    init_trees(state);
    dev_kinds_init(&kinds);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    dev_kinds_free(&kinds);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applied_fields_are_owned_leaf_by_leaf),
        cmocka_unit_test(fields_given_up_go_unless_someone_else_owns_them),
        cmocka_unit_test(fields_nobody_applied_stay),
        cmocka_unit_test(another_managers_value_is_a_conflict),
        cmocka_unit_test(conflicts_are_told_by_manager),
        cmocka_unit_test(force_takes_the_field_over),
        cmocka_unit_test(the_same_apply_again_changes_nothing),
        cmocka_unit_test(an_update_takes_what_it_changes),
        cmocka_unit_test(an_object_without_books_is_owned_by_its_past),
        cmocka_unit_test(sets_keep_their_laws),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
