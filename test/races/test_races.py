"""
Requests that race: two brokers on one database, many rounds of the same race, each with its permitted outcomes. A race is judged by its
answers and by the rows it leaves: instances, bindings, operations, and the counters of the quotas, which equal the rows.
"""
import argparse
import collections
import contextlib
import itertools
import json
import os
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.build import VARIANT, driver
from harness.osb import ORG, SPACE
from harness.report import Report, scratch
from osb_world import Worker
from pg import PrivatePostgres
from wire import Line, request_bytes, token

WIDTH = 20  # requests of the widest race
QUOTA = 5
BAD_COUNTERS = """
select count(*) from (select scope, key, sum(instances) i, sum(brokers) b, sum(millicores) c, sum(memory) m, sum(storage) s from usage group by 1, 2) u
full join (select scope, key, count(*) i, sum(brokers) b, sum(millicores) c, sum(memory) m, sum(storage) s from (
    select 'global' as scope, '' as key, * from instances union all select 'plan', plan_id, * from instances union all
    select 'organization', organization_guid, * from instances union all select 'space', space_guid, * from instances) x group by 1, 2) r
using (scope, key) where (coalesce(u.i, 0), coalesce(u.b, 0), coalesce(u.c, 0), coalesce(u.m, 0), coalesce(u.s, 0))
    is distinct from (coalesce(r.i, 0), coalesce(r.b, 0), coalesce(r.c, 0), coalesce(r.m, 0), coalesce(r.s, 0))""".replace("\n", " ")


class Fleet:
    """Two brokers, a worker that the test plays, and connections to both."""

    def __init__(self, stack, report):
        folder, keys, password = scratch("races"), new_seal_key(), uuid.uuid4().hex
        quotas = os.path.join(folder, "quotas.yml")
        with open(quotas, "w") as file:
            file.write(f"organization: {{instances: {QUOTA}}}\norganizations: {{{ORG}: {{instances: 100000}}}}\n")
        program = driver("osb_worker")
        self.report, self.pg = report, stack.enter_context(PrivatePostgres())
        self.brokers = [Broker(self.pg.conninfo, os.path.join(folder, f"{i}.log"), variant=VARIANT, role="api", seal_keys=keys, password=password,
                               quotas=quotas, synchronous_wait_seconds=10, database_connections=WIDTH) for i in range(2)]
        self.brokers[0].run("migrate")
        for broker in self.brokers:
            stack.callback(lambda b=broker: report.equal("a broker stops cleanly", b.stop(), 0))
            broker.start()
        self.worker = Worker(program, self.pg.conninfo, keys)
        stack.callback(self.worker.close)
        self.token = token("platform", password)
        plans = {p["name"]: (s["id"], p["id"]) for s in self.brokers[0].osb().catalog() for p in s["plans"]}
        self.service, self.plan = plans["developer"]
        self.lines = [Line(self.brokers[i % 2].port) for i in range(WIDTH)]
        for line in self.lines:
            stack.callback(line.close)
        self.order = itertools.count()

    def sql(self, statement):
        """Rows of texts."""
        answer = self.worker.order("sql " + statement)
        return [row.split("|") for row in answer.split(";")] if answer else []

    def volley(self, requests, meanwhile=lambda: None):
        """Sends all before it reads the first answer; who comes first changes from call to call. Answers in the order of the requests."""
        data = [request_bytes(*r, token=self.token) for r in requests]
        turn = next(self.order)
        mine = [self.lines[(i + turn) % WIDTH] for i in range(len(data))]
        places = list(range(len(data)))
        if turn // 2 % 2:
            places.reverse()
        for i in places:
            mine[i].send(data[i])
        meanwhile()
        return [line.receive() for line in mine]

    def many(self, requests, wanted):
        """Preparation: any number of requests, all answered with one of the wanted statuses."""
        for start in range(0, len(requests), WIDTH):
            for answer in self.volley(requests[start:start + WIDTH]):
                if answer.status not in wanted:
                    raise RuntimeError(f"preparing: {answer}")

    def drain(self):
        return int(self.worker.order("drain"))

    # Requests.

    def instance(self, instance):
        return f"/v2/service_instances/{instance}"

    def binding(self, instance, binding):
        return f"/v2/service_instances/{instance}/service_bindings/{binding}"

    def put(self, instance, org=ORG, **more):
        return ("PUT", self.instance(instance) + "?accepts_incomplete=true",
                {"service_id": self.service, "plan_id": self.plan, "organization_guid": org, "space_guid": SPACE, **more})

    def patch(self, instance, retention):
        return ("PATCH", self.instance(instance) + "?accepts_incomplete=true",
                {"service_id": self.service, "parameters": {"kafka_config": {"log.retention.ms": retention}}})

    def delete(self, instance):
        return ("DELETE", f"{self.instance(instance)}?accepts_incomplete=true&service_id={self.service}&plan_id={self.plan}")

    def bind(self, instance, binding, asynchronous=True, **more):
        return ("PUT", self.binding(instance, binding) + ("?accepts_incomplete=true" if asynchronous else ""),
                {"service_id": self.service, "plan_id": self.plan, "app_guid": "app", **more})

    def rotate(self, instance, predecessor, binding):
        return ("PUT", self.binding(instance, binding) + "?accepts_incomplete=true", {"predecessor_binding_id": predecessor})

    def unbind(self, instance, binding):
        return ("DELETE", f"{self.binding(instance, binding)}?accepts_incomplete=true&service_id={self.service}&plan_id={self.plan}")

    # Preparation.

    def ready(self, count):
        """Ids of new instances that are ready."""
        ids = [str(uuid.uuid4()) for _ in range(count)]
        self.many([self.put(i) for i in ids], (202,))
        self.drain()
        return ids

    def ready_bound(self, count):
        """[(instance, binding)], both ready."""
        pairs = [(i, f"b-{i}") for i in self.ready(count)]
        self.many([self.bind(*p) for p in pairs], (202,))
        self.drain()
        return pairs

    def rows(self, instance):
        """What the database holds of an instance: (its state, [(kind, state) of operations in order], [binding states])."""
        found = self.sql("select coalesce((select state from instances where id = '{0}'), 'absent'), coalesce((select string_agg(kind || ':' || state, ','"
                         " order by number) from operations where instance_id = '{0}'), ''), coalesce((select string_agg(state, ',' order by state)"
                         " from bindings where instance_id = '{0}'), '')".format(instance))[0]
        return found[0], tuple(o for o in found[1].split(",") if o), tuple(b for b in found[2].split(",") if b)


def word(answer):
    """202, or 422 ConcurrencyError."""
    return f"{answer.status} {answer.body['error']}" if answer.status >= 400 else str(answer.status)


def operations(answers):
    return {a.body.get("operation") for a in answers if a.status == 202}


class Race:
    """Counts outcomes and keeps what is not permitted."""

    def __init__(self, fleet, name, rounds):
        self.fleet, self.name, self.rounds, self.seen, self.faults, self.began = fleet, name, rounds, collections.Counter(), [], time.monotonic()

    def judge(self, outcome, permitted, rows, detail=""):
        """outcome: words of the answers; permitted: {outcome: rows that go with it}."""
        self.seen[outcome] += 1
        if outcome not in permitted:
            self.faults.append(f"the answers {outcome} {detail}")
        elif rows != permitted[outcome]:
            self.faults.append(f"after {outcome} the rows {rows}, not {permitted[outcome]}")

    def expect(self, condition, text):
        if not condition:
            self.faults.append(text)

    def close(self):
        bad = self.fleet.sql(BAD_COUNTERS)[0][0]
        self.expect(bad == "0", f"{bad} counters of usage differ from the rows")
        self.fleet.report.check(f"{self.name}: {self.rounds} rounds ({time.monotonic() - self.began:.1f} s)",
                                not self.faults and sum(self.seen.values()) == self.rounds, f"{len(self.faults)} faults: {self.faults[:4]}")
        for outcome, count in self.seen.most_common():
            print(f"      {count:5d} x {outcome}", flush=True)


def counted(answers):
    """"20 x 202", whoever came first."""
    return ", ".join(f"{n} x {w}" for w, n in sorted(collections.Counter(map(word, answers)).items()))


def same_puts(f, race):
    for _ in range(race.rounds):
        instance = str(uuid.uuid4())
        answers = f.volley([f.put(instance)] * WIDTH)
        race.judge(counted(answers), {f"{WIDTH} x 202": ("creating", ("provision:in progress",), ())}, f.rows(instance))
        race.expect(len(operations(answers)) == 1, f"operations {operations(answers)}")
    f.drain()


def different_puts(f, race):
    for _ in range(race.rounds):
        instance = str(uuid.uuid4())
        answers = f.volley([f.put(instance, parameters={"kafka_config": {"log.retention.ms": i}}) for i in range(1, WIDTH + 1)])
        race.judge(counted(answers), {f"1 x 202, {WIDTH - 1} x 409 Conflict": ("creating", ("provision:in progress",), ())}, f.rows(instance))
        kept = f.sql(f"select parameters->'kafka_config'->>'log.retention.ms' from instances where id = '{instance}'")
        race.expect([str(i) for i, a in enumerate(answers, 1) if a.status == 202] == [r[0] for r in kept], f"the row holds {kept}, not the winner's")
    f.drain()


def put_delete_absent(f, race):
    permitted = {("202", "410 Gone"): ("creating", ("provision:in progress",), ()),
                 ("202", "202"): ("deleting", ("provision:failed", "deprovision:in progress"), ())}
    for _ in range(race.rounds):
        instance = str(uuid.uuid4())
        answers = f.volley([f.put(instance), f.delete(instance)])
        race.judge(tuple(map(word, answers)), permitted, f.rows(instance))
    f.drain()


def put_delete_ready(f, race):
    rows = ("deleting", ("provision:succeeded", "deprovision:in progress"), ())
    for instance in f.ready(race.rounds):
        answers = f.volley([f.put(instance), f.delete(instance)])
        race.judge(tuple(map(word, answers)), {("200", "202"): rows, ("422 ConcurrencyError", "202"): rows}, f.rows(instance))
    f.drain()


def delete_delete(f, race):
    for instance in f.ready(race.rounds):
        answers = f.volley([f.delete(instance)] * 4)
        race.judge(counted(answers), {"4 x 202": ("deleting", ("provision:succeeded", "deprovision:in progress"), ())}, f.rows(instance))
        race.expect(len(operations(answers)) == 1, f"operations {operations(answers)}")
    f.drain()


def bind_deprovision(f, race):
    permitted = {("202", "422 ConcurrencyError"): ("ready", ("provision:succeeded", "bind:in progress"), ("creating",)),
                 ("422 ConcurrencyError", "202"): ("deleting", ("provision:succeeded", "deprovision:in progress"), ())}
    for instance in f.ready(race.rounds):
        answers = f.volley([f.bind(instance, f"b-{instance}"), f.delete(instance)])
        race.judge(tuple(map(word, answers)), permitted, f.rows(instance))
    f.drain()


def same_binds(f, race):
    for instance in f.ready(race.rounds):
        answers = f.volley([f.bind(instance, f"b-{instance}")] * WIDTH)
        race.judge(counted(answers), {f"{WIDTH} x 202": ("ready", ("provision:succeeded", "bind:in progress"), ("creating",))}, f.rows(instance))
        race.expect(len(operations(answers)) == 1, f"operations {operations(answers)}")
    f.drain()


def synchronous_binds(f, race):
    """Half of them wait for the end, which comes while others still arrive: one is told that it made the binding, at most."""
    def work():
        until = time.monotonic() + 8
        while not f.drain() and time.monotonic() < until:
            time.sleep(0.002)
    for instance in f.ready(race.rounds):
        answers = f.volley([f.bind(instance, f"b-{instance}", i % 2 == 0) for i in range(WIDTH)], work)
        created = sum(a.status == 201 for a in answers)
        outcome = f"{created} x 201" if {a.status for a in answers} <= {200, 201, 202} else counted(answers)
        race.judge(outcome, dict.fromkeys(("0 x 201", "1 x 201"), ("ready", ("provision:succeeded", "bind:succeeded"), ("ready",))), f.rows(instance))
        race.expect(len({json.dumps(a.body["credentials"]) for a in answers if a.status < 202}) == 1, "credentials differ")
        race.expect(len(operations(answers)) <= 1, f"operations {operations(answers)}")


def bind_unbind(f, race):
    permitted = {("202", "410 Gone"): ("ready", ("provision:succeeded", "bind:in progress"), ("creating",)),
                 ("202", "202"): ("ready", ("provision:succeeded", "bind:failed", "unbind:in progress"), ("deleting",))}
    for instance in f.ready(race.rounds):
        answers = f.volley([f.bind(instance, f"b-{instance}"), f.unbind(instance, f"b-{instance}")])
        race.judge(tuple(map(word, answers)), permitted, f.rows(instance))
    f.drain()


def bind_on_two(f, race):
    """One binding id on two instances, which have no lock in common."""
    ids = f.ready(2 * race.rounds)
    made, refused = ("ready", ("provision:succeeded", "bind:in progress"), ("creating",)), ("ready", ("provision:succeeded",), ())
    for a, b in zip(ids[::2], ids[1::2]):
        answers = f.volley([f.bind(a, f"b-{a}"), f.bind(b, f"b-{a}")])
        race.judge(tuple(map(word, answers)), {("202", "409 Conflict"): (made, refused), ("409 Conflict", "202"): (refused, made)}, (f.rows(a), f.rows(b)))
    f.drain()


def same_updates(f, race):
    for instance in f.ready(race.rounds):
        answers = f.volley([f.patch(instance, 60000)] * 4)
        race.judge(counted(answers), {"4 x 202": ("updating", ("provision:succeeded", "update:in progress"), ())}, f.rows(instance))
        race.expect(len(operations(answers)) == 1, f"operations {operations(answers)}")
    f.drain()


def different_updates(f, race):
    ids, winners = f.ready(race.rounds), {}
    for instance in ids:
        answers = f.volley([f.patch(instance, i) for i in range(1, 5)])
        race.judge(counted(answers), {"1 x 202, 3 x 422 ConcurrencyError": ("updating", ("provision:succeeded", "update:in progress"), ())}, f.rows(instance))
        winners[instance] = [str(i) for i, a in enumerate(answers, 1) if a.status == 202]
    f.drain()
    kept = f.sql("select id, parameters->'kafka_config'->>'log.retention.ms' from instances where id = any('{" + ",".join(ids) + "}')")
    race.expect({i: [v] for i, v in kept} == winners, "an instance has not the parameters of the update that was accepted")


def one_of_two(f, race, pairs, requests, first_rows, second_rows):
    """Whoever comes first is accepted, the other refused."""
    for pair in pairs:
        answers = f.volley(requests(*pair))
        race.judge(tuple(map(word, answers)), {("202", "422 ConcurrencyError"): first_rows, ("422 ConcurrencyError", "202"): second_rows}, f.rows(pair[0]))
    f.drain()


def update_bind(f, race):
    one_of_two(f, race, [(i,) for i in f.ready(race.rounds)], lambda i: [f.patch(i, 60000), f.bind(i, f"b-{i}")],
               ("updating", ("provision:succeeded", "update:in progress"), ()), ("ready", ("provision:succeeded", "bind:in progress"), ("creating",)))


def update_unbind(f, race):
    one_of_two(f, race, f.ready_bound(race.rounds), lambda i, b: [f.patch(i, 60000), f.unbind(i, b)],
               ("updating", ("provision:succeeded", "bind:succeeded", "update:in progress"), ("ready",)),
               ("ready", ("provision:succeeded", "bind:succeeded", "unbind:in progress"), ("deleting",)))


def update_delete(f, race):
    one_of_two(f, race, [(i,) for i in f.ready(race.rounds)], lambda i: [f.patch(i, 60000), f.delete(i)],
               ("updating", ("provision:succeeded", "update:in progress"), ()), ("deleting", ("provision:succeeded", "deprovision:in progress"), ()))


def rotate_unbind(f, race):
    before = ("provision:succeeded", "bind:succeeded")
    for instance, binding in f.ready_bound(race.rounds):
        answers = f.volley([f.rotate(instance, binding, f"new-{binding}"), f.unbind(instance, binding)])
        # Of two operations on different bindings either may have been accepted first.
        rows = f.rows(instance)
        rows = (rows[0], tuple(sorted(rows[1])), rows[2])
        race.judge(tuple(map(word, answers)), {
            ("202", "202"): ("ready", tuple(sorted((*before, "bind:in progress", "unbind:in progress"))), ("creating", "deleting")),
            ("400 BadRequest", "202"): ("ready", tuple(sorted((*before, "unbind:in progress"))), ("deleting",))}, rows)
    f.drain()


def read_at_the_end(f, race):
    """Fetches and binds that read a ready binding while its unbind ends: its credentials, none, or a new one. The row is made to look ready until it goes."""
    permitted = {"200", "202", "404 NotFound", "422 ConcurrencyError"}
    for instance, binding in f.ready_bound(race.rounds):
        f.many([f.unbind(instance, binding)], (202,))
        f.sql(f"update bindings set state = 'ready' where id = '{binding}'")
        fetches = f.volley([("GET", f.binding(instance, binding))] * (WIDTH - 5) + [f.bind(instance, binding)] * 5, f.drain)
        bad = [word(a) for a in fetches if word(a) not in permitted]
        race.judge(", ".join(bad) or "credentials or none", {"credentials or none": None}, None)
    f.drain()


def quota(f, race):
    for _ in range(race.rounds):
        org, ids = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(WIDTH)]
        answers = f.volley([f.put(i, org) for i in ids])
        held = f.sql(f"select count(*), (select sum(instances) from usage where scope = 'organization' and key = '{org}') from instances"
                     f" where organization_guid = '{org}'")[0]
        race.judge(counted(answers), {f"{QUOTA} x 202, {WIDTH - QUOTA} x 400 QuotaExceeded": [str(QUOTA)] * 2}, held)
    f.drain()


RACES = (same_puts, different_puts, put_delete_absent, put_delete_ready, delete_delete, bind_deprovision, same_binds, synchronous_binds, bind_unbind,
         bind_on_two, same_updates, different_updates, update_bind, update_unbind, update_delete, rotate_unbind, read_at_the_end, quota)


def clean_up(f, report):
    """All can be deleted, whatever the races left."""
    ids = [row[0] for row in f.sql("select id from instances where state <> 'deleting'")]
    f.many([f.delete(i) for i in ids], (202,))
    f.drain()
    left = {t: f.sql(f"select count(*) from {t}")[0][0] for t in ("instances", "bindings", "secrets")}
    report.equal(f"{len(ids)} instances are deleted, and nothing is left", left, dict.fromkeys(left, "0"))
    open_operations = f.sql("select count(*) from operations where state = 'in progress'")[0][0]
    report.equal("no operation is open", open_operations, "0")
    report.equal("no quota is used", f.sql("select coalesce(sum(abs(s)), 0) from (select sum(instances + brokers + millicores + memory + storage) s"
                                            " from usage group by scope, key) x")[0][0], "0")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=100 if VARIANT == "test" else 20)
    options.add_argument("race", nargs="*", help="names; all without")
    given, report = options.parse_args(), Report()
    with contextlib.ExitStack() as stack:
        fleet = Fleet(stack, report)
        for function in RACES:
            if given.race and function.__name__ not in given.race:
                continue
            race = Race(fleet, function.__name__, given.rounds)
            if report.section(race.name, lambda f=function, r=race: (f(fleet, r), True)[1]):
                race.close()
        report.section("clean_up", clean_up, fleet, report)
    report.close()


if __name__ == "__main__":
    main()
