/*
 * Settings and quotas of the Kafka administration against real brokers on loopback; every bound of the settings that the catalog offers.
 * Started by test_kafka_client.py as kafka_client is; PARAMETERS names catalog/parameters.yml.
 */
#include "kafka_client.h"

#include "base/yaml.h"
#include "domain/schema.h"

/* An administration that knows only this broker, so that "any" is it. */
static KafkaAdmin *admin_of_one(Run *run, size_t broker)
{
    KafkaDial how = {dial, run};
    return kafka_admin_new(&how, &run->brokers[broker].id, 1, CALL_MS);
}

/* `wanted` NULL: none. Texts are the same to the letter, so that what was set can be told from what is in force. */
static bool same_value(const json_t *is, const char *wanted)
{
    const char *text = json_string_value(is);
    return text && wanted ? strcmp(text, wanted) == 0 : !text && !wanted;
}

/* Waits until every broker runs with that value (NULL: none). */
static bool value_becomes(Run *run, const char *name, const char *wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    for (size_t i = 0; i < run->count; i++) {
        for (;;) {
            CLEANUP_JSON json_t *values = NULL;
            if (!kafka_settings_read(run->admin, run->brokers[i].id, &name, 1, &values, err))
                return false;
            json_t *value = json_object_get(values, name);
            if (same_value(value, wanted))
                break;
            if (clock_ms() > deadline_ms)
                return error_set(err, ERR_INTERNAL, "broker %d has %s = %s instead of %s", run->brokers[i].id, name,
                                 json_is_string(value) ? json_string_value(value) : "null", wanted ? wanted : "null");
            clock_sleep_ms(20);
        }
    }
    return true;
}

static bool alter_one(KafkaAdmin *a, const char *name, const char *value, Error *err)
{
    return kafka_settings_alter(a, &(KafkaSetting){name, value}, 1, err);
}

/* Waits until the cluster-wide setting is known to the first broker that answers (NULL: until it is unknown). */
static bool dynamic_becomes(Run *run, const char *name, const char *wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    do {
        CLEANUP_JSON json_t *values = NULL;
        if (!kafka_settings_dynamic(run->admin, &values, err))
            return false;
        json_t *value = json_object_get(values, name);
        if (wanted ? same_value(value, wanted) : !value)
            return true;
        clock_sleep_ms(20);
    } while (clock_ms() < deadline_ms);
    return error_set(err, ERR_INTERNAL, "%s does not become %s", name, wanted ? wanted : "absent");
}

static void check_settings(Run *run)
{
    static const KafkaSetting two[] = {{"log.retention.ms", "86400000"}, {"compression.type", "lz4"}};
    static const KafkaSetting none[] = {{"log.retention.ms", NULL}, {"compression.type", NULL}};
    Error err = {0};
    check(run, dynamic_becomes(run, "compression.type", NULL, &err), "settings: not dynamic at first", &err);
    check(run, value_becomes(run, "compression.type", "gzip", &err), "settings: the static value holds", &err);
    for (int again = 0; again < 2; again++) {
        check(run, kafka_settings_alter(run->admin, two, 2, &err), again ? "settings: set again" : "settings: set two", &err);
        check(run, value_becomes(run, "log.retention.ms", "86400000", &err) && value_becomes(run, "compression.type", "lz4", &err),
              "settings: in force on every broker", &err);
    }
    check(run, dynamic_becomes(run, "log.retention.ms", "86400000", &err) && dynamic_becomes(run, "compression.type", "lz4", &err),
          "settings: listed as dynamic", &err);
    for (int again = 0; again < 2; again++)
        check(run, kafka_settings_alter(run->admin, none, 2, &err), again ? "settings: remove again" : "settings: remove both", &err);
    check(run, value_becomes(run, "compression.type", "gzip", &err), "settings: the static value holds again", &err);
    check(run, dynamic_becomes(run, "compression.type", NULL, &err) && dynamic_becomes(run, "log.retention.ms", NULL, &err),
          "settings: not dynamic any more", &err);
    static const char *const names[] = {"no.such.setting", "ssl.keystore.key"};
    CLEANUP_JSON json_t *values = NULL;
    bool ok = kafka_settings_read(run->admin, run->brokers[1].id, names, 2, &values, &err);
    check(run, ok && json_object_size(values) == 2 && json_is_null(json_object_get(values, names[0])) &&
              json_is_null(json_object_get(values, names[1])), "settings: unknown and secret ones are null", &err);
}

/* A refused value takes the good one of the same call with it. */
static void check_refusals(Run *run)
{
    static const KafkaSetting bad[][2] = {
        {{"message.max.bytes", "2000000"}, {"log.retention.ms", "soon"}},
        {{"message.max.bytes", "2000000"}, {"compression.type", "rar"}},
        {{"message.max.bytes", "2000000"}, {"compression.gzip.level", "10"}},
        {{"message.max.bytes", "2000000"}, {"log.dirs", "/tmp"}},
        {{"message.max.bytes", "2000000"}, {"message.max.bytes", "3000000"}},
    };
    Error err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        bool ok = kafka_settings_alter(run->admin, bad[i], 2, &err);
        CLEANUP_FREE char *name = xasprintf("refused: %s = %s, naming it", bad[i][1].name, bad[i][1].value);
        check(run, !ok && err.kind == ERR_INVALID && strstr(err.text, i == 4 ? "duplicate" : bad[i][1].name), name, &err);
        printf("     (%s)\n", err.text);
    }
    clock_sleep_ms(500);
    check(run, value_becomes(run, "message.max.bytes", "1048588", &err) && dynamic_becomes(run, "message.max.bytes", NULL, &err),
          "refused: nothing of these calls was applied", &err);
}

static bool quota_becomes(KafkaAdmin *a, const char *user, KafkaUserQuota wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    KafkaUserQuota q;
    do {
        if (!kafka_user_quota_get(a, user, &q, err))
            return false;
        if (q.producer_byte_rate == wanted.producer_byte_rate && q.consumer_byte_rate == wanted.consumer_byte_rate)
            return true;
        clock_sleep_ms(20);
    } while (clock_ms() < deadline_ms);
    return error_set(err, ERR_INTERNAL, "the rates are %lld and %lld", (long long)q.producer_byte_rate, (long long)q.consumer_byte_rate);
}

/* Each broker takes changes of settings and quotas, also with ZooKeeper; all hear of them. */
static void check_each_broker(Run *run)
{
    static const KafkaUserQuota steps[] = {{1048576, 2097152}, {1048576, 2097152}, {INT64_C(1) << 53, 0}, {0, 1}, {0, 0}, {0, 0}};
    Error err = {0};
    for (size_t i = 0; i < run->count; i++) {
        CLEANUP(kafka_admin_free) KafkaAdmin *one = admin_of_one(run, i);
        CLEANUP_FREE char *size = xasprintf("%d", 2000000 + (int)i);
        check(run, alter_one(one, "message.max.bytes", size, &err) && value_becomes(run, "message.max.bytes", size, &err),
              "each broker: takes a setting", &err);
        check(run, alter_one(one, "message.max.bytes", NULL, &err) && value_becomes(run, "message.max.bytes", "1048588", &err),
              "each broker: removes it", &err);
        check(run, quota_becomes(one, run->user, (KafkaUserQuota){0, 0}, &err), "each broker: no quota at first", &err);
        for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
            bool ok = kafka_user_quota_set(one, run->user, &steps[k], &err);
            for (size_t at = 0; ok && at < run->count; at++) {
                CLEANUP(kafka_admin_free) KafkaAdmin *other = admin_of_one(run, at);
                ok = quota_becomes(other, run->user, steps[k], &err);
            }
            CLEANUP_FREE char *name = xasprintf("each broker: quota %lld and %lld, known to all",
                                                (long long)steps[k].producer_byte_rate, (long long)steps[k].consumer_byte_rate);
            check(run, ok, name, &err);
        }
    }
}

static void check_users_keep_their_own(Run *run)
{
    Error err = {0};
    static const KafkaUserQuota quota = {1000, 2000};
    check(run, kafka_user_upsert(run->admin, run->user, run->password, 4096, &err) &&
              kafka_user_quota_set(run->admin, run->user, &quota, &err), "user with a quota", &err);
    bool exists = false;
    check(run, kafka_user_exists(run->admin, run->user, &exists, &err) && exists && quota_becomes(run->admin, run->user, quota, &err),
          "user with a quota: both are kept", &err);
    check(run, quota_becomes(run->admin, "another", (KafkaUserQuota){0, 0}, &err), "another user has none", &err);
    check(run, kafka_user_delete(run->admin, run->user, &err) && quota_becomes(run->admin, run->user, quota, &err),
          "the quota outlives the user", &err);
    check(run, kafka_user_quota_set(run->admin, run->user, &(KafkaUserQuota){0, 0}, &err) &&
              quota_becomes(run->admin, run->user, (KafkaUserQuota){0, 0}, &err), "and is removed without it", &err);
}

/* The least and the greatest value, or each word, as Kafka's text. */
static json_t *values_of(const json_t *schema)
{
    static const char *const bounds[] = {"minimum", "maximum"};
    if (strcmp(json_string_at(schema, "type", ""), "boolean") == 0)
        return json_pack("[s,s]", "true", "false");
    json_t *values = json_array(), *word;
    size_t i;
    json_array_foreach(json_object_get(schema, "enum"), i, word)
    {
        json_array_append(values, word);
    }
    for (i = 0; i < ARRAY_SIZE(bounds); i++) {
        const json_t *bound = json_object_get(schema, bounds[i]);
        char *text = json_is_number(bound) ? json_dumps(bound, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
        if (text)
            json_array_append_new(values, json_string(text));
        free(text);
    }
    return values;
}

static bool fits(const Schema *s, const char *name, json_t *taken, Error *err)
{
    CLEANUP_JSON json_t *object = json_object();
    json_object_set_new(object, name, taken);
    return schema_check(s, "kafka_config", object, err);
}

/* One step below the least or above the greatest; beyond int64 there are only reals. */
static json_t *step_outside(const json_t *bound, int step)
{
    if (!json_is_integer(bound))
        return json_real(json_number_value(bound) + step);
    json_int_t n = json_integer_value(bound);
    return n == INT64_MAX && step > 0 ? json_real(1e19) : json_integer(n + step);
}

/* The schema takes its bounds and words, and refuses what lies one step outside. */
static bool is_bounded(const Schema *all, const char *name, const json_t *schema, Error *err)
{
    const json_t *least = json_object_get(schema, "minimum"), *most = json_object_get(schema, "maximum");
    json_t *word;
    size_t i;
    json_array_foreach(json_object_get(schema, "enum"), i, word)
    {
        if (!fits(all, name, json_incref(word), err))
            return false;
    }
    error_set(err, ERR_INTERNAL, "a value outside is taken");
    if (!least && !most)
        return !fits(all, name, json_string("no such word"), NULL) && !fits(all, name, json_integer(1), NULL);
    return least && most && fits(all, name, json_incref((json_t *)least), err) && fits(all, name, json_incref((json_t *)most), err) &&
           !fits(all, name, step_outside(least, -1), NULL) && !fits(all, name, step_outside(most, 1), NULL) &&
           !fits(all, name, json_string(""), NULL);
}

/* Kafka takes every extreme of one setting, runs with it, and goes back to what it had. */
static void check_offered(Run *run, const Schema *all, const char *name, const json_t *schema)
{
    Error err = {0};
    CLEANUP_JSON json_t *values = values_of(schema), *before = NULL;
    size_t i;
    json_t *value;
    CLEANUP_FREE char *bounded = xasprintf("offered: %s is described, its schema bounds it", name);
    check(run, *json_string_at(schema, "description", "") && is_bounded(all, name, schema, &err), bounded, &err);
    bool ok = kafka_settings_read(run->admin, run->brokers[0].id, &name, 1, &before, &err);
    json_array_foreach(values, i, value)
    {
        const char *text = json_string_value(value);
        CLEANUP_FREE char *title = xasprintf("offered: %s = %s", name, text);
        check(run, alter_one(run->admin, name, text, &err) && value_becomes(run, name, text, &err), title, &err);
    }
    CLEANUP_FREE char *removed = xasprintf("offered: %s is removed", name);
    check(run, ok && alter_one(run->admin, name, NULL, &err) && dynamic_becomes(run, name, NULL, &err) &&
              value_becomes(run, name, json_string_value(json_object_get(before, name)), &err), removed, &err);
}

/* The first or the last value of every setting in one call; -1: removes them. */
static bool alter_all(Run *run, const json_t *properties, int which, Error *err)
{
    size_t n = 0;
    KafkaSetting *settings = xcalloc(json_object_size(properties), sizeof(*settings));
    CLEANUP_JSON json_t *kept = json_array(); /* what the texts lie in */
    const char *name;
    json_t *schema;
    json_object_foreach((json_t *)properties, name, schema)
    {
        json_t *values = values_of(schema);
        json_array_append_new(kept, values);
        size_t at = which ? json_array_size(values) - 1 : 0;
        settings[n++] = (KafkaSetting){name, which < 0 ? NULL : json_string_value(json_array_get(values, at))};
    }
    bool ok = kafka_settings_alter(run->admin, settings, n, err);
    free(settings);
    return ok;
}

static void check_catalog(Run *run)
{
    Error err = {0};
    CLEANUP_JSON json_t *file = NULL;
    const char *path = getenv("PARAMETERS"), *name;
    CLEANUP(schema_free) Schema *all = NULL;
    bool ok = yaml_load(path ? path : "", &file, &err) && schema_compile(json_object_get(file, "kafka_config"), &all, &err);
    const json_t *properties = json_at(file, "kafka_config.properties");
    json_t *schema;
    check(run, ok && json_object_size(properties) > 0, "offered: the catalog has a schema of settings", &err);
    if (!ok)
        return;
    check(run, !fits(all, "log.dirs", json_string("/tmp"), NULL) && !fits(all, "min.insync.replicas", json_integer(1), NULL),
          "offered: no other setting", NULL);
    json_object_foreach((json_t *)properties, name, schema)
    {
        check_offered(run, all, name, schema);
    }
    check(run, alter_all(run, properties, 0, &err), "offered: all at their least in one call", &err);
    check(run, alter_all(run, properties, 1, &err), "offered: all at their greatest in one call", &err);
    check(run, kafka_canary(run->admin, "canary-extremes", (int)run->count, &err), "offered: records pass then", &err);
    check(run, alter_all(run, properties, -1, &err) && dynamic_becomes(run, "message.max.bytes", NULL, &err),
          "offered: all removed in one call", &err);
    check(run, kafka_canary(run->admin, "canary-extremes", (int)run->count, &err), "offered: records pass again", &err);
}

static void check_everything(Run *run)
{
    check_settings(run);
    check_refusals(run);
    check_each_broker(run);
    check_users_keep_their_own(run);
    check_catalog(run);
}

int main(int argc, char **argv)
{
    return run_driver(argc, argv, check_everything);
}
