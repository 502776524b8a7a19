"""Creates that cannot succeed, on real pods: they fail long before their deadline with a text that names component and cause, the objects
are kept, and a delete cleans up, as it does during a create."""
import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid

from harness.broker import Broker
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

PLAN, DEADLINE, STUCK_SECONDS = "developer", 1200, 40
PULLED = "confluentinc/cp-kafka:8.1.0"
report = Report()

# Pods of namespaces that begin with "refused-" are never made, as when a quota or an admission rule is against them.
REFUSE_PODS = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: refused}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  matchConditions: [{name: ours, expression: "request.namespace.startsWith('refused-')"}]
  validations: [{expression: "false", message: "the budget of this cluster is used up"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: refused}
spec: {policyName: refused, validationActions: [Deny]}
"""

# A registry that has no image at all: every manifest is 404 (OCI distribution specification, "MANIFEST_UNKNOWN").
REGISTRY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}' if "manifests" in self.path else b'{}'
        self.send_response(404 if "manifests" in self.path else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    do_HEAD = do_GET
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", 5000), Handler).serve_forever()
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


@contextlib.contextmanager
def empty_registry(testbed):
    """Serves on 127.0.0.1:5000 of the node's network, where containerd takes a registry without TLS."""
    process = subprocess.Popen(testbed.in_network(sys.executable, "-c", REGISTRY))
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def left_of(testbed, namespace):
    """What Kubernetes still has of an instance."""
    names = testbed.kubectl("get", "ns", namespace, "--ignore-not-found", "-o", "name").split()
    volumes = testbed.kubectl("get", "pv", "-o", "jsonpath={range .items[*]}{.metadata.name} {.spec.claimRef.namespace}{\"\\n\"}{end}")
    return names + [line.split()[0] for line in volumes.splitlines() if line.endswith(" " + namespace)]


def delete(what, osb, testbed, instance, namespace):
    began = time.monotonic()
    report.equal(f"{what}: delete is accepted", osb.delete_instance(instance, PLAN).status, 202)
    end = osb.wait(instance, seconds=180)
    took = time.monotonic() - began
    report.check(f"{what}: delete succeeds after {took:.0f} s", end["state"] == "succeeded" and took < 60, end)
    report.equal(f"{what}: nothing is left", left_of(testbed, namespace), [])


class Case:
    """A broker whose settings let no create succeed. words: what the text must hold."""

    def __init__(self, what, words, image=None, spec="", kafka="", prefix="cp", restart=False):
        self.what, self.words, self.image, self.spec, self.kafka, self.prefix = what, words, image, spec, kafka, prefix
        self.restart = restart

    def settings(self, testbed, folder):
        settings = testbed.settings()
        with open(settings["size_overlay"]) as file:
            overlay = file.read()
        for before, after in [pair.split("->") for pair in self.kafka.split(";") if pair]:
            head, kafka = overlay.split("kafka:")
            overlay = head + "kafka:" + kafka.replace(before, after)
        settings["size_overlay"] = write(folder, self.prefix + self.what + ".yaml", f"{overlay}stuck_seconds: {STUCK_SECONDS}\n{self.spec}")
        if self.image:
            settings["image_map"] = write(folder, self.what + "-images.yaml", f'"{PULLED}": "{self.image}"\n')
        return {**settings, "namespace_prefix": self.prefix}

    def run(self, testbed, folder):
        with PrivatePostgres() as pg:
            broker = Broker(pg.conninfo, os.path.join(folder, self.what + ".log"), variant=os.environ.get("VARIANT", "release"),
                            lease_seconds=4, **self.settings(testbed, folder))
            broker.run("migrate")
            with broker:
                instance = str(uuid.uuid4())
                broker.osb().put_instance(instance, PLAN)
                if self.restart:
                    self.killed(broker, pg)
                self.fails(broker.osb(), testbed, instance)

    def killed(self, broker, pg):
        """The patience with a step is counted from its beginning, whichever broker carries it on."""
        question, until = "select step_name, step_started_at, lease_epoch from operations", time.monotonic() + 60
        while not (before := pg.psql(question).split("|"))[0] == "controllers" and time.monotonic() < until:
            time.sleep(0.2)
        broker.kill()
        epoch = pg.psql(question).split("|")[2]
        broker.start()
        while pg.psql(question).split("|")[2] == epoch and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(1)
        report.equal(f"{self.what}: a killed broker's step goes on from where it began", pg.psql(question).split("|")[:2], before[:2])

    def fails(self, osb, testbed, instance):
        began, namespace = time.monotonic(), f"{self.prefix}-{instance}"
        end = osb.wait(instance, seconds=DEADLINE / 2)
        took = time.monotonic() - began
        print(f"      {self.what}: {end['description']}")
        report.check(f"{self.what}: fails after {took:.0f} s", end["state"] == "failed" and took < DEADLINE / 2, end)
        for word in self.words:
            report.check(f"{self.what}: the text names {word!r}", word in end["description"], end["description"])
        sets = testbed.kubectl("-n", namespace, "get", "statefulsets", "-o", "name").split()
        report.equal(f"{self.what}: the objects are kept for diagnosis", len(sets), 2)
        report.equal(f"{self.what}: bind is refused", osb.put_binding(instance, "b", PLAN).status, 400)
        report.equal(f"{self.what}: the same PUT again is 409", osb.put_instance(instance, PLAN).status, 409)
        delete(self.what, osb, testbed, instance, namespace)


CASES = [
    Case("unschedulable", ["kafka: kafka-0 cannot be scheduled: 0/1 nodes are available", "Insufficient memory"],
         kafka="memory: 768Mi->memory: 4Ti"),
    Case("unreachable registry", ["controllers: ctl-0", "image registry.invalid/cp-kafka:1 cannot be pulled", "lookup registry.invalid"],
         image="registry.invalid/cp-kafka:1"),
    Case("absent image", ["controllers: ctl-0", "image 127.0.0.1:5000/cp-kafka:none cannot be pulled", "not found"],
         image="127.0.0.1:5000/cp-kafka:none"),
    Case("crash", ["kafka: kafka-0: container kafka exited with code 1 (Error), ", " restarts; its last words: Too small maximum heap"],
         kafka="heap: 384m->heap: 1m"),
    Case("no storage class", ["controllers: ", "volume claim data-ctl-0 has no volume: ", "no-such-class"],
         spec="storage_class: no-such-class\n", restart=True),
    Case("refused pods", ["controllers: 1 of 1 pods do not exist: ", "the budget of this cluster is used up"], prefix="refused"),
]


def no_create_succeeds(testbed, folder):
    cases = [case for case in CASES if not (testbed.given and case.what == "absent image")]
    threads = [threading.Thread(target=report.section, args=(case.what, case.run, testbed, folder)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def create_at(osb, moment):
    """A create whose last_operation was seen to say `moment`, and what it said. A step may pass between two looks: then another create is tried."""
    for attempt in range(3):
        instance = str(uuid.uuid4())
        osb.put_instance(instance, PLAN)
        while (now := osb.last_operation(instance).body)["state"] == "in progress" and moment not in now["description"]:
            time.sleep(0.1)
        if now["state"] == "in progress" or attempt == 2:
            return instance, now
        osb.delete_instance(instance, PLAN)
        osb.wait(instance, seconds=180)


def delete_during_create(testbed, folder):
    """At once, when the controllers' pods start, when the brokers' do."""
    with PrivatePostgres() as pg:
        broker = Broker(pg.conninfo, os.path.join(folder, "during.log"), variant=os.environ.get("VARIANT", "release"), **testbed.settings())
        broker.run("migrate")
        with broker:
            osb = broker.osb()
            for moment in ("", "controllers: ", "kafka: "):
                instance, now = create_at(osb, moment)
                print(f"      {now['description']}")
                report.check(f"delete during create: at {moment or 'once'!r}", now["state"] == "in progress" and moment in now["description"], now)
                delete(f"delete during create at {moment or 'once'!r}", osb, testbed, instance, f"cp-{instance}")


def main():
    folder = scratch("failures")
    with Testbed("failures") as testbed, contextlib.nullcontext() if testbed.given else empty_registry(testbed):
        testbed.kubectl("apply", "-f", "-", text=REFUSE_PODS)
        report.section("creates that cannot succeed", no_create_succeeds, testbed, folder)
        testbed.kubectl("delete", "-f", "-", text=REFUSE_PODS)
        report.section("delete during create", delete_during_create, testbed, folder)
    report.close()


if __name__ == "__main__":
    main()
