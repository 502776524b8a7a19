"""What each request does to a cluster, and its answer. `call` (see kafka_double.Call) carries the cluster, the user and the faults."""
import asyncio
import re
import time

from cluster import (ACL_FIELDS, ALTER, CLUSTER, CREATE, DELETE, DESCRIBE, READ, SUPER_USERS, TOPIC, WRITE, Partition, Topic, acl_matches)
from scram import Exchange, Refused

SHA_512 = 2
OFFSETS = "__consumer_offsets"
(CORRUPT_MESSAGE, UNKNOWN_TOPIC, INVALID_TOPIC, INVALID_REPLICATION_FACTOR, TOPIC_EXISTS, NOT_CONTROLLER, TOPIC_DENIED, CLUSTER_DENIED,
 UNSUPPORTED_SASL, SASL_FAILED, RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE, UNACCEPTABLE_CREDENTIAL, OFFSET_OUT_OF_RANGE, INVALID_PARTITIONS,
 UNKNOWN_TOPIC_ID, INVALID_REQUEST, ILLEGAL_SASL_STATE) = (2, 3, 17, 38, 36, 41, 29, 31, 33, 58, 91, 92, 93, 1, 37, 100, 42, 34)
HANDLERS = {}


def handles(name):
    def put(function):
        HANDLERS[name] = function
        return function
    return put


def may_alter(call):
    return call.cluster.allows(call.user, ALTER, CLUSTER, "kafka-cluster")


def live_brokers(call):
    return [broker for broker in call.brokers if broker not in call.missing]


def describe_partition(call, index, partition):
    lost = set(call.missing) | (set(partition.replicas) - set(call.brokers))
    in_sync = [broker for broker in partition.replicas if broker not in lost]
    if call.fault("under_replicated") and len(partition.replicas) > 1:
        in_sync = [broker for broker in in_sync if broker != partition.replicas[-1]]
    leader = -1 if not in_sync or call.fault("leaderless") else in_sync[0]
    return {"ErrorCode": 0 if leader >= 0 else 5, "PartitionIndex": index, "LeaderId": leader, "LeaderEpoch": 0, "ReplicaNodes": partition.replicas,
            "IsrNodes": in_sync, "OfflineReplicas": [broker for broker in partition.replicas if broker in lost]}


def describe_topic(call, topic):
    return {"ErrorCode": 0, "Name": topic.name, "TopicId": topic.id, "IsInternal": topic.name.startswith("__"),
            "Partitions": [describe_partition(call, index, partition) for index, partition in enumerate(topic.partitions)]}


def asked_topic(call, asked):
    name, topics = asked["Name"], call.cluster.topics
    if name is None:
        name = next((topic.name for topic in topics.values() if topic.id == asked["TopicId"]), None)
        if name is None:
            return {"ErrorCode": UNKNOWN_TOPIC_ID, "Name": None if call.version >= 12 else "", "TopicId": asked["TopicId"]}
    if not call.cluster.allows(call.user, DESCRIBE, TOPIC, name):
        return {"ErrorCode": TOPIC_DENIED, "Name": name}
    if name not in topics:
        return {"ErrorCode": UNKNOWN_TOPIC, "Name": name}
    return describe_topic(call, topics[name])


@handles("Metadata")
def metadata(call, request):
    if request["Topics"] is None:
        visible = [topic for topic in call.cluster.topics.values() if call.cluster.allows(call.user, DESCRIBE, TOPIC, topic.name)]
        # A cluster in use always has this topic; with it the faults show even where a test made none.
        if not visible and call.user in SUPER_USERS and (call.missing or call.fault("under_replicated") or call.fault("leaderless")):
            visible = [Topic(OFFSETS, [Partition(call.brokers[:3])])]
        topics = [describe_topic(call, topic) for topic in visible]
    else:
        topics = [asked_topic(call, asked) for asked in request["Topics"]]
    return {"Brokers": [{"NodeId": broker, "Host": call.host(broker), "Port": call.listener} for broker in live_brokers(call)],
            "ClusterId": call.cluster.id, "ControllerId": controller(call), "Topics": topics}


def controller(call):
    """With ZooKeeper the one that takes changes; with KRaft any live broker, as brokers forward."""
    return min(live_brokers(call), default=-1)


@handles("DescribeCluster")
def describe_cluster(call, request):
    controllers = request["EndpointType"] == 2 or call.listener == 9074
    nodes = call.controllers if controllers else live_brokers(call)
    return {"EndpointType": request["EndpointType"], "ClusterId": call.cluster.id, "ControllerId": min(nodes, default=-1) if controllers else controller(call),
            "Brokers": [{"BrokerId": node, "Host": call.host(node), "Port": call.listener} for node in nodes]}


@handles("DescribeQuorum")
def describe_quorum(call, request):
    now = int(time.time() * 1000)
    end = 100 + int(time.time() - call.cluster.born)
    leader = -1 if call.fault("no_quorum") else call.controllers[0]
    replica = lambda node: {"ReplicaId": node, "LogEndOffset": end, "LastFetchTimestamp": now, "LastCaughtUpTimestamp": now}
    partition = {"PartitionIndex": 0, "LeaderId": leader, "LeaderEpoch": 1, "HighWatermark": end,
                 "CurrentVoters": [replica(node) for node in call.controllers], "Observers": [replica(node) for node in live_brokers(call)]}
    listeners = lambda node: [{"Name": "CTRL", "Host": call.host(node), "Port": 9074}]
    return {"Topics": [{"TopicName": topic["TopicName"], "Partitions": [partition]} for topic in request["Topics"]],
            "Nodes": [{"NodeId": node, "Listeners": listeners(node)} for node in call.controllers]}


def not_controller(call):
    """With ZooKeeper only the controller takes changes; with KRaft every broker forwards them."""
    return not call.controllers and call.broker != controller(call)


def create_topic(call, asked, dry):
    name, brokers = asked["Name"], live_brokers(call)
    count = 1 if asked["NumPartitions"] == -1 else asked["NumPartitions"]
    factor = min(3, len(brokers)) if asked["ReplicationFactor"] == -1 else asked["ReplicationFactor"]
    if not_controller(call):
        return NOT_CONTROLLER, None
    if not (call.cluster.allows(call.user, CREATE, CLUSTER, "kafka-cluster") or call.cluster.allows(call.user, CREATE, TOPIC, name)):
        return TOPIC_DENIED, None
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) or name in (".", ".."):
        return INVALID_TOPIC, None
    if name in call.cluster.topics:
        return TOPIC_EXISTS, None
    if count < 1:
        return INVALID_PARTITIONS, None
    if not 1 <= factor <= len(brokers):
        return INVALID_REPLICATION_FACTOR, None
    topic = Topic(name, [Partition([brokers[(index + step) % len(brokers)] for step in range(factor)]) for index in range(count)])
    if not dry:
        call.cluster.topics[name] = topic
        call.did(f"create topic {name}")
    return 0, topic


@handles("CreateTopics")
def create_topics(call, request):
    results = []
    for asked in request["Topics"]:
        code, topic = create_topic(call, asked, request["validateOnly"])
        result = {"Name": asked["Name"], "ErrorCode": code}
        if topic:
            result.update(TopicId=topic.id, NumPartitions=len(topic.partitions), ReplicationFactor=len(topic.partitions[0].replicas))
        results.append(result)
    return {"Topics": results}


@handles("DeleteTopics")
def delete_topics(call, request):
    results = []
    for asked in request["Topics"] or [{"Name": name, "TopicId": bytes(16)} for name in request["TopicNames"]]:
        topic = call.cluster.topics.get(asked["Name"]) or next((one for one in call.cluster.topics.values() if one.id == asked["TopicId"]), None)
        name = topic.name if topic else asked["Name"]
        if not_controller(call):
            code = NOT_CONTROLLER
        elif topic and not call.cluster.allows(call.user, DELETE, TOPIC, name):
            code = TOPIC_DENIED
        elif not topic:
            code = UNKNOWN_TOPIC if name else UNKNOWN_TOPIC_ID
        else:
            code = 0
            del call.cluster.topics[name]
            call.did(f"delete topic {name}")
        results.append({"Name": name, "TopicId": topic.id if topic else asked["TopicId"], "ErrorCode": code})
    return {"Responses": results}


def alter_user(call, user, deletion, upsertion):
    if not user:
        return UNACCEPTABLE_CREDENTIAL
    if deletion:
        if user not in call.cluster.users:
            return RESOURCE_NOT_FOUND
        del call.cluster.users[user]
        call.did(f"delete user {user}")
        return 0
    if not 4096 <= upsertion["Iterations"] <= 16384 or len(upsertion["SaltedPassword"]) != 64 or not upsertion["Salt"]:
        return UNACCEPTABLE_CREDENTIAL
    known = "change" if user in call.cluster.users else "create"
    call.cluster.users[user] = {"salt": upsertion["Salt"], "salted": upsertion["SaltedPassword"], "iterations": upsertion["Iterations"]}
    call.did(f"{known} user {user}")
    return 0


@handles("AlterUserScramCredentials")
def alter_users(call, request):
    changes = [(item["Name"], True, item) for item in request["Deletions"]] + [(item["Name"], False, item) for item in request["Upsertions"]]
    names = [name for name, _, _ in changes]
    results = []
    for name in dict.fromkeys(names):
        _, deletion, item = next(change for change in changes if change[0] == name)
        if not may_alter(call):
            code = CLUSTER_DENIED
        elif not_controller(call):
            code = NOT_CONTROLLER
        elif names.count(name) > 1:
            code = DUPLICATE_RESOURCE
        elif item["Mechanism"] != SHA_512:
            code = RESOURCE_NOT_FOUND if deletion else UNSUPPORTED_SASL
        else:
            code = alter_user(call, name, deletion, item)
        results.append({"User": name, "ErrorCode": code})
    return {"Results": results}


@handles("DescribeUserScramCredentials")
def describe_users(call, request):
    if not may_alter(call):
        return {"ErrorCode": CLUSTER_DENIED}
    users = call.cluster.users
    results = []
    for name in [item["Name"] for item in request["Users"] or []] or list(users):
        if name in users:
            results.append({"User": name, "ErrorCode": 0, "CredentialInfos": [{"Mechanism": SHA_512, "Iterations": users[name]["iterations"]}]})
        else:
            results.append({"User": name, "ErrorCode": RESOURCE_NOT_FOUND, "ErrorMessage": "Attempt to describe a user credential that does not exist: " + name})
    return {"Results": results}


def acl_text(acl):
    return f"{acl['principal']} {acl['type']}:{acl['name']}:{acl['pattern']} {acl['operation']}"


@handles("CreateAcls")
def create_acls(call, request):
    results = []
    for item in request["Creations"]:
        acl = dict(zip(ACL_FIELDS, (item["ResourceType"], item["ResourceName"], item["ResourcePatternType"], item["Principal"], item["Host"],
                                    item["Operation"], item["PermissionType"])))
        code = 0
        if not may_alter(call):
            code = CLUSTER_DENIED
        elif acl["pattern"] not in (3, 4) or acl["permission"] not in (2, 3) or not acl["name"] or not acl["principal"].startswith("User:"):
            code = INVALID_REQUEST
        elif acl not in call.cluster.acls:
            call.cluster.acls.append(acl)
            call.did("create acl " + acl_text(acl))
        results.append({"ErrorCode": code})
    return {"Results": results}


def acl_filter(item):
    return dict(zip(ACL_FIELDS, (item["ResourceTypeFilter"], item["ResourceNameFilter"], item["PatternTypeFilter"], item["PrincipalFilter"],
                                 item["HostFilter"], item["Operation"], item["PermissionType"])))


def acl_row(acl):
    return {"Principal": acl["principal"], "Host": acl["host"], "Operation": acl["operation"], "PermissionType": acl["permission"]}


@handles("DescribeAcls")
def describe_acls(call, request):
    if not may_alter(call):
        return {"ErrorCode": CLUSTER_DENIED}
    resources = {}
    for acl in call.cluster.acls:
        if acl_matches(acl, acl_filter(request)):
            resources.setdefault((acl["type"], acl["name"], acl["pattern"]), []).append(acl_row(acl))
    return {"Resources": [{"ResourceType": kind, "ResourceName": name, "PatternType": pattern, "Acls": rows}
                          for (kind, name, pattern), rows in resources.items()]}


@handles("DeleteAcls")
def delete_acls(call, request):
    results = []
    for item in request["Filters"]:
        if not may_alter(call):
            results.append({"ErrorCode": CLUSTER_DENIED})
            continue
        gone = [acl for acl in call.cluster.acls if acl_matches(acl, acl_filter(item))]
        for acl in gone:
            call.cluster.acls.remove(acl)
            call.did("delete acl " + acl_text(acl))
        results.append({"MatchingAcls": [{"ResourceType": acl["type"], "ResourceName": acl["name"], "PatternType": acl["pattern"], **acl_row(acl)}
                                         for acl in gone]})
    return {"FilterResults": results}


def produce_partition(call, topic, item):
    partition = call.cluster.partition(topic, item["Index"])
    if not call.cluster.allows(call.user, WRITE, TOPIC, topic):
        return {"Index": item["Index"], "ErrorCode": TOPIC_DENIED, "BaseOffset": -1}
    if not partition:
        return {"Index": item["Index"], "ErrorCode": UNKNOWN_TOPIC, "BaseOffset": -1}
    base = partition.append(item["Records"] or b"")
    if base is None:
        return {"Index": item["Index"], "ErrorCode": CORRUPT_MESSAGE, "BaseOffset": -1}
    call.did(f"append to {topic}/{item['Index']}")
    return {"Index": item["Index"], "BaseOffset": base, "LogStartOffset": 0}


@handles("Produce")
def produce(call, request):
    answer = {"Responses": [{"Name": topic["Name"], "PartitionResponses": [produce_partition(call, topic["Name"], item) for item in topic["PartitionData"]]}
                            for topic in request["TopicData"]]}
    return answer if request["Acks"] else None


def fetch_partition(call, topic, item):
    partition, code, records = call.cluster.partition(topic, item["Partition"]), 0, b""
    if not call.cluster.allows(call.user, READ, TOPIC, topic):
        code = TOPIC_DENIED
    elif not partition:
        code = UNKNOWN_TOPIC
    elif not 0 <= item["FetchOffset"] <= partition.end:
        code = OFFSET_OUT_OF_RANGE
    else:
        records = partition.read(item["FetchOffset"], item["PartitionMaxBytes"])
    end = partition.end if partition and not code else -1
    return {"PartitionIndex": item["Partition"], "ErrorCode": code, "HighWatermark": end, "LastStableOffset": end, "LogStartOffset": 0 if end >= 0 else -1,
            "Records": records}


@handles("Fetch")
async def fetch(call, request):
    until = time.monotonic() + min(request["MaxWaitMs"], 30000) / 1000
    while True:
        answer = [{"Topic": topic["Topic"], "Partitions": [fetch_partition(call, topic["Topic"], item) for item in topic["Partitions"]]}
                  for topic in request["Topics"]]
        parts = [part for topic in answer for part in topic["Partitions"]]
        if any(part["ErrorCode"] or part["Records"] for part in parts) or time.monotonic() >= until:
            return {"Responses": answer}
        await asyncio.sleep(0.02)


def list_offset(call, topic, item):
    partition = call.cluster.partition(topic, item["PartitionIndex"])
    if not call.cluster.allows(call.user, DESCRIBE, TOPIC, topic):
        return {"PartitionIndex": item["PartitionIndex"], "ErrorCode": TOPIC_DENIED}
    if not partition:
        return {"PartitionIndex": item["PartitionIndex"], "ErrorCode": UNKNOWN_TOPIC}
    return {"PartitionIndex": item["PartitionIndex"], "Offset": partition.end if item["Timestamp"] == -1 else 0, "LeaderEpoch": 0}


@handles("ListOffsets")
def list_offsets(call, request):
    return {"Topics": [{"Name": topic["Name"], "Partitions": [list_offset(call, topic["Name"], item) for item in topic["Partitions"]]}
                       for topic in request["Topics"]]}


@handles("SaslHandshake")
def sasl_handshake(call, request):
    if call.session.user:
        return {"ErrorCode": ILLEGAL_SASL_STATE}
    known = request["Mechanism"] == "SCRAM-SHA-512"
    call.session.exchange = Exchange(call.cluster.users) if known else None
    return {"ErrorCode": 0 if known else UNSUPPORTED_SASL, "Mechanisms": ["SCRAM-SHA-512"]}


@handles("SaslAuthenticate")
def sasl_authenticate(call, request):
    exchange = call.session.exchange
    if not exchange or not exchange.step:
        return {"ErrorCode": ILLEGAL_SASL_STATE, "ErrorMessage": "SaslHandshake comes first"}
    try:
        reply, complete = exchange.answer(request["AuthBytes"])
    except (Refused, ValueError, KeyError):
        call.session.close_after = True
        call.session.exchange = None
        call.did(f"refuse login {exchange.user}")
        return {"ErrorCode": SASL_FAILED,
                "ErrorMessage": "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512"}
    if complete:
        call.session.user = exchange.user
        call.did(f"login {exchange.user}")
    return {"AuthBytes": reply}
