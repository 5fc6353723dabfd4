/*
 * dynamic_rbac: upstream's environment variable K8SGPT_ENABLE_DYNAMIC_RBAC, which its Helm chart sets.
 */
#ifndef CLI_DYNAMIC_RBAC_H
#define CLI_DYNAMIC_RBAC_H

#include <stdbool.h>

/* Whether the operator makes accounts and rights for engines: unless the variable says no, in one of the ways that Go's strconv.ParseBool
 * reads. */
bool dynamic_rbac(void);

#endif
