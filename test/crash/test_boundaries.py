"""
SIGKILL at every step boundary of provision, bind, unbind and deprovision: the next broker finishes, and the objects equal those of an
undisturbed run. The boundaries are learned from a run that lists the failpoints it passes. Tier 1: real API server, fake pods, Kafka double.
"""
import contextlib
import os
import sys
import threading
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.objects import difference, normalized
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

LANES = int(os.environ.get("CRASH_LANES", "4"))
PLAN, KINDS = "developer", ("provision", "bind", "unbind", "deprovision")
report, lock = Report(), threading.Lock()


class Lane:
    """A database of its own, and brokers on it."""

    def __init__(self, testbed, folder, number):
        self.pg, self.name, self.testbed = PrivatePostgres(), f"lane{number}", testbed
        self.pg.start()
        self.conninfo = self.pg.conninfo
        self.folder, self.seal_keys, self.password = folder, new_seal_key(), uuid.uuid4().hex
        self.prefix = f"c{number}"
        self.broker().run("migrate")

    def broker(self, environment=None, **more):
        return Broker(self.conninfo, os.path.join(self.folder, f"{self.name}.log"), variant="test", environment=environment,
                      seal_keys=self.seal_keys, password=self.password, lease_seconds=2, poll_ms=100,
                      namespace_prefix=self.prefix, **self.testbed.settings(), **more)


def step(osb, kind, instance, binding):
    """Sends the request of one kind; a broker that dies over it, or an identical repeat, is fine."""
    try:
        if kind == "provision":
            return osb.put_instance(instance, PLAN).status
        if kind == "bind":
            return osb.put_binding(instance, binding, PLAN, asynchronous=True).status
        if kind == "unbind":
            return osb.delete_binding(instance, binding, PLAN, asynchronous=True).status
        return osb.delete_instance(instance, PLAN).status
    except OSError:
        return None


def finish(osb, kind, instance, binding):
    """Follows the operation to its end on a broker that lives."""
    end = osb.wait(instance, binding if kind in ("bind", "unbind") else None, seconds=120)
    if end["state"] != "succeeded":
        raise RuntimeError(f"{kind}: {end}")


def prepare(osb, kind, instance, binding):
    """Brings the instance to where an operation of this kind can start."""
    for before in KINDS[:KINDS.index(kind)]:
        if kind == "deprovision" and before == "unbind":
            continue
        status = step(osb, before, instance, binding)
        if status not in (200, 201, 202):
            raise RuntimeError(f"{before} was answered with {status}")
        finish(osb, before, instance, binding)


def snapshot(lane, instance):
    return normalized(lane.testbed, f"{lane.prefix}-{instance}", instance)


def learn(lane, folder):
    """(failpoints of all kinds in order, objects of an undisturbed instance)."""
    listing = os.path.join(folder, "failpoints")
    instance, binding, objects = str(uuid.uuid4()), str(uuid.uuid4()), None
    with lane.broker({"CPBROKER_FAILPOINT_LIST": listing}) as broker:
        osb = broker.osb()
        for kind in KINDS:
            step(osb, kind, instance, binding)
            finish(osb, kind, instance, binding)
            objects = objects or snapshot(lane, instance)
    with open(listing) as file:
        names = [n for n in dict.fromkeys(file.read().splitlines()) if n.split(".")[0] in KINDS]
    return names, objects


def crash_once(lane, point, undisturbed):
    """Dies at `point`, carries on with another broker, compares. Gives what differed."""
    kind = point.split(".")[0]
    instance, binding = str(uuid.uuid4()), str(uuid.uuid4())
    with lane.broker() as broker:
        prepare(broker.osb(), kind, instance, binding)
    victim = lane.broker({"CPBROKER_FAILPOINT": point}).start()
    step(victim.osb(), kind, instance, binding)
    until = time.monotonic() + 60
    while victim.alive():
        if time.monotonic() > until:
            victim.kill()
            return ["the broker did not pass this boundary"]
        time.sleep(0.02)
    differences = []
    with lane.broker() as broker:
        osb = broker.osb()
        finish(osb, kind, instance, binding)
        if kind == "deprovision":
            left = lane.testbed.kubectl("get", "ns", f"{lane.prefix}-{instance}", "--ignore-not-found", "-o", "name").strip()
            return [f"{left} is left"] if left else []
        differences += difference(undisturbed, snapshot(lane, instance))
        got = osb.get_binding(instance, binding).status
        if kind in ("bind", "unbind") and got != (200 if kind == "bind" else 404):
            differences.append(f"GET binding after {kind}: {got}")
        osb.delete_instance(instance, PLAN)
        finish(osb, "deprovision", instance, binding)
    return differences


def run_lane(lane, points, undisturbed):
    while True:
        with lock:
            if not points:
                return
            point = points.pop(0)
        began = time.monotonic()
        try:
            differences = crash_once(lane, point, undisturbed)
        except Exception as e:
            differences = [f"{type(e).__name__}: {e}"]
        with lock:
            report.check(f"killed at {point:<42} ({time.monotonic() - began:5.1f} s) the next broker finished, objects equal", not differences,
                         "; ".join(differences))


def main():
    only = sys.argv[1:]
    folder = scratch("crash")
    with contextlib.ExitStack() as stack, Testbed("crash", tier=1) as testbed:
        lanes = []
        for i in range(LANES):
            lanes.append(Lane(testbed, folder, i))
            stack.callback(lanes[i].pg.remove)
        points, undisturbed = learn(lanes[0], folder)
        report.check(f"{len(points)} step boundaries found", len(points) > 40, points)
        if only:
            points = [p for p in points if any(p.startswith(o) for o in only)]
        threads = [threading.Thread(target=run_lane, args=(lane, points, undisturbed)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = [n for n in testbed.kubectl("get", "ns", "-o", "name").split() if n.startswith("namespace/c") and n[11:12].isdigit()]
        report.equal("no namespace is left", left, [])
    report.close()


if __name__ == "__main__":
    main()
