#include "devcluster/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "devcluster/memory.h"
#include "devcluster/tree.h"

static cJSON *status_new(const char *result, int code, const char *reason, const char *message) {
    cJSON *s = cJSON_CreateObject();
    tree_set_text(s, "kind", "Status");
    tree_set_text(s, "apiVersion", "v1");
    tree_make(s, "metadata");
    tree_set_text(s, "status", result);
    if (message) tree_set_text(s, "message", message);
    if (reason) tree_set_text(s, "reason", reason);
    tree_set_int(s, "code", code);
    return s;
}

static cJSON *failure_v(int code, const char *reason, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static cJSON *failure_v(int code, const char *reason, const char *format, va_list args) {
    char *message = NULL;
    if (vasprintf(&message, format, args) < 0) message = dev_copy_text(reason);
    cJSON *s = status_new("Failure", code, reason, message);
    free(message);
    return s;
}

cJSON *dev_status(int code, const char *reason, const char *format, ...) {
    va_list args;
    va_start(args, format);
    cJSON *s = failure_v(code, reason, format, args);
    va_end(args);
    return s;
}

static cJSON *with_details(cJSON *status, const struct dev_kind *kind, const char *name) {
    cJSON *details = tree_make(status, "details");
    if (name && *name) tree_set_text(details, "name", name);
    if (*kind->group) tree_set_text(details, "group", kind->group);
    tree_set_text(details, "kind", kind->plural);
    return status;
}

cJSON *dev_status_success(const struct dev_kind *kind, const char *name, const char *uid) {
    cJSON *s = with_details(status_new("Success", 200, NULL, NULL), kind, name);
    tree_set_text(tree_get(s, "details"), "uid", uid);
    tree_drop(s, "code");
    return s;
}

cJSON *dev_status_bad_request(const char *format, ...) {
    va_list args;
    va_start(args, format);
    cJSON *s = failure_v(400, "BadRequest", format, args);
    va_end(args);
    return s;
}

cJSON *dev_status_no_resource(void) {
    cJSON *s = dev_status(404, "NotFound", "the server could not find the requested resource");
    tree_make(s, "details");
    return s;
}

cJSON *dev_status_not_found(const struct dev_kind *kind, const char *name) {
    return with_details(dev_status(404, "NotFound", "%s \"%s\" not found", kind->resource, name), kind, name);
}

cJSON *dev_status_exists(const struct dev_kind *kind, const char *name) {
    return with_details(dev_status(409, "AlreadyExists", "%s \"%s\" already exists", kind->resource, name), kind, name);
}

cJSON *dev_status_method(void) {
    return dev_status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

cJSON *dev_status_expired(const char *format, ...) {
    va_list args;
    va_start(args, format);
    cJSON *s = failure_v(410, "Expired", format, args);
    va_end(args);
    return s;
}

cJSON *dev_status_media_type(const struct dev_kind *kind) {
    return dev_status(415, "UnsupportedMediaType",
                      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
                      "application/merge-patch+json, %sapplication/apply-patch+yaml",
                      kind->custom ? "" : "application/strategic-merge-patch+json, ");
}

cJSON *dev_status_conflict(const struct dev_kind *kind, const char *name, const char *why) {
    return with_details(dev_status(409, "Conflict", "Operation cannot be fulfilled on %s \"%s\": %s", kind->resource, name, why), kind,
                        name);
}

cJSON *dev_status_modified(const struct dev_kind *kind, const char *name) {
    return dev_status_conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again");
}

cJSON *dev_status_forbidden(const struct dev_kind *kind, const char *verb, const char *ns, const char *name) {
    char *who = name && *name ? dev_format("%s \"%s\"", kind->resource, name) : dev_copy_text(kind->resource);
    char *where = ns && *ns ? dev_format("in the namespace \"%s\"", ns) : dev_copy_text("at the cluster scope");
    cJSON *s = dev_status(403, "Forbidden", "%s is forbidden: User \"dev\" cannot %s resource \"%s\" in API group \"%s\" %s", who, verb,
                          kind->plural, kind->group, where);
    free(who);
    free(where);
    return with_details(s, kind, name);
}

void dev_cause_add(cJSON *causes, const char *reason, const char *field, const char *format, ...) {
    char *message = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&message, format, args) < 0) message = dev_copy_text(reason);
    va_end(args);
    cJSON *cause = cJSON_CreateObject();
    tree_set_text(cause, "reason", reason);
    tree_set_text(cause, "message", message);
    tree_set_text(cause, "field", field);
    cJSON_AddItemToArray(causes, cause);
    free(message);
}

/* "field: message", several in brackets, as field.ErrorList.ToAggregate prints them. */
static char *causes_text(const cJSON *causes) {
    struct buf text = dev_text_new();
    bool several = cJSON_GetArraySize(causes) > 1;
    const cJSON *cause;
    if (several) dev_text_add(&text, "[");
    cJSON_ArrayForEach(cause, causes) {
        if (cause != causes->child) dev_text_add(&text, ", ");
        dev_text_addf(&text, "%s: %s", tree_text(cause, "field"), tree_text(cause, "message"));
    }
    if (several) dev_text_add(&text, "]");
    return buf_take(&text, NULL);
}

cJSON *dev_status_invalid(const struct dev_kind *kind, const char *name, cJSON *causes) {
    char *text = causes_text(causes);
    cJSON *s = *kind->group ? dev_status(422, "Invalid", "%s.%s \"%s\" is invalid: %s", kind->name, kind->group, name, text)
                            : dev_status(422, "Invalid", "%s \"%s\" is invalid: %s", kind->name, name, text);
    free(text);
    with_details(s, kind, name);
    tree_set_text(tree_get(s, "details"), "kind", kind->name);
    tree_set(tree_get(s, "details"), "causes", causes);
    return s;
}

int dev_status_code(const cJSON *status) { return (int)tree_int(status, "code", 200); }
