/* Message tables: dynamic configuration and client quotas. */
#include "kafka/schema.h"

static const KafkaField described_resource[] = {
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("ConfigurationKeys", STRING, 0, ANY, LIST, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField describe_configs_request[] = {
    FIELD("Resources", STRUCT, 0, ANY, LIST, OF(described_resource)),
    FIELD("IncludeSynonyms", BOOL, 1, ANY),
    FIELD("IncludeDocumentation", BOOL, 3, ANY),
    FIELDS_END,
};
static const KafkaField config_synonym[] = {
    FIELD("Name", STRING, 1, ANY),
    FIELD("Value", STRING, 1, ANY, NULLABLE(0)),
    FIELD("Source", INT8, 1, ANY),
    FIELDS_END,
};
static const KafkaField described_config[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("Value", STRING, 0, ANY, NULLABLE(0)),
    FIELD("ReadOnly", BOOL, 0, ANY),
    FIELD("IsDefault", BOOL, 0, 0),
    FIELD("ConfigSource", INT8, 1, ANY, DEFAULT(-1)),
    FIELD("IsSensitive", BOOL, 0, ANY),
    FIELD("Synonyms", STRUCT, 1, ANY, LIST, OF(config_synonym)),
    FIELD("ConfigType", INT8, 3, ANY),
    FIELD("Documentation", STRING, 3, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField describe_configs_result[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("Configs", STRUCT, 0, ANY, LIST, OF(described_config)),
    FIELDS_END,
};
static const KafkaField describe_configs_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("Results", STRUCT, 0, ANY, LIST, OF(describe_configs_result)),
    FIELDS_END,
};

static const KafkaField alterable_config[] = {
    FIELD("Name", STRING, 0, ANY),
    FIELD("ConfigOperation", INT8, 0, ANY),
    FIELD("Value", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField altered_resource[] = {
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELD("Configs", STRUCT, 0, ANY, LIST, OF(alterable_config)),
    FIELDS_END,
};
static const KafkaField alter_configs_request[] = {
    FIELD("Resources", STRUCT, 0, ANY, LIST, OF(altered_resource)),
    FIELD("ValidateOnly", BOOL, 0, ANY),
    FIELDS_END,
};
static const KafkaField alter_configs_result[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("ResourceType", INT8, 0, ANY),
    FIELD("ResourceName", STRING, 0, ANY),
    FIELDS_END,
};
static const KafkaField alter_configs_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("Responses", STRUCT, 0, ANY, LIST, OF(alter_configs_result)),
    FIELDS_END,
};

static const KafkaField quota_entity[] = {
    FIELD("EntityType", STRING, 0, ANY),
    FIELD("EntityName", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField quota_component[] = {
    FIELD("EntityType", STRING, 0, ANY),
    FIELD("MatchType", INT8, 0, ANY),
    FIELD("Match", STRING, 0, ANY, NULLABLE(0)),
    FIELDS_END,
};
static const KafkaField describe_quotas_request[] = {
    FIELD("Components", STRUCT, 0, ANY, LIST, OF(quota_component)),
    FIELD("Strict", BOOL, 0, ANY),
    FIELDS_END,
};
static const KafkaField quota_value[] = {
    FIELD("Key", STRING, 0, ANY),
    FIELD("Value", FLOAT64, 0, ANY),
    FIELDS_END,
};
static const KafkaField described_quota[] = {
    FIELD("Entity", STRUCT, 0, ANY, LIST, OF(quota_entity)),
    FIELD("Values", STRUCT, 0, ANY, LIST, OF(quota_value)),
    FIELDS_END,
};
static const KafkaField describe_quotas_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("Entries", STRUCT, 0, ANY, LIST, NULLABLE(0), OF(described_quota)),
    FIELDS_END,
};
static const KafkaField quota_change[] = {
    FIELD("Key", STRING, 0, ANY),
    FIELD("Value", FLOAT64, 0, ANY),
    FIELD("Remove", BOOL, 0, ANY),
    FIELDS_END,
};
static const KafkaField altered_quota[] = {
    FIELD("Entity", STRUCT, 0, ANY, LIST, OF(quota_entity)),
    FIELD("Ops", STRUCT, 0, ANY, LIST, OF(quota_change)),
    FIELDS_END,
};
static const KafkaField alter_quotas_request[] = {
    FIELD("Entries", STRUCT, 0, ANY, LIST, OF(altered_quota)),
    FIELD("ValidateOnly", BOOL, 0, ANY),
    FIELDS_END,
};
static const KafkaField alter_quotas_result[] = {
    FIELD("ErrorCode", INT16, 0, ANY),
    FIELD("ErrorMessage", STRING, 0, ANY, NULLABLE(0)),
    FIELD("Entity", STRUCT, 0, ANY, LIST, OF(quota_entity)),
    FIELDS_END,
};
static const KafkaField alter_quotas_response[] = {
    FIELD("ThrottleTimeMs", INT32, 0, ANY),
    FIELD("Entries", STRUCT, 0, ANY, LIST, OF(alter_quotas_result)),
    FIELDS_END,
};

static const KafkaMessage messages[] = {
    {KAFKA_DESCRIBE_CONFIGS, "DescribeConfigs", 0, 4, 4, describe_configs_request, describe_configs_response},
    {KAFKA_INCREMENTAL_ALTER_CONFIGS, "IncrementalAlterConfigs", 0, 1, 1, alter_configs_request, alter_configs_response},
    {KAFKA_DESCRIBE_CLIENT_QUOTAS, "DescribeClientQuotas", 0, 1, 1, describe_quotas_request, describe_quotas_response},
    {KAFKA_ALTER_CLIENT_QUOTAS, "AlterClientQuotas", 0, 1, 1, alter_quotas_request, alter_quotas_response},
};

const KafkaMessage *kafka_admin_messages(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(messages);
    return messages;
}
