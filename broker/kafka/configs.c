/* Dynamic broker settings, cluster-wide (KIP-226, incremental changes: KIP-339). */
#include "kafka/admin.h"

#include "base/mem.h"
#include "kafka/errors.h"

#include <stdio.h>

enum { RESOURCE_BROKER = 4, CHANGE_SET = 0, CHANGE_DELETE = 1, SOURCE_DYNAMIC_DEFAULT = 3 };

static const char cluster_wide[] = ""; /* resource name of what holds for all brokers */

bool kafka_settings_alter(KafkaAdmin *a, const KafkaSetting *settings, size_t count, Error *err)
{
    static const char what[] = "Kafka settings";
    if (count == 0)
        return true;
    CLEANUP_JSON json_t *changes = json_array(), *answer = NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(changes, json_pack("{s:s,s:i,s:s?}", "Name", settings[i].name, "ConfigOperation",
                                                 settings[i].value ? CHANGE_SET : CHANGE_DELETE, "Value", settings[i].value));
    if (json_array_size(changes) != count)
        return error_set(err, ERR_INVALID, "%s: a name or value is not UTF-8", what);
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:i,s:s,s:O}]}", "Resources", "ResourceType", RESOURCE_BROKER, "ResourceName",
                                             cluster_wide, "Configs", changes);
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_INCREMENTAL_ALTER_CONFIGS, request, &answer, err))
        return error_wrap(err, "%s", what);
    return kafka_check_items(json_object_get(answer, "Responses"), 1, what, err);
}

/* The configuration of one broker, or of all (resource ""); `keys` JSON null: every key. Takes `keys`. */
static bool describe(KafkaAdmin *a, int broker_id, const char *resource, json_t *keys, json_t **ret, Error *err)
{
    static const char what[] = "Kafka settings";
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:i,s:s,s:o}]}", "Resources", "ResourceType", RESOURCE_BROKER, "ResourceName",
                                             resource, "ConfigurationKeys", keys);
    if (!kafka_admin_call(a, broker_id, KAFKA_DESCRIBE_CONFIGS, request, &answer, err))
        return error_wrap(err, "%s", what);
    if (!kafka_check_items(json_object_get(answer, "Results"), 1, what, err))
        return false;
    *ret = json_incref(json_at(answer, "Results.0.Configs"));
    return true;
}

/* Sensitive values come as null; should one come along, it is dropped all the same. */
static void put_value(json_t *into, const json_t *config)
{
    json_t *value = json_object_get(config, "Value");
    bool shown = json_is_string(value) && !json_bool_at(config, "IsSensitive", false);
    json_object_set_new(into, json_string_at(config, "Name", ""), shown ? json_incref(value) : json_null());
}

bool kafka_settings_read(KafkaAdmin *a, int broker_id, const char *const *names, size_t count, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *values = json_object(), *keys = json_array(), *configs = NULL;
    char resource[16];
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(values, names[i], json_null()) || json_array_append_new(keys, json_string(names[i])))
            return error_set(err, ERR_INVALID, "Kafka settings: a name is not UTF-8");
    snprintf(resource, sizeof(resource), "%d", broker_id);
    if (count && !describe(a, broker_id, resource, json_incref(keys), &configs, err))
        return false;
    size_t i;
    json_t *config;
    json_array_foreach(configs, i, config)
    {
        if (json_object_get(values, json_string_at(config, "Name", "")))
            put_value(values, config);
    }
    *ret = TAKE(values);
    return true;
}

bool kafka_settings_dynamic(KafkaAdmin *a, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *values = json_object(), *configs = NULL;
    if (!describe(a, KAFKA_ANY_BROKER, cluster_wide, json_null(), &configs, err))
        return false;
    size_t i;
    json_t *config;
    json_array_foreach(configs, i, config)
    {
        if (json_int_at(config, "ConfigSource", -1) == SOURCE_DYNAMIC_DEFAULT)
            put_value(values, config);
    }
    *ret = TAKE(values);
    return true;
}
