#!/usr/bin/env python3
"""Conformance of a broker with the Open Service Broker API 2.17, rule by rule, as its clients see it.

    test_osb.py [--write] [--tier 2] [--only WORD] [--verbose] [--lies]

Without OSB_URL it starts a broker of its own; with OSB_URL, OSB_USERNAME, OSB_PASSWORD and perhaps OSB_PLAN it asks that one.
--write writes the outcomes into README.md; --tier 2: only flows, on real pods; --only: cases whose name has WORD.
--lies: what the cases see is falsified at random, run after run; each rule must fail in one of these runs."""
import argparse
import concurrent.futures
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "integration")]

import lies  # noqa: E402
import world  # noqa: E402
from invariants import Observer  # noqa: E402
from suite import CASES, UNCHECKED, Outcomes, read_rules, readme_parts, write_readme  # noqa: E402

import cases_bindings  # noqa: E402, F401
import cases_catalog  # noqa: E402, F401
import cases_clients  # noqa: E402, F401
import cases_http  # noqa: E402, F401
import cases_instances  # noqa: E402, F401
import cases_own  # noqa: E402, F401
import cases_polling  # noqa: E402, F401
import cases_updates  # noqa: E402, F401
from not_applicable import NEVER  # noqa: E402

THREADS = {1: 16, 2: 3}  # by tier


def run_cases(outcomes, w, chosen, threads=THREADS[1]):
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda one: outcomes.run(one, w), chosen))


def clean(w):
    """Leaves nothing in a broker that was there before."""
    if not w.own:
        for instance in (w.ready, w.other):
            w.client.drop(instance)


def choose(outcomes, arguments):
    """The cases to run; the rules of the others are not applicable."""
    chosen = []
    for one in sorted(CASES, key=lambda c: not (c.slow or c.needs == world.SETTINGS)):
        if outcomes.foreign and one.needs:
            outcomes.not_applicable(one.rules, f"needs {one.needs}")
        elif arguments.tier == 2 and not one.flow:
            continue
        elif arguments.only in one.name:
            chosen.append(one)
    return chosen


def show(outcomes, partial):
    """A line for each rule; gives how many passed and failed."""
    count = {"passed": 0, "failed": len(outcomes.crashed), "not applicable": 0}
    for rule in outcomes.rules.values():
        outcome, reason = outcomes.of(rule.id)
        if partial and reason == UNCHECKED:
            continue
        if outcomes.foreign and outcome == "failed" and rule.level in ("may", "own"):
            outcome = "differs"
        count[outcome] = count.get(outcome, 0) + 1
        print(f"{rule.id}  {rule.section:36} {outcome}{': ' + reason if reason else ''}")
    return count


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is taken down
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--tier", type=int, default=1, choices=(1, 2))
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--lies", action="store_true")
    arguments = parser.parse_args()
    began = time.monotonic()
    foreign = bool(os.environ.get("OSB_URL"))
    outcomes = Outcomes(read_rules(), NEVER, arguments.verbose, foreign)
    observer = Observer(outcomes)
    with world.foreign_world(observer) if foreign else world.own_world(observer, arguments.tier) as w:
        if arguments.tier == 2:
            w.client.patience = 900
        w.prepare()
        chosen = choose(outcomes, arguments)
        if arguments.lies:
            return lies.report(w, chosen, run_cases)
        run_cases(outcomes, w, chosen, THREADS[arguments.tier])
        clean(w)
    partial = bool(arguments.only) or arguments.tier == 2 or foreign
    count = show(outcomes, partial)
    if not partial:
        if arguments.write and not count["failed"]:
            write_readme(outcomes.table())
        elif not count["failed"] and readme_parts()[1] != outcomes.table():
            print("FAIL  the table in test/osb/README.md is not that of this run: test/osb/test_osb.py --write")
            count["failed"] += 1
    print(f"{len(CASES)} cases, {observer.seen} answers, {sum(outcomes.good.values())} checks, {count['not applicable']} rules not applicable, "
          f"{time.monotonic() - began:.0f} s")
    print(f"{count['passed']} passed, {count['failed']} failed", flush=True)
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
