/* JSON: what decodes, whole or in part, is written in every style and decoded again, and is then the same. */
#include "fuzz.h"

static struct doc_builder *builder;

/* The text of v read again under the same projection, as often as there are styles. */
static void check_written(const struct doc *doc, const struct projection *p) {
    for (int style = JSON_COMPACT; style <= JSON_GO_COMPACT; style++) {
        struct err err = {0};
        struct buf text = buf_new(FUZZ_MAX_TEXT);
        FUZZ_CHECK(!json_write(doc_root(doc), (enum json_style)style, &text, &err), "style %d: %s", style, err.msg);
        struct doc *again = json_decode(builder, (struct str){text.data, text.len}, p, &err);
        FUZZ_CHECK(again, "style %d: %s: %s", style, err.msg, text.data);
        FUZZ_CHECK(doc_equal(doc_root(doc), doc_root(again)), "style %d: %s", style, text.data);
        doc_unref(again);
        buf_free(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = fuzz_input(data, size);
    const struct projection *p = fuzz_projection(1 + fuzz_choice(&text, FUZZ_PROJECTIONS - 1));
    struct err err = {0};
    if (!builder) builder = doc_builder_new();
    struct doc *whole = json_decode(builder, text, NULL, &err);
    FUZZ_CHECK(whole || err.msg[0], "refused without a reason");
    struct doc *part = json_decode(builder, text, p, &err);
    FUZZ_CHECK(part || !whole, "only the projection refuses: %s", err.msg);
    if (whole) check_written(whole, NULL);
    if (part) check_written(part, p);
    doc_unref(whole);
    doc_unref(part);
    return 0;
}
