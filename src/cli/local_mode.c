#include "cli/local_mode.h"

#include <stdlib.h>

void local_mode(const char **engine_address, const char **metrics_address, const char **health_address) {
    const char *value = getenv("LOCAL_MODE");
    if (!value || !*value) return;
    *engine_address = "localhost:8080";
    *metrics_address = *health_address = ":0";
}
