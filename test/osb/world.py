"""The broker under test: one that the suite starts (PostgreSQL, Kubernetes, workers), or any other that a URL names."""
import contextlib
import json
import os
import shutil
import threading
import time
import urllib.request
import uuid

from client import Client
from harness.broker import ROOT, Broker, new_seal_key
from harness.report import scratch
from harness.testbed import Testbed
from pg import PrivatePostgres
from suite import NotApplicable

# What cases can need of a broker that the suite started.
DATABASE, CLUSTER, KAFKA, SETTINGS, LOG = ("the broker's own database", "the broker's own Kubernetes", "the broker's own Kafka", "other settings",
                                           "the broker's own log")


class World:
    """client: of the broker, asking for the plan under test; ready, bound: an instance and a binding of it that no case changes, other: an
    instance that cases make bindings of; own: None for a foreign broker."""

    def __init__(self, client, plan_name=None, own=None):
        self.client, self.own = client, own
        self.services = client.catalog()
        pairs = [(s, p) for s in self.services for p in s["plans"] if plan_name in (None, p["name"])]
        if not pairs:
            raise LookupError(f"the catalog has no plan {plan_name}")
        self.service, self.plan = pairs[0]
        others = [p for p in self.service["plans"] if p["id"] != self.plan["id"]]
        self.other_plan = others[0] if others else None
        client.use((self.service["id"], self.plan["id"]))
        self.names = {"$service": self.service["id"], "$plan": self.plan["id"], "$other_plan": (self.other_plan or {}).get("id"),
                      "$version": self.plan.get("maintenance_info", {}).get("version")}
        self.updates = bool(self.service.get("allow_context_updates") or self.schema("service_instance", "update"))
        self.ready = self.other = self.bound = None
        self.known = {}

    def prepare(self):
        self.ready = self.client.create()
        self.bound, _ = self.client.bind(self.ready)
        self.other = self.client.create()
        self.known = {self.ready: self.state(self.ready), self.other: self.state(self.other), self.bound: self.state(self.ready, self.bound)[2:]}
        self.names.update({"$ready": self.ready, "$bound": self.bound})

    def fill(self, value):
        """`value` with names such as "$plan" replaced, at any depth."""
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    def target(self, on):
        """(instance, binding) of a row: new, ready, ready/new, new/bound…: what is not new is not changed by the row."""
        words = on.split("/") + ["new"]
        instance = {"new": str(uuid.uuid4()), "ready": self.ready, "other": self.other}[words[0]]
        second = words[1] if "/" in on else {"ready": "bound"}.get(on, "new")
        return instance, {"new": str(uuid.uuid4()), "bound": self.bound}[second]

    def state(self, instance, binding=None):
        """What a platform can see of an instance and a binding."""
        calls = ["LOI", "GIN"] + (["LOB", "GBN"] if binding else [])
        answers = [self.client.ask(call, instance, binding) for call in calls]
        return [(a.status, a.body if a.status < 400 else None) for a in answers]

    def known_state(self, instance, binding=None):
        """What `state` gives of things that no case changes; all others are not there."""
        nothing = [(404, None)] * 2
        own_binding = self.known[self.bound] if (instance, binding) == (self.ready, self.bound) else nothing
        return self.known.get(instance, nothing) + (own_binding if binding else [])

    def schema(self, *names):
        """A published parameters schema, such as ("service_instance", "create"); None when there is none."""
        value = self.plan.get("schemas", {})
        for name in names + ("parameters",):
            value = value.get(name, {})
        return value or None


class Own:
    """The parts of a broker that the suite started."""

    def __init__(self, pg, testbed, folder, variant):
        self.pg, self.testbed, self.folder, self.variant_name = pg, testbed, folder, variant
        self.rules, self.lock = [], threading.Lock()
        self.client_class = Client
        self.broker = self.make("main", pg.conninfo)
        self.broker.run("migrate")

    def make(self, name, conninfo, **settings):
        values = {"workers": 8, "poll_ms": 100, **self.testbed.settings(), "seal_keys": new_seal_key(), **settings}
        return Broker(conninfo, os.path.join(self.folder, name + ".log"), variant=self.variant_name, **values)

    def client(self, broker, observer, version="2.17", faulty=False, secure=None):
        scheme = "https" if secure else "http"
        return self.client_class(f"{scheme}://127.0.0.1:{broker.port}", broker.username, broker.password, version, observer, faulty, secure)

    @contextlib.contextmanager
    def another(self, world, name, edit=None, faulty=False, secure=None, **settings):
        """A second broker with a database, settings and a catalog of its own: (broker, world of it). edit(folder) changes a copy of the catalog."""
        self.pg.psql(f"drop database if exists {name}", superuser=True)
        self.pg.psql(f"create database {name} owner cpbroker", superuser=True)
        if edit:
            settings["catalog"] = os.path.join(self.folder, name + "-catalog")
            shutil.copytree(os.path.join(ROOT, "catalog"), settings["catalog"], dirs_exist_ok=True)
            edit(settings["catalog"])
        broker = self.make(name, self.pg.conninfo.replace("dbname=cpbroker", f"dbname={name}"), workers=2, **settings)
        broker.run("migrate")
        broker.start(wait_ready=not secure)
        try:
            client = self.client(broker, world.client.observer, faulty=faulty, secure=secure)
            world.client.observer.secrets.append(broker.password)
            yield broker, World(client, world.plan["name"], self)
        finally:
            broker.stop()

    def require(self, setting):
        """For cases about a setting that this broker may not have."""
        if f"CPBROKER_{setting.upper()}" not in self.broker.run("--help").stdout:
            raise NotApplicable(f"the broker has no setting {setting}")

    def namespace(self, instance):
        return f"cp-{instance}"

    @contextlib.contextmanager
    def fault(self, instance, **effect):
        """Kafka of an instance misbehaves; see the Kafka double."""
        rule = {"namespace": self.namespace(instance), **effect}
        self._change(self.rules.append, rule)
        try:
            yield
        finally:
            self._change(self.rules.remove, rule)

    def hold(self, instance):
        """What is done with this instance does not end: its Kafka takes no connection."""
        return self.fault(instance, refuse=True)

    def _change(self, how, rule):
        with self.lock:
            how(rule)
            request = urllib.request.Request(self.testbed.values["DOUBLE_CONTROL"] + "/faults", json.dumps(self.rules).encode(), method="PUT")
            urllib.request.urlopen(request, timeout=10).close()

    def kafka(self, instance):
        """Users, rules and topics that Kafka of an instance has."""
        with urllib.request.urlopen(f"{self.testbed.values['DOUBLE_CONTROL']}/state/{self.namespace(instance)}", timeout=10) as answer:
            return json.load(answer)

    def objects(self, instance):
        """Names of what Kubernetes has of an instance; empty when its namespace is gone."""
        return self.testbed.kubectl("get", "ns", self.namespace(instance), "--ignore-not-found", "-o", "name").split()

    def log_lines(self):
        with open(self.broker.log, errors="replace") as log:
            return [json.loads(line) for line in log if line.startswith("{")]


@contextlib.contextmanager
def own_world(observer, tier):
    """tier 1: an API server with fake pods and a Kafka double; 2: real pods."""
    with PrivatePostgres() as pg, Testbed(f"osb{tier}", tier=tier) as testbed:
        own = Own(pg, testbed, scratch("osb"), os.environ.get("VARIANT", "test"))
        with own.broker:
            observer.secrets.append(own.broker.password)
            yield World(own.client(own.broker, observer), "developer", own)


@contextlib.contextmanager
def foreign_world(observer):
    client = Client(os.environ["OSB_URL"], os.environ["OSB_USERNAME"], os.environ["OSB_PASSWORD"], observer=observer)
    observer.secrets.append(client.password)
    yield World(client, os.environ.get("OSB_PLAN"))


def until(condition, seconds=60, pause=0.1):
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return False
