#!/usr/bin/env python3
"""The Kafka client and administration against real brokers on loopback: Kafka 4.1 and 3.9 with KRaft, Kafka 3.9 with ZooKeeper.

    python3 test/integration/test_kafka_client.py [kraft] [kraft-3.9] [zookeeper]

Starts two brokers of each kind with certificates of its own in a temporary folder and on free ports, runs the drivers
kafka_client, kafka_versions and kafka_settings, prints their line per check and a closing count.
Jars: $CPBROKER_KAFKA_LIBS_4 and $CPBROKER_KAFKA_LIBS_3, by default those that the testbed keeps in its cache.
"""
# variants: test asan
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from harness.build import ROOT, driver

CACHE = os.environ.get("CPBROKER_TESTBED_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cpbroker-testbed")
JAVA = ["java", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
PLAIN_PASSWORD = "plain-secret"
DRIVERS = ("kafka_client", "kafka_versions", "kafka_settings")
PARAMETERS = os.path.join(ROOT, "catalog", "parameters.yml")
START_SECONDS = 180
DRIVER_SECONDS = 600

LOG4J1 = """log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
"""
LOG4J2 = """Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        - ref: out
"""
COMMON = """
listeners=ADMIN://127.0.0.1:{admin},CLIENT://127.0.0.1:{client}{more_listeners}
advertised.listeners=ADMIN://localhost:{admin},CLIENT://localhost:{client}
listener.security.protocol.map=ADMIN:SSL,CLIENT:SASL_SSL,CONTROL:PLAINTEXT
inter.broker.listener.name=ADMIN
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.crt
listener.name.admin.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/,DEFAULT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{plain}";
super.users=User:broker;User:admin;User:ANONYMOUS
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
default.replication.factor=2
min.insync.replicas=1
offsets.topic.replication.factor=1
compression.type=gzip
log.cleaner.dedupe.buffer.size=33554432
log.dirs={folder}/data-{id}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def jars(variable, version):
    folder = os.environ.get(variable) or os.path.join(CACHE, f"kafka-{version}", "libs")
    if not glob.glob(os.path.join(folder, "kafka-clients-*.jar")):
        raise SystemExit(f"{folder} holds no Kafka jars: run `test/testbed/testbed build`, or set {variable}")
    return os.path.join(folder, "*")


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """ca.crt, and for broker and admin NAME.crt, NAME.key, NAME.pem (both)."""
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt")
    with open(os.path.join(folder, "names"), "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("broker", "admin"):
        openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.crt")
        with open(os.path.join(folder, f"{name}.pem"), "w") as out:
            for part in ("key", "crt"):
                with open(os.path.join(folder, f"{name}.{part}")) as f:
                    out.write(f.read())


class Cluster:
    """Two brokers with what they need; `with` starts them and ends exactly these processes."""

    def __init__(self, kind):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix=f"kafka-{kind}-")
        self.classes = jars("CPBROKER_KAFKA_LIBS_4", "4.1.1") if kind == "kraft" else jars("CPBROKER_KAFKA_LIBS_3", "3.9.1")
        self.brokers = [{"id": i, "admin": free_port(), "client": free_port()} for i in (1, 2)]
        self.processes = []

    def __enter__(self):
        try:
            make_certificates(self.folder)
            self.write("log4j.properties", LOG4J1)
            self.write("log4j2.yaml", LOG4J2)
            self.start_zookeeper() if self.kind == "zookeeper" else self.start_kraft()
            for name in ("broker-1", "broker-2"):
                self.wait_for(name, r"started \(kafka\.server\.Kafka")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for _name, process in self.processes:
            process.kill()
        for _name, process in self.processes:
            process.wait()
        if os.environ.get("KEEP"):
            print("kept", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def java(self, *arguments):
        return [*JAVA, f"-Dlog4j.configuration=file:{self.path('log4j.properties')}",
                f"-Dlog4j2.configurationFile={self.path('log4j2.yaml')}", "-cp", self.classes, *arguments]

    def start(self, name, *arguments):
        with open(self.path(name + ".log"), "w") as log:
            self.processes.append((name, subprocess.Popen(self.java(*arguments), stdout=log, stderr=log, cwd=self.folder)))

    def wait_for(self, name, pattern):
        process = dict(self.processes)[name]
        deadline = time.monotonic() + START_SECONDS
        while True:
            with open(self.path(name + ".log")) as f:
                text = f.read()
            if re.search(pattern, text):
                return
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.kind} {name} did not start:\n{text[-3000:]}")
            time.sleep(0.2)

    def properties(self, broker, text, more_listeners=""):
        self.write(f"broker-{broker['id']}.properties", text + COMMON.format(
            folder=self.folder, plain=PLAIN_PASSWORD, more_listeners=more_listeners, **broker))
        return self.path(f"broker-{broker['id']}.properties")

    def start_kraft(self):
        """Broker 1 is the controller too."""
        control = free_port()
        for broker in self.brokers:
            first = broker["id"] == 1
            file = self.properties(broker, "\n".join([
                "process.roles=" + ("broker,controller" if first else "broker"), f"node.id={broker['id']}",
                f"controller.quorum.voters=1@127.0.0.1:{control}", "controller.listener.names=CONTROL",
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"]),
                f",CONTROL://127.0.0.1:{control}" if first else "")
            subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", "q1Sh-9_ISia_zwGINzRvyQ", "-c", file),
                           check=True, capture_output=True, cwd=self.folder)
            self.start(f"broker-{broker['id']}", "kafka.Kafka", file)

    def start_zookeeper(self):
        port = free_port()
        self.write("zoo.cfg", f"dataDir={self.path('zk')}\nclientPort={port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n")
        self.start("zookeeper", "org.apache.zookeeper.server.quorum.QuorumPeerMain", self.path("zoo.cfg"))
        self.wait_for("zookeeper", "binding to port")
        for broker in self.brokers:
            file = self.properties(broker, "\n".join([
                f"broker.id={broker['id']}", f"zookeeper.connect=127.0.0.1:{port}",
                "authorizer.class.name=kafka.security.authorizer.AclAuthorizer"]))
            self.start(f"broker-{broker['id']}", "kafka.Kafka", file)


def run_driver(name, cluster):
    ports = [f"{b['id']}={b['admin']}={b['client']}" for b in cluster.brokers]
    mode = "zookeeper" if cluster.kind == "zookeeper" else "kraft"
    run = subprocess.Popen([driver(name), mode, cluster.path("ca.crt"), cluster.path("admin.crt"), cluster.path("admin.key"), *ports],
                           env={**os.environ, "PLAIN_PASSWORD": PLAIN_PASSWORD, "PARAMETERS": PARAMETERS}, stdout=subprocess.PIPE, text=True)
    end = threading.Timer(DRIVER_SECONDS, run.kill)
    end.start()
    lines = []
    for line in run.stdout:
        lines.append(line.rstrip("\n"))
        print(f"{cluster.kind}: {lines[-1]}", flush=True)
    run.wait()
    end.cancel()
    count = re.fullmatch(r"(\d+) passed, (\d+) failed", lines[-1] if lines else "")
    passed, failed = (int(count[1]), int(count[2])) if count else (0, 1)
    if run.returncode != 0 and failed == 0:
        print(f"{cluster.kind}: {name} ended with {run.returncode}")
        failed = 1
    return passed, failed


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    passed = failed = 0
    for kind in sys.argv[1:] or ["kraft", "kraft-3.9", "zookeeper"]:
        with Cluster(kind) as cluster:
            for name in DRIVERS:
                ok, bad = run_driver(name, cluster)
                passed, failed = passed + ok, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
