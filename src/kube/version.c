#include "kube/version.h"

#include <string.h>

static bool is_comparable(struct str version) {
    if (!version.n || *version.p == '0') return false;
    for (size_t i = 0; i < version.n; i++) {
        if (version.p[i] < '0' || version.p[i] > '9') return false;
    }
    return true;
}

bool version_is_older(struct str a, struct str b) {
    if (!is_comparable(a) || !is_comparable(b)) return false;
    return a.n != b.n ? a.n < b.n : memcmp(a.p, b.p, a.n) < 0;
}
