/*
 * oneshot_flags: what the verbs that look at a cluster once have in common: flags with values, and the policies that they name.
 */
#ifndef CLI_ONESHOT_FLAGS_H
#define CLI_ONESHOT_FLAGS_H

#include "doc/builder.h"
#include "script/bundle.h"

enum { FLAG_MAX_VALUES = 64 };

/* The values of a flag that may be repeated. */
struct flag_values {
    const char *items[FLAG_MAX_VALUES];
    size_t count;
};

/* Adds the value of a flag of this verb, or says that there are too many. 0, or the exit code. */
int flag_take(const char *verb, struct flag_values *list, const char *value);

/* The same of --policy-dir, which has to name a folder. */
int flag_take_folder(const char *verb, struct flag_values *list, const char *value);

/* "0", "90s", "5m", "1h". */
bool flag_duration(const char *text, int64_t *seconds);

/* The K8sGPT that flags stand for; `namespaces` and `selector` may be NULL. NULL: *err says what is wrong with the selector. */
struct doc *flag_cr(const struct flag_values *filters, const struct flag_values *namespaces, const char *selector,
                    struct err *err) ERR_MUST_CHECK;

/* The built-in policies (builtin NULL: those of this executable) and above them these folders, of the kinds that are wanted
 * (bundle_options.kinds). NULL: what is wrong with the first that does not load. */
struct bundle *flag_policies(const char *builtin, const struct flag_values *dirs, unsigned kinds, struct err *err) ERR_MUST_CHECK;

#endif
