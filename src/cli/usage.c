#include <stdio.h>

#include "cli/verbs.h"

enum { EXIT_USAGE = 2 };

int verb_usage(const char *verb, const char *what, const char *value) {
    fprintf(stderr, "%s: %s%s\nRun 'k8sgpt-operator %s --help' for usage.\n", verb, what, value ? value : "", verb);
    return EXIT_USAGE;
}
