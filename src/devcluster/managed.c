#include "devcluster/managed.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/fieldset.h"
#include "devcluster/memory.h"
#include "devcluster/metadata.h"
#include "devcluster/tree.h"

bool dev_managed_is(const cJSON *entry, const struct dev_entry_id *id) {
    return strcmp(tree_text(entry, "manager"), id->manager) == 0 && strcmp(tree_text(entry, "operation"), id->operation) == 0 &&
           strcmp(tree_text(entry, "subresource"), id->subresource) == 0;
}

cJSON *dev_managed_fields(const cJSON *entry) { return dev_fields_read(tree_get(entry, "fieldsV1")); }

void dev_managed_put(cJSON *books, cJSON *entry, const cJSON *set, bool touch) {
    if (dev_fields_empty(set)) {
        cJSON_Delete(cJSON_DetachItemViaPointer(books, entry));
        return;
    }
    tree_set(entry, "fieldsV1", dev_fields_write(set));
    if (touch) tree_set(entry, "time", dev_now());
}

cJSON *dev_managed_add(const struct dev_kind *kind, cJSON *books, const struct dev_entry_id *id, const cJSON *set) {
    cJSON *entry = cJSON_CreateObject();
    char *api_version = dev_kind_api_version(kind);
    tree_set_text(entry, "apiVersion", api_version);
    tree_set_text(entry, "fieldsType", "FieldsV1");
    tree_set(entry, "fieldsV1", dev_fields_write(set));
    tree_set_text(entry, "manager", id->manager);
    tree_set_text(entry, "operation", id->operation);
    if (*id->subresource) tree_set_text(entry, "subresource", id->subresource);
    tree_set(entry, "time", dev_now());
    cJSON_AddItemToArray(books, entry);
    free(api_version);
    return entry;
}

/* Gives the changed fields to one manager, takes them from the others, and forgets fields that are gone. */
static void book(const struct dev_kind *kind, cJSON *books, const struct dev_entry_id *id, const cJSON *changed, const cJSON *tree) {
    bool found = false;
    for (cJSON *entry = books->child, *next; entry; entry = next) {
        bool mine = dev_managed_is(entry, id);
        cJSON *set = dev_managed_fields(entry);
        next = entry->next;
        if (mine)
            dev_fields_add(set, changed);
        else
            dev_fields_subtract(set, changed);
        dev_fields_keep_present(kind, set, tree);
        found = found || mine;
        dev_managed_put(books, entry, set, mine && !dev_fields_empty(changed));
        cJSON_Delete(set);
    }
    if (!found && !dev_fields_empty(changed)) dev_managed_add(kind, books, id, changed);
}

static const cJSON *books_in(const cJSON *tree) { return tree_path(tree, "metadata.managedFields"); }

bool dev_managed_edited(const cJSON *tree, const cJSON *before) {
    return cJSON_GetArraySize(books_in(tree)) && !tree_equal(books_in(tree), books_in(before));
}

void dev_managed_update(const struct dev_kind *kind, cJSON *tree, const cJSON *before, const char *manager, const char *subresource) {
    cJSON *books = tree_copy(books_in(dev_managed_edited(tree, before) ? tree : before)), *meta = tree_make(tree, "metadata");
    tree_drop(meta, "managedFields");
    if (before && !books) return;
    if (!books) books = cJSON_CreateArray();
    cJSON *changed = dev_fields_changed(kind, before, tree);
    struct dev_entry_id id = {manager, "Update", subresource};
    book(kind, books, &id, changed, tree);
    cJSON_Delete(changed);
    if (books->child)
        tree_set(meta, "managedFields", books);
    else
        cJSON_Delete(books);
}
