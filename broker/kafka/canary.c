/* Canary: proof that a record can be written and read, with a topic of its own. */
#include "kafka/admin_own.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "kafka/errors.h"
#include "kafka/records.h"
#include "kafka/wire.h"

#include <string.h>
#include <time.h>

enum { PAUSE_MS = 200, FETCH_WAIT_MS = 500, FETCH_BYTES = 1024 * 1024, VALUE_LENGTH = 32 };

typedef struct Canary {
    KafkaAdmin *admin;
    const char *topic;
    int replication_factor;
    char *value;
    int leader;
    int64_t offset;
} Canary;

/* What could refuse the record is fixed, so that neither the cluster's defaults nor a wrong clock here gets in the way. */
static bool create_topic(Canary *c, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i,s:i,s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}]}],s:i}", "Topics", "Name", c->topic,
        "NumPartitions", 1, "ReplicationFactor", c->replication_factor, "Configs", "Name", "compression.type", "Value",
        "uncompressed", "Name", "message.timestamp.type", "Value", "LogAppendTime", "Name", "cleanup.policy", "Value", "delete",
        "timeoutMs", kafka_admin_timeout_ms(c->admin));
    if (!kafka_admin_call(c->admin, KAFKA_CONTROLLER_BROKER, KAFKA_CREATE_TOPICS, request, &answer, err))
        return false;
    const json_t *result = json_at(answer, "Topics.0");
    json_int_t code = json_int_at(result, "ErrorCode", -1);
    if (code == KAFKA_TOPIC_ALREADY_EXISTS)
        return true;
    bool ok = kafka_check_item(result, "create it", err);
    if (!ok && err && code == KAFKA_INVALID_REPLICATION_FACTOR) /* too few brokers are up */
        err->kind = ERR_RETRY;
    return ok;
}

/* A topic that vanished (its deletion by an earlier run had not ended) is made again. */
static bool find_leader(Canary *c, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s}],s:b}", "Topics", "Name", c->topic, "AllowAutoTopicCreation", 0);
    if (!kafka_admin_call(c->admin, KAFKA_ANY_BROKER, KAFKA_METADATA, request, &answer, err))
        return false;
    const json_t *topic = json_at(answer, "Topics.0"), *partition = json_at(topic, "Partitions.0");
    if (json_int_at(topic, "ErrorCode", 0) == KAFKA_UNKNOWN_TOPIC_OR_PARTITION && !create_topic(c, err))
        return false;
    if (!kafka_check_item(topic, "look for its leader", err) || !kafka_check_item(partition, "look for its leader", err))
        return false;
    c->leader = (int)json_int_at(partition, "LeaderId", -1);
    return c->leader >= 0 || error_set(err, ERR_RETRY, "its partition has no leader");
}

static bool write_record(Canary *c, Error *err)
{
    if (!find_leader(c, err))
        return false;
    CLEANUP_STR Str batch = STR_INIT;
    records_build(c->value, strlen(c->value), (int64_t)time(NULL) * 1000, &batch);
    CLEANUP_FREE char *records = base64_encode(str_text(&batch), batch.len);
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request =
        json_pack("{s:i,s:i,s:[{s:s,s:[{s:i,s:s}]}]}", "Acks", -1, "TimeoutMs", kafka_admin_timeout_ms(c->admin), "TopicData",
                  "Name", c->topic, "PartitionData", "Index", 0, "Records", records);
    if (!kafka_admin_call(c->admin, c->leader, KAFKA_PRODUCE, request, &answer, err))
        return false;
    const json_t *result = json_at(answer, "Responses.0.PartitionResponses.0");
    if (!kafka_check_item(result, "write", err))
        return false;
    c->offset = json_int_at(result, "BaseOffset", -1);
    return true;
}

static bool check_value(const Canary *c, const json_t *partition, Error *err)
{
    CLEANUP_STR Str batches = STR_INIT, value = STR_INIT;
    if (!wire_put_base64(&batches, json_string_at(partition, "Records", "")))
        return error_set(err, ERR_INTERNAL, "read: the answer has no records");
    if (!records_find(str_text(&batches), batches.len, c->offset, &value, err)) {
        if (err && err->kind == ERR_NOT_FOUND) /* not yet visible to readers */
            err->kind = ERR_RETRY;
        return error_wrap(err, "read");
    }
    if (value.len != strlen(c->value) || memcmp(str_text(&value), c->value, value.len) != 0)
        return error_set(err, ERR_INTERNAL, "read: the record at offset %lld is not the one written", (long long)c->offset);
    return true;
}

static bool read_record(Canary *c, Error *err)
{
    if (!find_leader(c, err))
        return false;
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request =
        json_pack("{s:i,s:i,s:i,s:[{s:s,s:[{s:i,s:I,s:i}]}]}", "MaxWaitMs", FETCH_WAIT_MS, "MinBytes", 1, "MaxBytes", FETCH_BYTES,
                  "Topics", "Topic", c->topic, "Partitions", "Partition", 0, "FetchOffset", (json_int_t)c->offset,
                  "PartitionMaxBytes", FETCH_BYTES);
    if (!kafka_admin_call(c->admin, c->leader, KAFKA_FETCH, request, &answer, err) || !kafka_check_item(answer, "read", err))
        return false;
    const json_t *partition = json_at(answer, "Responses.0.Partitions.0");
    return kafka_check_item(partition, "read", err) && check_value(c, partition, err);
}

static bool delete_topic(Canary *c, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request =
        json_pack("{s:[s],s:i}", "TopicNames", c->topic, "TimeoutMs", kafka_admin_timeout_ms(c->admin));
    if (!kafka_admin_call(c->admin, KAFKA_CONTROLLER_BROKER, KAFKA_DELETE_TOPICS, request, &answer, err))
        return false;
    const json_t *result = json_at(answer, "Responses.0");
    return json_int_at(result, "ErrorCode", 0) == KAFKA_UNKNOWN_TOPIC_OR_PARTITION || kafka_check_item(result, "delete it", err);
}

/* Leaders move and followers catch up: a step is repeated for the time of one call. */
static bool repeat(Canary *c, bool (*step)(Canary *c, Error *err), Error *err)
{
    int64_t deadline_ms = clock_ms() + kafka_admin_timeout_ms(c->admin);
    Error own = {0};
    while (!step(c, &own)) {
        if (own.kind != ERR_RETRY || clock_ms() + PAUSE_MS >= deadline_ms) {
            if (err)
                *err = own;
            return false;
        }
        clock_sleep_ms(PAUSE_MS);
    }
    return true;
}

bool kafka_canary(KafkaAdmin *a, const char *topic, int replication_factor, Error *err)
{
    Canary c = {.admin = a, .topic = topic, .replication_factor = replication_factor, .leader = -1};
    if (replication_factor < 1 || replication_factor > INT16_MAX)
        return error_set(err, ERR_INVALID, "topic %s: replication factor %d is impossible", topic, replication_factor);
    CLEANUP_FREE char *value = random_text(VALUE_LENGTH);
    c.value = value;
    if (!repeat(&c, create_topic, err) || !repeat(&c, write_record, err) || !repeat(&c, read_record, err) ||
        !repeat(&c, delete_topic, err))
        return error_wrap(err, "topic %s", topic);
    return true;
}
