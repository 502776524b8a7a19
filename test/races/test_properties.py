"""
Random sequences of all calls, with good and bad bodies, against two brokers that are killed now and then, while a worker that the test plays claims
operations, ends them, fails them, and loses its leases. Every answer must be one that the model (model.py) permits, and at the end of each sequence
deletes must lead to nothing left. A sequence that fails is run again alone, and shortened to the steps that it takes.

    test_properties.py [--seed N] [--sequences N] [--only NUMBER] [--threads N]
"""
# variants: test asan
import argparse
import collections
import contextlib
import itertools
import json
import queue
import random
import select
import sys
import threading
import time

import model
from crew import Crew, Dead
from harness.build import VARIANT
from harness.report import Report
from steps import INSTANCES, sequence
from wire import request_bytes

PLAYER = 7         # the hand that takes and ends an operation at once
SYNC_SECONDS = 20  # within which a synchronous request's operation is there to be claimed
SHRINK_SECONDS = 60
BROKEN = {"json": b"{", "array": b"[]"}


class Wrong(Exception):
    """An answer that the model does not permit."""


class Sequence:
    """One run of steps; `name` makes its ids and its organization unlike any other's."""

    def __init__(self, player, name, seen):
        self.player, self.name, self.seen = player, name, seen
        self.ids = player.crew.ids
        self.names = {v: k for k, v in self.ids.items()}
        self.worlds = [model.World()]

    # Requests.

    def real(self, name):
        return f"{self.name}-{name}"

    def target(self, r):
        path = "/v2/service_instances/" + self.real(r["instance"])
        if r.get("binding"):
            path += "/service_bindings/" + self.real(r["binding"])
        if r["call"] == "last_operation":
            return path + "/last_operation"
        arguments = ["accepts_incomplete=true"] if r["asynchronous"] and not r["call"].startswith("get") else []
        if r["call"].startswith("delete") and not r.get("no_ids"):
            arguments += [f"service_id={self.ids['service']}", f"plan_id={self.ids['plan']}"]
        return path + ("?" + "&".join(arguments) if arguments else "")

    def body(self, r):
        if r["call"].startswith(("get", "delete", "last")):
            return None
        if r.get("broken") in BROKEN:
            return BROKEN[r["broken"]]
        body = {"service_id": self.ids["service"], "plan_id": self.ids.get(r.get("plan"), r.get("plan")), "parameters": r["parameters"]}
        if r["call"] == "put_instance":
            body.update(organization_guid=self.name, space_guid=r["space"])
        if r.get("context"):
            body["context"] = r["context"]
        if r.get("maintenance"):
            body["maintenance_info"] = {"version": r["maintenance"]}
        if r["call"] == "put_binding":
            body["bind_resource"] = {"app_guid": r["app"]}
        if r.get("predecessor"):
            body["predecessor_binding_id"] = self.real(r["predecessor"])
            if not r.get("plan"):
                del body["service_id"]
        if r.get("broken") == "type":
            body["context"] = 5
        if r.get("broken") == "missing":
            body["predecessor_binding_id"] = None
            del body["organization_guid" if r["call"] == "put_instance" else "plan_id" if r["call"] == "put_binding" else "service_id"]
        return {k: v for k, v in body.items() if k != "plan_id" or v is not None}

    def bytes(self, r):
        version = f"2.{r['minor']}" if r["minor"] else random.choice((None, "", "x", "3.0", "1.17"))
        return request_bytes(r["call"].split("_")[0].upper() if r["call"] != "last_operation" else "GET", self.target(r), self.body(r), version,
                             self.player.crew.token if r.get("auth") is not False else "eDp5")

    def receive(self, sent, r):
        """The answer with the catalog's ids named; None when the broker died."""
        try:
            reply = self.player.receive(sent)
        except Dead:
            self.seen[r["call"], "killed"] += 1
            return None
        self.seen[r["call"], reply.status] += 1
        if isinstance(reply.body, dict):
            reply.body.update({k: self.names.get(v, v) for k, v in reply.body.items() if k in ("service_id", "plan_id")})
        return reply

    # Worlds.

    def keep(self, worlds, complaints):
        """Only these are possible now."""
        self.worlds = list({w.key(): w for w in worlds}.values())
        if not self.worlds:
            raise Wrong("; or ".join(dict.fromkeys(complaints)))

    def settle(self, requests, replies):
        """Requests that were sent at once have happened one after the other, in some order; those without an answer perhaps not at all."""
        kept, complaints = [], []
        for world, order in itertools.product(self.worlds, itertools.permutations(range(len(requests)))):
            now = [world]
            for i in order:
                after = []
                for w in now:
                    answer, changed = model.apply(w, requests[i])
                    if replies[i] is None:
                        after += [w, changed]
                        continue
                    complaint, changed = model.match(answer, changed, replies[i])
                    if complaint:
                        complaints.append(f"{requests[i]['call']} {complaint}")
                    else:
                        after.append(changed)
                now = after
            kept += now
        self.keep(kept, complaints)

    def move(self, what, got, function):
        """A move of the worker, which has been told `got`."""
        after = [(function(w), w) for w in self.worlds]
        self.keep([changed for (told, changed), _ in after if told == got], [f"{what}: got {got}, wanted {told}" for (told, _), _ in after])

    # Steps.

    def request(self, broker, r):
        sent = self.player.send(broker, self.bytes(r))
        self.settle([r], [self.receive(sent, r)])

    def pair(self, broker, one, two):
        first = self.player.send(broker, self.bytes(one))
        second = self.player.send(1 - broker, self.bytes(two))
        self.settle([one, two], [self.receive(first, one), self.receive(second, two)])

    def sync(self, broker, r, succeeds):
        """A request that waits, and its operation, which the worker ends meanwhile. Where it is not sure that there will be one: without waiting."""
        key, after = (r["instance"], r["binding"]), [model.apply(w, r) for w in self.worlds]
        waits = [a.waits and model.claimable(changed, key) and not model.is_open(w, key) for w, (a, changed) in zip(self.worlds, after)]
        if not all(waits) and any(a.waits for a, _ in after):
            return self.request(broker, {**r, "asynchronous": True})
        sent, claimed, until = self.player.send(broker, self.bytes(r)), "none", time.monotonic() + SYNC_SECONDS
        while all(waits) and claimed == "none" and not select.select([sent[1].socket], [], [], 0.002)[0]:
            claimed = self.player.claim(PLAYER, self.real(key[0]), self.real(key[1]))
            if time.monotonic() > until:
                raise Wrong(f"{r}: neither an operation nor an answer in {SYNC_SECONDS} s")
        if claimed == "none":
            return self.settle([r], [self.receive(sent, r)])
        self.worlds = [w for _, w in after]
        self.end_held(key, claimed, succeeds)
        reply = self.receive(sent, r)
        if reply and not succeeds:
            if reply.status < 500 or not reply.body.get("error"):
                raise Wrong(f"{r['call']} that failed: {reply}")
        elif reply:
            complaints = [model.match(a, w, reply)[0] for a, w in after]
            if all(complaints):
                raise Wrong(f"{r['call']} that waited: {complaints}")
        return None

    def end_held(self, key, claimed, succeeds):
        self.move("claim", claimed, lambda w: model.claim(w, key, PLAYER))
        self.end(PLAYER, succeeds)

    def take(self, hand, key):
        """The hand tries to claim; whether it got something."""
        got = self.player.claim(hand, self.real(key[0]), self.real(key[1]) if key[1] else None)
        self.move(f"claim of {key}", got, lambda w: model.claim(w, key, hand))
        return got != "none"

    def open_key(self, which):
        keys = sorted({k for w in self.worlds for k, o in w.last.items() if o.state == "in progress"}, key=repr)
        return keys[which % len(keys)] if keys else None

    def claim(self, which, hand):
        key = self.open_key(which)
        if key and hand not in self.worlds[0].hands:
            self.take(hand, key)

    def work(self, which, succeeds):
        """Takes one of the open operations, if that is possible now, and ends it."""
        key = self.open_key(which)
        if key and self.take(PLAYER, key):
            self.end(PLAYER, succeeds)

    def describe(self, hand):
        if hand in self.worlds[0].hands:
            got = self.player.order(hand, "describe 3 1/2 half of it")
            self.move("describe", got, lambda w: model.describe(w, hand, "1/2 half of it"))

    def end(self, hand, succeeds):
        if hand in self.worlds[0].hands:
            text = "all is well" if succeeds else "2/2 it went wrong"
            got = self.player.order(hand, f"end {'succeeded' if succeeds else 'failed'} {text}")
            self.move("end", got, lambda w: model.end(w, hand, succeeds, text))

    def lapse(self, hand):
        if hand in self.worlds[0].hands:
            instance = self.real(self.worlds[0].hands[hand][0][0])
            self.player.sql(f"update operations set lease_until = now() - interval '1 s', not_before = now() + interval '1 day' where"
                            f" instance_id = '{instance}' and owner = 'osb-worker-{hand}' and lease_until is not null")
            self.keep([model.lapse(w, hand) for w in self.worlds], [])

    def steal(self, hand):
        """The lease runs out, and the other hand takes the operation."""
        if hand in self.worlds[0].hands:
            key = self.worlds[0].hands[hand][0]
            self.lapse(hand)
            if 1 - hand not in self.worlds[0].hands:
                self.take(1 - hand, key)

    def expire(self, binding):
        self.player.sql("update bindings set expires_at = now() - interval '1 s', renew_before = now() - interval '1 s'"
                        f" where id = '{self.real(binding)}' and expires_at is not null")
        self.keep([model.expire(w, binding) for w in self.worlds], [])

    def kill(self, broker, failpoint):
        self.player.crew.slots[broker].kill(self.player.sql, failpoint)

    # The end.

    def delete_all(self):
        """Deletes always lead to nothing."""
        for hand in list(self.worlds[0].hands):
            self.end(hand, False)
        for _ in range(8):
            for which in range(12):
                self.work(which, True)
            left = sorted({i for w in self.worlds for i in w.instances})
            if not left and not self.open_key(0):
                break
            for instance in left:
                self.request(0, {"call": "delete_instance", "instance": instance, "minor": 17, "asynchronous": True})
        else:
            raise Wrong(f"not all is deleted: {self.worlds[0].instances} {self.open_key(0)}")
        for instance in INSTANCES:
            for call in ("get_instance", "last_operation"):
                self.request(1, {"call": call, "instance": instance, "minor": 17, "asynchronous": True})
        rows = self.player.sql(f"select 'instance', id from instances where id like '{self.name}-%' union all select 'binding', id from bindings"
                               f" where id like '{self.name}-%' union all select 'secret', instance_id from secrets where instance_id like '{self.name}-%'"
                               f" union all select 'usage', sum(instances)::text from usage where scope = 'organization' and key = '{self.name}'"
                               " having sum(abs(instances) + abs(brokers)) > 0 and sum(instances) <> 0")
        if rows:
            raise Wrong(f"left in the database: {rows}")

    def run(self, steps):
        """What is wrong, with the step; None when nothing is."""
        for i, (kind, *arguments) in enumerate([*steps, ("delete_all",)]):
            try:
                getattr(self, kind)(*arguments)
            except Exception as wrong:
                return f"step {i}, {kind} {arguments}: {type(wrong).__name__}: {wrong}"
        return None


class Properties:
    def __init__(self, crew, options, report):
        self.crew, self.options, self.report = crew, options, report
        self.seen, self.failures, self.lock, self.attempts = collections.Counter(), [], threading.Lock(), itertools.count()
        self.numbers, self.steps, self.done = queue.SimpleQueue(), 0, 0

    def of(self, number):
        return sequence(random.Random(f"{self.options.seed}/{number}"))

    def run_one(self, player, number, steps, seen):
        return Sequence(player, f"s{number}-{next(self.attempts)}", seen).run(steps)

    def work(self):
        player, seen = self.crew.player(), collections.Counter()
        while len(self.failures) < 5:
            try:
                number = self.numbers.get_nowait()
            except queue.Empty:
                break
            steps = self.of(number)
            wrong = self.run_one(player, number, steps, seen)
            with self.lock:
                self.steps, self.done = self.steps + len(steps), self.done + 1
                if wrong:
                    self.failures.append((number, steps, wrong))
        with self.lock:
            self.seen += seen

    def all(self):
        for number in [self.options.only] if self.options.only is not None else range(self.options.sequences):
            self.numbers.put(number)
        threads = [threading.Thread(target=self.work) for _ in range(self.options.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def shorten(self, number, steps):
        """The steps that it takes to fail, run alone, and what is wrong then; None when it does not fail alone."""
        player, until = self.crew.player(), time.monotonic() + SHRINK_SECONDS

        def wrong(some):
            return self.run_one(player, number, some, collections.Counter())
        text, size = wrong(steps), len(steps) // 2
        if not text:
            return None
        while size:
            at = 0
            while at < len(steps) and time.monotonic() < until:
                less = steps[:at] + steps[at + size:]
                found = wrong(less)
                if found:
                    steps, text = less, found
                else:
                    at += size
            size //= 2
        return steps, text

    def tell(self):
        for number, steps, text in self.failures[:3]:
            print(f"sequence {number} of seed {self.options.seed}: {text}")
            shorter = self.shorten(number, steps)
            print(f"  alone, shortened: {shorter[1]}" if shorter else "  alone it does not fail; all of it:")
            for step in shorter[0] if shorter else steps:
                print("   ", json.dumps(step))
            sys.stdout.flush()


# What must have been seen in many sequences, or they test nothing.
SEEN = {"put_instance": (200, 202, 400, 401, 409, 412, 422), "patch_instance": (200, 202, 400, 401, 404, 412, 422), "get_instance": (200, 401, 404, 412),
        "delete_instance": (202, 400, 401, 410, 412, 422), "put_binding": (200, 201, 202, 400, 401, 404, 409, 412, 422, 502),
        "get_binding": (200, 404), "delete_binding": (200, 202, 400, 410, 422), "last_operation": (200, 404)}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--sequences", type=int, default=2000 if VARIANT == "test" else 200)
    options.add_argument("--only", type=int, help="number of the one sequence to run")
    options.add_argument("--threads", type=int, default=8)
    given, report = options.parse_args(), Report()
    with contextlib.ExitStack() as stack:
        crew = Crew(stack, f"organization: {{instances: {model.QUOTA}}}\n")
        test, began = Properties(crew, given, report), time.monotonic()
        test.all()
        seconds, kills = time.monotonic() - began, sum(s.kills for s in crew.slots)
        for call in SEEN:
            print(f"      {call}: " + ", ".join(f"{s} x {n}" for (c, s), n in sorted(test.seen.items(), key=repr) if c == call))
        report.check(f"{test.done} sequences, {test.steps} steps, {kills} deaths of brokers, seed {given.seed} ({seconds:.0f} s): every answer is permitted",
                     not test.failures and test.done, f"{len(test.failures)} failed, the first: {[f[2] for f in test.failures[:1]]}")
        if not test.failures:
            left = {t: crew.pg.psql(f"select count(*) from {t}") for t in ("instances", "bindings", "secrets")}
            left["open operations"] = crew.pg.psql("select count(*) from operations where state = 'in progress'")
            left["usage"] = crew.pg.psql("select count(*) from (select 1 from usage group by scope, key having sum(instances) <> 0 or sum(brokers) <> 0"
                                         " or sum(millicores) <> 0 or sum(memory) <> 0 or sum(storage) <> 0) x")
            report.equal("nothing is left", left, dict.fromkeys(left, "0"))
        if test.done >= 1000:
            missing = [(c, s) for c, statuses in SEEN.items() for s in statuses if not test.seen[c, s]]
            report.equal("every kind of answer was seen", missing, [])
            report.check("requests were cut off by deaths", sum(n for (_, s), n in test.seen.items() if s == "killed") > 0)
        test.tell()
    report.close()


if __name__ == "__main__":
    main()
