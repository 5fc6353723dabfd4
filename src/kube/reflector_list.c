#include <stdlib.h>

#include "base/clock.h"
#include "kube/reflector_internal.h"
#include "kube/url.h"

enum {
    PAGE_ITEMS = 500,
    PAGE_TIMEOUT_MS = 60 * 1000,
    WHOLE_LIST_TIMEOUT_MS = 5 * 60 * 1000,
};

static void finish(struct reflector *r) {
    struct err err;
    struct str version = list_reader_resource_version(r->list);
    int rc = reflector_check_version(r, version, &err);
    if (!rc) rc = reflector_set_version(r, version, &err);
    if (rc) {
        reflector_fail(r, &err);
        return;
    }
    store_replace_end(r->store, str_of(r->ns));
    free(r->page);
    r->page = NULL;
    r->unpaged = false;
    reflector_go_on(r);
    reflector_listed(r, "pages");
}

static void on_done(const struct err *err, void *arg) {
    struct reflector *r = arg;
    struct err local = r->stream_err.code ? r->stream_err : *err;
    r->call = NULL;
    int rc = local.code ? (int)local.code : list_reader_end(r->list, &local);
    struct str token = rc ? (struct str){0} : list_reader_continue(r->list);
    char *page = token.n ? str_dup(token) : NULL;
    if (token.n && !page) err_set(&local, ERR_NOMEM, "no memory to list %s", r->plural);
    if (local.code) {
        reflector_fail(r, &local);
    } else if (page) {
        free(r->page);
        r->page = page;
        reflector_go_on(r);
    } else {
        finish(r);
    }
}

static int on_chunk(struct str chunk, void *arg, struct err *err) {
    struct reflector *r = arg;
    int rc = list_reader_feed(r->list, chunk, &r->stream_err);
    return rc ? err_set(err, r->stream_err.code, "%s", r->stream_err.msg) : 0;
}

static bool is_whole(void *arg) {
    const struct reflector *r = arg;
    return list_reader_is_whole(r->list);
}

static void on_open(void *arg) { reflector_opened(arg); }

static int put_path(const struct reflector *r, struct buf *out, struct err *err) {
    int rc = buf_puts(out, r->path, err);
    if (!rc && !r->unpaged) rc = buf_printf(out, err, "?limit=%d", PAGE_ITEMS);
    if (!rc) rc = reflector_put_selector(r, r->unpaged ? '?' : '&', out, err);
    if (!rc && r->page) rc = buf_puts(out, "&continue=", err);
    return rc || !r->page ? rc : url_escape(str_of(r->page), out, err);
}

int reflector_start_list(struct reflector *r, struct err *err) {
    struct buf path = buf_new(URL_MAX_BYTES);
    int rc = put_path(r, &path, err);
    if (!rc) rc = reflector_open_list(r, err);
    if (!rc && !r->page) store_replace_begin(r->store, str_of(r->ns));
    const struct kube_stream_request request = {
        .path = path.data,
        .resource = r->plural,
        .verb = "list",
        .form = r->metadata_only ? KUBE_METADATA : KUBE_OBJECTS,
        .timeout_ms = r->unpaged ? WHOLE_LIST_TIMEOUT_MS : PAGE_TIMEOUT_MS,
        .on_chunk = on_chunk,
        .is_whole = is_whole,
        .on_open = on_open,
        .done = on_done,
        .arg = r,
    };
    if (!rc) rc = kube_stream(r->client, &request, &r->call, err);
    buf_free(&path);
    return rc;
}
