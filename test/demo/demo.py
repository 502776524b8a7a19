"""The demo: catalog, a refusal, create, bind, send and read 1,000 records over SASL_SSL, update, unbind, delete; and `dev`, which stays."""
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid

from harness import clients
from harness.broker import Broker
from harness.testbed import Testbed
from pg import PrivatePostgres

RECORDS = 1000


class Demo:
    def __init__(self):
        self.began, self.durations = time.monotonic(), []

    def step(self, text):
        print(f"\n== {text}", flush=True)
        self.started = time.monotonic()

    def done(self, name):
        self.durations.append((name, time.monotonic() - self.started))

    def say(self, text):
        print(f"   {time.monotonic() - self.started:5.1f} s  {text}", flush=True)

    def table(self):
        print("\n== durations")
        for name, seconds in self.durations:
            print(f"   {name:<44}{seconds:7.1f} s")
        print(f"   {'all':<44}{time.monotonic() - self.began:7.1f} s", flush=True)


def expect(condition, text):
    if not condition:
        raise SystemExit(f"demo: {text}")


def masked(name, value):
    """Credentials for the eye: secrets and long texts are cut out."""
    if name in ("password", "truststore_password", "sasl_jaas_config", "uri", "client_properties"):
        return "(secret, not shown)"
    text = str(value)
    return text if len(text) < 100 else f"({len(text)} characters)"


def show_catalog(osb):
    """As `cf marketplace -e` prints it."""
    for service in osb.catalog():
        print(f"   broker: cpbroker   offering: {service['name']}   {service['description']}")
        print(f"   {'plan':<16}{'free or paid':<14}description")
        for plan in service["plans"]:
            print(f"   {plan['name']:<16}{'free' if plan['free'] else 'paid':<14}{plan['description']}")


def create(demo, osb, instance, plan):
    demo.step(f"cf create-service confluent-platform {plan} my-kafka")
    osb.succeed("create", osb.put_instance(instance, plan), 202)
    end = osb.wait(instance, seconds=900, seen=demo.say)
    expect(end["state"] == "succeeded", f"create failed: {end.get('description')}")
    demo.done("create: 202 → succeeded")


def refuse(demo, osb, instance, plan):
    demo.step(f"cf create-service confluent-platform {plan} my-kafka -c '{{\"kafka_config\": {{\"log.retention.ms\": -5}}}}'")
    answer = osb.put_instance(instance, plan, parameters={"kafka_config": {"log.retention.ms": -5}})
    expect(answer.status == 400, f"a bad parameter was answered with {answer.status}")
    demo.say(f"refused, {answer.status} {answer.body['error']}: {answer.body['description']}")


def update(demo, osb, instance, plan):
    demo.step("cf update-service my-kafka -c '{\"kafka_config\": {\"log.retention.ms\": 3600000}}'")
    osb.succeed("update", osb.patch_instance(instance, plan, parameters={"kafka_config": {"log.retention.ms": 3600000}}), 202)
    end = osb.wait(instance, seconds=300, seen=demo.say)
    expect(end["state"] == "succeeded", f"update failed: {end.get('description')}")
    demo.done("update: 202 → succeeded")


def bind(demo, osb, instance, binding, plan, folder):
    demo.step("cf bind-service my-app my-kafka")
    body = osb.succeed("bind", osb.put_binding(instance, binding, plan), 201)
    demo.done("bind (synchronous)")
    for name, value in body["credentials"].items():
        print(f"   {name:<22}{masked(name, value)}")
    for endpoint in body["endpoints"]:
        print(f"   endpoint              {endpoint['host']}:{','.join(endpoint['ports'])} ({endpoint['protocol']})")
    clients.write_files(body["credentials"], folder)
    print(f"   written to {folder}: {', '.join(sorted(os.listdir(folder)))}")
    return body["credentials"]


def exchange(demo, credentials, folder):
    servers = credentials["bootstrap_servers"]
    demo.step(f"messages through {servers}, SASL_SSL with SCRAM-SHA-512")
    clients.create_topic(folder, servers, "demo")
    demo.say("Java kafka-topics created topic demo")
    sent = clients.java_produce(folder, servers, "demo", RECORDS)
    expect(sent.returncode == 0 and "ERROR" not in sent.stdout + sent.stderr, f"producer: {(sent.stdout + sent.stderr)[-600:]}")
    demo.say(f"Java console producer sent {RECORDS} records (client.properties unchanged, truststore.p12)")
    got = clients.librdkafka_consume(credentials, "demo", RECORDS)
    demo.say(f"librdkafka consumer read {got} records (ca.pem)")
    expect(got == RECORDS, f"sent {RECORDS} records, read {got}")
    demo.done(f"{RECORDS} records written and read")


def unbind(demo, osb, instance, binding, plan, credentials):
    demo.step("cf unbind-service my-app my-kafka")
    osb.succeed("unbind", osb.delete_binding(instance, binding, plan), 200)
    demo.say("binding deleted")
    error = clients.librdkafka_login_error(credentials)
    expect(error is not None, "the login still works after unbind")
    demo.say(f"the same credentials are refused: {error[:150]}")
    demo.done("unbind, and the refused login")


def delete(demo, osb, instance, plan, testbed, pg):
    namespace = pg.psql(f"select ns from instances where id = '{instance}'").strip()
    demo.step("cf delete-service my-kafka")
    osb.succeed("delete", osb.delete_instance(instance, plan), 202)
    end = osb.wait(instance, seconds=900, seen=demo.say)
    expect(end["state"] == "succeeded", f"delete failed: {end.get('description')}")
    demo.done("delete: 202 → succeeded")
    left = testbed.kubectl("get", "namespace", namespace, "--ignore-not-found", "-o", "name").strip()
    claims = testbed.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.claimRef.namespace}").split()
    rows = {t: int(pg.psql(f"select count(*) from {t}")) for t in ("instances", "bindings", "secrets")}
    journal = int(pg.psql("select count(*) from operation_steps"))
    print(f"   namespace {namespace}: {'STILL THERE' if left else 'gone'}; its volumes: {claims.count(namespace)}; "
          + "; ".join(f"{t}: {n} rows" for t, n in rows.items()) + f"; journal: {journal} steps of {pg.psql('select count(*) from operations').strip()} operations")
    expect(not left and namespace not in claims and not any(rows.values()), "something was left behind")


def run(demo, plan, osb, testbed, pg, folder):
    demo.step("cf marketplace")
    show_catalog(osb)
    instance, binding = str(uuid.uuid4()), str(uuid.uuid4())
    refuse(demo, osb, instance, plan)
    create(demo, osb, instance, plan)
    credentials = bind(demo, osb, instance, binding, plan, os.path.join(folder, "binding"))
    exchange(demo, credentials, os.path.join(folder, "binding"))
    update(demo, osb, instance, plan)
    unbind(demo, osb, instance, binding, plan, credentials)
    delete(demo, osb, instance, plan, testbed, pg)


def stay(osb, broker, testbed):
    print(f"\n   broker     {osb.url}\n   user       {broker.username}\n   password   {broker.password}\n   KUBECONFIG={testbed.kubeconfig}\n"
          f"   log        {broker.log}\n\n   curl -u {broker.username}:{broker.password} -H 'X-Broker-API-Version: 2.17' {osb.url}/v2/catalog\n"
          "\nCtrl-C ends it.", flush=True)
    try:
        while broker.alive():
            time.sleep(0.5)
    except KeyboardInterrupt:
        print()


def main():
    mode, plan = sys.argv[1], os.environ.get("PLAN", "developer")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = Demo()
    folder = tempfile.mkdtemp(prefix="cpbroker-")
    testbed = Testbed("demo" if mode == "demo" else "dev", tier=int(os.environ.get("TIER", "2")))
    try:
        demo.step("PostgreSQL, Kubernetes, migrate, serve")
        with PrivatePostgres() as pg:
            demo.say("PostgreSQL runs")
            with testbed:
                demo.say("Kubernetes runs")
                broker = Broker(pg.conninfo, os.path.join(folder, "broker.log"), **testbed.settings())
                broker.run("migrate")
                with broker:
                    demo.say(f"the broker serves on port {broker.port}")
                    demo.done("start")
                    if mode == "dev":
                        stay(broker.osb(), broker, testbed)
                    else:
                        run(demo, plan, broker.osb(), testbed, pg, folder)
                demo.step("stop")
            demo.done("stop")
        if mode == "demo":
            demo.table()
    except Exception as e:
        log = os.path.join(folder, "broker.log")
        if os.path.exists(log):
            print("\nlast lines of the broker's log:", *open(log).read().splitlines()[-12:], sep="\n   ", file=sys.stderr)
        raise SystemExit(f"demo: {e}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
