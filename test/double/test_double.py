"""test_double.py [TESTBED_NAME]: the Kafka double on a testbed of tier 1, which is started (and removed) when no name is given."""
import json
import os
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from client import Client, upsertion
from cluster import crc32c

TESTBED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testbed", "testbed")
WORLD = {}


def kubectl(*args, given=None):
    return subprocess.run([TESTBED, "kubectl", WORLD["name"], *args], input=given, text=True, check=True, stdout=subprocess.PIPE).stdout


def apply(*objects):
    kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def stateful_set(namespace, name, replicas):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": namespace}, "spec": {
        "serviceName": name + "-hs", "replicas": replicas, "podManagementPolicy": "Parallel", "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "cpbroker.test/none:1"}]}}}}


def secret(namespace, name, data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data}


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stderr=subprocess.DEVNULL, cwd=WORLD["folder"])


def certificate(name, subject, host):
    """A key and a certificate of the test's CA, in one PEM file."""
    with open(f"{WORLD['folder']}/{name}.ext", "w", encoding="utf-8") as file:
        file.write(f"subjectAltName=DNS:{host}")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + subject, "-keyout", name + ".key", "-out", name + ".csr")
    openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", name + ".ext",
            "-out", name + ".crt")
    text = ""
    for part in ("key", "crt"):
        with open(f"{WORLD['folder']}/{name}.{part}", encoding="utf-8") as file:
            text += file.read()
    with open(f"{WORLD['folder']}/{name}.pem", "w", encoding="utf-8") as file:
        file.write(text)
    return text


def make_namespace(namespace, brokers, controllers):
    with open(WORLD["folder"] + "/ca.crt", encoding="utf-8") as file:
        authority = file.read()
    certificates = {f"{index}.pem": certificate(f"{namespace}-{index}", "kafka", f"kafka-{index}.kafka-hs.{namespace}.svc") for index in range(3)}
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, secret(namespace, "tls-kafka", certificates),
               secret(namespace, "ca-bundle", {"ca.crt": authority}), stateful_set(namespace, "kafka", brokers)]
    apply(*objects, *([stateful_set(namespace, "ctl", controllers)] if controllers else []))


def http(method, path, body=None):
    request = urllib.request.Request(WORLD["control"] + path, json.dumps(body).encode() if body is not None else None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.load(problem)


def until(check, seconds=15):
    """Waits for something that the double hears of from the API server."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.1)


def admin(namespace="one", broker=0):
    return Client(WORLD["address"], f"kafka-{broker}.kafka-hs.{namespace}.svc", WORLD["folder"] + "/ca.crt", 9072, WORLD["folder"] + "/admin.pem")


def user_connection(namespace="one", broker=0):
    return Client(WORLD["address"], f"kafka-{broker}.kafka-hs.{namespace}.svc", WORLD["folder"] + "/ca.crt", 9071)


def acl(user, operation, name="*", kind=2, pattern=3):
    return {"ResourceType": kind, "ResourceName": name, "ResourcePatternType": pattern, "Principal": "User:" + user, "Host": "*", "Operation": operation,
            "PermissionType": 3}


def acls_of(user):
    return {"ResourceTypeFilter": 1, "ResourceNameFilter": None, "PatternTypeFilter": 1, "PrincipalFilter": "User:" + user, "HostFilter": None,
            "Operation": 1, "PermissionType": 1}


def batch(value):
    """A record batch of format 2 with one record."""
    record = b"\0\0\0\x01" + bytes([len(value) * 2]) + value + b"\0"
    tail = struct.pack(">hiqqqhii", 0, 0, 0, 0, -1, -1, -1, 1) + bytes([len(record) * 2]) + record
    return struct.pack(">qiibI", 0, len(tail) + 9, 0, 2, crc32c(tail)) + tail


class Protocol(unittest.TestCase):
    def setUp(self):
        http("DELETE", "/faults")

    def test_an_unknown_version_of_api_versions_is_answered_in_version_0(self):
        with admin() as client:
            answer = client.exchange(struct.pack(">hhih", 18, 99, 7, 0))
        self.assertEqual(struct.unpack_from(">h", answer)[0], 35)
        self.assertGreater(struct.unpack_from(">i", answer, 2)[0], 5)

    def test_crc32c(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)

    def test_a_name_without_certificates_is_closed(self):
        for name in ("kafka-0.kafka-hs.nowhere.svc", "kafka-7.kafka-hs.one.svc", "somebody.else"):
            with self.assertRaises((ssl.SSLError, ConnectionError), msg=name):
                Client(WORLD["address"], name, WORLD["folder"] + "/ca.crt", 9072, WORLD["folder"] + "/admin.pem")

    def test_the_administrators_listener_wants_a_certificate(self):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            Client(WORLD["address"], "kafka-0.kafka-hs.one.svc", WORLD["folder"] + "/ca.crt", 9072).call("ApiVersions")

    def test_metadata_follows_the_stateful_set(self):
        def count():
            with admin("grow") as client:
                return len(client.call("Metadata", {"Topics": []})["Brokers"])
        self.assertEqual(count(), 1)
        kubectl("-n", "grow", "scale", "statefulset", "kafka", "--replicas=3")
        until(lambda: count() == 3)

    def test_older_versions_are_spoken(self):
        with admin() as client:
            for version in range(9, 13):
                self.assertEqual(len(client.call("Metadata", {"Topics": None}, version)["Brokers"]), 3)

    def test_a_replaced_certificate_is_served(self):
        pem = certificate("renewed", "kafka", "kafka-0.kafka-hs.grow.svc")
        apply(secret("grow", "tls-kafka", {"0.pem": pem}))
        with open(WORLD["folder"] + "/renewed.crt", encoding="utf-8") as file:
            want = ssl.PEM_cert_to_DER_cert(file.read())

        def served():
            with admin("grow") as client:
                return client.socket.getpeercert(True)
        until(lambda: served() == want)

    def test_quorum_with_controllers_only(self):
        request = {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": [{"PartitionIndex": 0}]}]}
        with admin() as client:
            partition = client.call("DescribeQuorum", request)["Topics"][0]["Partitions"][0]
            self.assertEqual((partition["LeaderId"], [voter["ReplicaId"] for voter in partition["CurrentVoters"]]), (9000, [9000, 9001, 9002]))
        with admin("zoo") as client:
            self.assertNotIn(55, [item["ApiKey"] for item in client.call("ApiVersions")["ApiKeys"]])

    def test_with_zookeeper_only_the_controller_takes_changes(self):
        request = {"Upsertions": [upsertion("z", "secret")]}
        with admin("zoo") as first, admin("zoo", 1) as second:
            self.assertEqual(first.call("Metadata", {"Topics": []})["ControllerId"], 0)
            self.assertEqual(second.call("AlterUserScramCredentials", request)["Results"][0]["ErrorCode"], 41)
            self.assertEqual(first.call("AlterUserScramCredentials", request)["Results"][0]["ErrorCode"], 0)

    def test_through_a_port_forward_of_the_api_server(self):
        with subprocess.Popen([TESTBED, "kubectl", WORLD["name"], "-n", "one", "port-forward", "pod/kafka-1", ":9072"], stdout=subprocess.PIPE, text=True) as forward:
            try:
                port = int(forward.stdout.readline().split(":")[1].split()[0])
                with Client("127.0.0.1", "kafka-1.kafka-hs.one.svc", WORLD["folder"] + "/ca.crt", port, WORLD["folder"] + "/admin.pem") as client:
                    self.assertEqual(len(client.call("DescribeCluster")["Brokers"]), 3)
            finally:
                forward.kill()


class Users(unittest.TestCase):
    def setUp(self):
        http("DELETE", "/faults")

    def test_login(self):
        with admin() as client:
            self.assertEqual(client.call("AlterUserScramCredentials", {"Upsertions": [upsertion("ann", "right")]})["Results"][0]["ErrorCode"], 0)
            for password, code in (("right", 0), ("wrong", 58)):
                with user_connection() as connection:
                    self.assertEqual(connection.login("ann", password)["ErrorCode"], code)
                    if code:
                        self.assertRaises(ConnectionError, connection.call, "Metadata")
            self.assertEqual(client.call("AlterUserScramCredentials", {"Deletions": [{"Name": "ann", "Mechanism": 2}]})["Results"][0]["ErrorCode"], 0)
            self.assertEqual(client.call("AlterUserScramCredentials", {"Deletions": [{"Name": "ann", "Mechanism": 2}]})["Results"][0]["ErrorCode"], 91)
        with user_connection() as connection:
            self.assertEqual(connection.login("ann", "right")["ErrorCode"], 58)
        with user_connection() as connection:
            self.assertRaises(ConnectionError, connection.call, "Metadata")

    def test_weak_credentials_are_refused(self):
        with admin() as client:
            self.assertEqual(client.call("AlterUserScramCredentials", {"Upsertions": [upsertion("weak", "x", 1000)]})["Results"][0]["ErrorCode"], 93)

    def test_acls_are_idempotent_and_enforced(self):
        with admin() as client:
            client.call("AlterUserScramCredentials", {"Upsertions": [upsertion("bob", "right")]})
            client.call("CreateTopics", {"Topics": [{"Name": "bobs", "NumPartitions": 1, "ReplicationFactor": 3}]})
            record = {"Acks": -1, "TimeoutMs": 1000, "TopicData": [{"Name": "bobs", "PartitionData": [{"Index": 0, "Records": batch(b"hello")}]}]}
            with user_connection() as connection:
                self.assertEqual(connection.login("bob", "right")["ErrorCode"], 0)
                produce = lambda: connection.call("Produce", record)["Responses"][0]["PartitionResponses"][0]["ErrorCode"]
                self.assertEqual(produce(), 29)
                self.assertEqual(connection.call("CreateAcls", {"Creations": [acl("bob", 2)]})["Results"][0]["ErrorCode"], 31)
                for _ in range(2):
                    client.call("CreateAcls", {"Creations": [acl("bob", 4, "bo", pattern=4), acl("bob", 3, "bobs")]})
                self.assertEqual(produce(), 0)
            self.assertEqual(sum(len(item["Acls"]) for item in client.call("DescribeAcls", acls_of("bob"))["Resources"]), 2)
            self.assertEqual(len(client.call("DeleteAcls", {"Filters": [acls_of("bob")]})["FilterResults"][0]["MatchingAcls"]), 2)
            self.assertEqual(client.call("DescribeAcls", acls_of("bob"))["Resources"], [])


class Topics(unittest.TestCase):
    def setUp(self):
        http("DELETE", "/faults")

    def test_write_and_read_back(self):
        with admin() as client:
            create = lambda name, factor: client.call("CreateTopics", {"Topics": [{"Name": name, "NumPartitions": 1, "ReplicationFactor": factor}]})
            self.assertEqual([create("t", 3)["Topics"][0]["ErrorCode"], create("t", 3)["Topics"][0]["ErrorCode"], create("u", 4)["Topics"][0]["ErrorCode"],
                              create("a b", 1)["Topics"][0]["ErrorCode"]], [0, 36, 38, 17])
            put = lambda records: client.call("Produce", {"Acks": -1, "TopicData": [{"Name": "t", "PartitionData": [{"Index": 0, "Records": records}]}]})
            bases = [put(batch(value))["Responses"][0]["PartitionResponses"][0]["BaseOffset"] for value in (b"one", b"two")]
            self.assertEqual(bases, [0, 1])
            spoiled = bytearray(batch(b"one"))
            spoiled[-2] ^= 1
            self.assertEqual(put(bytes(spoiled))["Responses"][0]["PartitionResponses"][0]["ErrorCode"], 2)
            end = client.call("ListOffsets", {"ReplicaId": -1, "Topics": [{"Name": "t", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}]})
            self.assertEqual(end["Topics"][0]["Partitions"][0]["Offset"], 2)
            got = client.call("Fetch", {"MaxWaitMs": 100, "Topics": [{"Topic": "t", "Partitions": [{"Partition": 0, "FetchOffset": 1, "PartitionMaxBytes": 9999}]}]})
            records = got["Responses"][0]["Partitions"][0]["Records"]
            self.assertEqual(struct.unpack_from(">q", records)[0], 1)
            self.assertIn(b"two", records)
            self.assertNotIn(b"one", records)
            delete = lambda: client.call("DeleteTopics", {"Topics": [{"Name": "t"}]})["Responses"][0]["ErrorCode"]
            self.assertEqual([delete(), delete()], [0, 3])


def setting(name, value):
    return {"Name": name, "ConfigOperation": 1 if value is None else 0, "Value": value}


def alter(client, *settings, resource="", dry=False, version=None):
    request = {"Resources": [{"ResourceType": 4, "ResourceName": resource, "Configs": list(settings)}], "ValidateOnly": dry}
    return client.call("IncrementalAlterConfigs", request, version)["Responses"][0]["ErrorCode"]


def settings_of(client, resource="", keys=None, version=None):
    request = {"Resources": [{"ResourceType": 4, "ResourceName": resource, "ConfigurationKeys": keys}]}
    result = client.call("DescribeConfigs", request, version)["Results"][0]
    return result["ErrorCode"] or {config["Name"]: config["Value"] for config in result["Configs"]}


def set_quota(client, user, version=None, **rates):
    entry = {"Entity": [{"EntityType": "user", "EntityName": user}], "Ops": [{"Key": key, "Value": rate, "Remove": not rate} for key, rate in rates.items()]}
    return client.call("AlterClientQuotas", {"Entries": [entry]}, version)["Entries"][0]["ErrorCode"]


def quotas_of(client, strict=True, version=None, **component):
    request = {"Components": [{"EntityType": "user", **component}], "Strict": strict}
    return {entry["Entity"][0]["EntityName"]: {value["Key"]: value["Value"] for value in entry["Values"]}
            for entry in client.call("DescribeClientQuotas", request, version)["Entries"]}


class Settings(unittest.TestCase):
    def setUp(self):
        http("PUT", "/faults", [])

    tearDown = setUp

    def test_settings_hold_for_every_broker_until_they_are_removed(self):
        with admin("zoo") as first, admin("zoo", 1) as second:
            for version in (0, 1):
                self.assertEqual(alter(first, setting("a", "1"), setting("b", "2"), version=version), 0)
                self.assertEqual(alter(second, setting("a", "3"), setting("b", None), version=version), 0)
                for asked in range(1, 5):
                    self.assertEqual(settings_of(first, version=asked), {"a": "3"})
                self.assertEqual(settings_of(second, "1", ["a", "b"]), {"a": "3"})
                self.assertEqual(settings_of(second, "1", ["b"]), {})
                self.assertEqual(alter(first, setting("a", None), setting("never", None), version=version), 0)
                self.assertEqual(settings_of(second), {})

    def test_a_call_is_done_as_a_whole_or_not_at_all(self):
        with admin() as client:
            self.assertEqual(alter(client, setting("x", "1"), setting("x", "2")), 42)
            self.assertEqual(alter(client, setting("x", "1"), {**setting("y", None), "ConfigOperation": 0}), 42)
            self.assertEqual(alter(client, setting("x", "1"), resource="0"), 42)
            self.assertEqual(alter(client, setting("x", "1"), dry=True), 0)
            http("POST", "/faults", {"namespace": "one", "api": "IncrementalAlterConfigs", "error": 40, "times": 1})
            self.assertEqual(alter(client, setting("x", "1")), 40)
            self.assertEqual(settings_of(client), {})
            self.assertEqual(settings_of(client, "1"), 42)  # of another broker

    def test_quotas(self):
        with admin() as client:
            for version in (0, 1):
                self.assertEqual(set_quota(client, "q", version, producer_byte_rate=1024.5, consumer_byte_rate=2.0 ** 53), 0)
                self.assertEqual(set_quota(client, "r", version, producer_byte_rate=1), 0)
                self.assertEqual(quotas_of(client, version=version, MatchType=0, Match="q"),
                                 {"q": {"producer_byte_rate": 1024.5, "consumer_byte_rate": 2.0 ** 53}})
                self.assertEqual(set_quota(client, "q", version, producer_byte_rate=0), 0)
                self.assertEqual(sorted(quotas_of(client, version=version, MatchType=2, Match=None)), ["q", "r"])
                self.assertEqual(set_quota(client, "q", version, producer_byte_rate=0, consumer_byte_rate=0), 0)
                self.assertEqual(quotas_of(client, version=version, MatchType=0, Match="q"), {})
                self.assertEqual(quotas_of(client, version=version, MatchType=1, Match=None), {})
            self.assertEqual(http("GET", "/state/one")[1]["quotas"], [{"entity": {"user": "r"}, "values": {"producer_byte_rate": 1.0}}])
            self.assertEqual(set_quota(client, "r", producer_byte_rate=0), 0)

    def test_users_without_rights_change_nothing(self):
        with admin() as client:
            client.call("AlterUserScramCredentials", {"Upsertions": [upsertion("dot", "right")]})
            with user_connection() as connection:
                self.assertEqual(connection.login("dot", "right")["ErrorCode"], 0)
                self.assertEqual([alter(connection, setting("x", "1")), settings_of(connection), set_quota(connection, "dot", producer_byte_rate=9)], [31, 31, 31])
                self.assertEqual(connection.call("DescribeClientQuotas")["ErrorCode"], 31)
            self.assertEqual((settings_of(client), quotas_of(client, MatchType=0, Match="dot")), ({}, {}))


class Faulty(unittest.TestCase):
    def setUp(self):
        http("PUT", "/faults", [])

    tearDown = setUp

    def rule(self, **rule):
        self.assertEqual(http("POST", "/faults", {"namespace": "one", **rule})[0], 200)

    def test_refuse_and_missing(self):
        self.rule(refuse=True, broker=1)
        self.assertRaises((ssl.SSLError, ConnectionError), admin, "one", 1)
        http("PUT", "/faults", [{"namespace": "o*", "missing": [2]}])
        self.assertRaises((ssl.SSLError, ConnectionError), admin, "one", 2)
        with admin() as client:
            answer = client.call("Metadata", {"Topics": None})
        self.assertEqual([broker["NodeId"] for broker in answer["Brokers"]], [0, 1])
        self.assertEqual([part["IsrNodes"] for topic in answer["Topics"] for part in topic["Partitions"] if 2 in part["IsrNodes"]], [])

    def test_under_replicated_and_leaderless(self):
        with admin() as client:
            client.call("CreateTopics", {"Topics": [{"Name": "watched", "NumPartitions": 1, "ReplicationFactor": 3}]})
            see = lambda: client.call("Metadata", {"Topics": [{"Name": "watched"}]})["Topics"][0]["Partitions"][0]
            self.assertEqual(sorted(see()["IsrNodes"]), [0, 1, 2])
            self.rule(under_replicated=True)
            self.assertEqual(len(see()["IsrNodes"]), 2)
            self.rule(leaderless=True)
            self.assertEqual(see()["LeaderId"], -1)
        with admin("zoo") as client:
            http("PUT", "/faults", [{"namespace": "zoo", "under_replicated": True}])
            self.assertEqual([topic["Name"] for topic in client.call("Metadata", {"Topics": None})["Topics"]], ["__consumer_offsets"])

    def test_a_lost_answer_was_done_and_an_error_was_not(self):
        create = lambda name: {"Topics": [{"Name": name, "NumPartitions": 1, "ReplicationFactor": 1}]}
        self.rule(api="CreateTopics", close="lost", times=1)
        with admin() as client:
            self.assertRaises(ConnectionError, client.call, "CreateTopics", create("lost"))
        with admin() as client:
            self.assertEqual(client.call("CreateTopics", create("lost"))["Topics"][0]["ErrorCode"], 36)
            self.rule(api="CreateTopics", error=41, skip=1, times=1)
            codes = [client.call("CreateTopics", create(name))["Topics"][0]["ErrorCode"] for name in ("a", "b", "b")]
            self.assertEqual(codes, [0, 41, 0])
        self.assertEqual(http("GET", "/faults")[1][1]["hits"], 1)

    def test_half_an_answer_and_none(self):
        for close in ("half", "unread"):
            http("PUT", "/faults", [{"namespace": "one", "api": "DescribeCluster", "close": close}])
            with admin() as client:
                self.assertRaises(ConnectionError, client.call, "DescribeCluster")

    def test_delay(self):
        self.rule(api="ApiVersions", delay=0.5)
        with admin() as client:
            began = time.monotonic()
            client.call("ApiVersions")
            self.assertGreaterEqual(time.monotonic() - began, 0.5)

    def test_rules_that_mean_nothing_are_refused(self):
        for rule in ({"namespace": "one"}, {"delya": 1}, {"close": "sometimes"}, [1]):
            self.assertEqual(http("POST", "/faults", rule)[0], 400, rule)

    def test_the_log_counts_what_was_done(self):
        http("DELETE", "/log")
        with admin() as client:
            for _ in range(2):
                client.call("CreateAcls", {"Creations": [acl("logged", 3)]})
        entries = http("GET", "/log?namespace=one")[1]
        self.assertEqual([len(entry["did"]) for entry in entries if entry["api"] == "CreateAcls"], [1, 0])
        self.assertEqual({entry["user"] for entry in entries}, {"osb-admin"})


class Restarts(unittest.TestCase):
    def test_what_was_written_outlives_the_double_but_not_its_namespace(self):
        with admin("gone") as client:
            client.call("AlterUserScramCredentials", {"Upsertions": [upsertion("kept", "secret")]})
            self.assertEqual((alter(client, setting("kept", "1")), set_quota(client, "kept", producer_byte_rate=5)), (0, 0))
        for command in ("stop", "start"):
            subprocess.run([TESTBED, command, WORLD["name"], "double"], check=True)

        def users():
            try:
                return "kept" in http("GET", "/state/gone")[1]["users"]
            except (OSError, KeyError):
                return None
        until(lambda: users() is not None)
        self.assertTrue(users())
        with admin("gone") as client:
            self.assertEqual((settings_of(client), quotas_of(client, MatchType=0, Match="kept")), ({"kept": "1"}, {"kept": {"producer_byte_rate": 5.0}}))
        kubectl("delete", "namespace", "gone", "--wait=true")
        until(lambda: http("GET", "/state/gone")[0] == 404)


def main():
    own = len(sys.argv) < 2
    WORLD["name"] = "double" if own else sys.argv.pop()
    if own:
        subprocess.run([TESTBED, "up", "--tier", "1", "--name", WORLD["name"]], check=True)
    env = dict(line.split("=", 1) for line in subprocess.run([TESTBED, "env", WORLD["name"]], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines())
    WORLD.update(address=env["NODE_IP"], control=env["DOUBLE_CONTROL"], folder=tempfile.mkdtemp())
    spaces = (("one", 3, 3), ("zoo", 3, 0), ("grow", 1, 1), ("gone", 1, 1))
    try:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
        certificate("admin", "osb-admin", "nobody")
        for space in spaces:
            make_namespace(*space)
        kubectl("-n", "one", "rollout", "status", "statefulset", "kafka", "--timeout=60s")
        unittest.main(verbosity=1)
    finally:
        if own:
            subprocess.run([TESTBED, "down", WORLD["name"]], check=True)
        else:
            kubectl("delete", "namespace", *(space[0] for space in spaces), "--wait=false", "--ignore-not-found")
        shutil.rmtree(WORLD["folder"])


if __name__ == "__main__":
    main()
