/* What keeps a pod from being ready, in words: scheduling, images, crashes, configuration, volumes, its readiness probe. */
#include "kube/trouble.h"

#include "base/words.h"

#include <string.h>
#include <strings.h>

#define RESTARTS_FATAL 3
#define STARTING_SECONDS 30 /* a container that runs for less is expected not to be ready yet */
#define SLOW_SECONDS 240    /* on a busy node it may take so long; what lasts longer is stuck */

static const json_t *condition(const json_t *pod, const char *type)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_at(pod, "status.conditions"), i, c)
        if (strcmp(json_string_at(c, "type", ""), type) == 0)
            return c;
    return NULL;
}

/* The registry has answered that there is no such image; anything else may pass. */
static bool image_absent(const char *message)
{
    return strstr(message, ": not found") || strstr(message, "manifest unknown");
}

/* The end of a chain "what: what it needed: why" that is too long to tell: the cause stands last. */
static const char *cause_of(const char *message)
{
    for (const char *next; strlen(message) > MESSAGE_BYTES && (next = strstr(message, ": ")); message = next + 2)
        ;
    return message;
}

/* Trouble told by state.waiting. */
static Severity waiting_trouble(const json_t *container, Str *out)
{
    static const char *const pull[] = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError", NULL};
    static const char *const image[] = {"InvalidImageName", "ErrImageNeverPull", NULL};
    static const char *const config[] = {"CreateContainerConfigError", NULL};
    static const char *const create[] = {"CreateContainerError", "RunContainerError", "PostStartHookError", NULL};
    const char *reason = json_string_at(container, "state.waiting.reason", "");
    const char *message = json_string_at(container, "state.waiting.message", "");
    Severity severity = TROUBLE_STUCK;
    if (words_hold(pull, reason) || words_hold(image, reason)) {
        str_appendf(out, "image %s cannot be pulled (%s", json_string_at(container, "image", "?"), reason);
        severity = words_hold(image, reason) || image_absent(message) ? TROUBLE_FATAL : TROUBLE_STUCK;
    } else if (words_hold(config, reason) || words_hold(create, reason)) {
        str_appendf(out, "container %s cannot start (%s", json_string_at(container, "name", "?"), reason);
        severity = words_hold(config, reason) ? TROUBLE_FATAL : TROUBLE_STUCK;
    } else {
        return TROUBLE_NONE;
    }
    if (*message) {
        str_append(out, ": ");
        append_message(out, words_hold(pull, reason) ? cause_of(message) : message);
    }
    str_append(out, ")");
    return severity;
}

/* Whether a line of a log may be shown: no frame of a stack trace, and nothing that may quote a secret. */
static bool line_tells(const char *line)
{
    static const char *const never[] = {"password", "secret", "jaas", "private key"};
    if (!*line || *line == ' ' || *line == '\t' || *line == '\r')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        if (strcasestr(line, never[i]))
            return false;
    return true;
}

/* The last line worth telling of what a container wrote before it ended (terminationMessagePolicy FallbackToLogsOnError). */
static void append_last_words(Str *out, const char *message)
{
    CLEANUP_FREE char *copy = xstrdup(message), *best = NULL;
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (line_tells(line)) {
            free(best);
            best = xstrdup(line);
        }
    if (best) {
        str_append(out, "; its last words: ");
        append_message(out, best);
    }
}

/* Trouble told by how the container ended, now or last time. */
static Severity exit_trouble(const json_t *container, Str *out)
{
    const json_t *now = json_at(container, "state.terminated");
    const json_t *ended = now ? now : json_at(container, "lastState.terminated");
    int restarts = (int)json_int_at(container, "restartCount", 0);
    bool looping = strcmp(json_string_at(container, "state.waiting.reason", ""), "CrashLoopBackOff") == 0;
    if (!looping && (!ended || json_int_at(ended, "exitCode", 0) == 0))
        return TROUBLE_NONE;
    str_appendf(out, "container %s ", json_string_at(container, "name", "?"));
    if (ended)
        str_appendf(out, "exited with code %d (%s), ", (int)json_int_at(ended, "exitCode", 0),
                    json_string_at(ended, "reason", "Error"));
    else
        str_append(out, "is in a crash loop, ");
    str_appendf(out, "%d restart%s", restarts, restarts == 1 ? "" : "s");
    append_last_words(out, json_string_at(ended, "message", ""));
    return (looping || now) && restarts >= RESTARTS_FATAL ? TROUBLE_FATAL : TROUBLE_PASSING;
}

/* A container that has been running for long enough and is not ready: its probe fails. `said`: what is told of it already. */
static Severity probe_trouble(const Workload *w, const json_t *pod, const json_t *container, Str *out)
{
    int64_t began = time_at(container, "state.running.startedAt");
    if (!began || w->now - began < STARTING_SECONDS)
        return TROUBLE_NONE;
    if (!out->len) {
        const json_t *event = newest_event(w->events, pod);
        int minutes = (int)((w->now - began) / 60); /* a text that changes each second would be news each second */
        str_appendf(out, "container %s has been running for %d %s and is not ready", json_string_at(container, "name", "?"),
                    minutes ? minutes : STARTING_SECONDS, minutes > 1 ? "minutes" : minutes ? "minute" : "seconds");
        if (strcmp(json_string_at(event, "reason", ""), "Unhealthy") == 0) {
            str_append(out, " (");
            append_message(out, json_string_at(event, "message", ""));
            str_append(out, ")");
        }
    }
    return TROUBLE_STUCK;
}

/* The first troubled container of a list of statuses. *ret_since as for trouble_add. */
static Severity containers_trouble(const Workload *w, const json_t *pod, const char *path, Str *out, int64_t *ret_since)
{
    size_t i;
    json_t *container;
    json_array_foreach(json_at(pod, path), i, container)
    {
        if (json_bool_at(container, "ready", false))
            continue;
        Severity severity = waiting_trouble(container, out);
        if (severity == TROUBLE_NONE)
            severity = exit_trouble(container, out);
        if (severity <= TROUBLE_PASSING && probe_trouble(w, pod, container, out) == TROUBLE_STUCK) {
            severity = TROUBLE_STUCK;
            *ret_since = time_at(container, "state.running.startedAt") + SLOW_SECONDS;
        }
        if (severity != TROUBLE_NONE)
            return severity;
    }
    return TROUBLE_NONE;
}

/* A node was found, but a volume, the network or the sandbox of the pod cannot be made: only events tell. */
static Severity setup_trouble(const Workload *w, const json_t *pod, Str *out)
{
    const json_t *event = newest_event(w->events, pod);
    const char *reason = json_string_at(event, "reason", "");
    if (strncmp(reason, "Failed", 6) != 0 || strcmp(reason, "FailedScheduling") == 0 ||
        strcmp(json_string_at(pod, "status.phase", ""), "Pending") != 0)
        return TROUBLE_NONE;
    str_appendf(out, "cannot be set up (%s: ", reason);
    append_message(out, json_string_at(event, "message", "no reason given"));
    str_append(out, ")");
    return TROUBLE_STUCK;
}

static Severity phase_trouble(const json_t *pod, Str *out)
{
    if (strcmp(json_string_at(pod, "status.phase", ""), "Failed") != 0)
        return TROUBLE_NONE;
    str_appendf(out, "failed (%s", json_string_at(pod, "status.reason", "no reason given"));
    if (*json_string_at(pod, "status.message", "")) {
        str_append(out, ": ");
        append_message(out, json_string_at(pod, "status.message", ""));
    }
    str_append(out, ")");
    return TROUBLE_PASSING;
}

/* The scheduler's reason without what it says of preemption. */
static bool unscheduled(Troubles *t, const json_t *pod)
{
    const json_t *scheduled = condition(pod, "PodScheduled");
    const char *message = json_string_at(scheduled, "message", "no reason given"), *end = strstr(message, " preemption:");
    if (!*json_string_at(scheduled, "reason", "") || strcmp(json_string_at(scheduled, "status", ""), "True") == 0)
        return false;
    CLEANUP_STR Str text = STR_INIT, reason = STR_INIT;
    str_append_n(&reason, message, end ? (size_t)(end - message) : strlen(message));
    str_appendf(&text, "%s cannot be scheduled: ", json_string_at(pod, "metadata.name", "?"));
    append_message(&text, str_text(&reason));
    trouble_add(t, TROUBLE_STUCK, str_text(&text), time_at(scheduled, "lastTransitionTime"));
    return true;
}

/* Pods that are ready, done, or on their way out have no trouble worth telling. */
static bool settled(const json_t *pod)
{
    const json_t *ready = condition(pod, "Ready");
    return strcmp(json_string_at(ready, "status", ""), "True") == 0 || json_at(pod, "metadata.deletionTimestamp") ||
           strcmp(json_string_at(pod, "status.phase", ""), "Succeeded") == 0;
}

void pod_trouble(Troubles *t, const json_t *pod)
{
    const Workload *w = t->workload;
    CLEANUP_STR Str why = STR_INIT;
    if (settled(pod) || unscheduled(t, pod))
        return;
    /* What a kubelet reports has lasted since its first warning, at most since the pod has a node. */
    int64_t since = first_warning(w->events, pod, "FailedScheduling");
    since = since ? since : time_at(condition(pod, "PodScheduled"), "lastTransitionTime");
    Severity severity = containers_trouble(w, pod, "status.initContainerStatuses", &why, &since);
    if (severity == TROUBLE_NONE)
        severity = containers_trouble(w, pod, "status.containerStatuses", &why, &since);
    if (severity == TROUBLE_NONE)
        severity = phase_trouble(pod, &why);
    if (severity == TROUBLE_NONE)
        severity = setup_trouble(w, pod, &why);
    if (severity == TROUBLE_NONE)
        return;
    CLEANUP_FREE char *text = xasprintf("%s: %s", json_string_at(pod, "metadata.name", "?"), str_text(&why));
    trouble_add(t, severity, text, since);
}
