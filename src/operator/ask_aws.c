/* The APIs of AWS, as far as they only read: {service, path}, answered by what the JSON of the answer says. */
#include <stdio.h>

#include "doc/builder.h"
#include "doc/json.h"
#include "operator/ask_internal.h"
#include "operator/aws.h"

static struct doc *decode(struct str body, struct err *err) {
    struct doc_builder *b = doc_builder_new();
    struct doc *doc = b ? json_decode(b, body, NULL, err) : NULL;
    if (!b) err_set(err, ERR_NOMEM, "no memory for an answer");
    doc_builder_free(b);
    return doc;
}

static void on_done(struct str body, const struct err *err, void *arg) {
    struct ask *ask = arg;
    struct ask_answer answer;
    struct err why = {0};
    ask->aws = NULL;
    if (err)
        ask_failed(&answer, err);
    else
        ask_answered(&answer, decode(body, &why), &why);
    ask_end(ask, &answer);
    doc_unref(answer.doc);
}

struct ask *ask_aws(const struct asks *all, struct doc_value args, int64_t timeout_ms, ask_done done, void *arg, struct ask_answer *now) {
    const char *lacks = all->aws ? aws_lacks(all->aws) : "AWS cannot be asked about a snapshot";
    struct err err;
    if (lacks) return ask_withheld(now, lacks);
    struct ask *ask = ask_new(done, arg);
    if (!ask) err_set(&err, ERR_NOMEM, "no memory for a request");
    if (ask) ask->aws = aws_get(all->aws, doc_str(doc_at(args, 0)), doc_str(doc_at(args, 1)), timeout_ms, on_done, ask, &err);
    if (ask && ask->aws) return ask;
    ask_free(ask);
    return ask_failed(now, &err);
}
