/* Client quotas of users (KIP-546). */
#include "kafka/admin.h"

#include "base/mem.h"
#include "kafka/errors.h"

#include <string.h>

enum { MATCH_EXACT = 0 };

static const char producer_key[] = "producer_byte_rate", consumer_key[] = "consumer_byte_rate";
static const int64_t rate_max = INT64_C(1) << 53; /* quotas travel as doubles */

static json_t *change(const char *key, int64_t rate)
{
    return json_pack("{s:s,s:I,s:b}", "Key", key, "Value", (json_int_t)rate, "Remove", rate == 0);
}

bool kafka_user_quota_set(KafkaAdmin *a, const char *user, const KafkaUserQuota *quota, Error *err)
{
    CLEANUP_FREE char *what = xasprintf("quotas of Kafka user %s", user);
    int64_t produce = quota->producer_byte_rate, consume = quota->consumer_byte_rate;
    if (produce < 0 || produce > rate_max || consume < 0 || consume > rate_max)
        return error_set(err, ERR_INVALID, "%s: a byte rate must be 0 (no limit) to 2^53", what);
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request =
        json_pack("{s:[{s:[{s:s,s:s}],s:[o,o]}]}", "Entries", "Entity", "EntityType", "user", "EntityName", user, "Ops",
                  change(producer_key, produce), change(consumer_key, consume));
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_ALTER_CLIENT_QUOTAS, request, &answer, err))
        return error_wrap(err, "%s", what);
    return kafka_check_items(json_object_get(answer, "Entries"), 1, what, err);
}

static void read_value(const json_t *value, KafkaUserQuota *q)
{
    const char *key = json_string_at(value, "Key", "");
    double rate = json_number_value(json_object_get(value, "Value"));
    int64_t whole = rate >= 0x1p63 ? INT64_MAX : rate > 0 ? (int64_t)rate : 0;
    if (strcmp(key, producer_key) == 0)
        q->producer_byte_rate = whole;
    else if (strcmp(key, consumer_key) == 0)
        q->consumer_byte_rate = whole;
}

bool kafka_user_quota_get(KafkaAdmin *a, const char *user, KafkaUserQuota *ret, Error *err)
{
    CLEANUP_FREE char *what = xasprintf("quotas of Kafka user %s", user);
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i,s:s}],s:b}", "Components", "EntityType", "user", "MatchType", MATCH_EXACT,
                                             "Match", user, "Strict", true);
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_DESCRIBE_CLIENT_QUOTAS, request, &answer, err))
        return error_wrap(err, "%s", what);
    if (!kafka_check_item(answer, what, err))
        return false;
    KafkaUserQuota q = {0};
    size_t i;
    json_t *value;
    json_array_foreach(json_at(answer, "Entries.0.Values"), i, value)
    {
        read_value(value, &q);
    }
    *ret = q;
    return true;
}
