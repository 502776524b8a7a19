/* Kafka's error codes: names, and what each means to an operation. */
#include "kafka/errors.h"

#include <stdio.h>
#include <string.h>

typedef struct KafkaCode {
    int code;
    ErrorKind kind; /* ERR_RETRY where Kafka's own clients retry, or where a restart of a broker heals it */
    const char *name;
} KafkaCode;

static const KafkaCode codes[] = {
    {-1, ERR_INTERNAL, "UNKNOWN_SERVER_ERROR"},
    {0, ERR_NONE, "NONE"},
    {1, ERR_INTERNAL, "OFFSET_OUT_OF_RANGE"},
    {2, ERR_RETRY, "CORRUPT_MESSAGE"},
    {3, ERR_RETRY, "UNKNOWN_TOPIC_OR_PARTITION"},
    {4, ERR_INVALID, "INVALID_FETCH_SIZE"},
    {5, ERR_RETRY, "LEADER_NOT_AVAILABLE"},
    {6, ERR_RETRY, "NOT_LEADER_OR_FOLLOWER"},
    {7, ERR_RETRY, "REQUEST_TIMED_OUT"},
    {8, ERR_RETRY, "BROKER_NOT_AVAILABLE"},
    {9, ERR_RETRY, "REPLICA_NOT_AVAILABLE"},
    {10, ERR_INVALID, "MESSAGE_TOO_LARGE"},
    {11, ERR_RETRY, "STALE_CONTROLLER_EPOCH"},
    {12, ERR_INVALID, "OFFSET_METADATA_TOO_LARGE"},
    {13, ERR_RETRY, "NETWORK_EXCEPTION"},
    {14, ERR_RETRY, "COORDINATOR_LOAD_IN_PROGRESS"},
    {15, ERR_RETRY, "COORDINATOR_NOT_AVAILABLE"},
    {16, ERR_RETRY, "NOT_COORDINATOR"},
    {17, ERR_INVALID, "INVALID_TOPIC_EXCEPTION"},
    {18, ERR_INVALID, "RECORD_LIST_TOO_LARGE"},
    {19, ERR_RETRY, "NOT_ENOUGH_REPLICAS"},
    {20, ERR_RETRY, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"},
    {21, ERR_INVALID, "INVALID_REQUIRED_ACKS"},
    {22, ERR_INTERNAL, "ILLEGAL_GENERATION"},
    {23, ERR_INTERNAL, "INCONSISTENT_GROUP_PROTOCOL"},
    {24, ERR_INVALID, "INVALID_GROUP_ID"},
    {25, ERR_INTERNAL, "UNKNOWN_MEMBER_ID"},
    {26, ERR_INVALID, "INVALID_SESSION_TIMEOUT"},
    {27, ERR_RETRY, "REBALANCE_IN_PROGRESS"},
    {28, ERR_INVALID, "INVALID_COMMIT_OFFSET_SIZE"},
    {29, ERR_DENIED, "TOPIC_AUTHORIZATION_FAILED"},
    {30, ERR_DENIED, "GROUP_AUTHORIZATION_FAILED"},
    {31, ERR_DENIED, "CLUSTER_AUTHORIZATION_FAILED"},
    {32, ERR_INVALID, "INVALID_TIMESTAMP"},
    {33, ERR_INVALID, "UNSUPPORTED_SASL_MECHANISM"},
    {34, ERR_INTERNAL, "ILLEGAL_SASL_STATE"},
    {35, ERR_INVALID, "UNSUPPORTED_VERSION"},
    {36, ERR_CONFLICT, "TOPIC_ALREADY_EXISTS"},
    {37, ERR_INVALID, "INVALID_PARTITIONS"},
    {38, ERR_INVALID, "INVALID_REPLICATION_FACTOR"},
    {39, ERR_INVALID, "INVALID_REPLICA_ASSIGNMENT"},
    {40, ERR_INVALID, "INVALID_CONFIG"},
    {41, ERR_RETRY, "NOT_CONTROLLER"},
    {42, ERR_INVALID, "INVALID_REQUEST"},
    {43, ERR_INVALID, "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
    {44, ERR_INVALID, "POLICY_VIOLATION"},
    {45, ERR_INVALID, "OUT_OF_ORDER_SEQUENCE_NUMBER"},
    {46, ERR_INTERNAL, "DUPLICATE_SEQUENCE_NUMBER"},
    {47, ERR_INTERNAL, "INVALID_PRODUCER_EPOCH"},
    {48, ERR_INTERNAL, "INVALID_TXN_STATE"},
    {49, ERR_INTERNAL, "INVALID_PRODUCER_ID_MAPPING"},
    {50, ERR_INVALID, "INVALID_TRANSACTION_TIMEOUT"},
    {51, ERR_RETRY, "CONCURRENT_TRANSACTIONS"},
    {52, ERR_INTERNAL, "TRANSACTION_COORDINATOR_FENCED"},
    {53, ERR_DENIED, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"},
    {54, ERR_DENIED, "SECURITY_DISABLED"},
    {55, ERR_INTERNAL, "OPERATION_NOT_ATTEMPTED"},
    {56, ERR_RETRY, "KAFKA_STORAGE_ERROR"},
    {57, ERR_NOT_FOUND, "LOG_DIR_NOT_FOUND"},
    {58, ERR_DENIED, "SASL_AUTHENTICATION_FAILED"},
    {59, ERR_INTERNAL, "UNKNOWN_PRODUCER_ID"},
    {60, ERR_BUSY, "REASSIGNMENT_IN_PROGRESS"},
    {61, ERR_INTERNAL, "DELEGATION_TOKEN_AUTH_DISABLED"},
    {62, ERR_NOT_FOUND, "DELEGATION_TOKEN_NOT_FOUND"},
    {63, ERR_INTERNAL, "DELEGATION_TOKEN_OWNER_MISMATCH"},
    {64, ERR_INTERNAL, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"},
    {65, ERR_DENIED, "DELEGATION_TOKEN_AUTHORIZATION_FAILED"},
    {66, ERR_INTERNAL, "DELEGATION_TOKEN_EXPIRED"},
    {67, ERR_INVALID, "INVALID_PRINCIPAL_TYPE"},
    {68, ERR_CONFLICT, "NON_EMPTY_GROUP"},
    {69, ERR_NOT_FOUND, "GROUP_ID_NOT_FOUND"},
    {70, ERR_RETRY, "FETCH_SESSION_ID_NOT_FOUND"},
    {71, ERR_RETRY, "INVALID_FETCH_SESSION_EPOCH"},
    {72, ERR_RETRY, "LISTENER_NOT_FOUND"},
    {73, ERR_INVALID, "TOPIC_DELETION_DISABLED"},
    {74, ERR_RETRY, "FENCED_LEADER_EPOCH"},
    {75, ERR_RETRY, "UNKNOWN_LEADER_EPOCH"},
    {76, ERR_INVALID, "UNSUPPORTED_COMPRESSION_TYPE"},
    {77, ERR_RETRY, "STALE_BROKER_EPOCH"},
    {78, ERR_RETRY, "OFFSET_NOT_AVAILABLE"},
    {79, ERR_INTERNAL, "MEMBER_ID_REQUIRED"},
    {80, ERR_RETRY, "PREFERRED_LEADER_NOT_AVAILABLE"},
    {81, ERR_INTERNAL, "GROUP_MAX_SIZE_REACHED"},
    {82, ERR_INTERNAL, "FENCED_INSTANCE_ID"},
    {83, ERR_RETRY, "ELIGIBLE_LEADERS_NOT_AVAILABLE"},
    {84, ERR_RETRY, "ELECTION_NOT_NEEDED"},
    {85, ERR_INTERNAL, "NO_REASSIGNMENT_IN_PROGRESS"},
    {86, ERR_INVALID, "GROUP_SUBSCRIBED_TO_TOPIC"},
    {87, ERR_INVALID, "INVALID_RECORD"},
    {88, ERR_RETRY, "UNSTABLE_OFFSET_COMMIT"},
    {89, ERR_RETRY, "THROTTLING_QUOTA_EXCEEDED"},
    {90, ERR_INTERNAL, "PRODUCER_FENCED"},
    {91, ERR_NOT_FOUND, "RESOURCE_NOT_FOUND"},
    {92, ERR_CONFLICT, "DUPLICATE_RESOURCE"},
    {93, ERR_INVALID, "UNACCEPTABLE_CREDENTIAL"},
    {94, ERR_INTERNAL, "INCONSISTENT_VOTER_SET"},
    {95, ERR_INVALID, "INVALID_UPDATE_VERSION"},
    {96, ERR_INTERNAL, "FEATURE_UPDATE_FAILED"},
    {97, ERR_INTERNAL, "PRINCIPAL_DESERIALIZATION_FAILURE"},
    {98, ERR_INTERNAL, "SNAPSHOT_NOT_FOUND"},
    {99, ERR_INTERNAL, "POSITION_OUT_OF_RANGE"},
    {100, ERR_RETRY, "UNKNOWN_TOPIC_ID"},
    {101, ERR_INTERNAL, "DUPLICATE_BROKER_REGISTRATION"},
    {102, ERR_INTERNAL, "BROKER_ID_NOT_REGISTERED"},
    {103, ERR_RETRY, "INCONSISTENT_TOPIC_ID"},
    {104, ERR_INTERNAL, "INCONSISTENT_CLUSTER_ID"},
    {105, ERR_NOT_FOUND, "TRANSACTIONAL_ID_NOT_FOUND"},
    {106, ERR_RETRY, "FETCH_SESSION_TOPIC_ID_ERROR"},
    {107, ERR_INTERNAL, "INELIGIBLE_REPLICA"},
    {108, ERR_RETRY, "NEW_LEADER_ELECTED"},
    {109, ERR_INTERNAL, "OFFSET_MOVED_TO_TIERED_STORAGE"},
    {110, ERR_INTERNAL, "FENCED_MEMBER_EPOCH"},
    {111, ERR_INTERNAL, "UNRELEASED_INSTANCE_ID"},
    {112, ERR_INTERNAL, "UNSUPPORTED_ASSIGNOR"},
    {113, ERR_INTERNAL, "STALE_MEMBER_EPOCH"},
    {114, ERR_INVALID, "MISMATCHED_ENDPOINT_TYPE"},
    {115, ERR_INVALID, "UNSUPPORTED_ENDPOINT_TYPE"},
    {116, ERR_INTERNAL, "UNKNOWN_CONTROLLER_ID"},
    {117, ERR_INTERNAL, "UNKNOWN_SUBSCRIPTION_ID"},
    {118, ERR_INTERNAL, "TELEMETRY_TOO_LARGE"},
    {119, ERR_INTERNAL, "INVALID_REGISTRATION"},
    {120, ERR_INTERNAL, "TRANSACTION_ABORTABLE"},
    {121, ERR_INTERNAL, "INVALID_RECORD_STATE"},
    {122, ERR_RETRY, "SHARE_SESSION_NOT_FOUND"},
    {123, ERR_RETRY, "INVALID_SHARE_SESSION_EPOCH"},
    {124, ERR_INTERNAL, "FENCED_STATE_EPOCH"},
    {125, ERR_INTERNAL, "INVALID_VOTER_KEY"},
    {126, ERR_INTERNAL, "DUPLICATE_VOTER"},
    {127, ERR_INTERNAL, "VOTER_NOT_FOUND"},
    {128, ERR_INVALID, "INVALID_REGULAR_EXPRESSION"},
    {129, ERR_INTERNAL, "REBOOTSTRAP_REQUIRED"},
    {130, ERR_INTERNAL, "STREAMS_INVALID_TOPOLOGY"},
    {131, ERR_INTERNAL, "STREAMS_INVALID_TOPOLOGY_EPOCH"},
    {132, ERR_INTERNAL, "STREAMS_TOPOLOGY_FENCED"},
    {133, ERR_RETRY, "SHARE_SESSION_LIMIT_REACHED"},
};

static const KafkaCode *find(int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (codes[i].code == code)
            return &codes[i];
    return NULL;
}

const char *kafka_error_name(int code)
{
    static _Thread_local char unknown[32];
    const KafkaCode *known = find(code);
    if (known)
        return known->name;
    snprintf(unknown, sizeof(unknown), "error %d", code);
    return unknown;
}

bool kafka_check(int code, const char *message, const char *what, Error *err)
{
    if (code == 0)
        return true;
    const KafkaCode *known = find(code);
    bool text = message && *message;
    return error_set(err, known ? known->kind : ERR_INTERNAL, "%s: Kafka answered %s%s%s", what, kafka_error_name(code),
                     text ? ": " : "", text ? message : "");
}

bool kafka_check_item(const json_t *item, const char *what, Error *err)
{
    const json_t *code = json_object_get(item, "ErrorCode");
    if (!json_is_integer(code))
        return error_set(err, ERR_INTERNAL, "%s: Kafka's answer does not mention it", what);
    return kafka_check((int)json_integer_value(code), json_string_at(item, "ErrorMessage", NULL), what, err);
}

bool kafka_check_items(const json_t *list, size_t expected, const char *what, Error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!kafka_check_item(item, what, err))
            return false;
    }
    if (json_array_size(list) < expected)
        return error_set(err, ERR_INTERNAL, "%s: Kafka answered for %zu of %zu", what, json_array_size(list), expected);
    return true;
}

bool kafka_has_error(const json_t *answer, int code)
{
    const char *key;
    size_t i;
    json_t *value;
    json_array_foreach(answer, i, value)
    {
        if (kafka_has_error(value, code))
            return true;
    }
    json_object_foreach((json_t *)answer, key, value)
    {
        if (json_is_integer(value) && json_integer_value(value) == code && strcmp(key, "ErrorCode") == 0)
            return true;
        if (kafka_has_error(value, code))
            return true;
    }
    return false;
}
