#include "devcluster/reply.h"

#include <inttypes.h>
#include <stdlib.h>

#include "devcluster/memory.h"
#include "devcluster/status.h"
#include "devcluster/table.h"
#include "devcluster/tree.h"

void dev_reply_text(struct http_exchange *x, int code, const char *content_type, struct buf *text) {
    http_respond(x, code, content_type, (struct str){text->data, text->len});
    buf_free(text);
}

void dev_reply_tree(struct http_exchange *x, int code, cJSON *tree) {
    struct buf text = dev_text_new();
    tree_write(tree, &text);
    dev_text_add(&text, "\n");
    cJSON_Delete(tree);
    dev_reply_text(x, code, "application/json", &text);
}

void dev_reply_status(struct http_exchange *x, cJSON *status) { dev_reply_tree(x, dev_status_code(status), status); }

void dev_reply_object(const struct dev_request *r, int code, const struct dev_object *object) {
    struct dev_shape shape = dev_shape_of(r);
    struct buf text = dev_text_new();
    dev_write_object(&shape, object, true, &text);
    dev_text_add(&text, "\n");
    dev_reply_text(r->x, code, "application/json", &text);
}

struct dev_shape dev_shape_of(const struct dev_request *r) {
    struct str include = http_query(r->x, "includeObject");
    return (struct dev_shape){r->kind, r->form, str_is(include, "Object"), str_is(include, "None")};
}

static void write_partial(const struct dev_object *object, const cJSON *tree, struct buf *b) {
    cJSON *parsed = tree ? NULL : tree_parse((struct str){object->text, object->len}, NULL);
    dev_text_add(b, "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
    tree_write(tree_get(tree ? tree : parsed, "metadata"), b);
    dev_text_add(b, "}");
    cJSON_Delete(parsed);
}

static void write_row(const struct dev_shape *shape, const struct dev_object *object, struct buf *b) {
    cJSON *tree = dev_object_tree(object, shape->kind);
    cJSON *cells = dev_table_cells(shape->kind, tree);
    dev_text_add(b, "{\"cells\":");
    tree_write(cells, b);
    if (!shape->bare_rows) dev_text_add(b, ",\"object\":");
    if (shape->whole_rows)
        tree_write(tree, b);
    else if (!shape->bare_rows)
        write_partial(object, tree, b);
    dev_text_add(b, "}");
    cJSON_Delete(cells);
    cJSON_Delete(tree);
}

static void table_head(const struct dev_kind *kind, uint64_t version, const char *more, bool with_columns, struct buf *b) {
    cJSON *columns = with_columns ? dev_table_columns(kind) : cJSON_CreateArray();
    dev_text_addf(b,
                  "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"%" PRIu64
                  "\"%s},\"columnDefinitions\":",
                  version, more);
    tree_write(columns, b);
    dev_text_add(b, ",\"rows\":[");
    cJSON_Delete(columns);
}

void dev_write_object(const struct dev_shape *shape, const struct dev_object *object, bool columns, struct buf *b) {
    switch (shape->form) {
    case DEV_PLAIN: dev_object_write(object, shape->kind, b); break;
    case DEV_PARTIAL: write_partial(object, NULL, b); break;
    case DEV_TABLE:
        table_head(shape->kind, object->version, "", columns, b);
        write_row(shape, object, b);
        dev_text_add(b, "]}");
        break;
    }
}

/* The members of list metadata that tell of further pages. */
static char *page_members(const char *next, int64_t remaining) {
    if (!next) return dev_copy_text("");
    cJSON *token = cJSON_CreateString(next);
    char *quoted = cJSON_PrintUnformatted(token);
    char *text = remaining < 0 ? dev_format(",\"continue\":%s", quoted)
                               : dev_format(",\"continue\":%s,\"remainingItemCount\":%" PRId64, quoted, remaining);
    cJSON_Delete(token);
    free(quoted);
    return text;
}

void dev_write_list_begin(const struct dev_shape *shape, uint64_t version, const char *next, int64_t remaining, struct buf *b) {
    const struct dev_kind *k = shape->kind;
    char *more = page_members(next, remaining);
    const char *slash = *k->group ? "/" : "";
    if (shape->form == DEV_TABLE)
        table_head(k, version, more, true, b);
    else if (shape->form == DEV_PARTIAL)
        dev_text_addf(
            b,
            "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"%" PRIu64
            "\"%s},\"items\":[",
            version, more);
    else
        dev_text_addf(b, "{\"kind\":\"%sList\",\"apiVersion\":\"%s%s%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64 "\"%s},\"items\":[",
                      k->name, k->group, slash, k->version, version, more);
    free(more);
}

void dev_write_list_item(const struct dev_shape *shape, const struct dev_object *object, bool first, struct buf *b) {
    if (!first) dev_text_add(b, ",");
    switch (shape->form) {
    case DEV_PLAIN: dev_object_write(object, shape->kind->custom ? shape->kind : NULL, b); break;
    case DEV_PARTIAL: write_partial(object, NULL, b); break;
    case DEV_TABLE: write_row(shape, object, b); break;
    }
}

void dev_write_list_end(struct buf *b) { dev_text_add(b, "]}\n"); }
