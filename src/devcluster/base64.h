/*
 * base64: bytes of Secrets as JSON carries them.
 */
#ifndef DEVCLUSTER_BASE64_H
#define DEVCLUSTER_BASE64_H

#include <cjson/cJSON.h>

#include "base/str.h"

/* A JSON string with the standard encoding of the bytes. */
cJSON *dev_base64(struct str bytes);

#endif
