/* Collects what keeps the pods of a workload from being ready. Internal to kube/. */
#ifndef KUBE_TROUBLE_H
#define KUBE_TROUBLE_H

#include "base/mem.h"
#include "kube/object.h"

typedef struct Troubles {
    const Workload *workload;
    Str *text;
    size_t count;
    Severity worst;
    int stuck_seconds; /* of the stuck trouble that has lasted longest */
} Troubles;

/* One more trouble in words (the first few are told); `since`: Unix seconds at which it began, 0 = unknown, taken for long ago; to come = not stuck yet. */
void trouble_add(Troubles *t, Severity severity, const char *text, int64_t since);
/* The trouble of one pod, if any. */
void pod_trouble(Troubles *t, const json_t *pod);

#define MESSAGE_BYTES 200

/* Appends at most MESSAGE_BYTES of `message` on one line, cut between characters. */
void append_message(Str *out, const char *message);
/* The time at `path` in Unix seconds; 0 when there is none. */
int64_t time_at(const json_t *object, const char *path);
/* The newest event that involves the object; NULL when there is none. */
const json_t *newest_event(const json_t *events, const json_t *object);
/* When the first warning of the object was seen, in Unix seconds, but for those of the reason `except`; 0 when there is none. */
int64_t first_warning(const json_t *events, const json_t *object, const char *except);

#endif
