"""The messages that the double speaks: rows as in Kafka's own message definitions, for the versions that are offered."""
from wire import table


class Message:
    def __init__(self, key, name, first, last, flexible, request, response):
        self.key, self.name, self.first, self.last, self.flexible = key, name, first, last, flexible
        self.request, self.response = table(request), table(response)

    def flexible_at(self, version):
        return version >= self.flexible


REPLICA_STATE = """
      {} []struct 0+
        ReplicaId int32 0+
        ReplicaDirectoryId uuid 2+
        LogEndOffset int64 0+
        LastFetchTimestamp int64 1+ default=-1
        LastCaughtUpTimestamp int64 1+ default=-1"""

QUOTA_ENTITY = """
  Entity []struct 0+
    EntityType string 0+
    EntityName string 0+ null=0+"""

ALL = [
    Message(18, "ApiVersions", 0, 4, 3, """
ClientSoftwareName string 3+
ClientSoftwareVersion string 3+
""", """
ErrorCode int16 0+
ApiKeys []struct 0+
  ApiKey int16 0+
  MinVersion int16 0+
  MaxVersion int16 0+
ThrottleTimeMs int32 1+
"""),
    Message(3, "Metadata", 9, 12, 9, """
Topics []struct 0+ null=1+
  TopicId uuid 10+
  Name string 0+ null=10+
AllowAutoTopicCreation bool 4+ default=true
IncludeClusterAuthorizedOperations bool 8-10
IncludeTopicAuthorizedOperations bool 8+
""", """
ThrottleTimeMs int32 3+
Brokers []struct 0+
  NodeId int32 0+
  Host string 0+
  Port int32 0+
  Rack string 1+ null=1+ default=null
ClusterId string 2+ null=2+ default=null
ControllerId int32 1+ default=-1
Topics []struct 0+
  ErrorCode int16 0+
  Name string 0+ null=12+
  TopicId uuid 10+
  IsInternal bool 1+
  Partitions []struct 0+
    ErrorCode int16 0+
    PartitionIndex int32 0+
    LeaderId int32 0+
    LeaderEpoch int32 7+ default=-1
    ReplicaNodes []int32 0+
    IsrNodes []int32 0+
    OfflineReplicas []int32 5+
  TopicAuthorizedOperations int32 8+ default=-2147483648
ClusterAuthorizedOperations int32 8-10 default=-2147483648
"""),
    Message(60, "DescribeCluster", 0, 1, 0, """
IncludeClusterAuthorizedOperations bool 0+
EndpointType int8 1+ default=1
""", """
ThrottleTimeMs int32 0+
ErrorCode int16 0+
ErrorMessage string 0+ null=0+ default=null
EndpointType int8 1+ default=1
ClusterId string 0+
ControllerId int32 0+ default=-1
Brokers []struct 0+
  BrokerId int32 0+
  Host string 0+
  Port int32 0+
  Rack string 0+ null=0+ default=null
ClusterAuthorizedOperations int32 0+ default=-2147483648
"""),
    Message(55, "DescribeQuorum", 0, 2, 0, """
Topics []struct 0+
  TopicName string 0+
  Partitions []struct 0+
    PartitionIndex int32 0+
""", """
ErrorCode int16 0+
ErrorMessage string 2+ null=2+ default=null
Topics []struct 0+
  TopicName string 0+
  Partitions []struct 0+
      PartitionIndex int32 0+
      ErrorCode int16 0+
      ErrorMessage string 2+ null=2+ default=null
      LeaderId int32 0+
      LeaderEpoch int32 0+
      HighWatermark int64 0+""" + REPLICA_STATE.format("CurrentVoters") + REPLICA_STATE.format("Observers") + """
Nodes []struct 2+
  NodeId int32 2+
  Listeners []struct 2+
    Name string 2+
    Host string 2+
    Port uint16 2+
"""),
    Message(19, "CreateTopics", 5, 7, 5, """
Topics []struct 0+
  Name string 0+
  NumPartitions int32 0+
  ReplicationFactor int16 0+
  Assignments []struct 0+
    PartitionIndex int32 0+
    BrokerIds []int32 0+
  Configs []struct 0+
    Name string 0+
    Value string 0+ null=0+
timeoutMs int32 0+ default=60000
validateOnly bool 1+
""", """
ThrottleTimeMs int32 2+
Topics []struct 0+
  Name string 0+
  TopicId uuid 7+
  ErrorCode int16 0+
  ErrorMessage string 1+ null=0+ default=null
  TopicConfigErrorCode int16 5+ tag=0
  NumPartitions int32 5+ default=-1
  ReplicationFactor int16 5+ default=-1
  Configs []struct 5+ null=5+
    Name string 5+
    Value string 5+ null=5+
    ReadOnly bool 5+
    ConfigSource int8 5+ default=-1
    IsSensitive bool 5+
"""),
    Message(20, "DeleteTopics", 4, 6, 4, """
Topics []struct 6+
  Name string 6+ null=6+ default=null
  TopicId uuid 6+
TopicNames []string 0-5
TimeoutMs int32 0+
""", """
ThrottleTimeMs int32 1+
Responses []struct 0+
  Name string 0+ null=6+
  TopicId uuid 6+
  ErrorCode int16 0+
  ErrorMessage string 5+ null=5+ default=null
"""),
    Message(51, "AlterUserScramCredentials", 0, 0, 0, """
Deletions []struct 0+
  Name string 0+
  Mechanism int8 0+
Upsertions []struct 0+
  Name string 0+
  Mechanism int8 0+
  Iterations int32 0+
  Salt bytes 0+
  SaltedPassword bytes 0+
""", """
ThrottleTimeMs int32 0+
Results []struct 0+
  User string 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
"""),
    Message(50, "DescribeUserScramCredentials", 0, 0, 0, """
Users []struct 0+ null=0+
  Name string 0+
""", """
ThrottleTimeMs int32 0+
ErrorCode int16 0+
ErrorMessage string 0+ null=0+ default=null
Results []struct 0+
  User string 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
  CredentialInfos []struct 0+
    Mechanism int8 0+
    Iterations int32 0+
"""),
    Message(30, "CreateAcls", 2, 3, 2, """
Creations []struct 0+
  ResourceType int8 0+
  ResourceName string 0+
  ResourcePatternType int8 1+ default=3
  Principal string 0+
  Host string 0+
  Operation int8 0+
  PermissionType int8 0+
""", """
ThrottleTimeMs int32 0+
Results []struct 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
"""),
    Message(29, "DescribeAcls", 2, 3, 2, """
ResourceTypeFilter int8 0+
ResourceNameFilter string 0+ null=0+
PatternTypeFilter int8 1+ default=3
PrincipalFilter string 0+ null=0+
HostFilter string 0+ null=0+
Operation int8 0+
PermissionType int8 0+
""", """
ThrottleTimeMs int32 0+
ErrorCode int16 0+
ErrorMessage string 0+ null=0+ default=null
Resources []struct 0+
  ResourceType int8 0+
  ResourceName string 0+
  PatternType int8 1+ default=3
  Acls []struct 0+
    Principal string 0+
    Host string 0+
    Operation int8 0+
    PermissionType int8 0+
"""),
    Message(31, "DeleteAcls", 2, 3, 2, """
Filters []struct 0+
  ResourceTypeFilter int8 0+
  ResourceNameFilter string 0+ null=0+
  PatternTypeFilter int8 1+ default=3
  PrincipalFilter string 0+ null=0+
  HostFilter string 0+ null=0+
  Operation int8 0+
  PermissionType int8 0+
""", """
ThrottleTimeMs int32 0+
FilterResults []struct 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
  MatchingAcls []struct 0+
    ErrorCode int16 0+
    ErrorMessage string 0+ null=0+ default=null
    ResourceType int8 0+
    ResourceName string 0+
    PatternType int8 1+ default=3
    Principal string 0+
    Host string 0+
    Operation int8 0+
    PermissionType int8 0+
"""),
    Message(32, "DescribeConfigs", 1, 4, 4, """
Resources []struct 0+
  ResourceType int8 0+
  ResourceName string 0+
  ConfigurationKeys []string 0+ null=0+
IncludeSynonyms bool 1+
IncludeDocumentation bool 3+
""", """
ThrottleTimeMs int32 0+
Results []struct 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
  ResourceType int8 0+
  ResourceName string 0+
  Configs []struct 0+
    Name string 0+
    Value string 0+ null=0+
    ReadOnly bool 0+
    ConfigSource int8 1+ default=-1
    IsSensitive bool 0+
    Synonyms []struct 1+
      Name string 1+
      Value string 1+ null=0+
      Source int8 1+
    ConfigType int8 3+
    Documentation string 3+ null=0+ default=null
"""),
    Message(44, "IncrementalAlterConfigs", 0, 1, 1, """
Resources []struct 0+
  ResourceType int8 0+
  ResourceName string 0+
  Configs []struct 0+
    Name string 0+
    ConfigOperation int8 0+
    Value string 0+ null=0+
ValidateOnly bool 0+
""", """
ThrottleTimeMs int32 0+
Responses []struct 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null
  ResourceType int8 0+
  ResourceName string 0+
"""),
    Message(48, "DescribeClientQuotas", 0, 1, 1, """
Components []struct 0+
  EntityType string 0+
  MatchType int8 0+
  Match string 0+ null=0+
Strict bool 0+
""", """
ThrottleTimeMs int32 0+
ErrorCode int16 0+
ErrorMessage string 0+ null=0+ default=null
Entries []struct 0+ null=0+""" + QUOTA_ENTITY + """
  Values []struct 0+
    Key string 0+
    Value float64 0+
"""),
    Message(49, "AlterClientQuotas", 0, 1, 1, """
Entries []struct 0+""" + QUOTA_ENTITY + """
  Ops []struct 0+
    Key string 0+
    Value float64 0+
    Remove bool 0+
ValidateOnly bool 0+
""", """
ThrottleTimeMs int32 0+
Entries []struct 0+
  ErrorCode int16 0+
  ErrorMessage string 0+ null=0+ default=null""" + QUOTA_ENTITY + """
"""),
    Message(0, "Produce", 7, 9, 9, """
TransactionalId string 3+ null=3+ default=null
Acks int16 0+
TimeoutMs int32 0+
TopicData []struct 0+
  Name string 0-12
  PartitionData []struct 0+
    Index int32 0+
    Records records 0+ null=0+
""", """
Responses []struct 0+
  Name string 0-12
  PartitionResponses []struct 0+
    Index int32 0+
    ErrorCode int16 0+
    BaseOffset int64 0+
    LogAppendTimeMs int64 2+ default=-1
    LogStartOffset int64 5+ default=-1
    RecordErrors []struct 8+
      BatchIndex int32 8+
      BatchIndexErrorMessage string 8+ null=8+ default=null
    ErrorMessage string 8+ null=8+ default=null
ThrottleTimeMs int32 1+
"""),
    Message(1, "Fetch", 11, 12, 12, """
ClusterId string 12+ null=12+ default=null tag=0
ReplicaId int32 0-14 default=-1
MaxWaitMs int32 0+
MinBytes int32 0+
MaxBytes int32 3+ default=2147483647
IsolationLevel int8 4+
SessionId int32 7+
SessionEpoch int32 7+ default=-1
Topics []struct 0+
  Topic string 0-12
  Partitions []struct 0+
    Partition int32 0+
    CurrentLeaderEpoch int32 9+ default=-1
    FetchOffset int64 0+
    LastFetchedEpoch int32 12+ default=-1
    LogStartOffset int64 5+ default=-1
    PartitionMaxBytes int32 0+
ForgottenTopicsData []struct 7+
  Topic string 7-12
  Partitions []int32 7+
RackId string 11+
""", """
ThrottleTimeMs int32 1+
ErrorCode int16 7+
SessionId int32 7+
Responses []struct 0+
  Topic string 0-12
  Partitions []struct 0+
    PartitionIndex int32 0+
    ErrorCode int16 0+
    HighWatermark int64 0+
    LastStableOffset int64 4+ default=-1
    LogStartOffset int64 5+ default=-1
    AbortedTransactions []struct 4+ null=4+
      ProducerId int64 4+
      FirstOffset int64 4+
    PreferredReadReplica int32 11+ default=-1
    Records records 0+ null=0+
"""),
    Message(2, "ListOffsets", 5, 7, 6, """
ReplicaId int32 0+
IsolationLevel int8 2+
Topics []struct 0+
  Name string 0+
  Partitions []struct 0+
    PartitionIndex int32 0+
    CurrentLeaderEpoch int32 4+ default=-1
    Timestamp int64 0+
""", """
ThrottleTimeMs int32 2+
Topics []struct 0+
  Name string 0+
  Partitions []struct 0+
    PartitionIndex int32 0+
    ErrorCode int16 0+
    Timestamp int64 1+ default=-1
    Offset int64 1+ default=-1
    LeaderEpoch int32 4+ default=-1
"""),
    Message(17, "SaslHandshake", 0, 1, 999, """
Mechanism string 0+
""", """
ErrorCode int16 0+
Mechanisms []string 0+
"""),
    Message(36, "SaslAuthenticate", 0, 2, 2, """
AuthBytes bytes 0+
""", """
ErrorCode int16 0+
ErrorMessage string 0+ null=0+ default=null
AuthBytes bytes 0+
SessionLifetimeMs int64 1+
"""),
]

BY_KEY = {message.key: message for message in ALL}
BY_NAME = {message.name: message for message in ALL}
