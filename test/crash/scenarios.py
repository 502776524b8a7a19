"""The operations that brokers are killed over: how each is prepared, asked for, followed to its end, looked at, and tidied up after."""
import json
import time
import urllib.request

from harness.objects import normalized

PLAN = "developer"
CREATE = {"kafka_config": {"log.retention.ms": 3600000}}
RIGHTS = {"topics": [{"prefix": "orders-", "rights": ["read", "write"]}], "groups": [{"name": "app", "rights": ["read"]}],
          "principal_quotas": {"producer_byte_rate": 1048576, "consumer_byte_rate": 2097152}}
UPDATE = {"parameters": {"kafka_config": {"log.retention.ms": None, "compression.type": "lz4"}},
          "context": {"platform": "cloudfoundry", "instance_name": "renamed"}}
BACK = {"parameters": {"kafka_config": {"log.retention.ms": 3600000, "compression.type": None}},
        "context": {"platform": "cloudfoundry", "instance_name": "demo"}}


class Unexpected(Exception):
    """An answer or an end that nothing explains."""


def expect(what, answer, *statuses):
    if answer.status not in statuses:
        raise Unexpected(f"{what} was answered with {answer.status} {json.dumps(answer.body)[:300]}")
    return answer


class Scenario:
    """
    One operation on one instance. `own`: it needs an instance to itself, else the lane's standing one serves. `kinds`: the operations whose steps
    are its boundaries. `asks`: it begins with one request, so that the commit of its acceptance is a boundary too.
    """
    name, kinds, own, asks = "", (), False, True

    def __init__(self, lane, instance, binding, successor):
        self.lane, self.instance, self.binding, self.successor = lane, instance, binding, successor
        self.namespace = lane.namespace(instance)

    def prepare(self, osb):
        pass

    def ask(self, osb):
        """Sends the request; the same again is fine."""
        raise NotImplementedError

    def finish(self, osb):
        self.succeed(osb)

    def look(self, osb):
        """What there is afterwards, as {name: content}, without what differs from one run to the next."""
        raise NotImplementedError

    def tidy(self, osb):
        pass

    # What they are made of.

    def succeed(self, osb, binding=None):
        end = osb.wait(self.instance, binding, seconds=120, interval=0.05)
        if end["state"] != "succeeded":
            raise Unexpected(f"the operation ended with {end}")

    def bind(self, osb, **more):
        expect("bind", osb.put_binding(self.instance, self.binding, PLAN, True, bind_resource={"app_guid": "app"}, parameters={**RIGHTS, **more}),
               200, 202)
        self.succeed(osb, self.binding)

    def unbind(self, osb, *bindings):
        for binding in bindings:
            expect("unbind", osb.delete_binding(self.instance, binding, PLAN, True), 202)
            self.succeed(osb, binding)

    def plain(self, value):
        """Without the ids of this run."""
        text = json.dumps(value, sort_keys=True)
        for id_, word in ((self.namespace, "NS"), (self.instance, "INSTANCE"), (self.binding, "BINDING"), (self.successor, "SUCCESSOR")):
            text = text.replace(id_, word)
        return json.loads(text)

    def kafka(self):
        """Users, rules, settings and quotas of the instance's Kafka; None when it is gone."""
        with urllib.request.urlopen(f"{self.lane.testbed.values['DOUBLE_CONTROL']}/state/{self.namespace}") as answer:
            state = json.load(answer) or {}
        kept = self.plain({k: state.get(k) for k in ("users", "acls", "settings", "quotas")})
        return {k: sorted(v, key=json.dumps) if isinstance(v, list) else v for k, v in kept.items()}

    def objects(self):
        return normalized(self.lane.testbed, self.namespace, self.instance)

    def of_binding(self, osb, binding):
        """Status of the binding, names of its credentials, its other members."""
        answer = osb.get_binding(self.instance, binding)
        body = answer.body if answer.status == 200 else {}
        return self.plain([answer.status, sorted(body.get("credentials", {})), body.get("parameters"), body.get("credentials", {}).get("username")])

    def rows(self):
        """Rows that belong to the instance, or to its bindings of this run."""
        ours = f"'{self.binding}', '{self.successor}'"
        return self.lane.pg.psql(
            f"select 'instance', state from instances where id = '{self.instance}' union all"
            f" select 'binding', state from bindings where id in ({ours}) union all"
            f" select 'secret', name from secrets where instance_id = '{self.instance}' and (binding_id in ({ours}) or binding_id is null)"
            f" union all select kind, state from operations where state = 'in progress' and instance_id = '{self.instance}'").split("\n")

    def nothing(self, osb):
        """What a deleted instance leaves."""
        kubectl = self.lane.testbed.kubectl
        volumes = [v["metadata"]["name"] for v in json.loads(kubectl("get", "pv", "-o", "json"))["items"]
                   if v["spec"].get("claimRef", {}).get("namespace") == self.namespace]
        return {"namespace": kubectl("get", "ns", self.namespace, "--ignore-not-found", "-o", "name").strip(), "volumes": volumes,
                "rows": self.rows(), "instance": osb.get_instance(self.instance).status, "binding": osb.get_binding(self.instance, self.binding).status,
                "deleted again": osb.delete_instance(self.instance, PLAN).status}


class Provision(Scenario):
    name, kinds, own = "provision", ("provision",), True

    def ask(self, osb):
        return osb.put_instance(self.instance, PLAN, parameters=CREATE)

    def look(self, osb):
        return {**self.objects(), "kafka": self.kafka(), "rows": self.rows(), "answer": osb.get_instance(self.instance).body["parameters"]}

    def tidy(self, osb):
        expect("delete", osb.delete_instance(self.instance, PLAN), 202)
        self.succeed(osb)


class Bind(Scenario):
    name, kinds = "bind", ("bind",)

    def ask(self, osb):
        return osb.put_binding(self.instance, self.binding, PLAN, True, bind_resource={"app_guid": "app"}, parameters=RIGHTS)

    def finish(self, osb):
        self.succeed(osb, self.binding)

    def look(self, osb):
        return {"kafka": self.kafka(), "rows": self.rows(), "binding": self.of_binding(osb, self.binding)}

    def tidy(self, osb):
        self.unbind(osb, self.binding)


class Rotate(Scenario):
    name, kinds = "rotate", ("bind",)

    def prepare(self, osb):
        self.bind(osb)

    def ask(self, osb):
        return osb.call("PUT", osb.binding_path(self.instance, self.successor) + "?accepts_incomplete=true", {"predecessor_binding_id": self.binding})

    def finish(self, osb):
        self.succeed(osb, self.successor)

    def look(self, osb):
        return {"kafka": self.kafka(), "rows": self.rows(), "old": self.of_binding(osb, self.binding), "new": self.of_binding(osb, self.successor)}

    def tidy(self, osb):
        self.unbind(osb, self.binding, self.successor)


class Unbind(Scenario):
    name, kinds = "unbind", ("unbind",)

    def prepare(self, osb):
        self.bind(osb)

    def ask(self, osb):
        return osb.delete_binding(self.instance, self.binding, PLAN, True)

    def finish(self, osb):
        self.succeed(osb, self.binding)

    def look(self, osb):
        return {"kafka": self.kafka(), "rows": self.rows(), "binding": self.of_binding(osb, self.binding),
                "deleted again": osb.delete_binding(self.instance, self.binding, PLAN, True).status}


class Expire(Unbind):
    """Nobody asks: the broker revokes by itself what has expired."""
    name, asks = "expire", False

    def prepare(self, osb):
        self.bind(osb, lifetime_seconds=3600)
        self.lane.pg.psql(f"update bindings set expires_at = now() - interval '1 s', renew_before = now() - interval '1 s' where id = '{self.binding}'")

    def ask(self, osb):
        return None

    def finish(self, osb):
        until = time.monotonic() + 60
        while osb.get_binding(self.instance, self.binding).status != 404:
            if time.monotonic() > until:
                raise Unexpected("the expired binding is still there")
            time.sleep(0.05)
        self.succeed(osb, self.binding)


class Update(Scenario):
    name, kinds = "update", ("update",)

    def ask(self, osb):
        return osb.patch_instance(self.instance, PLAN, **UPDATE)

    def look(self, osb):
        return {**self.objects(), "kafka": self.kafka(), "rows": self.rows(), "answer": osb.get_instance(self.instance).body["parameters"]}

    def tidy(self, osb):
        expect("update", osb.patch_instance(self.instance, PLAN, **BACK), 202)
        self.succeed(osb)


class Deprovision(Scenario):
    name, kinds, own = "deprovision", ("deprovision",), True

    def prepare(self, osb):
        expect("provision", osb.put_instance(self.instance, PLAN), 202)
        self.succeed(osb)
        self.bind(osb)

    def ask(self, osb):
        return osb.delete_instance(self.instance, PLAN)

    def look(self, osb):
        return self.nothing(osb)


class Cancel(Deprovision):
    """The delete of an instance that is being created by the same broker. (Deletes after a broker died over a create: test_deletes.py.)"""
    name, asks = "cancel", False

    def prepare(self, osb):
        pass

    def ask(self, osb):
        expect("provision", osb.put_instance(self.instance, PLAN, parameters=CREATE), 202)
        return osb.delete_instance(self.instance, PLAN)


SCENARIOS = {s.name: s for s in (Provision, Cancel, Deprovision, Update, Bind, Rotate, Unbind, Expire)}
