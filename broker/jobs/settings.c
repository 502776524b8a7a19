/* Dynamic broker settings: what the developer's `kafka_config` asks for, made true in Kafka and looked at on every broker. */
#include "jobs/facts.h"
#include "jobs/link.h"
#include "jobs/steps.h"
#include "kafka/admin.h"

#include <string.h>

/* What is asked for: of an update its own changes (null resets), of a new instance its parameters. NULL when nothing is. */
static const json_t *wanted(const Job *job)
{
    return json_object_get(job->op.kind == OP_UPDATE ? json_at(job->request, "ask.parameters") : job->instance.parameters, "kafka_config");
}

/* A value as Kafka writes it; NULL for null. The caller frees. */
static char *setting_text(const json_t *value)
{
    if (json_is_boolean(value))
        return xstrdup(json_is_true(value) ? "true" : "false");
    if (json_is_integer(value))
        return xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return xasprintf("%.15g", json_real_value(value));
    return xstrdup(json_string_value(value));
}

bool settings_act(Job *job, Error *err)
{
    const json_t *config = wanted(job);
    size_t n = 0, count = json_object_size(config);
    KafkaAdmin *admin = NULL;
    const char *name;
    json_t *value;
    if (count == 0)
        return true;
    if (!link_admin(job, &admin, err) || !job_alive(job, err))
        return false;
    KafkaSetting *settings = xcalloc(count, sizeof(*settings));
    json_object_foreach((json_t *)config, name, value) settings[n++] = (KafkaSetting){name, setting_text(value)};
    bool ok = kafka_settings_alter(admin, settings, n, err);
    for (size_t i = 0; i < n; i++)
        free((char *)(uintptr_t)settings[i].value);
    free(settings);
    return ok;
}

/* Whether broker `id` has taken over what is wanted; else job->progress says what it has not. A reset is done when the controller has it. */
static bool broker_follows(Job *job, KafkaAdmin *admin, int id, bool *ret, Error *err)
{
    const json_t *config = wanted(job);
    const char **names = xcalloc(json_object_size(config) + 1, sizeof(*names)), *name;
    CLEANUP_JSON json_t *found = NULL;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)config, name, value) names[n++] = name;
    bool ok = kafka_settings_read(admin, id, names, n, &found, err);
    free(names);
    *ret = ok;
    if (ok)
        json_object_foreach((json_t *)config, name, value)
        {
            CLEANUP_FREE char *text = setting_text(value);
            const char *got = json_string_value(json_object_get(found, name));
            if (*ret && text && (!got || strcmp(text, got) != 0)) {
                str_appendf(&job->progress, "kafka-%d does not use the new %s yet", id, name);
                *ret = false;
            }
        }
    return ok;
}

bool settings_check(Job *job, bool *ret_done, Error *err)
{
    KafkaAdmin *admin = NULL;
    if (json_object_size(wanted(job)) > 0) {
        if (!link_admin(job, &admin, err))
            return false;
        for (int i = 0; i < facts_brokers(job); i++) {
            bool follows = false;
            if (!broker_follows(job, admin, i, &follows, err))
                return false;
            if (!follows)
                return true;
        }
    }
    *ret_done = true;
    return true;
}
