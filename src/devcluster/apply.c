#include "devcluster/apply.h"

#include <stdlib.h>
#include <string.h>

#include "devcluster/fieldset.h"
#include "devcluster/managed.h"
#include "devcluster/memory.h"
#include "devcluster/status.h"
#include "devcluster/tree.h"

static void merge(const struct dev_place *p, cJSON *live, const cJSON *wanted);

static cJSON *unnamed_copy(const cJSON *value) {
    cJSON *copy = tree_copy(value);
    free(copy->string);
    copy->string = NULL;
    return copy;
}

static void merge_members(const struct dev_place *p, cJSON *live, const cJSON *wanted) {
    const cJSON *member;
    cJSON_ArrayForEach(member, wanted) {
        struct dev_place to = dev_place_member(p, member->string);
        cJSON *there = tree_get(live, member->string);
        if (there)
            merge(&to, there, member);
        else
            cJSON_AddItemToObject(live, member->string, unnamed_copy(member));
    }
}

/* The item of `list` that is the same one as `item`: of the same key, or in a set equal; NULL: none. */
static cJSON *same_item(const struct dev_place *p, const cJSON *list, const cJSON *item) {
    cJSON *there = NULL;
    if (dev_place_list(p) == DEV_MERGE_KEYED) {
        char *key = dev_place_key(p, item);
        there = key ? dev_place_find(p, list, key) : NULL;
        free(key);
        return there;
    }
    cJSON_ArrayForEach(there, list) {
        if (tree_equal(there, item)) break;
    }
    return there;
}

/* The first live item that is wanted from here on. */
static const cJSON *next_shared(const struct dev_place *p, const cJSON *live, const cJSON *wanted) {
    const cJSON *there = NULL;
    for (; wanted && !there; wanted = wanted->next) there = same_item(p, live, wanted);
    return there;
}

static cJSON *merged_item(const struct dev_place *p, const cJSON *there, const cJSON *wanted) {
    struct dev_place to = dev_place_item(p);
    cJSON *item = tree_copy(there ? there : wanted);
    if (there) merge(&to, item, wanted);
    return item;
}

/*
 * What is wanted comes in its own order. What only the live list has keeps its place before the live items that follow it, as far as
 * that order lets it; new items come after it. Source: the order of lists as kube-apiserver 1.34 answers applies.
 */
static void merge_items(const struct dev_place *p, cJSON *live, const cJSON *wanted) {
    cJSON *merged = cJSON_CreateArray();
    const cJSON *there = live->child, *next = wanted->child;
    while (there || next) {
        if (there && !same_item(p, wanted, there)) {
            cJSON_AddItemToArray(merged, tree_copy(there));
            there = there->next;
        } else if (there && there != next_shared(p, live, next)) {
            there = there->next;
        } else {
            const cJSON *same = same_item(p, live, next);
            cJSON_AddItemToArray(merged, merged_item(p, same, next));
            if (same && same == there) there = there->next;
            next = next->next;
        }
    }
    tree_become(live, merged);
}

static void merge(const struct dev_place *p, cJSON *live, const cJSON *wanted) {
    if (cJSON_IsObject(live) && cJSON_IsObject(wanted) && !dev_place_is_atomic(p))
        merge_members(p, live, wanted);
    else if (cJSON_IsArray(live) && cJSON_IsArray(wanted) && dev_place_list(p) != DEV_MERGE_ATOMIC)
        merge_items(p, live, wanted);
    else
        tree_become(live, unnamed_copy(wanted));
}

/* How messages call a manager; appliers are told without a version. Source: fieldmanager's messages as seen on the wire. */
static char *manager_text(const cJSON *entry) {
    const char *subresource = tree_text(entry, "subresource");
    bool updates = strcmp(tree_text(entry, "operation"), "Update") == 0;
    char *with = *subresource ? dev_format(" with subresource \"%s\"", subresource) : dev_copy_text("");
    char *text = dev_format("\"%s\"%s%s%s", tree_text(entry, "manager"), with, updates ? " using " : "",
                            updates ? tree_text(entry, "apiVersion") : "");
    free(with);
    return text;
}

/* Adds the causes that one other manager raises. */
static void add_causes(const cJSON *entry, const cJSON *contested, cJSON *causes) {
    cJSON *paths = cJSON_CreateArray(), *path;
    char *manager = manager_text(entry);
    dev_fields_list(contested, paths);
    cJSON_ArrayForEach(path, paths) dev_cause_add(causes, "FieldManagerConflict", path->valuestring, "conflict with %s", manager);
    free(manager);
    cJSON_Delete(paths);
}

/* Causes of one manager follow each other: its name heads them. */
static void add_group(struct buf *text, const cJSON *cause, const char *before) {
    const char *message = tree_text(cause, "message");
    if (strcmp(message, before) != 0) dev_text_addf(text, "%sconflicts%s:", *before ? "\n" : " ", message + strlen("conflict"));
    dev_text_addf(text, "\n- %s", tree_text(cause, "field"));
}

static cJSON *conflict_status(cJSON *causes) {
    struct buf text = dev_text_new();
    const char *before = "";
    const cJSON *cause;
    int count = cJSON_GetArraySize(causes);
    dev_text_addf(&text, "Apply failed with %d conflict%s:", count, count == 1 ? "" : "s");
    if (count == 1) dev_text_addf(&text, " %s: %s", tree_text(causes->child, "message"), tree_text(causes->child, "field"));
    if (count > 1) cJSON_ArrayForEach(cause, causes) {
            add_group(&text, cause, before);
            before = tree_text(cause, "message");
        }
    cJSON *status = dev_status(409, "Conflict", "%s", text.data);
    tree_set(tree_make(status, "details"), "causes", causes);
    buf_free(&text);
    return status;
}

/* What other managers own and this apply would change: taken from them by force, else listed as causes. */
static void contest(const struct dev_apply *a, cJSON *books, const struct dev_entry_id *me, const cJSON *changed, cJSON *causes) {
    for (cJSON *entry = books->child, *next; entry; entry = next) {
        next = entry->next;
        if (dev_managed_is(entry, me)) continue;
        cJSON *theirs = dev_managed_fields(entry), *contested = dev_fields_common(changed, theirs);
        if (!dev_fields_empty(contested) && a->force) {
            dev_fields_subtract(theirs, contested);
            dev_managed_put(books, entry, theirs, false);
        } else {
            add_causes(entry, contested, causes);
        }
        cJSON_Delete(theirs);
        cJSON_Delete(contested);
    }
}

/* The books of the live object; one that was never booked is booked to "before-first-apply", as the real server does. */
static cJSON *books_of(const struct dev_apply *a, const cJSON *live) {
    cJSON *books = tree_copy(tree_path(live, "metadata.managedFields"));
    if (books) return books;
    books = cJSON_CreateArray();
    if (!live) return books;
    cJSON *all = dev_fields_of(a->kind, live);
    struct dev_entry_id id = {"before-first-apply", "Update", ""};
    if (!dev_fields_empty(all)) dev_managed_add(a->kind, books, &id, all);
    cJSON_Delete(all);
    return books;
}

/* Enters the applied fields; returns what this manager applied before (an empty set the first time). */
static cJSON *enter(const struct dev_apply *a, cJSON *books, const struct dev_entry_id *me, const cJSON *set) {
    cJSON *entry;
    cJSON_ArrayForEach(entry, books) {
        if (!dev_managed_is(entry, me)) continue;
        cJSON *before = dev_managed_fields(entry);
        dev_managed_put(books, entry, set, !tree_equal(before, set));
        return before;
    }
    if (!dev_fields_empty(set)) dev_managed_add(a->kind, books, me, set);
    return cJSON_CreateObject();
}

static cJSON *all_owned(const cJSON *books) {
    cJSON *owned = cJSON_CreateObject();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, books) {
        cJSON *set = dev_managed_fields(entry);
        dev_fields_add(owned, set);
        cJSON_Delete(set);
    }
    return owned;
}

static cJSON *result_of(const struct dev_apply *a, const cJSON *live, const cJSON *wanted, cJSON *books, const struct dev_entry_id *me) {
    struct dev_place root = dev_place_root(a->kind);
    cJSON *out = live ? tree_copy(live) : cJSON_CreateObject(), *set = dev_fields_of(a->kind, wanted);
    merge(&root, out, wanted);
    cJSON *given_up = enter(a, books, me, set), *owned = all_owned(books);
    dev_fields_subtract(given_up, set);
    dev_fields_remove(a->kind, out, given_up, owned);
    tree_set(tree_make(out, "metadata"), "managedFields", tree_copy(books));
    cJSON_Delete(owned);
    cJSON_Delete(given_up);
    cJSON_Delete(set);
    return out;
}

cJSON *dev_apply(const struct dev_apply *a, const cJSON *live, const cJSON *wanted, cJSON **out) {
    struct dev_entry_id me = {a->manager, "Apply", a->subresource};
    cJSON *books = books_of(a, live), *causes = cJSON_CreateArray();
    cJSON *changed = dev_fields_changed(a->kind, live, wanted);
    contest(a, books, &me, changed, causes);
    cJSON_Delete(changed);
    bool refused = causes->child;
    if (!refused) *out = result_of(a, live, wanted, books, &me);
    cJSON_Delete(books);
    if (refused) return conflict_status(causes);
    cJSON_Delete(causes);
    return NULL;
}
