/* Administration of one Kafka cluster: a lazily opened connection per broker, and the calls that operations are made of. */
#ifndef KAFKA_ADMIN_H
#define KAFKA_ADMIN_H

#include "kafka/kafka.h"

/* How to reach a broker by its id: gives a TLS (mTLS) stream to the listener for administration. `context` is the caller's. */
typedef struct KafkaDial {
    bool (*open)(void *context, int broker_id, int64_t deadline_ms, Stream **ret, Error *err);
    void *context;
} KafkaDial;

typedef struct KafkaAdmin KafkaAdmin;

/* broker_ids: brokers expected to exist (copied). Opens nothing yet. call_timeout_ms bounds each call. */
KafkaAdmin *kafka_admin_new(const KafkaDial *dial, const int *broker_ids, size_t count, int call_timeout_ms);
KafkaAdmin *kafka_admin_free(KafkaAdmin *a);
DEFINE_CLEANUP(KafkaAdmin *, kafka_admin_free)

#define KAFKA_ANY_BROKER (-1)        /* the first that answers */
#define KAFKA_CONTROLLER_BROKER (-2) /* the controller of Metadata: the real one with ZooKeeper, a live broker that forwards with KRaft */

/* As kafka_call on the given broker; reconnects once when a kept connection turns out dead; NOT_CONTROLLER is asked again of the new controller. */
MUST_CHECK bool kafka_admin_call(KafkaAdmin *a, int broker_id, KafkaApi api, const json_t *request, json_t **ret, Error *err);

typedef struct KafkaHealth {
    int brokers;             /* registered, out of the expected ids */
    int controller_id;       /* of Metadata; -1 = none. In KRaft mode this is a random live broker. */
    int partitions;
    int leaderless;          /* partitions without a leader */
    int under_replicated;    /* |ISR| < |replicas| */
    char missing[128];       /* "kafka-1, kafka-2": expected ids that Metadata lacks; "" if none */
} KafkaHealth;

/* Metadata of all topics, summed up. */
MUST_CHECK bool kafka_health(KafkaAdmin *a, KafkaHealth *ret, Error *err);

typedef struct KafkaQuorum {
    int leader_id; /* -1 = none */
    int voters;    /* in the quorum's state */
    int caught_up; /* voters that fetched within 2 s of the leader's time, the leader included (c.3: controller.quorum.fetch.timeout.ms) */
} KafkaQuorum;

/* DescribeQuorum of __cluster_metadata (KRaft only; with ZooKeeper ERR_DENIED). */
MUST_CHECK bool kafka_quorum(KafkaAdmin *a, KafkaQuorum *ret, Error *err);

/*
 * Upserts user with SCRAM-SHA-512 (KIP-554): salt and PBKDF2 on this side, 4096 to 16384 iterations; only the salted
 * password travels. The name must be printable ASCII, as Kafka cannot log others in. Idempotent. Changes of users and rules reach brokers other than
 * the controller a moment later: whoever needs to know that a login works must try it again for some seconds.
 */
MUST_CHECK bool kafka_user_upsert(KafkaAdmin *a, const char *user, const char *password, int iterations, Error *err);
/* Deletes the SCRAM-SHA-512 credential; an unknown user is success. */
MUST_CHECK bool kafka_user_delete(KafkaAdmin *a, const char *user, Error *err);
MUST_CHECK bool kafka_user_exists(KafkaAdmin *a, const char *user, bool *ret, Error *err);

typedef enum KafkaResource { KAFKA_TOPIC = 2, KAFKA_GROUP = 3, KAFKA_CLUSTER = 4, KAFKA_TRANSACTIONAL_ID = 5 } KafkaResource;
typedef enum KafkaPattern { KAFKA_LITERAL = 3, KAFKA_PREFIXED = 4 } KafkaPattern;
typedef enum KafkaOperation { KAFKA_OP_ALL = 2, KAFKA_OP_READ = 3, KAFKA_OP_WRITE = 4, KAFKA_OP_CREATE = 5, KAFKA_OP_DELETE = 6, KAFKA_OP_ALTER = 7,
    KAFKA_OP_DESCRIBE = 8, KAFKA_OP_DESCRIBE_CONFIGS = 10, KAFKA_OP_ALTER_CONFIGS = 11, KAFKA_OP_IDEMPOTENT_WRITE = 12 } KafkaOperation;

/* One "allow from any host" rule; name "*" with KAFKA_LITERAL is every resource, "kafka-cluster" is the cluster. */
typedef struct KafkaAcl {
    KafkaResource resource;
    const char *name;
    KafkaPattern pattern;
    KafkaOperation operation;
} KafkaAcl;

/* Creates the rules for User:<user>; existing ones stay (idempotent). */
MUST_CHECK bool kafka_acls_create(KafkaAdmin *a, const char *user, const KafkaAcl *acls, size_t count, Error *err);
/* Deletes every rule of User:<user>; *ret_count (may be NULL) = how many there were. */
MUST_CHECK bool kafka_acls_delete(KafkaAdmin *a, const char *user, size_t *ret_count, Error *err);
MUST_CHECK bool kafka_acls_count(KafkaAdmin *a, const char *user, size_t *ret, Error *err);

/* One dynamic broker setting; value NULL removes it (the static or built-in default holds again). */
typedef struct KafkaSetting {
    const char *name, *value;
} KafkaSetting;

/*
 * Sets cluster-wide dynamic broker settings (resource BROKER, name ""; KIP-226, KIP-339): all or nothing. Idempotent. Brokers apply them a
 * moment later. Kafka stores names that it does not know. false: ERR_INVALID with Kafka's text when a name (not dynamic) or a value is refused.
 */
MUST_CHECK bool kafka_settings_alter(KafkaAdmin *a, const KafkaSetting *settings, size_t count, Error *err);
/* The value that is in force on broker `broker_id` for each name: a new object name -> text (null where unset, unknown or sensitive). */
MUST_CHECK bool kafka_settings_read(KafkaAdmin *a, int broker_id, const char *const *names, size_t count, json_t **ret, Error *err);
/*
 * Cluster-wide dynamic settings as the first broker that answers has heard of them: a new object name -> text (null where sensitive).
 * Kafka 4.1 has min.insync.replicas among them from the start, and refuses to remove it (KIP-966).
 */
MUST_CHECK bool kafka_settings_dynamic(KafkaAdmin *a, json_t **ret, Error *err);

/* Bytes per second that a user may write to and read from each broker (KIP-546, entity user); 0 = no limit, at most 2^53. */
typedef struct KafkaUserQuota {
    int64_t producer_byte_rate, consumer_byte_rate;
} KafkaUserQuota;

/* Sets both rates, 0 removes. Idempotent. Deleting a user leaves its quotas. false: ERR_INVALID for a rate outside the range. */
MUST_CHECK bool kafka_user_quota_set(KafkaAdmin *a, const char *user, const KafkaUserQuota *quota, Error *err);
/* Rates as the first broker that answers has heard of them; an unknown user has none. */
MUST_CHECK bool kafka_user_quota_get(KafkaAdmin *a, const char *user, KafkaUserQuota *ret, Error *err);

/*
 * Creates topic `topic` with one partition and the given replication factor, writes one record with acks=all to its leader, reads the same
 * bytes back, deletes the topic. An already existing topic of that name (a run cut short) is used. false: what failed, with the topic named.
 */
MUST_CHECK bool kafka_canary(KafkaAdmin *a, const char *topic, int replication_factor, Error *err);

#endif
