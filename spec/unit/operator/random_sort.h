/*
 * random_sort: how the objects of a random cluster are described: templates with aspects, each with a few alternatives.
 */
#ifndef SPEC_OPERATOR_RANDOM_SORT_H
#define SPEC_OPERATOR_RANDOM_SORT_H

#include <stdbool.h>

enum { ASPECTS = 14, ALTERNATIVES = 12, NAMES = 5 };

/*
 * In templates and alternatives: ' is a quotation mark, # the name of the object, & its namespace, % a digit that stands for that,
 * ^ when it was made, @ and ~ two moments of it, $0 to $9 and $A to $D its aspects.
 */
struct sort {
    const char *api, *kind;
    bool is_global;
    const char *names[NAMES];
    const char *metadata, *body;
    const char *aspects[ASPECTS][ALTERNATIVES];
};

#define OWNER(api, kind, ns, name, generation)                                                                                             \
    ",'ownerReferences':[{'apiVersion':'" api "','kind':'" kind "','name':'" name "','uid':'" kind "." ns "." name "." generation          \
    "','controller':true}]"
#define LABELS(pairs) ",'labels':{" pairs "}"
#define GOING ",'deletionTimestamp':'@','finalizers':['example.com/hold']"
#define CONDITION(type, status, reason, message)                                                                                           \
    "{'type':'" type "','status':'" status "','reason':'" reason "','message':'" message                                                   \
    "','lastTransitionTime':'@','lastUpdateTime':'~','lastHeartbeatTime':'~'}"

#endif
