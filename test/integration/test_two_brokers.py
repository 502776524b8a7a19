"""Two brokers on one database, 50 instances on tier 1, one broker killed midway: every operation ends once, none twice."""
# variants: test tsan
import collections
import os
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

INSTANCES = int(os.environ.get("INSTANCES", "50"))
report = Report()


def wait_until(condition, seconds, what):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(0.2)


def main():
    folder, variant = scratch("two"), os.environ.get("VARIANT", "test")
    seal_keys, password = new_seal_key(), uuid.uuid4().hex
    with PrivatePostgres() as pg, Testbed("two", tier=1) as testbed:
        brokers = [Broker(pg.conninfo, os.path.join(folder, f"{i}.log"), variant=variant, seal_keys=seal_keys, password=password,
                          lease_seconds=4, workers=8, **testbed.settings()) for i in range(2)]
        brokers[0].run("migrate")
        for broker in brokers:
            broker.start()
        ids = [str(uuid.uuid4()) for _ in range(INSTANCES)]
        clients = [b.osb() for b in brokers]
        plan = clients[0].plan("developer")
        answers = [clients[i % 2].put_instance(instance, plan) for i, instance in enumerate(ids)]
        report.check(f"{INSTANCES} provisions are accepted by both", all(a.status == 202 for a in answers), [a.status for a in answers])

        def done():
            return int(pg.psql("select count(*) from operations where state <> 'in progress'"))
        wait_until(lambda: done() >= INSTANCES // 5, 300, "too few provisions ended before the kill")
        owners = pg.psql("select count(distinct owner) from operation_steps").strip()
        report.equal("both brokers have worked", owners, "2")
        brokers[0].kill()
        at_kill = done()
        report.check(f"the first broker is killed after {at_kill} of {INSTANCES}", at_kill < INSTANCES)
        wait_until(lambda: done() >= INSTANCES, 600, f"{done()} of {INSTANCES} ended")
        states = collections.Counter(clients[1].last_operation(i).body["state"] for i in ids)
        report.equal("every provision succeeded", dict(states), {"succeeded": INSTANCES})
        rows = pg.psql("select count(*), count(distinct instance_id) from operations").strip().replace("|", " ").split()
        report.equal("one operation per instance", rows, [str(INSTANCES)] * 2)
        twice = pg.psql("select count(*) from (select operation_id, index from operation_steps group by 1, 2 having count(*) > 1) x").strip()
        report.equal("no step is in the journal twice", twice, "0")
        unfinished = pg.psql("select count(*) from operation_steps where ended_at is null").strip()
        report.equal("every journalled step ended", unfinished, "0")
        ended = collections.Counter()
        for broker in brokers:
            with open(broker.log) as log:
                for line in log:
                    if '"event":"operation ended"' in line:
                        ended[line.split('"operation":"')[1].split('"')[0]] += 1
        report.check("no operation ended twice", max(ended.values()) == 1 and len(ended) <= INSTANCES, ended.most_common(3))
        namespaces = testbed.kubectl("get", "ns", "-l", "app.kubernetes.io/managed-by=cpbroker", "-o", "name").split()
        report.equal("one namespace per instance", len(namespaces), INSTANCES)
        for instance in ids:
            clients[1].delete_instance(instance, plan)
        wait_until(lambda: pg.psql("select count(*) from instances").strip() == "0", 600, "not all deleted")
        left = testbed.kubectl("get", "ns", "-l", "app.kubernetes.io/managed-by=cpbroker", "-o", "name").split()
        report.equal("all deleted, no namespace left", left, [])
        report.equal("the second broker stops cleanly", brokers[1].stop(), 0)
        if report.failed:
            print(brokers[1].tail(30))
    report.close()


if __name__ == "__main__":
    main()
