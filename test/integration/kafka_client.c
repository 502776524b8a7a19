/*
 * Runs the calls of the Kafka administration (but those of settings and quotas: kafka_settings.c) against real brokers on loopback and
 * prints a line per check.
 * Started by test_kafka_client.py: kafka_client MODE CA_PEM CERT_PEM KEY_PEM ID=ADMIN_PORT=CLIENT_PORT …
 * MODE is kraft or zookeeper. The admin listeners want mTLS, the client listeners SASL_SSL with SCRAM-SHA-512 and PLAIN
 * (user "plain", its password in PLAIN_PASSWORD).
 */
#include "kafka_client.h"

/* Changes spread from the controller to the other brokers; waits until a login ends as it should. */
static bool login_becomes(const Run *run, size_t broker, const char *password, bool wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    while (clock_ms() < deadline_ms) {
        bool ok = can_login(run, broker, run->user, password, err);
        if (ok == wanted && (ok || err->kind == ERR_DENIED))
            return true;
        if (!ok && err->kind != ERR_DENIED)
            return false;
        clock_sleep_ms(100);
    }
    return false;
}

static void check_health(Run *run)
{
    Error err = {0};
    KafkaHealth h = {0};
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    bool ok;
    do { /* the last broker has just started */
        ok = kafka_health(run->admin, &h, &err);
        clock_sleep_ms(100);
    } while (ok && h.brokers < (int)run->count && clock_ms() < deadline_ms);
    check(run, ok && h.brokers == (int)run->count && h.controller_id >= 0 && !*h.missing && !h.leaderless, "health: all brokers", &err);
    static const int absent[] = {ABSENT_BROKER};
    CLEANUP(kafka_admin_free) KafkaAdmin *more = new_admin(run, absent, 1);
    memset(&h, 0, sizeof(h));
    ok = kafka_health(more, &h, &err);
    check(run, ok && h.brokers == (int)run->count && strcmp(h.missing, "kafka-99") == 0,
          "health: a missing broker is named, the next one is asked", &err);
}

static void check_quorum(Run *run)
{
    Error err = {0};
    KafkaQuorum q = {0};
    bool ok = kafka_quorum(run->admin, &q, &err);
    if (run->kraft)
        check(run, ok && q.leader_id >= 0 && q.voters == 1 && q.caught_up == 1, "quorum: one voter, caught up", &err);
    else
        check_refused(run, ok, ERR_DENIED, "quorum: not offered with ZooKeeper", &err);
}

static void check_users(Run *run)
{
    Error err = {0};
    bool exists = true;
    check(run, kafka_user_exists(run->admin, run->user, &exists, &err) && !exists, "user: unknown at first", &err);
    check(run, kafka_user_delete(run->admin, run->user, &err), "user: deleting an unknown one is success", &err);
    check(run, kafka_user_upsert(run->admin, run->user, "an older password", 4096, &err), "user: upsert", &err);
    check(run, login_becomes(run, 0, "an older password", true, &err), "user: login with the first password", &err);
    check(run, kafka_user_upsert(run->admin, run->user, run->password, 8192, &err), "user: upsert again with another password", &err);
    for (size_t i = 0; i < run->count; i++)
        check(run, login_becomes(run, i, run->password, true, &err), "user: login with the right password", &err);
    check(run, kafka_user_exists(run->admin, run->user, &exists, &err) && exists, "user: exists", &err);
    check(run, login_becomes(run, 0, "an older password", false, &err), "user: the older password is refused", &err);
    check_refused(run, can_login(run, 0, run->user, "wrong", &err), ERR_DENIED, "user: a wrong password is refused", &err);
    check_refused(run, can_login(run, 0, "nobody", "wrong", &err), ERR_DENIED, "user: an unknown one is refused", &err);
    check_refused(run, kafka_user_upsert(run->admin, run->user, run->password, 100, &err), ERR_INVALID, "user: 100 iterations are refused", &err);
    check_refused(run, kafka_user_upsert(run->admin, "\u00fc", run->password, 4096, &err), ERR_INVALID, "user: a name beyond ASCII is refused", &err);
    const char *plain = getenv("PLAIN_PASSWORD");
    check(run, can_login(run, 0, "plain", plain ? plain : "", &err), "PLAIN: login", &err);
    check_refused(run, can_login(run, 0, "plain", "wrong", &err), ERR_DENIED, "PLAIN: a wrong password is refused", &err);
}

static void check_mechanism(Run *run)
{
    Error err = {0};
    CLEANUP(stream_free) Stream *stream = NULL;
    CLEANUP(kafka_close) KafkaConnection *c = NULL;
    int64_t deadline_ms = clock_ms() + CALL_MS;
    bool ok = dial_port(run, run->brokers[0].client_port, false, deadline_ms, &stream, &err) &&
              kafka_connect(&stream, "kafka_client", deadline_ms, &c, &err);
    check(run, ok, "SASL: versions are told before the login", &err);
    if (!ok)
        return;
    ok = kafka_login_scram(c, "SCRAM-SHA-256", run->user, run->password, deadline_ms, &err);
    check_refused(run, ok, ERR_INVALID, "SASL: a mechanism that is off is refused", &err);
}

/* Creates a topic as the user of this run; gives Kafka's error code. */
static int create_as_user(const Run *run, const char *topic, Error *err)
{
    CLEANUP(kafka_close) KafkaConnection *c = NULL;
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i,s:i}],s:i,s:b}", "Topics", "Name", topic, "NumPartitions", 1,
                                             "ReplicationFactor", 1, "timeoutMs", CALL_MS, "validateOnly", 1);
    for (size_t i = 0; i < run->count; i++) { /* with ZooKeeper only the controller answers */
        json_decref(answer);
        answer = NULL;
        c = kafka_close(c);
        if (!login(run, i, run->user, run->password, &c, err) ||
            !kafka_call(c, KAFKA_CREATE_TOPICS, request, clock_ms() + CALL_MS, &answer, err))
            return -1;
        if (json_int_at(answer, "Topics.0.ErrorCode", -1) != 41)
            break;
    }
    int code = (int)json_int_at(answer, "Topics.0.ErrorCode", -1);
    error_set(err, ERR_NONE, "%s %s", kafka_error_name(code), json_string_at(answer, "Topics.0.ErrorMessage", ""));
    return code;
}

static bool code_becomes(const Run *run, const char *topic, int wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    int code;
    do {
        code = create_as_user(run, topic, err);
        if (code == wanted)
            return true;
        clock_sleep_ms(100);
    } while (code >= 0 && clock_ms() < deadline_ms);
    return false;
}

static bool count_becomes(Run *run, size_t wanted, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    size_t count = 0;
    do {
        if (!kafka_acls_count(run->admin, run->user, &count, err))
            return false;
        if (count == wanted)
            return true;
        clock_sleep_ms(100);
    } while (clock_ms() < deadline_ms);
    return error_set(err, ERR_INTERNAL, "%zu rules", count);
}

static void check_acls(Run *run)
{
    static const KafkaAcl rules[RULES] = {
        {KAFKA_TOPIC, "own-", KAFKA_PREFIXED, KAFKA_OP_ALL},
        {KAFKA_TOPIC, "*", KAFKA_LITERAL, KAFKA_OP_DESCRIBE},
        {KAFKA_GROUP, "own-", KAFKA_PREFIXED, KAFKA_OP_READ},
        {KAFKA_TRANSACTIONAL_ID, "own-", KAFKA_PREFIXED, KAFKA_OP_WRITE},
        {KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_IDEMPOTENT_WRITE},
    };
    Error err = {0};
    size_t deleted = 99;
    check(run, count_becomes(run, 0, &err), "rules: none at first", &err);
    check(run, code_becomes(run, "own-a", 29, &err), "rules: without them a topic cannot be made", &err);
    check(run, kafka_acls_create(run->admin, run->user, rules, RULES, &err), "rules: create", &err);
    check(run, count_becomes(run, RULES, &err), "rules: all are there", &err);
    check(run, kafka_acls_create(run->admin, run->user, rules, RULES, &err) && count_becomes(run, RULES, &err),
          "rules: creating them again changes nothing", &err);
    check(run, code_becomes(run, "own-a", 0, &err), "rules: the user may make a topic under its prefix", &err);
    check(run, code_becomes(run, "other-a", 29, &err), "rules: and none beside it", &err);
    check(run, kafka_acls_delete(run->admin, run->user, &deleted, &err) && deleted == RULES, "rules: delete", &err);
    check(run, count_becomes(run, 0, &err), "rules: none are left", &err);
    check(run, kafka_acls_delete(run->admin, run->user, &deleted, &err) && deleted == 0, "rules: deleting none is success", &err);
}

static void check_removal(Run *run)
{
    Error err = {0};
    check(run, kafka_user_delete(run->admin, run->user, &err), "user: delete", &err);
    check(run, kafka_user_delete(run->admin, run->user, &err), "user: delete again", &err);
    for (size_t i = 0; i < run->count; i++)
        check(run, login_becomes(run, i, run->password, false, &err), "user: login is refused after the deletion", &err);
    bool exists = true;
    check(run, kafka_user_exists(run->admin, run->user, &exists, &err) && !exists, "user: is gone", &err);
}

/* A topic left over from a run cut short. */
static bool leave_topic(Run *run, const char *topic, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *request =
        json_pack("{s:[{s:s,s:i,s:i,s:[{s:s,s:s}]}]}", "Topics", "Name", topic, "NumPartitions", 1, "ReplicationFactor", 1,
                  "Configs", "Name", "compression.type", "Value", "uncompressed");
    return kafka_admin_call(run->admin, KAFKA_CONTROLLER_BROKER, KAFKA_CREATE_TOPICS, request, &answer, err) &&
           kafka_check((int)json_int_at(answer, "Topics.0.ErrorCode", -1), NULL, topic, err);
}

static bool topic_goes(Run *run, const char *topic, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s}],s:b}", "Topics", "Name", topic, "AllowAutoTopicCreation", 0);
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    while (clock_ms() < deadline_ms) {
        CLEANUP_JSON json_t *answer = NULL;
        if (!kafka_admin_call(run->admin, KAFKA_ANY_BROKER, KAFKA_METADATA, request, &answer, err))
            return false;
        if (json_int_at(answer, "Topics.0.ErrorCode", -1) == 3)
            return true;
        clock_sleep_ms(100);
    }
    return error_set(err, ERR_INTERNAL, "the topic is still there");
}

static void check_canary(Run *run)
{
    Error err = {0};
    int all = (int)run->count;
    check(run, kafka_canary(run->admin, "canary", all, &err), "canary: write, read, delete", &err);
    check(run, kafka_canary(run->admin, "canary", all, &err), "canary: at once again", &err);
    check(run, leave_topic(run, "canary-left", &err) && kafka_canary(run->admin, "canary-left", all, &err),
          "canary: uses a topic that was left over", &err);
    check(run, topic_goes(run, "canary-left", &err) && topic_goes(run, "canary", &err), "canary: leaves no topic", &err);
    KafkaDial how = {dial, run};
    int id = run->brokers[0].id;
    CLEANUP(kafka_admin_free) KafkaAdmin *hasty = kafka_admin_new(&how, &id, 1, 3000);
    check_refused(run, kafka_canary(hasty, "canary-wide", all + 1, &err), ERR_RETRY, "canary: more replicas than brokers", &err);
    check_refused(run, kafka_canary(run->admin, "no such/name", 1, &err), ERR_INVALID, "canary: an impossible name", &err);
}

/* Calls that operations do not use yet, in the version that the tables would choose. */
static void check_other_calls(Run *run)
{
    Error err = {0};
    CLEANUP_JSON json_t *nothing = json_object(), *cluster = NULL, *offsets = NULL;
    bool ok = kafka_admin_call(run->admin, KAFKA_ANY_BROKER, KAFKA_DESCRIBE_CLUSTER, nothing, &cluster, &err);
    check(run, ok && json_array_size(json_object_get(cluster, "Brokers")) == run->count, "DescribeCluster", &err);
    CLEANUP_JSON json_t *request = json_pack("{s:i,s:[{s:s,s:[{s:i,s:i}]}]}", "ReplicaId", -1, "Topics", "Name", "no-such-topic",
                                             "Partitions", "PartitionIndex", 0, "Timestamp", -1);
    ok = kafka_admin_call(run->admin, run->brokers[0].id, KAFKA_LIST_OFFSETS, request, &offsets, &err);
    check(run, ok && json_int_at(offsets, "Topics.0.Partitions.0.ErrorCode", 0) == 3, "ListOffsets of an unknown topic", &err);
}

/* With ZooKeeper one broker is the controller and the others say so; the administration must find it. */
static void check_controller(Run *run)
{
    Error err = {0};
    KafkaHealth h = {.controller_id = -1};
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i,s:i}],s:b}", "Topics", "Name", "never-made", "NumPartitions", 1,
                                             "ReplicationFactor", 1, "validateOnly", 1);
    bool ok = kafka_health(run->admin, &h, &err);
    for (size_t i = 0; ok && i < run->count; i++) {
        CLEANUP_JSON json_t *answer = NULL;
        bool controller = run->kraft || run->brokers[i].id == h.controller_id;
        ok = kafka_admin_call(run->admin, run->brokers[i].id, KAFKA_CREATE_TOPICS, request, &answer, &err);
        check(run, ok && json_int_at(answer, "Topics.0.ErrorCode", -1) == (controller ? 0 : 41),
              controller ? "controller: answers" : "controller: another broker says NOT_CONTROLLER", &err);
    }
}

/* A listener that wants a certificate, and none; an admin call on a listener that wants a login first. */
static void check_strangers(Run *run)
{
    Error err = {0};
    for (int own = 0; own < 2; own++) {
        CLEANUP(stream_free) Stream *stream = NULL;
        CLEANUP(kafka_close) KafkaConnection *c = NULL;
        CLEANUP_JSON json_t *request = json_object(), *answer = NULL;
        const Broker *b = &run->brokers[0];
        int64_t deadline_ms = clock_ms() + CALL_MS;
        bool ok = dial_port(run, own ? b->client_port : b->admin_port, own, deadline_ms, &stream, &err) &&
                  kafka_connect(&stream, "kafka_client", deadline_ms, &c, &err) &&
                  kafka_call(c, KAFKA_METADATA, request, deadline_ms, &answer, &err);
        if (!ok)
            printf("     (%s)\n", err.text);
        check(run, !ok && (err.kind == ERR_DENIED || err.kind == ERR_RETRY),
              own ? "strangers: no call before the login" : "strangers: no call without a certificate", &err);
    }
}

static void check_everything(Run *run)
{
    check_health(run);
    check_controller(run);
    check_quorum(run);
    check_users(run);
    check_mechanism(run);
    check_acls(run);
    check_removal(run);
    check_canary(run);
    check_other_calls(run);
    check_strangers(run);
}

int main(int argc, char **argv)
{
    return run_driver(argc, argv, check_everything);
}
