/*
 * evidence: the fields that failures rest on, so that a person can check them.
 *
 * A rule declares paths (`evidence = { "spec.replicas", "status.conditions[type=Ready].reason" }`). When an analyzer reports a failure
 * of that rule, the operator reads them from the object that was judged and puts them beside what the policy gave itself. As every path has
 * to be among the policy's fields, what is shown is what the policy could have read.
 */
#ifndef SCRIPT_EVIDENCE_H
#define SCRIPT_EVIDENCE_H

#include "script/policy.h"

enum {
    EVIDENCE_MAX_ITEMS = 12,        /* of one failure; further ones are left out */
    EVIDENCE_MAX_VALUE_BYTES = 512, /* longer values end in an ellipsis */
};

/*
 * Whether the evidence of all rules can be read: a path is one of `fields` (names, ["quoted names"], [] for every element) and may choose
 * the first element with a text in it: [type=Ready], [secretName={key}], {key} being that of the failure. ERR_POLICY names the rule and
 * path.
 */
int evidence_check(const struct policy *p, struct err *err) ERR_MUST_CHECK;

/*
 * `failures` (checked, or absent) as a document of its own, with evidence: {path, value} for each declared path that leads to something,
 * then what the policy gave. A path has the number of the element in place of []; a value that is no text is JSON; where a path
 * without lists leads to nothing, the value is "(absent)", unless the path ends in ?. The caller's; NULL with *err without memory.
 */
struct doc *evidence_attach(const struct policy *p, const struct doc *object, struct doc_value failures, struct err *err) ERR_MUST_CHECK;

#endif
