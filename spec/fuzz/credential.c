/* What credential plugins print: an answer that is accepted is a whole credential; of one that is refused nothing is kept. */
#include "fuzz.h"

#include "kube/plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct plugin_answer answer;
    struct err err = {0};
    const char *version = "client.authentication.k8s.io/v1";
    if (plugin_read_answer(fuzz_input(data, size), version, &answer, &err)) {
        FUZZ_CHECK(err.msg[0] && !answer.token && !answer.cert_pem && !answer.key_pem, "half an answer");
    } else {
        FUZZ_CHECK(answer.token || answer.cert_pem, "no credential");
        FUZZ_CHECK(!answer.cert_pem == !answer.key_pem, "half a client certificate");
        FUZZ_CHECK(!answer.token || !strpbrk(answer.token, "\r\n"), "%s", answer.token);
    }
    plugin_answer_clear(&answer);
    return 0;
}
