/* Message tables: topics and records. Topics are named, never given by id, so versions end where ids replace names. */
#include "kafka/schema.h"

static const KafkaField topic_assignment[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("BrokerIds", INT32, 0, ANY, LIST),
    FIELDS_END,
};
static const KafkaField topic_config[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Value", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField new_topic[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("NumPartitions", INT32, 0, ANY),
    FIELD("ReplicationFactor", INT16, 0, ANY),
    FIELD("Assignments", STRUCT, 0, ANY, LIST, OF(topic_assignment)),
    FIELD("Configs", STRUCT, 0, ANY, LIST, OF(topic_config)),
    FIELDS_END,
};
static const KafkaField create_topics_request[] = {
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(new_topic)),
    FIELD("timeoutMs", INT32, 0, ANY, DEFAULT(60000)),
    FIELD("validateOnly", BOOL, 1, ANY),
    FIELDS_END,
};
static const KafkaField created_config[] = {
    FIELD("Name", STRING, 5, ANY),
    FIELD("Value", STRING, 5, ANY, NULLABLE(5)),
    FIELD("ReadOnly", BOOL, 5, ANY),
    FIELD("ConfigSource", INT8, 5, ANY, DEFAULT(-1)),
    FIELD("IsSensitive", BOOL, 5, ANY),
    FIELDS_END,
};
static const KafkaField created_topic[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("TopicId", UUID, 7, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 1, ANY, NULLABLE(0)),
    FIELD("TopicConfigErrorCode", INT16, 5, ANY, TAGGED(5, 0)),
    FIELD("NumPartitions", INT32, 5, ANY, DEFAULT(-1)),
    FIELD("ReplicationFactor", INT16, 5, ANY, DEFAULT(-1)),
    FIELD("Configs", STRUCT, 5, ANY, LIST, NULLABLE(5), OF(created_config)),
    FIELDS_END,
};
static const KafkaField create_topics_response[] = {
    FIELD("ThrottleTimeMs", INT32, 2, ANY),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(created_topic)),
    FIELDS_END,
};

static const KafkaField delete_topics_request[] = {
    FIELD("TopicNames", STRING, 0, 5, LIST),
    FIELD("TimeoutMs", INT32, 0, ANY),
    FIELDS_END,
};
static const KafkaField deleted_topic[] = {
    FIELD("Name", STRING, 0, ANY, NULLABLE(6)),
    FIELD("TopicId", UUID, 6, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 5, ANY, NULLABLE(5), DEFAULT_NULL),
    FIELDS_END,
};
static const KafkaField delete_topics_response[] = {
    FIELD("ThrottleTimeMs", INT32, 1, ANY),
    FIELD("Responses", STRUCT, 0, ANY, LIST, OF(deleted_topic)),
    FIELDS_END,
};

static const KafkaField produce_partition[] = {
    FIELD("Index", INT32, 0, ANY),
    FIELD("Records", BYTES, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField produce_topic[] = {
    FIELD("Name", STRING, 0, 12),
    FIELD("PartitionData", STRUCT, 0, ANY, LIST, OF(produce_partition)),
    FIELDS_END,
};
static const KafkaField produce_request[] = {
    FIELD("TransactionalId", STRING, 3, ANY, NULLABLE(3), DEFAULT_NULL),
    FIELD("Acks", INT16, 0, ANY),
    FIELD("TimeoutMs", INT32, 0, ANY),
    FIELD("TopicData", STRUCT, 0, ANY, LIST, OF(produce_topic)),
    FIELDS_END,
};
static const KafkaField record_error[] = {
    FIELD("BatchIndex", INT32, 8, ANY),
    FIELD("BatchIndexErrorMessage", STRING, 8, ANY, NULLABLE(8), DEFAULT_NULL),
    FIELDS_END,
};
static const KafkaField produced_partition[] = {
    FIELD("Index", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("BaseOffset", INT64, 0, ANY),
    FIELD("LogAppendTimeMs", INT64, 2, ANY, DEFAULT(-1)),
    FIELD("LogStartOffset", INT64, 5, ANY, DEFAULT(-1)),
    FIELD("RecordErrors", STRUCT, 8, ANY, LIST, OF(record_error)),
    FIELD("ErrorMessage", STRING, 8, ANY, NULLABLE(8), DEFAULT_NULL),
    FIELDS_END,
};
static const KafkaField produced_topic[] = {
    FIELD("Name", STRING, 0, 12),
    FIELD("PartitionResponses", STRUCT, 0, ANY, LIST, OF(produced_partition)),
    FIELDS_END,
};
static const KafkaField produce_response[] = {
    FIELD("Responses", STRUCT, 0, ANY, LIST, OF(produced_topic)),
    FIELD("ThrottleTimeMs", INT32, 1, ANY),
    FIELDS_END,
};

static const KafkaField fetch_partition[] = {
    FIELD("Partition", INT32, 0, ANY),
    FIELD("CurrentLeaderEpoch", INT32, 9, ANY, DEFAULT(-1)),
    FIELD("FetchOffset", INT64, 0, ANY),
    FIELD("LastFetchedEpoch", INT32, 12, ANY, DEFAULT(-1)),
    FIELD("LogStartOffset", INT64, 5, ANY, DEFAULT(-1)),
    FIELD("PartitionMaxBytes", INT32, 0, ANY),
    FIELDS_END,
};
static const KafkaField fetch_topic[] = {
    FIELD("Topic", STRING, 0, 12),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(fetch_partition)),
    FIELDS_END,
};
static const KafkaField forgotten_topic[] = {
    FIELD("Topic", STRING, 7, 12),
    FIELD("Partitions", INT32, 7, ANY, LIST),
    FIELDS_END,
};
static const KafkaField fetch_request[] = {
    FIELD("ClusterId", STRING, 12, ANY, NULLABLE(12), TAGGED(12, 0), DEFAULT_NULL),
    FIELD("ReplicaId", INT32, 0, 14, DEFAULT(-1)),
    FIELD("MaxWaitMs", INT32, 0, ANY),
    FIELD("MinBytes", INT32, 0, ANY),
    FIELD("MaxBytes", INT32, 3, ANY, DEFAULT(INT32_MAX)),
    FIELD("IsolationLevel", INT8, 4, ANY),
    FIELD("SessionId", INT32, 7, ANY),
    FIELD("SessionEpoch", INT32, 7, ANY, DEFAULT(-1)),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(fetch_topic)),
    FIELD("ForgottenTopicsData", STRUCT, 7, ANY, LIST, OF(forgotten_topic)),
    FIELD("RackId", STRING, 11, ANY),
    FIELDS_END,
};
static const KafkaField epoch_end_offset[] = {
    FIELD("Epoch", INT32, 12, ANY, DEFAULT(-1)),
    FIELD("EndOffset", INT64, 12, ANY, DEFAULT(-1)),
    FIELDS_END,
};
static const KafkaField leader_and_epoch[] = {
    FIELD("LeaderId", INT32, 12, ANY, DEFAULT(-1)),
    FIELD("LeaderEpoch", INT32, 12, ANY, DEFAULT(-1)),
    FIELDS_END,
};
static const KafkaField snapshot_id[] = {
    FIELD("EndOffset", INT64, 0, ANY, DEFAULT(-1)),
    FIELD("Epoch", INT32, 0, ANY, DEFAULT(-1)),
    FIELDS_END,
};
static const KafkaField aborted_transaction[] = {
    FIELD("ProducerId", INT64, 4, ANY),
    FIELD("FirstOffset", INT64, 4, ANY),
    FIELDS_END,
};
static const KafkaField fetched_partition[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("HighWatermark", INT64, 0, ANY),
    FIELD("LastStableOffset", INT64, 4, ANY, DEFAULT(-1)),
    FIELD("LogStartOffset", INT64, 5, ANY, DEFAULT(-1)),
    FIELD("DivergingEpoch", STRUCT, 12, ANY, TAGGED(12, 0), OF(epoch_end_offset)),
    FIELD("CurrentLeader", STRUCT, 12, ANY, TAGGED(12, 1), OF(leader_and_epoch)),
    FIELD("SnapshotId", STRUCT, 12, ANY, TAGGED(12, 2), OF(snapshot_id)),
    FIELD("AbortedTransactions", STRUCT, 4, ANY, LIST, NULLABLE(4), OF(aborted_transaction)),
    FIELD("PreferredReadReplica", INT32, 11, ANY, DEFAULT(-1)),
    FIELD("Records", BYTES, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField fetched_topic[] = {
    FIELD("Topic", STRING, 0, 12),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(fetched_partition)),
    FIELDS_END,
};
static const KafkaField fetch_response[] = {
    FIELD("ThrottleTimeMs", INT32, 1, ANY),
    FIELD("ErrorCode", INT16, 7, ANY),
    FIELD("SessionId", INT32, 7, ANY),
    FIELD("Responses", STRUCT, 0, ANY, LIST, OF(fetched_topic)),
    FIELDS_END,
};

static const KafkaField list_offsets_partition[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("CurrentLeaderEpoch", INT32, 4, ANY, DEFAULT(-1)),
    FIELD("Timestamp", INT64, 0, ANY),
    FIELDS_END,
};
static const KafkaField list_offsets_topic[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(list_offsets_partition)),
    FIELDS_END,
};
static const KafkaField list_offsets_request[] = {
    FIELD("ReplicaId", INT32, 0, ANY),
    FIELD("IsolationLevel", INT8, 2, ANY),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(list_offsets_topic)),
    FIELDS_END,
};
static const KafkaField listed_partition[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("Timestamp", INT64, 1, ANY, DEFAULT(-1)),
    FIELD("Offset", INT64, 1, ANY, DEFAULT(-1)),
    FIELD("LeaderEpoch", INT32, 4, ANY, DEFAULT(-1)),
    FIELDS_END,
};
static const KafkaField listed_topic[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(listed_partition)),
    FIELDS_END,
};
static const KafkaField list_offsets_response[] = {
    FIELD("ThrottleTimeMs", INT32, 2, ANY),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(listed_topic)),
    FIELDS_END,
};

static const KafkaMessage messages[] = {
    {KAFKA_PRODUCE, "Produce", 8, 9, 9, produce_request, produce_response},
    {KAFKA_FETCH, "Fetch", 11, 12, 12, fetch_request, fetch_response},
    {KAFKA_LIST_OFFSETS, "ListOffsets", 4, 7, 6, list_offsets_request, list_offsets_response},
    {KAFKA_CREATE_TOPICS, "CreateTopics", 4, 7, 5, create_topics_request, create_topics_response},
    {KAFKA_DELETE_TOPICS, "DeleteTopics", 3, 5, 4, delete_topics_request, delete_topics_response},
};

const KafkaMessage *kafka_data_messages(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(messages);
    return messages;
}
