"""Whether the cases can fail: what a client and the broker's parts say is falsified here and there, and the rules that notice are counted."""
import copy
import email.message
import itertools
import random
import threading

import cases_catalog
from client import Client
from invariants import Observer
from not_applicable import NEVER
from suite import Outcomes, read_rules

EXTRA = {"instance_usable": "x", "update_repeatable": 1, "endpoints": [{"host": "h", "ports": [9092]}], "syslog_drain_url": "x", "dashboard_url": 5,
         "metadata": {"labels": {"a": 1}, "attributes": [], "expires_at": "soon", "renew_before": "z"}, "maintenance_info": {"version": "1.2"}, "context": {},
         "operation": None, "credentials": {"a b": 1}, "error": "no word", "x": 1}


def other(value):
    """Another value of the same type, at any depth."""
    if isinstance(value, dict):
        return {k: other(v) for k, v in value.items()}
    if isinstance(value, list):
        return [other(v) for v in value] * 2
    return not value if isinstance(value, bool) else -1 if isinstance(value, int) else " "


def accept(answer):
    if answer.status >= 400:
        answer.status, answer.body = 200, {}


def refuse(answer):
    if answer.status < 400:
        answer.status, answer.body = 400, {"error": "BadRequest", "description": "No."}


def fail(answer):
    answer.status, answer.body = 500, {"error": "InternalError", "description": "No."}


def defer(answer):
    answer.status, answer.body = 202, {"operation": "a b"}


def finish(answer):
    if answer.status == 202:
        answer.status = 201
    elif answer.status == 404:
        answer.status = 410
    elif answer.status == 422:
        answer.body = {**answer.body, "error": "AsyncRequired" if answer.body.get("error") != "AsyncRequired" else "ConcurrencyError"}


def empty(answer):
    answer.body = {}


def blank(answer):
    answer.body = None


def change(answer):
    answer.body = other(answer.body)


def add(answer):
    if isinstance(answer.body, dict):
        answer.body = {**answer.body, **EXTRA}


def behead(answer):
    answer.headers = email.message.Message()
    answer.headers["Retry-After"] = "soon"


def mix(answer):
    """State and members of something else."""
    if isinstance(answer.body, dict):
        answer.body = {**answer.body, "state": "in progress" if answer.body.get("state") == "succeeded" else "done", "parameters": {"x": 1},
                       "maintenance_info": {"version": "0.0.0"}}


def odd(answer):
    answer.status = random.choice((203, 204, 410, 412, 422))


def word(answer):
    answer.body = {"error": random.choice(("AsyncRequired", "ConcurrencyError", "RequiresApp", "MaintenanceInfoConflict")), "description": "No."}


def swell(answer):
    if isinstance(answer.body, dict):
        answer.body = {**answer.body, "description": "x" * 20000}


LIES = (accept, refuse, fail, defer, finish, empty, blank, change, add, behead, mix, odd, word, swell)


class LateObserver(Observer):
    """Takes some answers for late ones."""

    def __call__(self, client, x):
        if random.random() < Liar.chance / 10:
            x.seconds += 60
        super().__call__(client, x)


def sometimes(honest, *falsify):
    """A function of the broker's parts whose result is now and then falsified."""
    def ask(*arguments):
        found = honest(*arguments)
        return random.choice(falsify)(found) if random.random() < Liar.chance else found
    return ask


class LyingConnection:
    """A kept connection whose answers have another status."""

    def __init__(self, connection):
        self.connection = connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def getresponse(self):
        response = self.connection.getresponse()
        if random.random() < Liar.chance:
            response.status = 299
        return response


class Liar(Client):
    """Falsifies now and then what a case asks for, never what prepares it."""
    chance = 0.0
    local = threading.local()

    def lies(self):
        return not getattr(self.local, "honest", False) and random.random() < Liar.chance

    def send(self, *arguments):
        answer = super().send(*arguments)
        if self.lies():
            random.choice(LIES)(answer)
        return answer

    def honestly(self, function, *arguments, **more):
        before, self.local.honest = getattr(self.local, "honest", False), True
        try:
            return function(*arguments, **more)
        finally:
            self.local.honest = before

    def create(self, *arguments, **more):
        return self.honestly(super().create, *arguments, **more)

    def bind(self, *arguments, **more):
        binding, answer = self.honestly(super().bind, *arguments, **more)
        if self.lies():
            answer = copy.deepcopy(answer)
            random.choice(LIES)(answer)
        return binding, answer

    def delete(self, instance):
        state = self.honestly(super().delete, instance)
        return "falsified" if self.lies() else state

    def drop(self, instance):
        self.honestly(super().drop, instance)

    def end(self, answer, instance, binding=None):
        state = self.honestly(super().end, answer, instance, binding)
        return "falsified" if self.lies() else state

    def wait(self, *arguments, **more):
        end = self.honestly(super().wait, *arguments, **more)
        return {**end, "state": random.choice(("succeeded", "failed", "falsified")), "description": ""} if self.lies() else end

    def catalog(self):
        services = self.honestly(super().catalog)
        newer = [{**s, "allow_context_updates": True, "plans": [{**p, "binding_rotatable": True} for p in s["plans"]]} for s in services]
        return random.choice((services * 2, newer)) if self.lies() else services

    def connect(self, *arguments):
        return LyingConnection(super().connect(*arguments)) if self.lies() else super().connect(*arguments)


def falsified_catalogs(services):
    """Copies of a catalog, each with one member left out, of another type, or new."""
    others = (None, True, 0, "", "A b", "x" * 70000, [], ["A b"], {}, {"x": 1}, {"x": {"$ref": "http://x/"}})
    yield from ({}, [], services * 2)

    def paths(value, path=()):
        for name, member in (value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()):
            yield path + (name,)
            if len(path) < 7:
                yield from paths(member, path + (name,))

    def put(path, value):
        changed = copy.deepcopy(services)
        holder = changed
        for name in path[:-1]:
            holder = holder[name]
        if value is Ellipsis:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
        return changed

    new = [(0, name) for name in ("requires", "dashboard_client", "plan_updatable", "x")] + [(0, "plans", 0, name) for name in ("binding_rotatable", "bindable", "x")]
    new += [(0, "metadata", "shareable"), (0, "plans", 0, "metadata", "costs")]
    for path in paths(services):
        yield from (put(path, value) for value in (Ellipsis, *random.sample(others, 3)))
    for path, value in itertools.product(new, others):
        yield put(path, value)


class Lies:
    """Runs of cases in which something is falsified, and the rules that noticed."""

    def __init__(self, w, run_cases):
        self.w, self.run_cases, self.noticed, self.cases = w, run_cases, set(), {}
        w.own.client_class = Liar
        w.own.log_lines = sometimes(w.own.log_lines, lambda lines: [], lambda lines: [{**line, "event": "audit"} for line in lines],
                                    lambda lines: [*lines, {"secrets": w.client.observer.secrets}])
        w.own.objects = sometimes(w.own.objects, lambda names: [] if names else ["namespace/x"])
        w.own.kafka = sometimes(w.own.kafka, lambda state: {"users": {}, "acls": [], "topics": {}})

    def run(self, chosen, chance, services=None):
        outcomes = Outcomes(read_rules(), quiet=True)
        client = self.w.client
        falsified = copy.copy(self.w)
        observer = LateObserver(outcomes, client.observer.secrets)
        falsified.client = Liar(client.url, client.username, client.password, observer=observer)
        falsified.client.use((client.service_id, client.plan_id))
        falsified.services = self.w.services if services is None else services
        Liar.chance = chance
        self.run_cases(outcomes, falsified, chosen)
        self.noticed |= {rule for rule, failures in outcomes.bad.items() if failures}
        for rule, cases in outcomes.cases.items():
            self.cases.setdefault(rule, set()).update(cases)

    def blind(self):
        return [rule for rule in read_rules() if rule not in NEVER and rule not in self.noticed]


def report(w, chosen, run_cases, rounds=150):
    """Falsifies more or less of what the cases see until each rule has failed; lists those that never do."""
    lies = Lies(w, run_cases)
    lies.run(chosen, 0)  # shows which case checks which rule
    if lies.noticed:
        print(f"FAIL  without any lie: {' '.join(sorted(lies.noticed))}")
        return 1
    members = [one for one in chosen if one.function is cases_catalog.members]
    catalogs = list(falsified_catalogs(w.services))
    for services in catalogs:
        lies.run(members, 0, services)
    print(f"{len(catalogs)} catalogs: {len(lies.blind())} rules have not failed yet", flush=True)
    for number, chance in zip(range(rounds), itertools.cycle((0.3, 0.1, 0.7, 0.05, 1))):
        blind = lies.blind()
        wanted = {name for rule in blind for name in lies.cases.get(rule, ())}
        now = [one for one in chosen if one.name in wanted or set(one.rules) & set(blind)]
        if blind:
            lies.run(now, chance)
            print(f"round {number + 1}, {chance:.0%} falsified, {len(now)} cases: {len(lies.blind())} rules have not failed yet", flush=True)
    blind = lies.blind()
    for rule in blind:
        print(f"FAIL  {rule} never fails")
    print(f"{len(read_rules()) - len(NEVER) - len(blind)} passed, {len(blind)} failed", flush=True)
    return 1 if blind else 0
