/*
 * call: the one protected gateway into Lua.
 *
 * A call is a message: documents go in as views, the returned values come out as one document, and everything a policy may ask
 * meanwhile goes through struct script_host. No Lua type crosses this header, so that policies can later live in another
 * process. A call never longjmps into its caller, never blocks, and ends within its budget of instructions and memory; what C functions
 * do on a policy's behalf is charged too.
 */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "base/err.h"
#include "doc/doc.h"
#include "kube/store.h"
#include "script/policy.h"

enum script_result {
    SCRIPT_OK,
    SCRIPT_SUSPENDED,  /* a step or a remote analyzer asked for something; see script_request */
    SCRIPT_ERROR,      /* the policy raised an error or broke the contract */
    SCRIPT_FUEL,       /* out of instructions */
    SCRIPT_MEMORY,     /* out of memory */
    SCRIPT_FORBIDDEN,  /* it read what the cluster denies; a policy cannot catch this */
    SCRIPT_UNANSWERED, /* it ended well, but something that it asked for was not answered; set by the host */
    SCRIPT_NOT_READY,  /* it read what is not known yet; the host runs it again; a policy cannot catch this */
};
const char *script_result_name(enum script_result result); /* "ok", "error", "fuel" … for metrics */

/*
 * What a policy may ask while it runs. Reads answer from caches, at once. Codes: 0; ERR_FORBIDDEN and ERR_TIMEOUT ("not known yet")
 * end the run as above; any other is an error of the policy. Documents handed out are borrowed until the call ends: the host keeps
 * them alive. A NULL function: the policy kind has no such call.
 */
struct script_host {
    int (*get)(void *arg, const struct gvk *gvk, struct str ns, struct str name, const struct doc **out, struct err *err);
    int (*exists)(void *arg, const struct gvk *gvk, struct str ns, struct str name, bool *out, struct err *err);
    int (*list)(void *arg, const struct gvk *gvk, const struct store_query *query, struct doc ***out, size_t *count,
                struct err *err); /* *out: caller frees */
    int (*events)(void *arg, const struct doc *object, struct doc ***out, size_t *count,
                  struct err *err); /* newest first, any type and reason */
    int (*parent)(void *arg, const struct doc *object, const struct doc **out,
                  struct err *err);                                    /* the controlling owner, metadata only; NULL: none */
    bool (*readable)(void *arg, const struct gvk *gvk, struct str ns); /* empty ns: anywhere */
    int (*findings_of)(void *arg, struct str kind, struct str ns, struct str name, struct doc **out,
                       struct err *err); /* *out: an array of k8sgpt.OpenFinding, the caller's */
    int64_t (*now_ms)(void *arg);
    void (*again_at)(void *arg, int64_t wall_ms); /* ctx.after was not yet true: it becomes so then */
    void (*log)(void *arg, struct str level, struct str message);
    void (*trace)(void *arg, struct str message);
};

struct script_arg {
    const struct doc *doc;               /* NULL: nil */
    const struct projection *projection; /* what the policy declared; NULL: all of it may be read */
};

enum { SCRIPT_MAX_ARGS = 4 };

struct script_call {
    const struct policy *policy;
    const char *function;                    /* "run", "cause", "keep", "select", "request", "response", "render" */
    struct script_arg args[SCRIPT_MAX_ARGS]; /* after ctx */
    size_t arg_count;
    const struct script_host *host;
    void *host_arg;
    const struct doc *options; /* ctx.options: {engine, resultLogging, …}; NULL: none */
    int64_t fuel;              /* instructions; 0: the default of the kind */
};

struct script_outcome {
    enum script_result result;
    struct doc *values; /* OK: an array of the returned values, owned by the caller; NULL where there was one at most, and it was nil, false
                           or empty */
    struct err err;     /* of anything but OK and SUSPENDED: one line, with the policy's source position */
    int64_t fuel;       /* spent, in whole thousands of instructions and what C was charged for; of a task, since it began */
    int64_t duration_us;
};

/* True when the policy has such a function; a wrapping one has those of the policy below too. */
bool script_has(const struct policy *policy, const char *function);

/* The policy to call for a function: this one, or where it wraps and has no such function, the one below; NULL: none has it. */
const struct policy *script_holder(const struct policy *policy, const char *function);

/* Runs to the end; never SUSPENDED. */
void script_run(const struct script_call *call, struct script_outcome *out);

/* A call that can be suspended: of a step, or of a remote analyzer. */
struct script_task;

/* Starts it. On SUSPENDED *task is to be resumed or dropped; otherwise it is NULL. What `call` points to must live as long as the task. */
void script_start(const struct script_call *call, struct script_task **task, struct script_outcome *out);

/* What it waits for: {op = "apply", args = […]}. Borrowed until resumed. */
struct doc_value script_request(const struct script_task *task);

/* Goes on with the answer: a value (returned by the ctx call), or nil and a message where `failure` is given. As script_start. */
void script_resume(struct script_task **task, const struct doc *answer, const struct err *failure, struct script_outcome *out);

/* Adds to what a suspended task may spend. */
void script_grant(struct script_task *task, int64_t fuel);

/* Ends a suspended task without resuming it. */
void script_drop(struct script_task *task);

#endif
