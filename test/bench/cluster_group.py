"""With a cluster: provisioning against kubectl with the same objects, binding against Kafka's own tool."""
import json
import os
import statistics
import sys
import tempfile
import time

import broker
import measure

sys.path[:0] = [os.path.join(measure.ROOT, "test"), os.path.join(measure.ROOT, "test", "integration")]
from harness.testbed import Testbed  # noqa: E402
from pg import PrivatePostgres  # noqa: E402

PLANS = ("developer", "bare-minimum")
PROVISION_SECONDS = 900
BINDS = 7
TOOL_RUNS = 3
# In the order in which they are applied; what Kubernetes adds to a namespace by itself is told apart by the field manager.
KINDS = ("serviceaccount", "resourcequota", "limitrange", "networkpolicy", "service", "configmap", "secret", "poddisruptionbudget",
         "statefulset", "deployment")
SET_BY_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences")
# Runs in a broker's pod, with the broker's own certificate; prints the seconds that the tool took.
ADD_USER = r"""
printf '%s\n' security.protocol=SSL ssl.keystore.type=PEM ssl.keystore.location=/mnt/tls/0.pem \
  ssl.truststore.type=PEM ssl.truststore.location=/mnt/ca/ca.crt >/tmp/bench.properties
begin=$EPOCHREALTIME
KAFKA_HEAP_OPTS=-Xmx64m kafka-configs --bootstrap-server "$HOSTNAME.kafka-hs.$0.svc:9072" --command-config /tmp/bench.properties \
  --alter --add-config 'SCRAM-SHA-512=[iterations=4096,password=bench-password]' --entity-type users --entity-name "$1" >&2
end=$EPOCHREALTIME
echo $(( ${end/./} - ${begin/./} ))
"""


def applied(item):
    """Whether somebody applied the object (server-side apply), as the broker does, and Kubernetes did not make it by itself."""
    return any(m.get("operation") == "Apply" for m in item["metadata"].get("managedFields", []))


def bare(item):
    """An object as it can be applied again: without what the server sets."""
    item = {k: v for k, v in item.items() if k != "status"}
    item["metadata"] = {k: v for k, v in item["metadata"].items() if k not in SET_BY_SERVER}
    if item["kind"] == "Service":
        spec = item["spec"]
        if spec.get("clusterIP") != "None":
            spec = {k: v for k, v in spec.items() if k not in ("clusterIP", "clusterIPs")}
        item["spec"] = spec
    if item["kind"] == "Namespace":
        item.pop("spec", None)
    return item


def objects_of(kubectl, namespace):
    """(the namespace, everything that was applied in it), ready to be applied again."""
    found = json.loads(kubectl("get", "namespace", namespace, "-o", "json", "--show-managed-fields"))
    items = []
    for kind in KINDS:
        answer = json.loads(kubectl("get", kind, "-n", namespace, "-o", "json", "--show-managed-fields"))
        items += [bare(item) for item in answer["items"] if applied(item)]
    if not any(item["kind"] == "StatefulSet" for item in items):
        raise RuntimeError(f"namespace {namespace} holds no StatefulSet that was applied")
    return bare(found), items


def apply_and_wait(kubectl, namespace, objects):
    """Seconds of kubectl apply until all pods are Ready."""
    first, rest = objects
    count = sum(item["spec"]["replicas"] for item in rest if item["kind"] == "StatefulSet")
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [first, *rest]})
    begin = time.monotonic()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=bench", "-f", file.name)
    while len(kubectl("get", "pods", "-n", namespace, "-o", "name").split()) < count:
        if time.monotonic() - begin > PROVISION_SECONDS:
            raise RuntimeError(f"kubectl apply: {namespace} has no {count} pods after {PROVISION_SECONDS} s")
        time.sleep(0.3)
    # One watch, which leaves the machine to the pods as polling would not.
    kubectl("wait", "pods", "--all", "-n", namespace, "--for=condition=Ready", f"--timeout={PROVISION_SECONDS}s")
    return time.monotonic() - begin


def provision(b, plan, instance):
    """Seconds from the 202 to succeeded."""
    body = {**b.plan(plan), "organization_guid": "bench-org", "space_guid": "bench-space"}
    b.expect(202, "PUT", f"{broker.instance_path(instance)}?accepts_incomplete=true", body)
    return b.poll(broker.instance_path(instance), PROVISION_SECONDS)


def deprovision(b, plan, instance):
    ids = "&".join(f"{k}={v}" for k, v in b.plan(plan).items())
    b.expect(202, "DELETE", f"{broker.instance_path(instance)}?accepts_incomplete=true&{ids}")
    b.poll(broker.instance_path(instance), PROVISION_SECONDS)


def delete_namespace(kubectl, namespace):
    """Pods go first, with little grace: a Kafka broker whose controllers are gone would wait for them all of its own."""
    kubectl("delete", "statefulsets", "--all", "-n", namespace, "--cascade=orphan", "--ignore-not-found")
    kubectl("delete", "pods", "--all", "-n", namespace, "--grace-period=3", "--ignore-not-found", "--wait=false")
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=true", "--timeout=300s")


def binds(b, kubectl, plan, instance, namespace):
    """Milliseconds of synchronous binds and of kafka-configs, one after the other in turns."""
    ids = b.plan(plan)
    query = "&".join(f"{k}={v}" for k, v in ids.items())
    ours, theirs = [], []
    for i in range(BINDS):
        path = f"{broker.instance_path(instance)}/service_bindings/bench-{i}"
        begin = time.monotonic()
        b.expect(201, "PUT", path, ids)
        ours.append((time.monotonic() - begin) * 1000)
        if i < TOOL_RUNS:
            microseconds = kubectl("exec", "-n", namespace, "kafka-0", "--", "bash", "-ec", ADD_USER, namespace, f"bench-tool-{i}")
            theirs.append(int(microseconds.split()[-1]) / 1000)
    for i in range(BINDS):
        b.expect(200, "DELETE", f"{broker.instance_path(instance)}/service_bindings/bench-{i}?{query}")
    return statistics.median(ours), statistics.median(theirs)


def measure_plan(b, pg, kubectl, plan):
    """Broker, kubectl, broker, kubectl with the same objects in the same namespace; the first broker's turn also binds."""
    instance, ours, theirs = f"bench-{plan}-{os.getpid()}", [], []
    namespace = None
    try:
        for turn in range(2):
            measure.progress(f"{plan}: provisioning through the broker ({turn + 1}/2)")
            ours.append(provision(b, plan, instance))
            measure.progress(f"{plan}: {ours[-1]:.1f} s")
            namespace = pg.psql(f"select ns from instances where id = '{instance}'")
            objects = objects_of(kubectl, namespace)
            if turn == 0 and plan == PLANS[0]:
                bind, tool = binds(b, kubectl, plan, instance, namespace)
                yield measure.below("bind on a live Kafka", bind, "ms", 300)
                yield measure.faster("bind, against kafka-configs --add-config", bind, "ms", tool, 10)
            deprovision(b, plan, instance)
            delete_namespace(kubectl, namespace)
            measure.progress(f"{plan}: the same objects by kubectl apply ({turn + 1}/2)")
            theirs.append(apply_and_wait(kubectl, namespace, objects))
            measure.progress(f"{plan}: {theirs[-1]:.1f} s")
            delete_namespace(kubectl, namespace)
    finally:
        if namespace:
            kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
    name = f"202 to succeeded, {plan}, against kubectl apply until Ready"
    yield measure.within(name, statistics.median(ours), "s", statistics.median(theirs), 1.15, 2)


def environment(settings):
    return {f"CPBROKER_{name.upper()}": str(value) for name, value in settings.items() if value is not None}


def measure_all():
    with Testbed("bench") as testbed, PrivatePostgres(durable=True) as pg, tempfile.NamedTemporaryFile(suffix=".log") as log:
        b = broker.Broker(pg.conninfo, "all", environment(testbed.settings()), log).migrate()
        try:
            with b:
                for plan in PLANS:
                    yield from measure_plan(b, pg, testbed.kubectl, plan)
        except RuntimeError as error:
            with open(log.name, errors="replace", encoding="utf-8") as text:
                raise RuntimeError(f"{error}; the broker's last words: {' '.join(text.read().splitlines()[-5:])}") from error
