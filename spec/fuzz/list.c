/* List responses: items, resourceVersion and continue token are the same however the text is cut. */
#include "stream.h"

static int on_item(struct doc *item, void *arg, struct err *err) {
    (void)err;
    stream_note(arg, "", item);
    return 0;
}

static int feed(void *reader, struct str chunk, struct err *err) { return list_reader_feed(reader, chunk, err); }

static void read_list(struct str text, const struct projection *p, uint32_t seed, struct stream_outcome *out) {
    struct list_reader *r = list_reader_new(STR("v1"), STR("Pod"), p, on_item, &out->seen);
    out->rc = stream_feed(feed, r, text, seed, &out->err);
    if (!out->rc) out->rc = list_reader_end(r, &out->err);
    if (!out->rc) {
        struct str version = list_reader_resource_version(r), more = list_reader_continue(r);
        if (buf_append(&out->seen, version.p, version.n, NULL) || buf_append(&out->seen, more.p, more.n, NULL)) abort();
    }
    list_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    stream_check(read_list, data, size);
    return 0;
}
