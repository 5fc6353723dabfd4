/*
 * rule: which requests meet which fault. Rules are kept in the order in which they came; the first that applies counts.
 *
 * As JSON, all members but `fault` optional:
 *
 *     {"fault": …,                 what happens, see below
 *      "method": "PATCH",          of the request
 *      "verb": "watch",            list, watch, get, write (anything but GET and HEAD), other (no resource)
 *      "path": "/api/v1/pods*",    a pattern with * and ?, without the query
 *      "nth": 2, "times": 1}       from the second such request on (default 1), so often (default 1; 0: always)
 *
 *     cut        {"after": N, "reset": true}   the connection ends after N bytes of the answer (default 0)
 *     half_close {"after": N}                  nothing more is sent after N bytes, but the connection stays
 *     black_hole {"after": N}                  the same without an end being sent
 *     trickle    {"rate": N}                   N bytes a second
 *     delay      {"ms": N}                     the answer begins so much later
 *     answer     {"status": N, "retry_after": seconds, "applied": true, "in_stream": true}
 *                                              instead of the server's answer: `applied`, after the server has answered; else the request
 *                                          is not sent on. `in_stream`: 200 and an event of type ERROR
 *     answer     {"status": N, "file": PATH}   with what is in the file, as text
 *     duplicate  {"event": N}                  the Nth event of a watch comes twice (default 1)
 *     refuse     {}                            the connection is reset, nothing is sent on
 *     hold       {"point": "request"|"answer"} the request is not sent on, or its answer not passed down, until control says go
 *
 * "side": "up" turns cut, half_close, black_hole, trickle and delay to what the client sends. Without HTTP a connection takes the place of
 * the request, and only these and refuse can be asked for.
 */
#ifndef FAULTPROXY_RULE_H
#define FAULTPROXY_RULE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_CUT,
    FAULT_HALF_CLOSE,
    FAULT_BLACK_HOLE,
    FAULT_TRICKLE,
    FAULT_DELAY,
    FAULT_REFUSE,
    FAULT_ANSWER, /* from here on of HTTP only */
    FAULT_DUPLICATE,
    FAULT_HOLD,
};

struct fault {
    enum fault_kind kind;
    unsigned rule; /* its number; 0: none */
    bool up;
    bool reset;
    bool applied, in_stream;
    bool at_answer; /* of a hold */
    uint64_t after;
    int64_t rate, delay_ms, event;
    int status, retry_after_s;
    char file[200]; /* of an answer: its body; "": a Status */
};

struct request_line {
    struct str method, path, query; /* all absent: a connection */
    const char *verb;               /* set by request_verb */
};

struct rules {
    struct rule *list;
    unsigned count, made;
};

const char *fault_name(enum fault_kind kind);

/* list, watch, get, write or other; from the paths of the API (Kubernetes docs: "Kubernetes API Concepts", Resource URIs). */
const char *request_verb(const struct request_line *r);

/* Number of the new rule in *number. `raw`: without HTTP. ERR_INVALID, ERR_LIMIT. */
int rules_add(struct rules *rules, const cJSON *json, bool raw, unsigned *number, struct err *err) ERR_MUST_CHECK;
void rules_clear(struct rules *rules);

/* What this request meets; counts it. */
struct fault rules_meet(struct rules *rules, const struct request_line *r);

#endif
