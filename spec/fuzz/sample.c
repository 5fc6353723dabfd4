/* The text exposition of others: whatever comes is samples, or an error that says what is wrong, and a label that is shown again is read as
 * it was. */
#include "fuzz.h"

#include <math.h>

#include "metrics/metrics.h"
#include "metrics/sample.h"

static void check_shown(struct str value, double number) {
    struct err err = {0};
    struct sample again;
    struct metrics *m = metrics_new();
    struct metric *f = metrics_define(m, &(struct metric_def){.name = "f", .help = "h", .type = METRIC_GAUGE, .labels = {"l"}});
    metric_set(f, METRIC_LABELS(value), number);
    struct buf text = buf_new(FUZZ_MAX_TEXT);
    if (metrics_write(m, &text, &err)) abort();
    struct sample_reader r = sample_reader_new(text.data, text.len);
    FUZZ_CHECK(sample_next(&r, &again, &err) == 1, "%s", err.msg);
    FUZZ_CHECK(str_eq(sample_label(&again, "l"), value), "another label");
    FUZZ_CHECK(again.value == number || isnan(number), "%g, but %g", again.value, number);
    FUZZ_CHECK(sample_next(&r, &again, &err) == 0, "more than was written");
    buf_free(&text);
    metrics_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + !size); /* a block of its own, so that the sanitizer sees a read past its end */
    struct err err = {0};
    struct sample s;
    int rc;
    if (!text) abort();
    if (size) memcpy(text, data, size);
    struct sample_reader r = sample_reader_new(text, size);
    while ((rc = sample_next(&r, &s, &err)) == 1) {
        FUZZ_CHECK(s.name.n, "a sample without a name");
        for (int i = 0; i < s.label_count; i++) check_shown(s.labels[i].value, s.value);
    }
    FUZZ_CHECK(rc == 0 || (err.code == ERR_INVALID && err.msg[0]), "refused without a reason");
    FUZZ_CHECK(sample_next(&r, &s, &err) == 0, "there is more after the end");
    free(text);
    return 0;
}
