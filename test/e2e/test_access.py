"""What bindings may do, on real pods and with real Java clients: rights, rotation, quotas, expiry; and settings of the brokers that change while they run."""
import base64
import json
import os
import subprocess
import time
import uuid

from harness import clients
from harness.broker import Broker
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

PLAN = "developer"
CONFIGS = "kafka.admin.ConfigCommand"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
report = Report()


class Client:
    """A binding, and Java tools that have nothing but its credentials."""

    def __init__(self, osb, instance, folder, name, **more):
        self.osb, self.instance, self.binding, self.folder = osb, instance, str(uuid.uuid4()), os.path.join(folder, name)
        answer = osb.succeed(name, osb.put_binding(instance, self.binding, PLAN, **more), 201)
        self.body, self.credentials = answer, answer["credentials"]
        self.servers = self.credentials["bootstrap_servers"]
        clients.write_files(self.credentials, self.folder)

    def java(self, tool, *arguments, text=None, config="--command-config"):
        done = clients.java(self.folder, tool, "--bootstrap-server", self.servers, config, "client.properties", *arguments, text=text, seconds=120)
        return done.returncode, done.stdout + done.stderr, done.stdout

    def write(self, topic, count=10, size=10):
        """What the console producer says: nothing when all is well."""
        lines = "".join(f"{'x' * size} {i}\n" for i in range(count))
        return self.java(clients.PRODUCER, "--topic", topic, "--request-required-acks", "all", text=lines, config="--producer.config")[1]

    def read(self, topic, group, count=10):
        """(records read, what the console consumer says)."""
        _, said, out = self.java(clients.CONSUMER, "--topic", topic, "--group", group, "--from-beginning", "--max-messages", str(count),
                                 "--timeout-ms", "30000", config="--consumer.config")
        return len([line for line in out.splitlines() if line.startswith("x")]), said

    def topics(self, *arguments):
        return self.java(clients.TOPICS, *arguments)

    def login_error(self):
        return clients.librdkafka_login_error(self.credentials)

    def unbind(self):
        return self.osb.delete_binding(self.instance, self.binding, PLAN).status


class Operator:
    """Kafka's own tools as its operator: with a broker's certificate, from the node's network (so not on a given cluster)."""

    def __init__(self, testbed, namespace, folder):
        self.testbed, self.namespace, self.folder = testbed, namespace, folder
        os.makedirs(folder)
        secret = {kind: self.get("secret", kind) for kind in ("tls-kafka", "ca-bundle")}
        self.write("server.pem", base64.b64decode(secret["tls-kafka"]["data"]["0.pem"]).decode())
        self.write("ca.crt", base64.b64decode(secret["ca-bundle"]["data"]["ca.crt"]).decode())
        self.write("admin.properties", "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=server.pem\n"
                   "ssl.truststore.type=PEM\nssl.truststore.location=ca.crt\n")
        self.host = f"kafka-0.kafka-hs.{namespace}.svc"
        self.write("hosts", f"{self.get('pod', 'kafka-0')['status']['podIP']} {self.host}\n")

    def get(self, kind, name):
        return json.loads(self.testbed.kubectl("-n", self.namespace, "get", kind, name, "-o", "json"))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text)

    def configs(self, *arguments):
        """What kafka-configs --describe prints."""
        environment = {**os.environ, "KAFKA_OPTS": f"-Djdk.net.hosts.file={self.folder}/hosts"}
        done = subprocess.run(self.testbed.in_network(clients.TOOL, CONFIGS, "--bootstrap-server", f"{self.host}:9072",
                                                      "--command-config", "admin.properties", "--describe", *arguments),
                              cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"kafka-configs: {(done.stdout + done.stderr)[-800:]}")
        return done.stdout

    def setting(self, name):
        """A setting as kafka-0 uses it: "value sensitive=false synonyms={…}"."""
        for line in self.configs("--all", "--entity-type", "brokers", "--entity-name", "0").splitlines():
            if line.strip().startswith(name + "="):
                return line.strip().removeprefix(name + "=")
        return None

    def quotas(self, user):
        return self.configs("--entity-type", "users", "--entity-name", user)


def rights(osb, instance, folder):
    everyone = Client(osb, instance, folder, "unrestricted")
    narrow = Client(osb, instance, folder, "narrow", parameters={
        "topics": [{"prefix": "a-", "rights": ["read", "write"]}], "groups": [{"prefix": "team-", "rights": ["read"]}]})
    for topic in ("a-1", "b-1"):
        clients.create_topic(everyone.folder, everyone.servers, topic, partitions=1)
    report.equal("rights: the unrestricted binding writes b-1", everyone.write("b-1"), "")
    report.equal("rights: narrow writes a-1", narrow.write("a-1"), "")
    report.equal("rights: narrow reads a-1 in its group", narrow.read("a-1", "team-x")[0], 10)
    said = narrow.write("b-1", 1)
    report.check("rights: narrow may not write b-1", "Not authorized to access topics: [b-1]" in said, said[-600:])
    count, said = narrow.read("b-1", "team-x", 1)
    report.check("rights: narrow may not read b-1", count == 0 and "Not authorized to access topics: [b-1]" in said, said[-600:])
    count, said = narrow.read("a-1", "other", 1)
    report.check("rights: narrow may not use another group", count == 0 and "Not authorized to access group: other" in said, said[-600:])
    code, said, _ = narrow.topics("--create", "--topic", "a-2")
    report.check("rights: narrow may not create topics", code != 0 and "uthoriz" in said, said[-600:])
    report.equal("rights: narrow sees its own topic only", narrow.topics("--list")[2].split(), ["a-1"])
    return everyone, narrow


def more_rights(osb, instance, folder, everyone):
    maker = Client(osb, instance, folder, "maker", parameters={
        "topics": [{"prefix": "c-", "rights": ["create"]}, {"name": "a-1", "rights": ["read"]}, {"name": "e", "rights": ["admin"]}],
        "groups": [{"name": "team-x", "rights": ["admin"]}]})
    report.equal("rights: create: a topic of the prefix", maker.topics("--create", "--topic", "c-1")[0], 0)
    code, said, _ = maker.topics("--create", "--topic", "d-1")
    report.check("rights: create: no other", code != 0 and "uthoriz" in said, said[-600:])
    said = maker.write("a-1", 1)
    report.check("rights: read does not let write", "Not authorized to access topics: [a-1]" in said, said[-600:])
    report.equal("rights: admin: create", maker.topics("--create", "--topic", "e")[0], 0)
    report.equal("rights: admin: write", maker.write("e", 1), "")
    report.equal("rights: admin: delete", maker.topics("--delete", "--topic", "e")[0], 0)
    code, said, _ = maker.topics("--delete", "--topic", "c-1")
    report.check("rights: create does not let delete", code != 0 and "uthoriz" in said, said[-600:])
    code, said, _ = maker.java(GROUPS, "--delete", "--group", "team-x")
    report.check("rights: admin of a group: delete it", code == 0 and "successful" in said, said[-600:])
    report.equal("rights: unbind", maker.unbind(), 200)
    report.equal("rights: what it made stays", "c-1" in everyone.topics("--list")[2].split(), True)


def rotation(osb, instance, folder, old):
    new = Client(osb, instance, folder, "successor", predecessor_binding_id=old.binding)
    report.check("rotation: another user and password", new.credentials["username"] != old.credentials["username"]
                 and new.credentials["password"] != old.credentials["password"])
    report.equal("rotation: the new one writes a-1", new.write("a-1"), "")
    report.equal("rotation: the old one still does", old.write("a-1"), "")
    said = new.write("b-1", 1)
    report.check("rotation: the new one has the same rights", "Not authorized to access topics: [b-1]" in said, said[-600:])
    report.equal("rotation: unbind of the old one", old.unbind(), 200)
    said = old.write("a-1", 1)
    report.check("rotation: the old one is refused", "uthentication" in said, said[-600:])
    report.equal("rotation: the new one reads all", new.read("a-1", "team-y", 30)[0], 30)


def quotas(osb, instance, folder, operator):
    asked = {"producer_byte_rate": 1048576, "consumer_byte_rate": 2097152}
    limited = Client(osb, instance, folder, "limited", parameters={"principal_quotas": asked})
    user = limited.credentials["username"]
    told = operator.quotas(user)
    for name, value in asked.items():
        report.check(f"quotas: kafka-configs shows {name}", f"{name}={value}" in told, told)
    report.equal("quotas: unbind", limited.unbind(), 200)
    told = operator.quotas(user)
    report.check("quotas: gone with the binding", "byte_rate" not in told, told)


def expiry(osb, instance, folder, pg):
    brief = Client(osb, instance, folder, "brief", parameters={"lifetime_seconds": 600})
    report.check("expiry: the answer says when", brief.body["metadata"]["expires_at"] > brief.body["metadata"]["renew_before"], brief.body.get("metadata"))
    report.equal("expiry: it works until then", brief.write("a-1", 1), "")
    pg.psql(f"update bindings set expires_at = now() - interval '1 second', renew_before = null where id = '{brief.binding}'")
    began = time.monotonic()
    while osb.get_binding(instance, brief.binding).status != 404 and time.monotonic() - began < 90:
        time.sleep(0.5)
    report.equal(f"expiry: the binding is gone after {time.monotonic() - began:.0f} s", osb.get_binding(instance, brief.binding).status, 404)
    error = brief.login_error()
    report.check("expiry: the login is refused", error is not None, error)
    report.equal("expiry: unbind is 410", brief.unbind(), 410)


def update(osb, instance, config):
    answer = osb.patch_instance(instance, PLAN, parameters={"kafka_config": config})
    if answer.status == 202:
        return osb.wait(instance, seconds=120)
    return answer.body


def settings(osb, instance, operator, everyone):
    report.check("settings: the create's are in force", operator.setting("log.cleaner.backoff.ms").startswith("20000 "),
                 operator.setting("log.cleaner.backoff.ms"))
    before = operator.setting("message.max.bytes")
    report.equal("settings: a record of 200 kB is taken", everyone.write("b-1", 1, 200000), "")
    end = update(osb, instance, {"message.max.bytes": 100000, "log.retention.ms": 3600000, "compression.type": "gzip"})
    report.equal("settings: the update succeeds", end["state"], "succeeded")
    for name, value in (("message.max.bytes", "100000"), ("log.retention.ms", "3600000"), ("compression.type", "gzip")):
        got = operator.setting(name)
        report.check(f"settings: kafka-configs shows {name}={value}", got.startswith(value + " ") and "DYNAMIC_DEFAULT_BROKER_CONFIG" in got, got)
    said = everyone.write("b-1", 1, 200000)
    report.check("settings: the same record is refused now", "RecordTooLargeException" in said, said[-600:])
    end = update(osb, instance, {"message.max.bytes": None, "log.retention.ms": None})
    report.equal("settings: the reset succeeds", end["state"], "succeeded")
    report.equal("settings: the default is back", operator.setting("message.max.bytes"), before)
    report.equal("settings: the others stay", osb.get_instance(instance).body["parameters"]["kafka_config"],
                 {"compression.type": "gzip", "log.cleaner.backoff.ms": 20000})
    report.equal("settings: the record is taken again", everyone.write("b-1", 1, 200000), "")


def refusals(osb, instance, operator):
    end = update(osb, instance, {"log.retention.ms": 0, "compression.type": "zstd"})
    print(f"      {end['description']}")
    report.check("refusals: Kafka's own words", end.get("state") == "failed" and "log.retention.ms" in end["description"], end)
    report.check("refusals: the instance is usable, repeating does not help",
                 end.get("instance_usable") is True and end.get("update_repeatable") is False, end)
    report.check("refusals: nothing of it was applied", operator.setting("compression.type").startswith("gzip "), operator.setting("compression.type"))
    answer = osb.patch_instance(instance, PLAN, parameters={"kafka_config": {"log.retention.ms": -5}})
    print(f"      {answer.body['description']}")
    report.equal("refusals: what breaks the schema is 400", answer.status, 400)
    answer = osb.put_binding(instance, "b", PLAN, parameters={"topics": [{"prefix": "a-", "rights": ["reed"]}]})
    print(f"      {answer.body['description']}")
    report.check("refusals: an unknown right is 400 and names the right one", answer.status == 400 and "read" in answer.body["description"], answer.body)


def access(broker, testbed, pg, folder):
    osb, instance = broker.osb(), str(uuid.uuid4())
    osb.put_instance(instance, PLAN, parameters={"kafka_config": {"log.cleaner.backoff.ms": 20000}})
    end = osb.wait(instance, seconds=400)
    if not report.check("create with kafka_config succeeds", end["state"] == "succeeded", end):
        return
    everyone, narrow = report.section("rights", rights, osb, instance, folder)
    report.section("more rights", more_rights, osb, instance, folder, everyone)
    report.section("rotation", rotation, osb, instance, folder, narrow)
    report.section("expiry", expiry, osb, instance, folder, pg)
    if not testbed.given:
        operator = Operator(testbed, f"cp-{instance}", os.path.join(folder, "operator"))
        report.section("quotas", quotas, osb, instance, folder, operator)
        report.section("settings", settings, osb, instance, operator, everyone)
        report.section("refusals", refusals, osb, instance, operator)
    osb.delete_instance(instance, PLAN)
    report.equal("delete succeeds with bindings left", osb.wait(instance, seconds=300)["state"], "succeeded")


def main():
    folder = scratch("access")
    with PrivatePostgres() as pg, Testbed("access") as testbed:
        broker = Broker(pg.conninfo, os.path.join(folder, "broker.log"), variant=os.environ.get("VARIANT", "release"), **testbed.settings())
        broker.run("migrate")
        with broker:
            report.section("access", access, broker, testbed, pg, folder)
        if report.failed:
            print(broker.tail(40))
    report.close()


if __name__ == "__main__":
    main()
