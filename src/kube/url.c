#include "kube/url.h"

#include <ctype.h>

static int is_plain(char c) { return isalnum((unsigned char)c) || (c && strchr("-._~:", c)); }

int url_escape(struct str text, struct buf *out, struct err *err) {
    int rc = 0;
    for (size_t i = 0; i < text.n && !rc; i++) {
        char c = text.p[i];
        rc = is_plain(c) ? buf_append(out, &c, 1, err) : buf_printf(out, err, "%%%02X", (unsigned)(unsigned char)c);
    }
    return rc;
}
