/* kubeconfig files: one that is accepted says where the server is; one that is refused says why. */
#include "fuzz.h"

#include "kube/config.h"

/* The file may name others, and reading a terminal or a pipe would wait. */
static bool names_devices(struct str text) { return memmem(text.p, text.n, "/dev", 4) || memmem(text.p, text.n, "/proc", 5); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char path[PATH_MAX];
    struct kube_config *config = NULL;
    struct err err = {0};
    if (size && names_devices(fuzz_input(data, size))) return 0;
    fuzz_write("config", fuzz_input(data, size), path);
    if (kube_config_load(path, size % 2 ? NULL : "dev", &config, &err))
        FUZZ_CHECK(!config && err.msg[0], "refused without a reason");
    else
        FUZZ_CHECK(str_starts(str_of(config->server), STR("http")) && config->namespace_ && config->origin, "%s", config->server);
    kube_config_free(config);
    return 0;
}
