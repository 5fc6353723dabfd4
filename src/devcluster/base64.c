#include "devcluster/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "devcluster/memory.h"

cJSON *dev_base64(struct str bytes) {
    unsigned char *out = dev_alloc(4 * (bytes.n / 3 + 1) + 1);
    EVP_EncodeBlock(out, (const unsigned char *)bytes.p, (int)bytes.n);
    cJSON *text = cJSON_CreateString((const char *)out);
    free(out);
    return text;
}
