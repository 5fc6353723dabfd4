#include "cli/dynamic_rbac.h"

#include <stdlib.h>
#include <string.h>

bool dynamic_rbac(void) {
    static const char *const no[] = {"0", "f", "F", "false", "False", "FALSE"};
    const char *value = getenv("K8SGPT_ENABLE_DYNAMIC_RBAC");
    for (size_t i = 0; value && i < sizeof no / sizeof *no; i++)
        if (strcmp(value, no[i]) == 0) return false;
    return true;
}
