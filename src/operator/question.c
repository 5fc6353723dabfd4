#include "operator/question.h"

enum { MAX_TIMEOUT_S = 3600, MAX_ANSWER_BYTES = 256 << 20 };

static bool is_within(struct doc_value v, int64_t least, int64_t most) {
    return doc_type(v) == DOC_INT && doc_int(v) >= least && doc_int(v) <= most;
}

int question_check(struct doc_value v, const char *who, struct err *err) {
    struct str method = doc_path_str(v, "method");
    struct doc_value max_bytes = doc_path(v, "maxBytes");
    if (!doc_path_str(v, "target").n) return err_set(err, ERR_INVALID, "%s has no target", who);
    if (!grpc_method(method)) return err_set(err, ERR_INVALID, "%s: there is no method " STR_FMT, who, STR_ARG(method));
    if (!is_within(doc_path(v, "timeout"), 1, MAX_TIMEOUT_S))
        return err_set(err, ERR_INVALID, "%s: timeout must be whole seconds, 1 to %d", who, MAX_TIMEOUT_S);
    if (doc_type(max_bytes) != DOC_ABSENT && !is_within(max_bytes, 1, MAX_ANSWER_BYTES))
        return err_set(err, ERR_INVALID, "%s: maxBytes must be 1 to %d", who, MAX_ANSWER_BYTES);
    return 0;
}

struct grpc_request question_request(struct doc_value v) {
    return (struct grpc_request){
        .target = doc_path_str(v, "target").p,
        .method = grpc_method(doc_path_str(v, "method")),
        .message = doc_path(v, "request"),
        .timeout_ms = doc_int(doc_path(v, "timeout")) * 1000,
        .max_bytes = (size_t)doc_int(doc_path(v, "maxBytes")),
    };
}
