#include "report.h"

#include <stdio.h>

#include "link.h"
#include "memory.h"

static cJSON *line_new(const char *event) {
    cJSON *json = memory_or_end(cJSON_CreateObject());
    (void)cJSON_AddStringToObject(json, "event", event);
    return json;
}

static void add_span(cJSON *json, const char *key, struct str text) {
    char *copy = memory_text(text);
    (void)cJSON_AddStringToObject(json, key, copy);
    free(copy);
}

static void add_fault(cJSON *json, const struct fault *fault) {
    if (!fault->kind) return;
    (void)cJSON_AddNumberToObject(json, "rule", fault->rule);
    (void)cJSON_AddStringToObject(json, "fault", fault_name(fault->kind));
}

static void print(const struct link *l, cJSON *json) {
    char *text = memory_or_end(cJSON_PrintUnformatted(json));
    if (!l->proxy->quiet) {
        puts(text);
        (void)fflush(stdout);
    }
    free(text);
    cJSON_Delete(json);
}

void report_connection(const struct link *l, const struct fault *fault) {
    cJSON *json = line_new("connection");
    (void)cJSON_AddNumberToObject(json, "connection", l->number);
    add_fault(json, fault);
    print(l, json);
}

void report_request(const struct link *l, const struct request_line *line) {
    cJSON *json = line_new("request");
    (void)cJSON_AddNumberToObject(json, "request", l->exchange.number);
    (void)cJSON_AddNumberToObject(json, "connection", l->number);
    add_span(json, "method", line->method);
    add_span(json, "path", line->path);
    add_span(json, "query", line->query);
    (void)cJSON_AddStringToObject(json, "verb", line->verb);
    add_fault(json, &l->exchange.fault);
    print(l, json);
}

void report_held(const struct link *l) {
    const struct exchange *x = &l->exchange;
    cJSON *json = line_new("held");
    (void)cJSON_AddNumberToObject(json, "request", x->number);
    (void)cJSON_AddStringToObject(json, "point", x->status ? "answer" : "request");
    if (x->status) (void)cJSON_AddNumberToObject(json, "status", x->status);
    print(l, json);
}

void report_answer(const struct link *l) {
    cJSON *json = line_new("answer");
    (void)cJSON_AddNumberToObject(json, "request", l->exchange.number);
    (void)cJSON_AddNumberToObject(json, "status", l->exchange.status);
    print(l, json);
}

void report_end(const struct link *l, const char *why) {
    const struct exchange *x = &l->exchange;
    cJSON *json = line_new("end");
    (void)cJSON_AddNumberToObject(json, "connection", l->number);
    if (x->state != EXCHANGE_REQUEST) (void)cJSON_AddNumberToObject(json, "request", x->number);
    if (x->state != EXCHANGE_REQUEST && x->status) (void)cJSON_AddNumberToObject(json, "status", x->status);
    (void)cJSON_AddStringToObject(json, "why", why);
    print(l, json);
}
