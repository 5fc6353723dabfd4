/* Watch responses: the events are the same however the text is cut. */
#include "stream.h"

static int on_event(enum watch_type type, struct doc *object, void *arg, struct err *err) {
    (void)err;
    stream_note(arg, (const char *[]){"A ", "M ", "D ", "B ", "E "}[type], object);
    return 0;
}

static int feed(void *reader, struct str chunk, struct err *err) { return watch_reader_feed(reader, chunk, err); }

static void read_watch(struct str text, const struct projection *p, uint32_t seed, struct stream_outcome *out) {
    struct watch_reader *r = watch_reader_new(p, on_event, &out->seen);
    out->rc = stream_feed(feed, r, text, seed, &out->err);
    watch_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    stream_check(read_watch, data, size);
    return 0;
}
