/* Message tables: versions, cluster, SASL, SCRAM users, ACLs, quorum. */
#include "kafka/schema.h"

static const KafkaField api_versions_request[] = {
    FIELD("ClientSoftwareName", STRING, 3, ANY),
    FIELD("ClientSoftwareVersion", STRING, 3, ANY),
    FIELDS_END,
};
static const KafkaField api_version[] = {
    FIELD("ApiKey", INT16, 0, ANY),
    FIELD("MinVersion", INT16, 0, ANY),
    FIELD("MaxVersion", INT16, 0, ANY),
    FIELDS_END,
};
static const KafkaField supported_feature[] = {
    FIELD("Name", STRING, 3, ANY),
    FIELD("MinVersion", INT16, 3, ANY),
    FIELD("MaxVersion", INT16, 3, ANY),
    FIELDS_END,
};
static const KafkaField finalized_feature[] = {
    FIELD("Name", STRING, 3, ANY),
    FIELD("MaxVersionLevel", INT16, 3, ANY),
    FIELD("MinVersionLevel", INT16, 3, ANY),
    FIELDS_END,
};
static const KafkaField api_versions_response[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ApiKeys", STRUCT, 0, ANY, LIST, OF(api_version)),
    FIELD("ThrottleTimeMs", INT32, 1, ANY),
    FIELD("SupportedFeatures", STRUCT, 3, ANY, LIST, TAGGED(3, 0), OF(supported_feature)),
    FIELD("FinalizedFeaturesEpoch", INT64, 3, ANY, TAGGED(3, 1), DEFAULT(-1)),
    FIELD("FinalizedFeatures", STRUCT, 3, ANY, LIST, TAGGED(3, 2), OF(finalized_feature)),
    FIELD("ZkMigrationReady", BOOL, 3, ANY, TAGGED(3, 3)),
    FIELDS_END,
};

static const KafkaField metadata_request_topic[] = {
    FIELD("TopicId", UUID, 10, ANY),
    FIELD("Name", STRING, 0, ANY, NULLABLE(10)),
    FIELDS_END,
};
static const KafkaField metadata_request[] = {
    FIELD("Topics", STRUCT, 0, ANY, LIST, NULLABLE(1), OF(metadata_request_topic)),
    FIELD("AllowAutoTopicCreation", BOOL, 4, ANY, DEFAULT(true)),
    FIELD("IncludeClusterAuthorizedOperations", BOOL, 8, 10),
    FIELD("IncludeTopicAuthorizedOperations", BOOL, 8, ANY),
    FIELDS_END,
};
static const KafkaField metadata_broker[] = {
    FIELD("NodeId", INT32, 0, ANY),
    FIELD("Host", STRING, 0, ANY),
    FIELD("Port", INT32, 0, ANY),
    FIELD("Rack", STRING, 1, ANY, NULLABLE(1), DEFAULT_NULL),
    FIELDS_END,
};
static const KafkaField metadata_partition[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("LeaderId", INT32, 0, ANY),
    FIELD("LeaderEpoch", INT32, 7, ANY, DEFAULT(-1)),
    FIELD("ReplicaNodes", INT32, 0, ANY, LIST),
    FIELD("IsrNodes", INT32, 0, ANY, LIST),
    FIELD("OfflineReplicas", INT32, 5, ANY, LIST),
    FIELDS_END,
};
static const KafkaField metadata_topic[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("Name", STRING, 0, ANY, NULLABLE(12)),
    FIELD("TopicId", UUID, 10, ANY),
    FIELD("IsInternal", BOOL, 1, ANY),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(metadata_partition)),
    FIELD("TopicAuthorizedOperations", INT32, 8, ANY, DEFAULT(INT32_MIN)),
    FIELDS_END,
};
static const KafkaField metadata_response[] = {
    FIELD("ThrottleTimeMs", INT32, 3, ANY),
    FIELD("Brokers", STRUCT, 0, ANY, LIST, OF(metadata_broker)),
    FIELD("ClusterId", STRING, 2, ANY, NULLABLE(2), DEFAULT_NULL),
    FIELD("ControllerId", INT32, 1, ANY, DEFAULT(-1)),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(metadata_topic)),
    FIELD("ClusterAuthorizedOperations", INT32, 8, 10, DEFAULT(INT32_MIN)),
    FIELDS_END,
};

static const KafkaField sasl_handshake_request[] = {
    FIELD("Mechanism", STRING, 0, ANY),
    FIELDS_END,
};
static const KafkaField sasl_handshake_response[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("Mechanisms", STRING, 0, ANY, LIST),
    FIELDS_END,
};
static const KafkaField sasl_authenticate_request[] = {
    FIELD("AuthBytes", BYTES, 0, ANY),
    FIELDS_END,
};
static const KafkaField sasl_authenticate_response[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("AuthBytes", BYTES, 0, ANY),
    FIELD("SessionLifetimeMs", INT64, 1, ANY),
    FIELDS_END,
};

static const KafkaField scram_user[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELDS_END,
};
static const KafkaField describe_scram_request[] = {
    FIELD("Users", STRUCT, 0, ANY, LIST, NULLABLE(0), OF(scram_user)),
    FIELDS_END,
};
static const KafkaField scram_info[] = {
    FIELD("Mechanism", INT8, 0, ANY),
    FIELD("Iterations", INT32, 0, ANY),
    FIELDS_END,
};
static const KafkaField describe_scram_result[] = {
    FIELD("User", STRING, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("CredentialInfos", STRUCT, 0, ANY, LIST, OF(scram_info)),
    FIELDS_END,
};
static const KafkaField describe_scram_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("Results", STRUCT, 0, ANY, LIST, OF(describe_scram_result)),
    FIELDS_END,
};
static const KafkaField scram_deletion[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Mechanism", INT8, 0, ANY),
    FIELDS_END,
};
static const KafkaField scram_upsertion[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Mechanism", INT8, 0, ANY),
    FIELD("Iterations", INT32, 0, ANY),
    FIELD("Salt", BYTES, 0, ANY),
    FIELD("SaltedPassword", BYTES, 0, ANY),
    FIELDS_END,
};
static const KafkaField alter_scram_request[] = {
    FIELD("Deletions", STRUCT, 0, ANY, LIST, OF(scram_deletion)),
    FIELD("Upsertions", STRUCT, 0, ANY, LIST, OF(scram_upsertion)),
    FIELDS_END,
};
static const KafkaField alter_scram_result[] = {
    FIELD("User", STRING, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField alter_scram_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("Results", STRUCT, 0, ANY, LIST, OF(alter_scram_result)),
    FIELDS_END,
};

/* The filter of DescribeAcls is the whole request, DeleteAcls takes a list of the same. */
static const KafkaField acl_filter[] = {
    FIELD("ResourceTypeFilter", INT8, 0, ANY),
    FIELD("ResourceNameFilter", STRING, 0, ANY, NULLABLE(0)),
    FIELD("PatternTypeFilter", INT8, 1, ANY, DEFAULT(3)),
    FIELD("PrincipalFilter", STRING, 0, ANY, NULLABLE(0)),
    FIELD("HostFilter", STRING, 0, ANY, NULLABLE(0)),
    FIELD("Operation", INT8, 0, ANY),
    FIELD("PermissionType", INT8, 0, ANY),
    FIELDS_END,
};
static const KafkaField acl_description[] = {
    FIELD("Principal", STRING, 0, ANY),
    FIELD("Host", STRING, 0, ANY),
    FIELD("Operation", INT8, 0, ANY),
    FIELD("PermissionType", INT8, 0, ANY),
    FIELDS_END,
};
static const KafkaField acl_resource[] = {
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("PatternType", INT8, 1, ANY, DEFAULT(3)),
    FIELD("Acls", STRUCT, 0, ANY, LIST, OF(acl_description)),
    FIELDS_END,
};
static const KafkaField describe_acls_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("Resources", STRUCT, 0, ANY, LIST, OF(acl_resource)),
    FIELDS_END,
};
static const KafkaField acl_creation[] = {
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("ResourcePatternType", INT8, 1, ANY, DEFAULT(3)),
    FIELD("Principal", STRING, 0, ANY),
    FIELD("Host", STRING, 0, ANY),
    FIELD("Operation", INT8, 0, ANY),
    FIELD("PermissionType", INT8, 0, ANY),
    FIELDS_END,
};
static const KafkaField create_acls_request[] = {
    FIELD("Creations", STRUCT, 0, ANY, LIST, OF(acl_creation)),
    FIELDS_END,
};
static const KafkaField create_acls_result[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField create_acls_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("Results", STRUCT, 0, ANY, LIST, OF(create_acls_result)),
    FIELDS_END,
};
static const KafkaField delete_acls_request[] = {
    FIELD("Filters", STRUCT, 0, ANY, LIST, OF(acl_filter)),
    FIELDS_END,
};
static const KafkaField matching_acl[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("PatternType", INT8, 1, ANY, DEFAULT(3)),
    FIELD("Principal", STRING, 0, ANY),
    FIELD("Host", STRING, 0, ANY),
    FIELD("Operation", INT8, 0, ANY),
    FIELD("PermissionType", INT8, 0, ANY),
    FIELDS_END,
};
static const KafkaField delete_acls_result[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("MatchingAcls", STRUCT, 0, ANY, LIST, OF(matching_acl)),
    FIELDS_END,
};
static const KafkaField delete_acls_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("FilterResults", STRUCT, 0, ANY, LIST, OF(delete_acls_result)),
    FIELDS_END,
};

static const KafkaField quorum_request_partition[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELDS_END,
};
static const KafkaField quorum_request_topic[] = {
    FIELD("TopicName", STRING, 0, ANY),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(quorum_request_partition)),
    FIELDS_END,
};
static const KafkaField quorum_request[] = {
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(quorum_request_topic)),
    FIELDS_END,
};
static const KafkaField quorum_replica[] = {
    FIELD("ReplicaId", INT32, 0, ANY),
    FIELD("ReplicaDirectoryId", UUID, 2, ANY),
    FIELD("LogEndOffset", INT64, 0, ANY),
    FIELD("LastFetchTimestamp", INT64, 1, ANY, DEFAULT(-1)),
    FIELD("LastCaughtUpTimestamp", INT64, 1, ANY, DEFAULT(-1)),
    FIELDS_END,
};
static const KafkaField quorum_partition[] = {
    FIELD("PartitionIndex", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 2, ANY, NULLABLE(2)),
    FIELD("LeaderId", INT32, 0, ANY),
    FIELD("LeaderEpoch", INT32, 0, ANY),
    FIELD("HighWatermark", INT64, 0, ANY),
    FIELD("CurrentVoters", STRUCT, 0, ANY, LIST, OF(quorum_replica)),
    FIELD("Observers", STRUCT, 0, ANY, LIST, OF(quorum_replica)),
    FIELDS_END,
};
static const KafkaField quorum_topic[] = {
    FIELD("TopicName", STRING, 0, ANY),
    FIELD("Partitions", STRUCT, 0, ANY, LIST, OF(quorum_partition)),
    FIELDS_END,
};
static const KafkaField quorum_listener[] = {
    FIELD("Name", STRING, 2, ANY),
    FIELD("Host", STRING, 2, ANY),
    FIELD("Port", UINT16, 2, ANY),
    FIELDS_END,
};
static const KafkaField quorum_node[] = {
    FIELD("NodeId", INT32, 2, ANY),
    FIELD("Listeners", STRUCT, 2, ANY, LIST, OF(quorum_listener)),
    FIELDS_END,
};
static const KafkaField quorum_response[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 2, ANY, NULLABLE(2)),
    FIELD("Topics", STRUCT, 0, ANY, LIST, OF(quorum_topic)),
    FIELD("Nodes", STRUCT, 2, ANY, LIST, OF(quorum_node)),
    FIELDS_END,
};

static const KafkaField cluster_request[] = {
    FIELD("IncludeClusterAuthorizedOperations", BOOL, 0, ANY),
    FIELD("EndpointType", INT8, 1, ANY, DEFAULT(1)),
    FIELDS_END,
};
static const KafkaField cluster_broker[] = {
    FIELD("BrokerId", INT32, 0, ANY),
    FIELD("Host", STRING, 0, ANY),
    FIELD("Port", INT32, 0, ANY),
    FIELD("Rack", STRING, 0, ANY, NULLABLE(0), DEFAULT_NULL),
    FIELDS_END,
};
static const KafkaField cluster_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0), DEFAULT_NULL),
    FIELD("EndpointType", INT8, 1, ANY, DEFAULT(1)),
    FIELD("ClusterId", STRING, 0, ANY),
    FIELD("ControllerId", INT32, 0, ANY, DEFAULT(-1)),
    FIELD("Brokers", STRUCT, 0, ANY, LIST, OF(cluster_broker)),
    FIELD("ClusterAuthorizedOperations", INT32, 0, ANY, DEFAULT(INT32_MIN)),
    FIELDS_END,
};

static const KafkaMessage messages[] = {
    {KAFKA_API_VERSIONS, "ApiVersions", 0, 4, 3, api_versions_request, api_versions_response},
    {KAFKA_METADATA, "Metadata", 4, 12, 9, metadata_request, metadata_response},
    {KAFKA_SASL_HANDSHAKE, "SaslHandshake", 1, 1, ANY, sasl_handshake_request, sasl_handshake_response},
    {KAFKA_SASL_AUTHENTICATE, "SaslAuthenticate", 0, 2, 2, sasl_authenticate_request, sasl_authenticate_response},
    {KAFKA_DESCRIBE_SCRAM, "DescribeUserScramCredentials", 0, 0, 0, describe_scram_request, describe_scram_response},
    {KAFKA_ALTER_SCRAM, "AlterUserScramCredentials", 0, 0, 0, alter_scram_request, alter_scram_response},
    {KAFKA_DESCRIBE_ACLS, "DescribeAcls", 1, 3, 2, acl_filter, describe_acls_response},
    {KAFKA_CREATE_ACLS, "CreateAcls", 1, 3, 2, create_acls_request, create_acls_response},
    {KAFKA_DELETE_ACLS, "DeleteAcls", 1, 3, 2, delete_acls_request, delete_acls_response},
    {KAFKA_DESCRIBE_QUORUM, "DescribeQuorum", 1, 2, 0, quorum_request, quorum_response},
    {KAFKA_DESCRIBE_CLUSTER, "DescribeCluster", 0, 1, 0, cluster_request, cluster_response},
};

static const KafkaMessage *find(const KafkaMessage *list, size_t count, KafkaApi api)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].api == api)
            return &list[i];
    return NULL;
}

const KafkaMessage *kafka_message(KafkaApi api)
{
    size_t data_count, admin_count;
    const KafkaMessage *data = kafka_data_messages(&data_count), *admin = kafka_admin_messages(&admin_count);
    const KafkaMessage *found = find(messages, ARRAY_SIZE(messages), api);
    if (!found)
        found = find(data, data_count, api);
    return found ? found : find(admin, admin_count, api);
}
