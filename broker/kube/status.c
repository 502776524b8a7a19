/* Answers of the API server that are errors: a Status object, or whatever a proxy in between says. */
#include "base/mem.h"
#include "kube/request.h"

#include <string.h>

#define MESSAGE_BYTES 300

typedef struct Code {
    int code;
    ErrorKind kind;
} Code;

static const Code codes[] = {
    {400, ERR_INVALID}, {401, ERR_DENIED},  {403, ERR_DENIED},  {404, ERR_NOT_FOUND}, {405, ERR_INVALID},
    {406, ERR_INVALID}, {408, ERR_RETRY},   {409, ERR_CONFLICT}, {410, ERR_GONE},     {413, ERR_INVALID},
    {415, ERR_INVALID}, {422, ERR_INVALID}, {429, ERR_RETRY},
};

static ErrorKind kind_of_code(int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].code == code)
            return codes[i].kind;
    return code >= 500 && code <= 599 ? ERR_RETRY : ERR_INTERNAL;
}

static bool has_cause(const json_t *status, const char *reason)
{
    size_t i;
    json_t *cause;
    json_array_foreach(json_at(status, "details.causes"), i, cause)
        if (strcmp(json_string_at(cause, "reason", ""), reason) == 0)
            return true;
    return false;
}

/*
 * Refusals that pass by themselves: a namespace that is going away (cause NamespaceTerminating), and two that admission plugins give only as
 * text while a namespace is new: its default service account, or the usage of its quota, is not there yet.
 */
static bool passes(const json_t *status)
{
    const char *message = json_string_at(status, "message", "");
    return has_cause(status, "NamespaceTerminating") || strstr(message, "status unknown for quota") ||
           (strstr(message, "error looking up service account") && strstr(message, "not found"));
}

/*
 * An applied object that does not fit the schema (an unknown field, a wrong type) comes back as 500 without a reason from servers of 1.33;
 * repeating it cannot help.
 */
static bool misfit(const json_t *status)
{
    static const char *const beginnings[] = {"failed to create typed patch object", "failed to convert new object"};
    const char *message = json_string_at(status, "message", "");
    if (*json_string_at(status, "reason", ""))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
        if (strncmp(message, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* At most MESSAGE_BYTES on one line, cut between characters. */
static void append_text(Str *out, const char *text, size_t n)
{
    if (n > MESSAGE_BYTES)
        for (n = MESSAGE_BYTES; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    for (size_t i = 0; i < n; i++)
        str_append_char(out, (unsigned char)text[i] < 0x20 ? ' ' : text[i]);
}

/* Names of the fields at fault, without any value. */
static void append_fields(Str *out, const json_t *status)
{
    size_t i, told = 0;
    json_t *cause;
    json_array_foreach(json_at(status, "details.causes"), i, cause)
    {
        const char *field = json_string_at(cause, "field", "");
        if (!*field || told == 5)
            continue;
        str_append(out, told++ ? ", " : " (fields ");
        append_text(out, field, strlen(field));
    }
    if (told)
        str_append_char(out, ')');
}

char *kube_call_text(const KubeCall *call)
{
    if (!call->kind)
        return xstrdup(call->verb);
    return xasprintf("%s %s%s%s%s%s", call->verb, call->kind, call->ns || call->name ? " " : "", call->ns ? call->ns : "",
                     call->ns && call->name ? "/" : "", call->name ? call->name : "");
}

bool kube_status_error(const KubeCall *call, const HttpResponse *response, Error *err)
{
    CLEANUP_JSON json_t *status = NULL;
    CLEANUP_STR Str text = STR_INIT;
    CLEANUP_FREE char *what = kube_call_text(call);
    bool secret = call->kind && strcmp(call->kind, "Secret") == 0;
    if (strstr(response->content_type, "json") && !json_parse(str_text(&response->body), response->body.len, &status, NULL))
        status = NULL;
    str_appendf(&text, "%d", response->status);
    if (*json_string_at(status, "reason", ""))
        str_appendf(&text, " %.60s", json_string_at(status, "reason", ""));
    if (secret) {
        append_fields(&text, status);
    } else if (*json_string_at(status, "message", "")) {
        str_append(&text, ": ");
        append_text(&text, json_string_at(status, "message", ""), strlen(json_string_at(status, "message", "")));
    } else if (!status && response->body.len > 0) {
        str_append(&text, ": ");
        append_text(&text, str_text(&response->body), response->body.len);
    }
    ErrorKind kind = kind_of_code(response->status);
    if (response->status == 403 && passes(status))
        kind = ERR_RETRY;
    if (response->status == 500 && misfit(status)) {
        kind = ERR_INVALID;
        str_append(&text, secret ? " (the object does not fit its schema)" : "");
    }
    error_set(err, kind, "%s: %s", what, str_text(&text));
    int wait = (int)json_int_at(status, "details.retryAfterSeconds", 0);
    if (err && kind == ERR_RETRY)
        err->retry_after_seconds = response->retry_after_seconds > wait ? response->retry_after_seconds : wait;
    return false;
}
