/* YAML: every document that is read can be written as JSON and read again, but for NaN and infinities, which JSON lacks. */
#include "fuzz.h"

#include "doc/yaml.h"

static int each(struct doc *doc, void *arg, struct err *err) {
    struct doc_builder *b = arg;
    struct buf text = buf_new(FUZZ_MAX_TEXT);
    struct err why = {0};
    int rc = json_write(doc_root(doc), JSON_COMPACT, &text, &why);
    FUZZ_CHECK(!rc || rc == ERR_INVALID, "%s", why.msg);
    if (!rc) {
        struct doc *again = json_decode(b, (struct str){text.data, text.len}, NULL, err);
        FUZZ_CHECK(again, "%s: %s", err->msg, text.data);
        FUZZ_CHECK(doc_equal(doc_root(doc), doc_root(again)), "%s", text.data);
        doc_unref(again);
    }
    buf_free(&text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct doc_builder *b;
    struct err err = {0};
    if (!b) b = doc_builder_new();
    int rc = yaml_read(fuzz_input(data, size), each, b, &err);
    FUZZ_CHECK(!rc || err.msg[0], "refused without a reason");
    struct doc *one = yaml_decode(fuzz_input(data, size), &err);
    FUZZ_CHECK(!one || !rc, "one document, but the stream is refused");
    doc_unref(one);
    return 0;
}
