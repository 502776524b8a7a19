/* What keeps pods from being ready, in words: scheduling, images, crashes, configuration. */
#include "kube/object.h"

#include <string.h>

#define POD_TROUBLES_TOLD 3
#define RESTARTS_FATAL 3
#define MESSAGE_BYTES 200

/* Appends at most MESSAGE_BYTES of a message on one line, cut between characters. */
static void append_message(Str *out, const char *message)
{
    size_t n = utf8_prefix(message, MESSAGE_BYTES);
    for (size_t i = 0; i < n; i++)
        str_append_char(out, (unsigned char)message[i] < 0x20 ? ' ' : message[i]);
    if (message[n])
        str_append(out, "...");
}

static const json_t *condition(const json_t *pod, const char *type)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_at(pod, "status.conditions"), i, c)
        if (strcmp(json_string_at(c, "type", ""), type) == 0)
            return c;
    return NULL;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

/* The registry has answered that there is no such image; anything else may pass. */
static bool image_absent(const char *message)
{
    return strstr(message, ": not found") || strstr(message, "manifest unknown");
}

/* Trouble told by state.waiting. */
static bool waiting_trouble(const json_t *container, Str *out, bool *fatal)
{
    static const char *const pull[] = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", NULL};
    static const char *const image[] = {"InvalidImageName", "ErrImageNeverPull", NULL};
    static const char *const config[] = {"CreateContainerConfigError", NULL};
    static const char *const create[] = {"CreateContainerError", "RunContainerError", "PostStartHookError", NULL};
    const char *reason = json_string_at(container, "state.waiting.reason", "");
    const char *message = json_string_at(container, "state.waiting.message", "");
    if (is_one_of(reason, pull) || is_one_of(reason, image)) {
        str_appendf(out, "image %s cannot be pulled (%s", json_string_at(container, "image", "?"), reason);
        *fatal = *fatal || is_one_of(reason, image) || image_absent(message);
    } else if (is_one_of(reason, config) || is_one_of(reason, create)) {
        str_appendf(out, "container %s cannot start (%s", json_string_at(container, "name", "?"), reason);
        *fatal = *fatal || is_one_of(reason, config);
    } else {
        return false;
    }
    if (*message) {
        str_append(out, ": ");
        append_message(out, message);
    }
    str_append(out, ")");
    return true;
}

/* Trouble told by how the container ended, now or last time. */
static bool exit_trouble(const json_t *container, Str *out, bool *fatal)
{
    const json_t *now = json_at(container, "state.terminated");
    const json_t *ended = now ? now : json_at(container, "lastState.terminated");
    int restarts = (int)json_int_at(container, "restartCount", 0);
    bool looping = strcmp(json_string_at(container, "state.waiting.reason", ""), "CrashLoopBackOff") == 0;
    if (!looping && (!ended || json_int_at(ended, "exitCode", 0) == 0))
        return false;
    str_appendf(out, "container %s ", json_string_at(container, "name", "?"));
    if (ended)
        str_appendf(out, "exited with code %d (%s), ", (int)json_int_at(ended, "exitCode", 0),
                    json_string_at(ended, "reason", "Error"));
    else
        str_append(out, "is in a crash loop, ");
    str_appendf(out, "%d restart%s", restarts, restarts == 1 ? "" : "s");
    *fatal = *fatal || ((looping || now) && restarts >= RESTARTS_FATAL);
    return true;
}

/* The first troubled container of a list of statuses. */
static bool containers_trouble(const json_t *pod, const char *path, Str *out, bool *fatal)
{
    size_t i;
    json_t *container;
    json_array_foreach(json_at(pod, path), i, container)
        if (!json_bool_at(container, "ready", false) &&
            (waiting_trouble(container, out, fatal) || exit_trouble(container, out, fatal)))
            return true;
    return false;
}

static bool pod_trouble(const json_t *pod, Str *out, bool *fatal)
{
    const json_t *scheduled = condition(pod, "PodScheduled");
    const char *phase = json_string_at(pod, "status.phase", "");
    if (strcmp(json_string_at(scheduled, "reason", ""), "Unschedulable") == 0 &&
        strcmp(json_string_at(scheduled, "status", ""), "True") != 0) {
        str_append(out, "cannot be scheduled: ");
        append_message(out, json_string_at(scheduled, "message", "no reason given"));
        return true;
    }
    if (containers_trouble(pod, "status.initContainerStatuses", out, fatal) ||
        containers_trouble(pod, "status.containerStatuses", out, fatal))
        return true;
    if (strcmp(phase, "Failed") != 0)
        return false;
    str_appendf(out, "failed (%s", json_string_at(pod, "status.reason", "no reason given"));
    if (*json_string_at(pod, "status.message", "")) {
        str_append(out, ": ");
        append_message(out, json_string_at(pod, "status.message", ""));
    }
    str_append(out, ")");
    return true;
}

/* Pods that are ready, done, or on their way out have no trouble worth telling. */
static bool settled(const json_t *pod)
{
    const json_t *ready = condition(pod, "Ready");
    return strcmp(json_string_at(ready, "status", ""), "True") == 0 || json_at(pod, "metadata.deletionTimestamp") ||
           strcmp(json_string_at(pod, "status.phase", ""), "Succeeded") == 0;
}

bool pods_trouble(const json_t *pods, Str *out, bool *ret_fatal)
{
    size_t i, troubled = 0;
    json_t *pod;
    bool fatal = false;
    json_array_foreach((json_t *)pods, i, pod)
    {
        CLEANUP_STR Str one = STR_INIT;
        if (settled(pod) || !pod_trouble(pod, &one, &fatal))
            continue;
        if (++troubled <= POD_TROUBLES_TOLD)
            str_appendf(out, "%s%s: %s", troubled > 1 ? "; " : "", json_string_at(pod, "metadata.name", "?"), str_text(&one));
    }
    if (troubled > POD_TROUBLES_TOLD)
        str_appendf(out, "; and %zu more", troubled - POD_TROUBLES_TOLD);
    if (troubled > 0)
        *ret_fatal = fatal;
    return troubled > 0;
}
