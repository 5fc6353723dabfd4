#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/login_internal.h"

enum { LOOK_AGAIN_MS = 50 };

/* ---- the credential in use ------------------------------------------------------------------------------------------------------ */

/* One that is equal goes on being used, so that a refused credential is known by its address. */
static int refresh(struct login *l, struct err *err) {
    struct credential *made = credential_new(l, err);
    if (!made) return (int)err->code;
    if (l->current && credential_equal(l->current, made)) {
        credential_unref(made);
        return 0;
    }
    credential_unref(l->current);
    l->current = made;
    return 0;
}

static int read_files(struct login *l, struct err *err) {
    bool changed = login_files_read(&l->files, l->config);
    return changed || !l->current ? refresh(l, err) : 0;
}

/* ---- those who wait -------------------------------------------------------------------------------------------------------------- */

static void join(struct login_wait **list, struct login_wait *wait) {
    wait->list = list;
    DL_APPEND(*list, wait);
}

void login_leave(struct login_wait *wait) {
    if (!wait->list) return;
    DL_DELETE(*wait->list, wait);
    wait->list = NULL;
}

static void destroy(struct login *l) {
    credential_unref(l->current);
    login_files_free(&l->files);
    plugin_answer_clear(&l->plugin.answer);
    plugin_free(l->plugin.plugin);
    timer_free(l->timer);
    free(l);
}

/* Only those that wait now: who is told may ask again. A login that is freed meanwhile goes afterwards. */
static void tell(struct login *l, struct login_wait **list, struct credential *credential, const struct err *err) {
    struct login_wait *told = NULL, *wait;
    l->telling = true;
    while ((wait = *list)) {
        login_leave(wait);
        join(&told, wait);
    }
    if (credential) credential_ref(credential);
    while ((wait = told)) {
        login_leave(wait);
        wait->ready(credential, err, wait->arg);
    }
    credential_unref(credential);
    l->telling = false;
    if (l->freed) destroy(l);
}

void login_cancel(struct login *l, struct login_wait *wait) {
    login_leave(wait);
    join(&l->cancelled, wait);
    timer_start(l->timer, 0);
}

/* ---- the plugin ------------------------------------------------------------------------------------------------------------------ */

/* Each kind of failure is said once, until a run goes well. */
static void pause_after(struct login_plugin *p, const struct err *failure) {
    int64_t now_us = clock_mono_us();
    if (failure->code != p->failure.code) log_warn("kube.login", failure->msg);
    p->failure = *failure;
    p->not_before_us = now_us + backoff_next(&p->backoff, now_us) * 1000;
}

static void take_answer(struct login_plugin *p, struct plugin_answer *answer) {
    int64_t lifetime_ms = answer->expires_ms - clock_wall_ms();
    plugin_answer_clear(&p->answer);
    p->answer = *answer;
    *answer = (struct plugin_answer){0};
    p->answered = true;
    p->refused = false;
    p->failure = (struct err){0};
    p->early_ms = lifetime_ms / 4 < LOGIN_EARLY_MS ? lifetime_ms / 4 : LOGIN_EARLY_MS;
    if (!p->answer.expires_ms || lifetime_ms > 0) {
        backoff_good(&p->backoff, clock_mono_us());
        return;
    }
    log_warn("kube.login", "the credential plugin gave a credential that has expired: is this machine's clock right?");
    p->not_before_us = clock_mono_us() + backoff_next(&p->backoff, clock_mono_us()) * 1000;
}

static void on_answer(struct plugin_answer *answer, const struct err *err, void *arg) {
    struct login *l = arg;
    struct err local = err ? *err : (struct err){0};
    if (!err) take_answer(&l->plugin, answer);
    int rc = err ? (int)err->code : refresh(l, &local);
    if (rc) pause_after(&l->plugin, &local);
    tell(l, &l->waiting, rc ? NULL : l->current, rc ? &local : NULL);
}

static bool is_expired(const struct plugin_answer *answer, int64_t early_ms) {
    return answer->expires_ms && clock_wall_ms() >= answer->expires_ms - early_ms;
}

/* Starts a run unless one is under way or it is too early for one. */
static void run_plugin(struct login_plugin *p) {
    struct err err;
    if (plugin_is_running(p->plugin) || clock_mono_us() < p->not_before_us) return;
    if (plugin_start(p->plugin, &err)) pause_after(p, &err);
}

/* ERR_NONE: `current` serves; *wait: the plugin will tell. */
static int ask_plugin(struct login *l, bool *wait, struct err *err) {
    struct login_plugin *p = &l->plugin;
    if (p->answered && !p->refused && !is_expired(&p->answer, p->early_ms)) return 0;
    run_plugin(p);
    if (p->answered && !p->refused && !is_expired(&p->answer, 0)) return 0;
    *wait = plugin_is_running(p->plugin);
    /* Between two runs: what it last gave may be refused or expired by our clock, but that is for the server to say. */
    if (*wait || (p->answered && !p->failure.code)) return 0;
    *err = p->failure;
    int64_t left_us = p->not_before_us - clock_mono_us();
    err->retry_after_s = left_us > 0 ? (int)(left_us / 1000000) + 1 : 1;
    return (int)err->code;
}

static int make_plugin(struct login *l, struct err *err) {
    if (!l->config->exec || l->plugin.plugin) return 0;
    l->plugin.plugin = plugin_new(l->loop, l->config->exec, on_answer, l);
    return l->plugin.plugin ? 0 : err_set(err, ERR_NOMEM, "no memory for a credential plugin");
}

/* ---- requests -------------------------------------------------------------------------------------------------------------------- */

int login_get(struct login *l, struct login_wait *wait, struct credential **out, struct err *err) {
    bool waits = false;
    int rc = make_plugin(l, err);
    *out = NULL;
    if (!rc && (!l->current || clock_mono_us() >= l->files.due_us)) rc = read_files(l, err);
    /* Without any token a request would be that of nobody, whom the server may allow a little. */
    if (!rc && l->config->token_file && !l->files.token && !l->config->token)
        rc = err_set(err, ERR_IO, "no token to log in with (from %s): %s", l->config->origin, l->files.token_err.msg);
    if (!rc && l->plugin.plugin) rc = ask_plugin(l, &waits, err);
    if (rc) return rc;
    if (waits)
        join(&l->waiting, wait);
    else
        *out = credential_ref(l->current);
    return 0;
}

/* True when the plugin runs anew, or does already. */
static bool renew_by_plugin(struct login *l) {
    struct login_plugin *p = &l->plugin;
    int64_t now_us = clock_mono_us();
    if (plugin_is_running(p->plugin)) return true;
    if (now_us < p->not_before_us) return false;
    p->refused = true;
    run_plugin(p);
    /* Where the next one is refused too, it has to wait. */
    p->not_before_us = now_us + backoff_next(&p->backoff, now_us) * 1000;
    return plugin_is_running(p->plugin);
}

static bool await_token(struct login *l) {
    if (!l->files.token_bad) return false;
    if (!l->await_until_us) l->await_until_us = clock_mono_us() + LOGIN_AWAIT_MS * 1000;
    if (!timer_active(l->timer)) timer_start(l->timer, LOOK_AGAIN_MS);
    return true;
}

bool login_renew(struct login *l, const struct credential *refused, enum login_refusal why, struct login_wait *wait,
                 struct credential **out) {
    struct err err;
    *out = NULL;
    if (l->current == refused && read_files(l, &err)) return false;
    if (l->current != refused) {
        *out = credential_ref(l->current);
        return true;
    }
    if (why != LOGIN_UNAUTHORIZED) return false;
    if (l->plugin.plugin ? !renew_by_plugin(l) : !await_token(l)) return false;
    join(&l->waiting, wait);
    return true;
}

void login_doubt(struct login *l) { l->files.due_us = 0; }

/* For a token file that was missing or empty when the server refused the token from it. */
static void look_again(struct login *l) {
    struct err err = {0};
    int64_t now_us = clock_mono_us();
    int rc = read_files(l, &err);
    if (!rc && l->files.token_bad && now_us < l->await_until_us) {
        timer_start(l->timer, LOOK_AGAIN_MS);
        return;
    }
    l->await_until_us = 0;
    if (!rc && l->files.token_bad)
        rc = err_set(&err, ERR_UNAUTHORIZED, "the API server %s does not accept our token (from %s), and there is no other: %s",
                     l->config->server, l->config->origin, l->files.token_err.msg);
    tell(l, &l->waiting, rc ? NULL : l->current, rc ? &err : NULL);
}

static void on_timer(void *arg) {
    struct login *l = arg;
    const struct err cancelled = {.code = ERR_CANCELLED, .msg = "cancelled"};
    bool awaits = l->await_until_us != 0;
    if (l->cancelled) {
        if (awaits) timer_start(l->timer, LOOK_AGAIN_MS);
        tell(l, &l->cancelled, NULL, &cancelled);
    } else if (awaits) {
        look_again(l);
    }
}

struct login *login_new(struct loop *loop, const struct kube_config *config) {
    struct login *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->loop = loop;
    l->config = config;
    l->timer = timer_new(loop, on_timer, l);
    if (l->timer) return l;
    free(l);
    return NULL;
}

void login_free(struct login *l) {
    if (!l) return;
    while (l->waiting) login_leave(l->waiting);
    while (l->cancelled) login_leave(l->cancelled);
    if (l->telling)
        l->freed = true;
    else
        destroy(l);
}
