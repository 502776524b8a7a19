/* Kafka protocol client: connections over any stream, table-driven messages as JSON, SASL. */
#ifndef KAFKA_KAFKA_H
#define KAFKA_KAFKA_H

#include "base/json.h"
#include "net/stream.h"

/* Request types, by the protocol's API key. */
typedef enum KafkaApi {
    KAFKA_PRODUCE = 0, KAFKA_FETCH = 1, KAFKA_LIST_OFFSETS = 2, KAFKA_METADATA = 3, KAFKA_SASL_HANDSHAKE = 17,
    KAFKA_API_VERSIONS = 18, KAFKA_CREATE_TOPICS = 19, KAFKA_DELETE_TOPICS = 20, KAFKA_DESCRIBE_ACLS = 29,
    KAFKA_CREATE_ACLS = 30, KAFKA_DELETE_ACLS = 31, KAFKA_DESCRIBE_CONFIGS = 32, KAFKA_SASL_AUTHENTICATE = 36,
    KAFKA_INCREMENTAL_ALTER_CONFIGS = 44, KAFKA_DESCRIBE_CLIENT_QUOTAS = 48, KAFKA_ALTER_CLIENT_QUOTAS = 49,
    KAFKA_DESCRIBE_SCRAM = 50, KAFKA_ALTER_SCRAM = 51, KAFKA_DESCRIBE_QUORUM = 55, KAFKA_DESCRIBE_CLUSTER = 60,
} KafkaApi;

typedef struct KafkaConnection KafkaConnection;

/*
 * Takes over *taken (already TLS where the listener wants it) and negotiates ApiVersions (KIP-511; falls back to v0 on UNSUPPORTED_VERSION).
 * `client_id` shows in Kafka's logs. false: ERR_RETRY, ERR_INTERNAL (malformed answer).
 */
MUST_CHECK bool kafka_connect(Stream **taken, const char *client_id, int64_t deadline_ms, KafkaConnection **ret, Error *err);
KafkaConnection *kafka_close(KafkaConnection *c); /* NULL accepted; returns NULL */
DEFINE_CLEANUP(KafkaConnection *, kafka_close)

/* For a listener with SASL, ApiVersions is asked before authentication (as real clients do), then one of these. false: ERR_DENIED when the broker refuses the credentials. */
MUST_CHECK bool kafka_login_scram(KafkaConnection *c, const char *mechanism /* SCRAM-SHA-256 | SCRAM-SHA-512 */,
                                  const char *user, const char *password, int64_t deadline_ms, Error *err);
MUST_CHECK bool kafka_login_plain(KafkaConnection *c, const char *user, const char *password, int64_t deadline_ms, Error *err);

/*
 * One request and its answer in the highest version that both sides know. Messages are JSON objects with the field names of Kafka's own message
 * definitions (clients/src/main/resources/common/message); absent request fields take their default; `bytes` fields are base64 strings, uuids are
 * Kafka's 22-character base64url. A field that the chosen version does not have is left out when it holds its default, else ERR_INVALID.
 * false: ERR_RETRY (connection), ERR_INVALID (request does not fit the table), ERR_INTERNAL (malformed answer), ERR_DENIED (API not offered).
 */
MUST_CHECK bool kafka_call(KafkaConnection *c, KafkaApi api, const json_t *request, int64_t deadline_ms, json_t **ret, Error *err);
/* Version that kafka_call would speak, or -1. */
int kafka_version_of(const KafkaConnection *c, KafkaApi api);

/* Turns a Kafka error code (with an optional message of the broker) into an Error; code 0 returns true. Retriable codes become ERR_RETRY. */
bool kafka_check(int code, const char *message, const char *what, Error *err);
/* "TOPIC_ALREADY_EXISTS" for 36, "error 999" for unknown ones (in a thread-local buffer). */
const char *kafka_error_name(int code);

#endif
