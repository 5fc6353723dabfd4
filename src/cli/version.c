/* version: what this build is. */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "version.h"

static const char HELP[] = "Usage: k8sgpt-operator version [-o json]\n"
                           "\n"
                           "Prints the version and the source revision of this build.\n"
                           "\n"
                           "Examples:\n"
                           "  k8sgpt-operator version\n"
                           "  k8sgpt-operator version -o json\n";

const char *version_text(void) { return K8SGPT_VERSION; }
const char *version_revision(void) { return K8SGPT_REVISION; }

int cli_version(int argc, char **argv) {
    if (argc == 1) {
        printf("k8sgpt-operator %s (%s)\n", version_text(), version_revision());
        return 0;
    }
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "-o") && !strcmp(argv[2], "json")) {
        printf("{\"version\":\"%s\",\"revision\":\"%s\"}\n", version_text(), version_revision());
        return 0;
    }
    fprintf(stderr, "version: unknown argument %s\nRun 'k8sgpt-operator version --help' for usage.\n", argv[1]);
    return 2;
}
