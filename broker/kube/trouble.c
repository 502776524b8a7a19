/* Why a workload is not ready: pods that do not exist, volume claims that are not bound, and what each pod says. */
#include "kube/trouble.h"

#include "kube/exec_plugin.h"

#include <limits.h>
#include <string.h>

#define TROUBLES_TOLD 3

void append_message(Str *out, const char *message)
{
    size_t n = utf8_prefix(message, MESSAGE_BYTES);
    for (size_t i = 0; i < n; i++)
        str_append_char(out, (unsigned char)message[i] < 0x20 ? ' ' : message[i]);
    if (message[n])
        str_append(out, "...");
}

int64_t time_at(const json_t *object, const char *path)
{
    int64_t at = 0;
    return rfc3339_parse(json_string_at(object, path, ""), &at) ? at : 0;
}

void trouble_add(Troubles *t, Severity severity, const char *text, int64_t since)
{
    if (++t->count <= TROUBLES_TOLD)
        str_appendf(t->text, "%s%s", t->count > 1 ? "; " : "", text);
    if (severity > t->worst)
        t->worst = severity;
    int64_t lasted = since ? t->workload->now - since : INT_MAX;
    if (severity == TROUBLE_STUCK && lasted > t->stuck_seconds)
        t->stuck_seconds = (int)(lasted < INT_MAX ? lasted : INT_MAX);
}

/* An event is of the object if kind and name fit, and the uid where both know it: a pod's name is used again. */
static bool involves(const json_t *event, const json_t *object)
{
    const char *uid = json_string_at(event, "involvedObject.uid", ""), *wanted = json_string_at(object, "metadata.uid", "");
    return strcmp(json_string_at(event, "involvedObject.kind", ""), json_string_at(object, "kind", "?")) == 0 &&
           strcmp(json_string_at(event, "involvedObject.name", ""), json_string_at(object, "metadata.name", "?")) == 0 &&
           (!*uid || !*wanted || strcmp(uid, wanted) == 0);
}

/* When an event was last seen; its members depend on the API that the reporter uses. */
static int64_t event_time(const json_t *event)
{
    static const char *const paths[] = {"series.lastObservedTime", "lastTimestamp", "eventTime", "metadata.creationTimestamp"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        int64_t at = time_at(event, paths[i]);
        if (at)
            return at;
    }
    return 0;
}

const json_t *newest_event(const json_t *events, const json_t *object)
{
    const json_t *newest = NULL;
    size_t i;
    json_t *event;
    json_array_foreach((json_t *)events, i, event)
        if (involves(event, object) && (!newest || event_time(event) >= event_time(newest)))
            newest = event;
    return newest;
}

int64_t first_warning(const json_t *events, const json_t *object, const char *except)
{
    int64_t first = 0;
    size_t i;
    json_t *event;
    json_array_foreach((json_t *)events, i, event)
    {
        if (!involves(event, object) || strcmp(json_string_at(event, "type", ""), "Warning") != 0 ||
            strcmp(json_string_at(event, "reason", ""), except) == 0)
            continue;
        int64_t at = time_at(event, "firstTimestamp");
        at = at ? at : event_time(event);
        if (at && (!first || at < first))
            first = at;
    }
    return first;
}

/* Pods that the set wants and nobody has made, such as beyond a quota: the controller tells why by an event of the set. */
static void missing_pods(Troubles *t)
{
    const Workload *w = t->workload;
    json_int_t wanted = json_int_at(w->set, "spec.replicas", 1);
    size_t there = json_array_size(w->pods);
    if (!w->set || !w->events || (json_int_t)there >= wanted)
        return;
    CLEANUP_STR Str text = STR_INIT;
    const json_t *event = newest_event(w->events, w->set);
    int64_t since = first_warning(w->events, w->set, "");
    str_appendf(&text, "%d of %d pods do not exist", (int)wanted - (int)there, (int)wanted);
    if (event && strcmp(json_string_at(event, "type", ""), "Warning") == 0) {
        str_append(&text, ": ");
        append_message(&text, json_string_at(event, "message", "no reason given"));
    }
    trouble_add(t, TROUBLE_STUCK, str_text(&text), since ? since : time_at(w->set, "metadata.creationTimestamp"));
}

/* A claim that waits for the scheduler's choice of a node has no trouble of its own: its pod tells. */
static void claim_trouble(Troubles *t, const json_t *claim)
{
    const json_t *event = newest_event(t->workload->events, claim);
    const char *reason = json_string_at(event, "reason", "");
    if (strcmp(json_string_at(claim, "status.phase", ""), "Bound") == 0 || json_at(claim, "metadata.deletionTimestamp") ||
        strcmp(reason, "WaitForFirstConsumer") == 0 || strcmp(reason, "WaitForPodScheduled") == 0)
        return;
    CLEANUP_STR Str text = STR_INIT;
    str_appendf(&text, "volume claim %s has no volume", json_string_at(claim, "metadata.name", "?"));
    if (event) {
        str_append(&text, ": ");
        append_message(&text, json_string_at(event, "message", "no reason given"));
    }
    trouble_add(t, TROUBLE_STUCK, str_text(&text), time_at(claim, "metadata.creationTimestamp"));
}

Severity workload_trouble(const Workload *w, Str *out, int *ret_stuck_seconds)
{
    Troubles t = {.workload = w, .text = out};
    size_t i;
    json_t *object;
    missing_pods(&t);
    json_array_foreach((json_t *)w->claims, i, object) claim_trouble(&t, object);
    json_array_foreach((json_t *)w->pods, i, object) pod_trouble(&t, object);
    if (t.count > TROUBLES_TOLD)
        str_appendf(out, "; and %zu more", t.count - TROUBLES_TOLD);
    *ret_stuck_seconds = t.stuck_seconds;
    return t.worst;
}
