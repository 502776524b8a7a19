"""Dependencies that go away and come back, clean stops, a delete during create, a namespace that is somebody else's. Tier 1."""
# variants: test tsan
import os
import threading
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

report = Report()
PLAN = "developer"


def eventually(condition, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def create_and_delete(osb, name):
    instance = str(uuid.uuid4())
    osb.put_instance(instance, PLAN)
    end = osb.wait(instance, seconds=180)
    report.check(f"{name}: create succeeds", end["state"] == "succeeded", end)
    osb.delete_instance(instance, PLAN)
    end = osb.wait(instance, seconds=180)
    report.check(f"{name}: delete succeeds", end["state"] == "succeeded", end)


def database_away(broker, pg):
    osb = broker.osb()
    plan = osb.plan(PLAN)
    pg.kill()
    answer = osb.put_instance(str(uuid.uuid4()), plan)
    report.equal("database away: PUT is 503", answer.status, 503)
    report.check("database away: with Retry-After and a description", answer.headers.get("Retry-After") and answer.body.get("description"), answer.body)
    report.equal("database away: last_operation is 503", osb.last_operation("x").status, 503)
    report.equal("database away: the catalog is served", osb.call("GET", "/v2/catalog").status, 200)
    report.equal("database away: /readyz is 503", osb.call("GET", "/readyz").status, 503)
    report.equal("database away: /healthz is 200", osb.call("GET", "/healthz").status, 200)
    pg.start()
    report.check("database back: ready by itself", eventually(lambda: osb.call("GET", "/readyz").status == 200))
    report.equal("database back: the refused PUT left no row", pg.psql("select count(*) from instances").strip(), "0")
    create_and_delete(osb, "database back")


def database_away_during_operation(broker, pg):
    osb, instance = broker.osb(), str(uuid.uuid4())
    osb.put_instance(instance, PLAN)
    time.sleep(0.5)
    pg.kill()
    time.sleep(2)
    pg.start()
    report.check("database killed during a create: ready again", eventually(lambda: osb.call("GET", "/readyz").status == 200))
    end = osb.wait(instance, seconds=180)
    report.check("database killed during a create: it goes on and succeeds", end["state"] == "succeeded", end)
    osb.delete_instance(instance, PLAN)
    osb.wait(instance, seconds=180)


def api_server_away(broker, testbed):
    osb, instance = broker.osb(), str(uuid.uuid4())
    testbed.stop_api_server()
    answer = osb.put_instance(instance, PLAN)
    report.equal("API server away: PUT is accepted", answer.status, 202)
    time.sleep(3)
    now = osb.last_operation(instance).body
    report.check("API server away: the operation waits and says why", now["state"] == "in progress" and len(now["description"]) > 20, now)
    testbed.start_api_server()
    end = osb.wait(instance, seconds=240)
    report.check("API server back: it goes on and succeeds", end["state"] == "succeeded", end)
    testbed.stop_api_server()
    osb.delete_instance(instance, PLAN)
    time.sleep(2)
    testbed.start_api_server()
    end = osb.wait(instance, seconds=240)
    report.check("API server away during a delete: it succeeds", end["state"] == "succeeded", end)


def delete_during_create(broker, testbed, pg):
    osb = broker.osb()
    for delay in (0, 0.3, 1.0):
        instance = str(uuid.uuid4())
        osb.put_instance(instance, PLAN)
        namespace = pg.psql(f"select ns from instances where id = '{instance}'").strip()
        time.sleep(delay)
        answer = osb.delete_instance(instance, PLAN)
        report.equal(f"delete {delay} s into a create: accepted", answer.status, 202)
        end = osb.wait(instance, seconds=120)
        report.check(f"delete {delay} s into a create: succeeds", end["state"] == "succeeded", end)
        time.sleep(1)
        report.equal(f"delete {delay} s into a create: nothing is left",
                     testbed.kubectl("get", "ns", namespace, "--ignore-not-found", "-o", "name"), "")


def foreign_namespace(broker, testbed):
    osb, instance = broker.osb(), str(uuid.uuid4())
    testbed.kubectl("create", "ns", f"cp-{instance}")
    osb.put_instance(instance, PLAN)
    end = osb.wait(instance, seconds=60)
    report.check("a namespace of somebody else: create fails and says so",
                 end["state"] == "failed" and "belongs to something else" in end["description"], end)
    report.equal("a failed create: GET is 404", osb.call("GET", osb.instance_path(instance)).status, 404)
    osb.delete_instance(instance, PLAN)
    end = osb.wait(instance, seconds=60)
    report.check("a namespace of somebody else: delete succeeds", end["state"] == "succeeded", end)
    report.check("a namespace of somebody else: it stays", testbed.kubectl("get", "ns", f"cp-{instance}", "-o", "name").strip() != "")
    testbed.kubectl("delete", "ns", f"cp-{instance}", "--wait=false")


def clean_stop(make, testbed):
    first = make().start()
    osb, instance = first.osb(), str(uuid.uuid4())
    osb.put_instance(instance, PLAN)
    time.sleep(0.4)
    code = {}
    stopper = threading.Thread(target=lambda: code.update(exit=first.stop()))
    began = time.monotonic()
    stopper.start()
    stopper.join()
    report.equal("SIGTERM during a create: exit 0", code["exit"], 0)
    report.check("SIGTERM during a create: within the grace", time.monotonic() - began < 35, time.monotonic() - began)
    with make() as second:
        began = time.monotonic()
        end = second.osb().wait(instance, seconds=120)
        report.check("another broker finishes it", end["state"] == "succeeded", end)
        second.osb().delete_instance(instance, PLAN)
        second.osb().wait(instance, seconds=120)


def main():
    folder, variant = scratch("faults"), os.environ.get("VARIANT", "test")
    seal_keys, password = new_seal_key(), uuid.uuid4().hex
    with PrivatePostgres() as pg, Testbed("faults", tier=1) as testbed:
        def make():
            return Broker(pg.conninfo, os.path.join(folder, "broker.log"), variant=variant, seal_keys=seal_keys, password=password,
                          lease_seconds=4, **testbed.settings())
        make().run("migrate")
        with make() as broker:
            report.section("database away", database_away, broker, pg)
            report.section("database away during an operation", database_away_during_operation, broker, pg)
            report.section("API server away", api_server_away, broker, testbed)
            report.section("delete during create", delete_during_create, broker, testbed, pg)
            report.section("foreign namespace", foreign_namespace, broker, testbed)
        report.section("clean stop", clean_stop, make, testbed)
        if report.failed:
            print(make().tail(40))
    report.close()


if __name__ == "__main__":
    main()
