"""The three plans on real Kafka pods: create, health, bind, Java and librdkafka clients, unbind refuses, delete leaves nothing."""
import json
import os
import re
import shutil
import uuid

from harness import clients
from harness.broker import Broker
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

RECORDS = 500
report = Report()


def provision(osb, plan, instance):
    answer = osb.put_instance(instance, plan)
    report.equal(f"{plan}: PUT is accepted", answer.status, 202)
    again = osb.put_instance(instance, plan)
    report.equal(f"{plan}: the same PUT while running names the same operation", (again.status, again.body), (202, answer.body))
    early = osb.put_binding(instance, str(uuid.uuid4()), plan)
    report.equal(f"{plan}: bind while creating is 422 ConcurrencyError", (early.status, early.body.get("error")), (422, "ConcurrencyError"))
    texts = []
    end = osb.wait(instance, seconds=900, seen=texts.append)
    print("      " + " | ".join(texts))
    report.check(f"{plan}: create succeeded", end["state"] == "succeeded", end)
    # A short step may pass between two polls: that some step was seen to count its component is what holds at any speed.
    report.check(f"{plan}: last_operation told step, component and counts",
                 any(re.match(r"\d+/\d+ \w+: \d+ of \d+ \w+ ready", t) for t in texts), texts)
    report.equal(f"{plan}: the same PUT when done is 200", osb.put_instance(instance, plan).status, 200)
    report.equal(f"{plan}: another space is 409", osb.put_instance(instance, plan, space_guid="other").status, 409)
    report.equal(f"{plan}: GET instance", osb.call("GET", osb.instance_path(instance)).status, 200)
    return end["state"] == "succeeded"


def objects(testbed, plan, namespace):
    """What Kubernetes runs is what the plan says."""
    pods = json.loads(testbed.kubectl("-n", namespace, "get", "pods", "-o", "json"))["items"]
    brokers = {"developer": 1}.get(plan, 3)
    report.equal(f"{plan}: pods", len(pods), 2 * brokers)
    report.check(f"{plan}: every pod is ready", all(c["ready"] for p in pods for c in p["status"]["containerStatuses"]))
    report.check(f"{plan}: no API token, no service links, no root in any pod", all(
        p["spec"].get("automountServiceAccountToken") is False and p["spec"].get("enableServiceLinks") is False
        and p["spec"]["securityContext"]["runAsNonRoot"] for p in pods))
    labels = json.loads(testbed.kubectl("get", "ns", namespace, "-o", "json"))["metadata"]["labels"]
    report.equal(f"{plan}: Pod Security", labels.get("pod-security.kubernetes.io/enforce"), "restricted")
    kinds = {"networkpolicy": 3, "pdb": 2, "resourcequota": 1, "limitrange": 1}
    for kind, count in kinds.items():
        names = testbed.kubectl("-n", namespace, "get", kind, "-o", "name").split()
        report.check(f"{plan}: {kind} is there", len(names) >= count, names)
    secrets = testbed.kubectl("-n", namespace, "get", "secrets", "-o", "jsonpath={.items[*].data}")
    report.check(f"{plan}: the CA's key is not in the namespace", "ca.key" not in secrets)
    metrics = testbed.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/kafka-0:5556/proxy/metrics")
    report.check(f"{plan}: the exporter shows under-replicated partitions",
                 "kafka_server_replicamanager_underreplicatedpartitions" in metrics)
    events = json.loads(testbed.kubectl("-n", namespace, "get", "events", "-o", "json"))["items"]
    # A conflict of two writers of the quota is an event too, and tried again at once.
    refused = [e["message"] for e in events if e["reason"] == "FailedCreate" and "the object has been modified" not in e["message"]]
    report.equal(f"{plan}: no pod was refused by quota or Pod Security", refused, [])


def data_path(plan, credentials, folder):
    servers = credentials["bootstrap_servers"]
    report.check(f"{plan}: one bootstrap address per broker", len(servers.split(",")) == {"developer": 1}.get(plan, 3), servers)
    clients.create_topic(folder, servers, "events")
    sent = clients.java_produce(folder, servers, "events", RECORDS)
    report.check(f"{plan}: Java producer, client.properties and PKCS#12", sent.returncode == 0 and "ERROR" not in sent.stdout + sent.stderr,
                 (sent.stdout + sent.stderr)[-800:])
    report.equal(f"{plan}: librdkafka reads what Java wrote", clients.librdkafka_consume(credentials, "events", RECORDS), RECORDS)
    report.equal(f"{plan}: Java reads it too", clients.java_consume(folder, servers, "events", RECORDS), RECORDS)
    with open(os.path.join(folder, "client.properties")) as file:
        text = file.read()
    pem = text.replace("ssl.truststore.type=PKCS12", "ssl.truststore.type=PEM").replace("truststore.p12", "ca.pem")
    pem = "".join(line + "\n" for line in pem.splitlines() if not line.startswith("ssl.truststore.password"))
    other = folder + "-pem"
    os.makedirs(other)
    shutil.copy(os.path.join(folder, "ca.pem"), other)
    with open(os.path.join(other, "client.properties"), "w") as file:
        file.write(pem)
    report.equal(f"{plan}: Java with the PEM trust store", clients.java_consume(other, servers, "events", 10), 10)
    wrong = dict(credentials, password="not-the-password")
    report.check(f"{plan}: a wrong password is refused", clients.librdkafka_login_error(wrong) is not None)


def bindings(osb, plan, instance, folder):
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    body = osb.put_binding(instance, first, plan)
    report.equal(f"{plan}: synchronous bind", body.status, 201)
    credentials = body.body["credentials"]
    report.equal(f"{plan}: GET binding gives the same credentials", osb.get_binding(instance, first).body["credentials"], credentials)
    answer = osb.put_binding(instance, second, plan, asynchronous=True)
    report.equal(f"{plan}: asynchronous bind is accepted, without credentials", (answer.status, "credentials" in answer.body), (202, False))
    report.equal(f"{plan}: it succeeds", osb.wait(instance, second)["state"], "succeeded")
    other = osb.get_binding(instance, second).body["credentials"]
    report.check(f"{plan}: each binding has its own user and password",
                 other["username"] != credentials["username"] and other["password"] != credentials["password"])
    clients.write_files(credentials, folder)
    data_path(plan, credentials, folder)
    report.equal(f"{plan}: unbind", osb.delete_binding(instance, first, plan).status, 200)
    error = clients.librdkafka_login_error(credentials)
    report.check(f"{plan}: the revoked login is refused", error is not None)
    refused = clients.java_produce(folder, credentials["bootstrap_servers"], "events", 1)
    report.check(f"{plan}: Java is refused as well", "uthentication" in refused.stdout + refused.stderr, (refused.stdout + refused.stderr)[-300:])
    report.check(f"{plan}: the other binding still works", clients.librdkafka_login_error(other) is None)
    report.equal(f"{plan}: a second unbind is 410", osb.delete_binding(instance, first, plan).status, 410)


def deprovision(osb, plan, instance, testbed, pg, namespace):
    report.equal(f"{plan}: DELETE with a binding left is accepted", osb.delete_instance(instance, plan).status, 202)
    end = osb.wait(instance, seconds=600)
    report.check(f"{plan}: delete succeeded", end["state"] == "succeeded", end)
    report.equal(f"{plan}: the namespace is gone", testbed.kubectl("get", "ns", namespace, "--ignore-not-found", "-o", "name"), "")
    volumes = testbed.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.claimRef.namespace}").split()
    report.equal(f"{plan}: its volumes are gone", volumes.count(namespace), 0)
    rows = pg.psql(f"select (select count(*) from instances where id = '{instance}') + (select count(*) from bindings where instance_id = '{instance}')"
                   f" + (select count(*) from secrets where instance_id = '{instance}')").strip()
    report.equal(f"{plan}: no row but the journal is left", rows, "0")
    report.equal(f"{plan}: a second DELETE is 410", osb.delete_instance(instance, plan).status, 410)


def one_plan(osb, plan, testbed, pg, folder):
    instance = str(uuid.uuid4())
    if provision(osb, plan, instance):
        namespace = pg.psql(f"select ns from instances where id = '{instance}'").strip()
        report.section(f"{plan} objects", objects, testbed, plan, namespace)
        report.section(f"{plan} bindings", bindings, osb, plan, instance, os.path.join(folder, plan))
    else:
        namespace = pg.psql(f"select ns from instances where id = '{instance}'").strip()
        print(testbed.kubectl("-n", namespace, "get", "pods", "-o", "wide", check=False))
    deprovision(osb, plan, instance, testbed, pg, namespace)


def main():
    folder = scratch("e2e")
    variant = os.environ.get("VARIANT", "release")
    with PrivatePostgres() as pg, Testbed("e2e") as testbed:
        broker = Broker(pg.conninfo, os.path.join(folder, "broker.log"), variant=variant, **testbed.settings())
        broker.run("migrate")
        with broker:
            for plan in ("developer", "bare-minimum", "standard"):
                report.section(plan, one_plan, broker.osb(), plan, testbed, pg, folder)
        if report.failed:
            print(broker.tail(40))
    report.close()


if __name__ == "__main__":
    main()
