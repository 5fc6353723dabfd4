/* kubeconfig files: one that is accepted says where the server is and how to log in; one that is refused says why. */
#include "fuzz.h"

#include "kube/config.h"

/* The file may name others, and reading a terminal or a pipe would wait. */
static bool names_devices(struct str text) { return memmem(text.p, text.n, "/dev", 4) || memmem(text.p, text.n, "/proc", 5); }

static void check_plugin(const struct kube_exec *exec) {
    size_t last = 0;
    FUZZ_CHECK(exec->args[0] && *exec->args[0], "a plugin without a command");
    while (exec->env[last + 1]) {
        FUZZ_CHECK(strchr(exec->env[last], '='), "%s", exec->env[last]);
        last++;
    }
    struct str info = str_of(exec->env[last]);
    FUZZ_CHECK(str_starts(info, STR("KUBERNETES_EXEC_INFO={")), "%s", exec->env[last]);
    struct doc *doc = fuzz_json(exec->env[last] + strlen("KUBERNETES_EXEC_INFO="));
    FUZZ_CHECK(str_is(doc_path_str(doc_root(doc), "apiVersion"), exec->api_version), "%s", exec->env[last]);
    doc_unref(doc);
}

static void check(const struct kube_config *config) {
    FUZZ_CHECK(str_starts(str_of(config->server), STR("http")) && config->namespace_ && config->origin, "%s", config->server);
    FUZZ_CHECK(!config->proxy_url || strstr(config->proxy_url, "://"), "%s", config->proxy_url);
    FUZZ_CHECK(!config->cert_pem == !config->key_pem, "half a client certificate");
    FUZZ_CHECK(!config->exec || !(config->token || config->token_file || config->username || config->cert_pem), "two ways to log in");
    FUZZ_CHECK(kube_config_equal(config, config), "not the same as itself");
    if (config->exec) check_plugin(config->exec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char path[PATH_MAX];
    struct kube_config *config = NULL;
    struct err err = {0};
    if (size && names_devices(fuzz_input(data, size))) return 0;
    fuzz_write("config", fuzz_input(data, size), path);
    if (kube_config_load(path, size % 2 ? NULL : "dev", &config, &err))
        FUZZ_CHECK(!config && err.msg[0], "refused without a reason");
    else
        check(config);
    kube_config_free(config);
    return 0;
}
