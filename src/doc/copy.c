#include "doc/copy.h"

struct doc *doc_copy(struct doc_value v, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    if (!b) {
        err_set(err, ERR_NOMEM, "no memory for a document");
        return NULL;
    }
    doc_put_value(b, v);
    struct doc *copy = doc_builder_finish(b, err);
    doc_builder_free(b);
    return copy;
}
