/* Health of a cluster: brokers and partitions from Metadata, the controllers' quorum from DescribeQuorum. */
#include "kafka/admin_own.h"

#include "kafka/errors.h"

#include <stdio.h>
#include <string.h>

enum { FETCH_TIMEOUT_MS = 2000 /* controller.quorum.fetch.timeout.ms */ };

static bool has_broker(const json_t *answer, int id)
{
    size_t i;
    json_t *broker;
    json_array_foreach(json_object_get(answer, "Brokers"), i, broker)
    {
        if (json_int_at(broker, "NodeId", -1) == id)
            return true;
    }
    return false;
}

static void count_brokers(const KafkaAdmin *a, const json_t *answer, KafkaHealth *h)
{
    size_t used = 0;
    for (size_t i = 0; kafka_admin_expected(a, i) >= 0; i++) {
        int id = kafka_admin_expected(a, i);
        if (has_broker(answer, id))
            h->brokers++;
        else if (used < sizeof(h->missing))
            used += (size_t)snprintf(h->missing + used, sizeof(h->missing) - used, "%skafka-%d", used ? ", " : "", id);
    }
}

/* A topic that Metadata cannot describe counts as one partition without a leader; one that is being deleted does not count. */
static void count_partitions(const json_t *topic, KafkaHealth *h)
{
    size_t i;
    json_t *p;
    json_int_t code = json_int_at(topic, "ErrorCode", 0);
    if (code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION)
        return;
    h->leaderless += code != 0;
    json_array_foreach(json_object_get(topic, "Partitions"), i, p)
    {
        h->partitions++;
        h->leaderless += json_int_at(p, "LeaderId", -1) < 0;
        h->under_replicated +=
            json_array_size(json_object_get(p, "IsrNodes")) < json_array_size(json_object_get(p, "ReplicaNodes"));
    }
}

bool kafka_health(KafkaAdmin *a, KafkaHealth *ret, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:n,s:b}", "Topics", "AllowAutoTopicCreation", 0), *answer = NULL;
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_METADATA, request, &answer, err))
        return false;
    KafkaHealth h = {.controller_id = (int)json_int_at(answer, "ControllerId", -1)};
    size_t i;
    json_t *topic;
    count_brokers(a, answer, &h);
    json_array_foreach(json_object_get(answer, "Topics"), i, topic)
    {
        count_partitions(topic, &h);
    }
    *ret = h;
    return true;
}

/* Voters whose last caught-up time is within the fetch time-out of the leader's, which is the leader's present. */
static int count_caught_up(const json_t *voters, int leader_id)
{
    size_t i;
    json_t *voter;
    json_int_t now = -1;
    int count = 0;
    json_array_foreach(voters, i, voter)
    {
        if (json_int_at(voter, "ReplicaId", -1) == leader_id)
            now = json_int_at(voter, "LastCaughtUpTimestamp", -1);
    }
    json_array_foreach(voters, i, voter)
    {
        json_int_t seen = json_int_at(voter, "LastCaughtUpTimestamp", -1);
        count += now >= 0 && seen >= 0 && now - seen < FETCH_TIMEOUT_MS;
    }
    return count;
}

bool kafka_quorum(KafkaAdmin *a, KafkaQuorum *ret, Error *err)
{
    static const char what[] = "the controllers' quorum";
    CLEANUP_JSON json_t *request =
        json_pack("{s:[{s:s,s:[{s:i}]}]}", "Topics", "TopicName", "__cluster_metadata", "Partitions", "PartitionIndex", 0);
    CLEANUP_JSON json_t *answer = NULL;
    if (!kafka_admin_call(a, KAFKA_ANY_BROKER, KAFKA_DESCRIBE_QUORUM, request, &answer, err) ||
        !kafka_check_item(answer, what, err))
        return false;
    const json_t *partition = json_at(answer, "Topics.0.Partitions.0");
    if (!kafka_check_item(partition, what, err))
        return false;
    const json_t *voters = json_object_get(partition, "CurrentVoters");
    int leader = (int)json_int_at(partition, "LeaderId", -1);
    *ret = (KafkaQuorum){leader, (int)json_array_size(voters), count_caught_up(voters, leader)};
    return true;
}
