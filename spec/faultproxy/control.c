#include "control.h"

#include <netinet/in.h>
#include <utlist.h>

#include "base/buf.h"
#include "channel.h"
#include "link.h"
#include "memory.h"

enum { BACKLOG = 8, MAX_LINE_BYTES = 64 * 1024 };

struct control {
    struct proxy *proxy;
    uv_tcp_t listener;
    uint16_t port;
    struct visitor *visitors;
};

struct visitor {
    struct control *control;
    struct channel *channel;
    struct buf line;
    struct visitor *prev, *next;
};

/* ---- commands ----------------------------------------------------------------------------------------------------------------- */

static int add_rule(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    unsigned number = 0;
    int rc = rules_add(&p->rules, command, p->raw, &number, err);
    if (!rc) (void)cJSON_AddNumberToObject(answer, "rule", number);
    return rc;
}

static int clear(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    (void)command, (void)answer, (void)err;
    rules_clear(&p->rules);
    return 0;
}

static int freeze(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    (void)answer, (void)err;
    proxy_freeze(p, strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(command, "do")), "freeze") == 0);
    return 0;
}

static int refuse(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    (void)answer;
    return proxy_refuse(p, strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(command, "do")), "refuse") == 0, err);
}

static int cut(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    (void)command, (void)answer, (void)err;
    proxy_cut(p);
    return 0;
}

static int go(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    const cJSON *request = cJSON_GetObjectItem(command, "request");
    (void)answer;
    if (cJSON_IsNumber(request) && request->valuedouble > 0 && proxy_go(p, (unsigned)request->valuedouble)) return 0;
    return err_set(err, ERR_NOT_FOUND, "nothing of that number is held");
}

static int set_upstream(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(command, "url"));
    (void)answer;
    return proxy_set_upstream(p, url ? url : "", err);
}

static int counts(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    const struct link *l;
    int open;
    (void)command, (void)err;
    DL_COUNT(p->links, l, open);
    (void)cJSON_AddNumberToObject(answer, "connections", p->connections);
    (void)cJSON_AddNumberToObject(answer, "requests", p->requests);
    (void)cJSON_AddNumberToObject(answer, "open", open);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err);
} COMMANDS[] = {{"rule", add_rule}, {"clear", clear}, {"freeze", freeze}, {"thaw", freeze},           {"refuse", refuse},
                {"accept", refuse}, {"cut", cut},     {"go", go},         {"upstream", set_upstream}, {"counts", counts}};

static int run_command(struct proxy *p, const cJSON *command, cJSON *answer, struct err *err) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(command, "do"));
    for (size_t i = 0; name && i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        if (strcmp(COMMANDS[i].name, name) == 0) return COMMANDS[i].run(p, command, answer, err);
    return err_set(err, ERR_INVALID, "there is no command \"%s\"", name ? name : "");
}

/* ---- visitors ----------------------------------------------------------------------------------------------------------------- */

static void answer_line(struct visitor *v, struct str line) {
    cJSON *command = cJSON_ParseWithLength(line.p, line.n), *answer = memory_or_end(cJSON_CreateObject());
    struct err err;
    if (run_command(v->control->proxy, command, answer, &err)) (void)cJSON_AddStringToObject(answer, "error", err.msg);
    char *text = memory_or_end(cJSON_PrintUnformatted(answer));
    channel_send(v->channel, str_of(text));
    channel_send(v->channel, STR("\n"));
    free(text);
    cJSON_Delete(answer);
    cJSON_Delete(command);
}

static void leave(void *arg) {
    struct visitor *v = arg;
    channel_close(v->channel);
    DL_DELETE(v->control->visitors, v);
    buf_free(&v->line);
    free(v);
}

static void gone(const char *why, void *arg) {
    (void)why;
    leave(arg);
}

static void take(struct str bytes, void *arg) {
    struct visitor *v = arg;
    struct str line, rest;
    if (buf_append(&v->line, bytes.p, bytes.n, NULL)) {
        leave(v);
        return;
    }
    while (str_cut((struct str){v->line.data, v->line.len}, '\n', &line, &rest)) {
        answer_line(v, line);
        buf_consume(&v->line, line.n + 1);
    }
}

static void sent(void *arg) { (void)arg; }

static const struct channel_user VISITOR = {take, leave, gone, sent};

static void on_visitor(uv_stream_t *listener, int status) {
    struct control *c = listener->data;
    if (status) return;
    struct visitor *v = memory_new(sizeof *v);
    v->control = c;
    v->line = buf_new(MAX_LINE_BYTES);
    DL_APPEND(c->visitors, v);
    v->channel = channel_accept(listener, NULL, &VISITOR, v);
    if (!v->channel) leave(v);
}

/* ---- the port ----------------------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) { free(handle->data); }

struct control *control_new(struct proxy *p, struct err *err) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct control *c = memory_new(sizeof *c);
    int size = sizeof at;
    c->proxy = p;
    (void)uv_tcp_init(loop_uv(p->loop), &c->listener);
    c->listener.data = c;
    int rc = uv_tcp_bind(&c->listener, (const struct sockaddr *)&at, 0);
    if (!rc) rc = uv_listen((uv_stream_t *)&c->listener, BACKLOG, on_visitor);
    if (!rc) rc = uv_tcp_getsockname(&c->listener, (struct sockaddr *)&at, &size);
    c->port = ntohs(at.sin_port);
    if (!rc) return c;
    control_free(c);
    err_set(err, ERR_IO, "cannot open a port for control: %s", uv_strerror(rc));
    return NULL;
}

uint16_t control_port(const struct control *c) { return c->port; }

void control_free(struct control *c) {
    if (!c) return;
    while (c->visitors) leave(c->visitors);
    uv_close((uv_handle_t *)&c->listener, on_closed);
}
