/* Requests: what goes out, and what answers and failures become. */
#include "unit/kube/api.h"
