"""Handlers of settings and quotas. Any broker takes their changes, also with ZooKeeper; values are kept as they come, as Kafka's own checks are not here."""
from cluster import ALTER_CONFIGS, CLUSTER, DESCRIBE_CONFIGS
from handlers import CLUSTER_DENIED, HANDLERS, INVALID_REQUEST, handles

BROKER, SET, UNSET, DYNAMIC_DEFAULT = 4, 0, 1, 3
EXACT, DEFAULT = 0, 1


def may(call, operation):
    return call.cluster.allows(call.user, operation, CLUSTER, "kafka-cluster")


def describe_resource(call, item):
    name, keys, settings = item["ResourceName"], item["ConfigurationKeys"], call.cluster.settings
    result = {"ResourceType": item["ResourceType"], "ResourceName": name}
    if not may(call, DESCRIBE_CONFIGS):
        return {**result, "ErrorCode": CLUSTER_DENIED}
    if item["ResourceType"] != BROKER or name not in ("", str(call.broker)):
        return {**result, "ErrorCode": INVALID_REQUEST, "ErrorMessage": f"Unexpected broker id, expected {call.broker} or empty string, but received {name}"}
    return {**result, "Configs": [{"Name": key, "Value": value, "ConfigSource": DYNAMIC_DEFAULT} for key, value in settings.items()
                                  if keys is None or key in keys]}


@handles("DescribeConfigs")
def describe_configs(call, request):
    return {"Results": [describe_resource(call, item) for item in request["Resources"]]}


def alter_resource(call, item, dry):
    """(code, text); all changes of a resource or none."""
    names = [config["Name"] for config in item["Configs"]]
    if not may(call, ALTER_CONFIGS):
        return CLUSTER_DENIED, None
    if item["ResourceType"] != BROKER or item["ResourceName"]:
        return INVALID_REQUEST, "this double keeps cluster-wide settings only"
    if len(set(names)) < len(names):
        return INVALID_REQUEST, "Error due to duplicate config keys"
    if any(config["ConfigOperation"] not in (SET, UNSET) or (config["ConfigOperation"] == SET and config["Value"] is None)
           for config in item["Configs"]):
        return INVALID_REQUEST, "this double sets and deletes only, and sets no null"
    for config in [] if dry else item["Configs"]:
        name, known = config["Name"], call.cluster.settings.get(config["Name"])
        if config["ConfigOperation"] == UNSET:
            call.cluster.settings.pop(name, None)
        else:
            call.cluster.settings[name] = config["Value"]
        if call.cluster.settings.get(name) != known:
            call.did(f"setting {name} = {call.cluster.settings.get(name)}")
    return 0, None


@handles("IncrementalAlterConfigs")
def alter_configs(call, request):
    results = []
    for item in request["Resources"]:
        code, text = alter_resource(call, item, request["ValidateOnly"])
        results.append({"ErrorCode": code, "ErrorMessage": text, "ResourceType": item["ResourceType"], "ResourceName": item["ResourceName"]})
    return {"Responses": results}


def quota_matches(entity, components, strict):
    for part in components:
        kind = part["EntityType"]
        if kind not in entity or (part["MatchType"] == EXACT and entity[kind] != part["Match"]) or (part["MatchType"] == DEFAULT and entity[kind] is not None):
            return False
    return not strict or set(entity) == {part["EntityType"] for part in components}


@handles("DescribeClientQuotas")
def describe_quotas(call, request):
    if not may(call, DESCRIBE_CONFIGS):
        return {"ErrorCode": CLUSTER_DENIED, "Entries": None}
    return {"Entries": [{"Entity": [{"EntityType": kind, "EntityName": name} for kind, name in quota["entity"].items()],
                         "Values": [{"Key": key, "Value": value} for key, value in quota["values"].items()]}
                        for quota in call.cluster.quotas if quota_matches(quota["entity"], request["Components"], request["Strict"])]}


def alter_quota(call, entity, changes):
    quota = next((known for known in call.cluster.quotas if known["entity"] == entity), None) or {"entity": entity, "values": {}}
    values = dict(quota["values"])
    for change in changes:
        if change["Remove"]:
            values.pop(change["Key"], None)
        else:
            values[change["Key"]] = change["Value"]
    if values != quota["values"]:
        call.cluster.quotas = [known for known in call.cluster.quotas if known["entity"] != entity] + ([{"entity": entity, "values": values}] if values else [])
        call.did(f"quota {entity} = {values}")


@handles("AlterClientQuotas")
def alter_quotas(call, request):
    results = []
    for item in request["Entries"]:
        entity = {part["EntityType"]: part["EntityName"] for part in item["Entity"]}
        allowed = may(call, ALTER_CONFIGS)
        if allowed and not request["ValidateOnly"]:
            alter_quota(call, entity, item["Ops"])
        results.append({"ErrorCode": 0 if allowed else CLUSTER_DENIED, "Entity": item["Entity"]})
    return {"Entries": results}
