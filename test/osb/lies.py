"""Whether the cases can fail: a client that falsifies the broker's answers in one way, and the rules that notice."""
import copy
import email.message
import threading

from client import Answer, Client
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


LIES = (accept, refuse, fail, defer, finish, empty, blank, change, add, behead, mix)


class Liar(Client):
    """What cases ask for is falsified; what prepares a case is not."""
    lie = None
    local = threading.local()

    def send(self, *arguments):
        answer = super().send(*arguments)
        if not getattr(self.local, "honest", False):
            Liar.lie(answer)
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
        return self.honestly(super().bind, *arguments, **more)

    def delete(self, instance):
        again = instance in self.deletes
        state = self.honestly(super().delete, instance)
        return state if again else "falsified"

    def drop(self, instance):
        self.honestly(super().drop, instance)

    def end(self, answer, instance, binding=None):
        self.honestly(super().wait, instance, binding, self.patience, 0.1)
        return "falsified"

    def wait(self, *arguments, **more):
        return {**self.honestly(super().wait, *arguments, **more), "state": "falsified"}

    def catalog(self):
        return self.honestly(super().catalog)


def run_with(lie, w, chosen, run_cases):
    """The rules that fail when answers are falsified so."""
    outcomes = Outcomes(read_rules(), quiet=True)
    liar = Liar(w.client.url, w.client.username, w.client.password, observer=Observer(outcomes, w.client.observer.secrets))
    falsified = copy.copy(w)
    falsified.client = liar.use((w.client.service_id, w.client.plan_id))
    catalog = Answer(200, {}, {"services": w.services})
    lie(catalog)
    if isinstance(catalog.body, dict) and catalog.body.get("services"):
        falsified.services = catalog.body["services"]
    Liar.lie = staticmethod(lie)
    run_cases(outcomes, falsified, chosen)
    return {rule for rule, failures in outcomes.bad.items() if failures}


def report(w, chosen, run_cases):
    """Runs all cases under each lie; lists the rules that never failed."""
    noticed, rules = set(), [rule for rule in read_rules() if rule not in NEVER]
    w.own.client_class = Liar
    for lie in LIES:
        found = run_with(lie, w, chosen, run_cases)
        noticed |= found
        print(f"{lie.__name__}: {len(found)} rules notice", flush=True)
    blind = [rule for rule in rules if rule not in noticed]
    for rule in blind:
        print(f"FAIL  {rule} never fails")
    print(f"{len(rules) - len(blind)} passed, {len(blind)} failed", flush=True)
    return 1 if blind else 0
