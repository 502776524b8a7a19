"""What one simulated Kafka cluster holds: topics with records, SCRAM users, ACLs, settings, quotas. Kept in a file, so that it outlives the double."""
import base64
import json
import os
import struct
import time
import uuid

ANY, MATCH, LITERAL, PREFIXED = 1, 2, 3, 4
TOPIC, CLUSTER = 2, 4
ALL, READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS = 2, 3, 4, 5, 6, 7, 8, 10, 11
IMPLIES_DESCRIBE = (READ, WRITE, DELETE, ALTER)
SUPER_USERS = {"kafka", "controller", "osb-admin"}
ACL_FIELDS = ("type", "name", "pattern", "principal", "host", "operation", "permission")


def crc32c_table():
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return rows


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Partition:
    def __init__(self, replicas, batches=(), end=0):
        self.replicas, self.batches, self.end = replicas, list(batches), end  # batches: (base offset, last offset, bytes)

    def append(self, records):
        """The base offset, or None when the bytes are not whole record batches of format 2 with a right checksum."""
        base, start = self.end, 0
        while start < len(records):
            if len(records) - start < 61:
                return None
            size = 12 + struct.unpack_from(">i", records, start + 8)[0]
            batch = records[start:start + size]
            if len(batch) != size or size < 61 or batch[16] != 2 or crc32c(batch[21:]) != struct.unpack_from(">I", batch, 17)[0]:
                return None
            last = self.end + struct.unpack_from(">i", batch, 23)[0]
            self.batches.append((self.end, last, struct.pack(">q", self.end) + batch[8:]))
            self.end = last + 1
            start += size
        return base

    def read(self, offset, limit):
        out = b""
        for _, last, batch in self.batches:
            if last >= offset and (not out or len(out) + len(batch) <= limit):
                out += batch
        return out


class Topic:
    def __init__(self, name, partitions, id=None):
        self.name, self.partitions, self.id = name, partitions, id or uuid.uuid4().bytes


class Cluster:
    def __init__(self, namespace, folder):
        self.namespace, self.file = namespace, os.path.join(folder, namespace + ".json") if folder else None
        self.id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.topics, self.users, self.acls = {}, {}, []
        self.settings, self.quotas = {}, []  # cluster-wide dynamic ones; {"entity": {type: name}, "values": {key: number}}
        self.born = time.time()
        self.load()

    def load(self):
        if not self.file or not os.path.exists(self.file):
            return
        with open(self.file, encoding="utf-8") as file:
            kept = json.load(file)
        self.id = kept["id"]
        self.acls, self.settings, self.quotas = kept["acls"], kept.get("settings", {}), kept.get("quotas", [])
        self.users = {name: {"salt": base64.b64decode(user["salt"]), "salted": base64.b64decode(user["salted"]), "iterations": user["iterations"]}
                      for name, user in kept["users"].items()}
        for topic in kept["topics"]:
            partitions = [Partition(part["replicas"], [(base, last, base64.b64decode(data)) for base, last, data in part["batches"]], part["end"])
                          for part in topic["partitions"]]
            self.topics[topic["name"]] = Topic(topic["name"], partitions, bytes.fromhex(topic["id"]))

    def save(self):
        if not self.file:
            return
        text = lambda data: base64.b64encode(data).decode()
        kept = {"id": self.id, "acls": self.acls, "settings": self.settings, "quotas": self.quotas,
                "users": {name: {"salt": text(user["salt"]), "salted": text(user["salted"]), "iterations": user["iterations"]}
                          for name, user in self.users.items()},
                "topics": [{"name": topic.name, "id": topic.id.hex(),
                            "partitions": [{"replicas": part.replicas, "end": part.end, "batches": [(base, last, text(data)) for base, last, data in part.batches]}
                                           for part in topic.partitions]} for topic in self.topics.values()]}
        with open(self.file + ".new", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(kept, file)
        os.replace(self.file + ".new", self.file)

    def forget(self):
        if self.file and os.path.exists(self.file):
            os.remove(self.file)

    def partition(self, topic, index):
        found = self.topics.get(topic)
        return found.partitions[index] if found and 0 <= index < len(found.partitions) else None

    def allows(self, user, operation, kind, name):
        """Kafka's rule: a denial wins, then any grant; ALL covers every operation, and some operations cover DESCRIBE."""
        if user in SUPER_USERS:
            return True
        granted = False
        for acl in self.acls:
            if acl["principal"] not in (f"User:{user}", "User:*") or acl["type"] != kind or not acl_covers(acl, name):
                continue
            hit = acl["operation"] in (ALL, operation)
            if acl["permission"] == 2 and hit:
                return False
            granted |= acl["permission"] == 3 and (hit or (operation == DESCRIBE and acl["operation"] in IMPLIES_DESCRIBE))
        return granted

    def summary(self):
        """For tests: everything but secrets."""
        return {"id": self.id, "users": {name: user["iterations"] for name, user in sorted(self.users.items())}, "acls": self.acls,
                "settings": self.settings, "quotas": self.quotas,
                "topics": {topic.name: {"partitions": len(topic.partitions), "records": sum(part.end for part in topic.partitions)}
                           for topic in self.topics.values()}}


def acl_covers(acl, name):
    if acl["pattern"] == PREFIXED:
        return name.startswith(acl["name"])
    return acl["name"] in ("*", name)


def acl_matches(acl, want):
    """want: a filter with the names of ACL_FIELDS; None and ANY stand for everything."""
    if want["type"] not in (ANY, acl["type"]) or want["operation"] not in (ANY, acl["operation"]) or want["permission"] not in (ANY, acl["permission"]):
        return False
    if want["principal"] not in (None, acl["principal"]) or want["host"] not in (None, acl["host"]):
        return False
    if want["pattern"] == MATCH:
        return want["name"] is None or acl_covers(acl, want["name"])
    return want["pattern"] in (ANY, acl["pattern"]) and want["name"] in (None, acl["name"])
