"""
SIGKILL at every boundary of every operation, from its acceptance over each step to its end: the next broker finishes it, and objects, Kafka, rows and
answers equal those of an undisturbed run. The boundaries are learned from runs that list the failpoints they pass. Tier 1: real API server, fake
pods, Kafka double.

    test_boundaries.py [BEGINNING…]     only boundaries whose names begin so, such as "rotate" or "update bind.user"
"""
import contextlib
import os
import sys
import threading
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.objects import difference
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres
from scenarios import CREATE, PLAN, SCENARIOS, expect

LANES = int(os.environ.get("CRASH_LANES", "6"))
COMMITS = ["store.commit.before", "store.commit.after"]  # of the acceptance: the first commit of a broker that was just started
report, lock = Report(), threading.Lock()


class Lane:
    """A database of its own, brokers on it, and an instance for the scenarios that need not have their own."""

    def __init__(self, testbed, folder, number):
        self.pg, self.name, self.testbed = PrivatePostgres(), f"lane{number}", testbed
        self.pg.start()
        self.folder, self.seal_keys, self.password = folder, new_seal_key(), uuid.uuid4().hex
        self.prefix, self.standing = f"c{number}", None
        self.broker().run("migrate")

    def broker(self, environment=None, upkeep_seconds=3600, **more):
        return Broker(self.pg.conninfo, os.path.join(self.folder, f"{self.name}.log"), variant="test", environment=environment,
                      seal_keys=self.seal_keys, password=self.password, lease_seconds=2, poll_ms=100, upkeep_seconds=upkeep_seconds,
                      namespace_prefix=self.prefix, **self.testbed.settings(), **more)

    def namespace(self, instance):
        return f"{self.prefix}-{instance}"

    def new(self, scenario, osb):
        """A run of the scenario, prepared."""
        if not scenario.own and not self.standing:
            instance = str(uuid.uuid4())
            expect("provision", osb.put_instance(instance, PLAN, parameters=CREATE), 202)
            osb.wait(instance, seconds=120)
            self.standing = instance
        run = scenario(self, str(uuid.uuid4()) if scenario.own else self.standing, str(uuid.uuid4()), str(uuid.uuid4()))
        run.prepare(osb)
        return run

    def abandon(self, scenario):
        """After a failure nobody knows what the standing instance is like."""
        if not scenario.own:
            self.standing = None


def learn(lane, folder, scenario):
    """(names of the boundaries in order, what an undisturbed run leaves)."""
    listing = os.path.join(folder, f"failpoints-{scenario.name}")
    with lane.broker() as broker:
        run = lane.new(scenario, broker.osb())
    with lane.broker({"CPBROKER_FAILPOINT_LIST": listing}, upkeep_seconds=1) as broker:
        osb = broker.osb()
        run.ask(osb)
        run.finish(osb)
        seen = run.look(osb)
        with open(listing) as file:
            points = [n for n in dict.fromkeys(file.read().splitlines()) if n.split(".")[0] in scenario.kinds]
        run.tidy(osb)
    return points + (COMMITS if scenario.asks or scenario.name == "expire" else []), seen


def die(victim):
    until = time.monotonic() + 60
    while victim.alive():
        if time.monotonic() > until:
            victim.kill()
            raise TimeoutError("the broker did not pass this boundary")
        time.sleep(0.01)


def crash_once(lane, scenario, point, undisturbed):
    """Dies at `point`, carries on with another broker, compares. Gives what differs."""
    with lane.broker() as broker:
        run = lane.new(scenario, broker.osb())
    victim = lane.broker({"CPBROKER_FAILPOINT": point}, upkeep_seconds=1)
    with contextlib.suppress(OSError, *([] if scenario.asks else [RuntimeError])):  # what it does unasked may kill it while it starts
        victim.start()
        run.ask(victim.osb())
    die(victim)
    with lane.broker(upkeep_seconds=1) as broker:
        osb = broker.osb()
        if point in COMMITS and scenario.asks:
            expect("the request, sent again,", run.ask(osb), 200, 202, 410)
        run.finish(osb)
        differences = difference(undisturbed, run.look(osb))
        run.tidy(osb)
    return differences


def run_lane(lane, work, task):
    while True:
        with lock:
            if not work:
                return
            scenario, *rest = work.pop(0)
        began = time.monotonic()
        try:
            faults = task(lane, scenario, *rest)
        except Exception as e:
            faults = [f"{type(e).__name__}: {e}"]
        if faults:
            lane.abandon(scenario)
        with lock:
            report.check(f"{scenario.name}{''.join(f', killed at {r}' for r in rest)} ({time.monotonic() - began:.1f} s)", not faults, "; ".join(faults or []))


def in_lanes(lanes, work, task):
    threads = [threading.Thread(target=run_lane, args=(lane, work, task)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    only, known, folder = sys.argv[1:], {}, scratch("crash")
    wanted = [s for s in SCENARIOS.values() if not only or any(o.startswith(s.name) or s.name.startswith(o) for o in only)]

    def learn_one(lane, scenario):
        known[scenario] = learn(lane, folder, scenario)

    with contextlib.ExitStack() as stack, Testbed("crash", tier=1) as testbed:
        lanes = []
        for i in range(LANES):
            lanes.append(Lane(testbed, folder, i))
            stack.callback(lanes[i].pg.remove)
        in_lanes(lanes, [(s,) for s in wanted], learn_one)
        work = [(s, p) for s in wanted if s in known for p in known[s][0] if not only or any(f"{s.name} {p}".startswith(o) for o in only)]
        if not only:
            report.check(f"{len(work)} boundaries found", len(work) > 80 and len(known) == len(SCENARIOS), work)
        in_lanes(lanes, work, lambda lane, scenario, point: crash_once(lane, scenario, point, known[scenario][1]))
        for lane in lanes:
            if lane.standing:
                with lane.broker() as broker:
                    osb = broker.osb()
                    expect("delete", osb.delete_instance(lane.standing, PLAN), 202)
                    osb.wait(lane.standing, seconds=120)
        left = [n for n in testbed.kubectl("get", "ns", "-o", "name").split() if n.startswith("namespace/c") and n[11:12].isdigit()]
        report.equal("no namespace is left", left, [])
    report.close()


if __name__ == "__main__":
    main()
