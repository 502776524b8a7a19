"""Updates: what is refused, what changes, what merges, instance metadata."""
import uuid

from client import DROP
from rows import ABSENT, Row, expect, table
from schemas import example, nullable
from suite import NotApplicable, case
from world import CLUSTER, KAFKA

BUSY = "ConcurrencyError"
PREVIOUS = {"service_id": "$service", "plan_id": "$plan", "organization_id": "o", "space_id": "s", "maintenance_info": {"version": "1.0.0"}}
SUBSETS = [{}, {"plan_id": "$plan"}, {"plan_id": None}, {"maintenance_info": {}}, {"x-foo": [1]}, PREVIOUS, {**PREVIOUS, "plan_id": "unknown"}]

CHANGE = {"plan_id": "$other_plan"}
table([Row("ORD-03", "another plan with bad parameters", "UPD", 400, {**CHANGE, "parameters": {"no such": 1}}, on="ready"),
       Row("ORD-03", "another plan without accepts_incomplete", "UPD", 422, CHANGE, {"accepts_incomplete": DROP}, "ready", "AsyncRequired"),
       Row("ORD-03 UPD-11", "another plan with another version", "UPD", 422, {**CHANGE, "maintenance_info": {"version": "99.0.0"}}, on="ready",
           word="MaintenanceInfoConflict"),
       Row("UPD-05", "another plan", "UPD", 422, CHANGE, on="ready", word="PlanChangeNotSupported", see={"update_repeatable": False})]
      + [Row("UPD-24 AMB-07", "unknown instance", "UPD", 404, body) for body in ({}, {"plan_id": "$plan"}, {"parameters": {"no such": 1}})]
      + [Row("UPD-16 AMB-12", "parameters that no plan takes", "UPD", 400, {"parameters": {"no such": 1}}, on="ready")])


@case()
def plan_change(t, w):
    """A change that the catalog does not announce is refused, and says that repeating does not help."""
    if not w.other_plan or w.plan.get("plan_updateable", w.service.get("plan_updateable")):
        raise NotApplicable("the plan can be changed, or there is no other")
    for body in ({}, {"parameters": {}}, {"previous_values": {"plan_id": w.plan["id"]}}, {"context": {"instance_name": "x"}}):
        for version, seen in (("2.17", False), ("2.16", False), ("2.15", ABSENT), ("2.13", ABSENT)):
            before = w.state(w.ready)
            answer = w.client.with_version(version).ask("UPD", w.ready, body={"plan_id": w.other_plan["id"], **body})
            expect(t, w, "UPD-05 CAT-37 UPD-06 ORP-05", f"{version} another plan with {body}", answer, 422, see={"update_repeatable": seen})
            t.check("UPD-17 ERR-08 ERR-06", "changes nothing", w.state(w.ready) == before)


def updatable(w):
    if not w.updates:
        raise NotApplicable("the broker offers no updates")


@case("UPD-02 UPD-03 UPD-07 UPD-09 UPD-14")
def without_effect(t, w):
    updatable(w)
    c = w.client
    before = c.ask("GIN", w.ready).body
    for body in ([{}, {"plan_id": w.plan["id"]}, {"parameters": {}}, {"parameters": None}, {"context": None}, {"maintenance_info": {}}]
                 + [{"previous_values": w.fill(p)} for p in SUBSETS] + [{"x-foo": {"a": 1}}, {"plan_id": None}]):
        rules = "UPD-09 UPD-07 ASY-04" + (" UPD-14" if "previous_values" in body else "") + (" CON-04" if "x-foo" in str(body) else "")
        expect(t, w, rules, f"an update with {body}", c.ask("UPD", w.ready, body=body), 200)
        t.equal("UPD-02 UPD-03", "leaves plan and parameters", c.ask("GIN", w.ready).body, before)


def rename(name):
    return {"context": {"platform": "cloudfoundry", "instance_name": name}}


@case("UPD-12", flow=True)
def context_only(t, w):
    if not w.service.get("allow_context_updates"):
        raise NotApplicable("the broker offers no context updates")
    c = w.client
    instance = c.create(rename("first"))
    before = c.ask("GIN", instance)
    answer = c.ask("UPD", instance, body=rename("second"))
    expect(t, w, "UPD-12 CAT-20", "a rename", answer, (200, 202))
    t.equal("UPD-12", "ends", c.end(answer, instance), "succeeded")
    after = c.ask("GIN", instance)
    t.check("UPD-12 UPD-02 UPD-03", "leaves plan and parameters", [after.body.get(n) for n in ("plan_id", "parameters")] == [
        before.body.get(n) for n in ("plan_id", "parameters")], after.body)
    expect(t, w, "UPD-12 UPD-09", "the same rename again", c.ask("UPD", instance, body=rename("second")), 200)
    c.drop(instance)


def update_schema(w):
    schema = w.schema("service_instance", "update")
    if not schema:
        raise NotApplicable("the plan's updates take no parameters")
    return schema


def two_values(w):
    """Two parameters objects of the update schema that differ in a value."""
    schema = update_schema(w)
    return example(schema), example(schema, other=True)


@case("UPD-08 UPD-13 UPD-19 GIN-06 UPD-21", flow=True)
def parameters(t, w):
    first, second = two_values(w)
    c = w.client
    instance = c.create({"parameters": first})
    expect(t, w, "GIN-06", "the parameters of a provision", c.ask("GIN", instance), 200, see={"parameters": first})
    expect(t, w, "PRV-13 AMB-10", "the same provision", c.ask("PRV", instance, body={"parameters": first}), 200)
    expect(t, w, "PRV-14", "the provision without parameters", c.ask("PRV", instance), 409)
    answer = c.ask("UPD", instance, body={"parameters": second})
    expect(t, w, "UPD-08 ASY-06 UPD-19", "an update", answer, (200, 202))
    t.equal("UPD-07 LOI-01", "ends", c.end(answer, instance), "succeeded")
    got = c.ask("GIN", instance)
    t.check("UPD-21 GIN-06", "the new values are there", contains(got.body.get("parameters", {}), second), got.body)
    expect(t, w, "UPD-09", "the same update again", c.ask("UPD", instance, body={"parameters": second}), 200)
    answer = c.ask("UPD", instance, body=rename("x"))
    c.end(answer, instance)
    t.equal("UPD-03", "an update without parameters leaves them", c.ask("GIN", instance).body.get("parameters"), got.body["parameters"])
    c.drop(instance)


def contains(whole, part):
    return all(contains(whole.get(k, {}), v) if isinstance(v, dict) else whole.get(k) == v for k, v in part.items())


def put_at(path, value):
    return {path[0]: put_at(path[1:], value)} if path else value


def part_at(schema, path):
    return part_at(schema["properties"][path[0]], path[1:]) if path else schema


@case("UPD-21")
def merging(t, w):
    """Keys merge one by one; null takes a key back to the plan's value."""
    schema = update_schema(w)
    paths = nullable(schema)[:3]
    if len(paths) < 2 or paths[0][:-1] != paths[1][:-1]:
        raise NotApplicable("no parameters of the plan can be reset")
    c, (one, two) = w.client, paths[:2]
    first, second = example(part_at(schema, one)), example(part_at(schema, two))
    changed = example(part_at(schema, one), other=True)
    instance = c.create({"parameters": put_at(one, first)})

    def update(what, parameters, wanted):
        t.equal("UPD-21 UPD-07", what, c.end(c.ask("UPD", instance, body={"parameters": parameters}), instance), "succeeded")
        t.equal("UPD-21 GIN-06", f"{what}: what is set then", c.ask("GIN", instance).body.get("parameters"), wanted)

    both = put_at(one[:-1], {one[-1]: first, two[-1]: second})
    update("another key is added", put_at(two, second), both)
    update("one key is changed", put_at(one, changed), put_at(one[:-1], {one[-1]: changed, two[-1]: second}))
    update("one key is reset", put_at(one, None), put_at(two, second))
    answer = c.ask("UPD", instance, body={"parameters": put_at(one, None)})
    expect(t, w, "UPD-21 UPD-09", "a reset of what is not set", answer, 200)
    refused = c.ask("UPD", instance, body={"parameters": put_at(one[:-1], {one[-1]: first, "no such": 1})})
    expect(t, w, "UPD-16 UPD-17", "a good key beside a bad one", refused, 400)
    t.equal("UPD-17 ERR-08", "applies neither", c.ask("GIN", instance).body.get("parameters"), put_at(two, second))
    update("the last key is reset", put_at(two, None), None)
    c.drop(instance)


@case("BLK-03 GIN-03 UPD-08 DEP-07", needs=KAFKA)
def while_updating(t, w):
    first, second = two_values(w)
    c = w.client
    instance = c.create({"parameters": first})
    binding, _ = c.bind(instance)
    before = c.ask("GIN", instance).body
    with w.own.hold(instance):
        answer = c.ask("UPD", instance, body={"parameters": second})
        expect(t, w, "UPD-08", "an update", answer, 202, see={"operation": str})
        for body in ({}, {"context": None}):
            expect(t, w, "UPD-08 BLK-07", "the same again", c.ask("UPD", instance, body={"parameters": second, **body}), 202, see=answer.body)
        expect(t, w, "BLK-02 ORP-07", "another update", c.ask("UPD", instance, body=rename("x")), 422, BUSY)
        expect(t, w, "ORD-03", "a bad update", c.ask("UPD", instance, body={"parameters": {"no such": 1}}), 422, BUSY)
        expect(t, w, "BLK-03 GIN-03", "a fetch shows the old values", c.ask("GIN", instance), 200, see={"parameters": before.get("parameters", ABSENT)})
        expect(t, w, "BLK-02", "a bind", c.ask("BND", instance, "late"), 422, BUSY)
        expect(t, w, "BLK-04 UNB-07", "an unbind", c.ask("UNB", instance, binding), 422, BUSY)
        expect(t, w, "BLK-04 DEP-07 CFR-10", "a deprovision", c.ask("DEP", instance), 422, BUSY)
        expect(t, w, "PRV-13", "the same provision", c.ask("PRV", instance, body={"parameters": first}), 200)
        expect(t, w, "PRV-14", "another provision", c.ask("PRV", instance, body={"space_guid": "x"}), 409)
        for plan in (w.plan["id"], "old", ""):
            expect(t, w, "LOI-08 LOI-01", "a poll with the plan before", c.ask("LOI", instance, query={"plan_id": plan}), 200, see={"state": "in progress"})
    t.equal("UPD-08 LOI-01", "the update ends", c.wait(instance, seconds=60)["state"], "succeeded")
    t.check("BLK-03 UPD-21", "a fetch shows the new values", contains(c.ask("GIN", instance).body["parameters"], second))
    expect(t, w, "UPD-09", "the same update after the end", c.ask("UPD", instance, body={"parameters": second}), 200)
    c.drop(instance)


@case("UPD-22 UPD-23 LOI-11 LOI-12 ERR-05 ERR-09 VER-06", needs=KAFKA)
def failed_update(t, w):
    """Kafka refuses the settings; later it does not."""
    first, second = two_values(w)
    c = w.client
    instance = c.create({"parameters": first})
    binding, _ = c.bind(instance)
    with w.own.fault(instance, api="IncrementalAlterConfigs", error=42):
        answer = c.ask("UPD", instance, body={"parameters": second})
        expect(t, w, "UPD-08", "an update", answer, 202)
        t.equal("LOI-02", "fails", c.end(answer, instance), "failed")
    for minor in (13, 15, 16, 17):
        body = c.with_version(f"2.{minor}").ask("LOI", instance).body
        told = {n: body.get(n, ABSENT) for n in ("instance_usable", "update_repeatable")}
        t.check("UPD-22 LOI-11 LOI-12 VER-06 ERR-05 ERR-09", f"2.{minor} usable and repeatable",
                told["instance_usable"] is (True if minor >= 16 else ABSENT) and (told["update_repeatable"] in (True, False)) == (minor >= 16), body)
    expect(t, w, "UPD-17 ERR-08 ORP-05", "nothing was applied", c.ask("GIN", instance), 200, see={"parameters": first})
    expect(t, w, "UPD-22 ORP-05", "the binding is there", c.ask("GBN", instance, binding), 200)
    expect(t, w, "UPD-22", "it can be bound", c.ask("BND", instance, str(uuid.uuid4())), 201)
    t.equal("UPD-23", "the update can be tried again", c.end(c.ask("UPD", instance, body={"parameters": second}), instance), "succeeded")
    t.check("UPD-23", "and shows", contains(c.ask("GIN", instance).body["parameters"], second))
    t.equal("ORP-05", "the delete works", c.delete(instance), "succeeded")


@case("UPD-06", needs=CLUSTER)
def failed_instance(t, w):
    """An instance whose provision failed takes no update."""
    instance = str(uuid.uuid4())
    w.own.testbed.kubectl("create", "ns", w.own.namespace(instance))
    w.client.end(w.client.ask("PRV", instance), instance)
    expect(t, w, "UPD-06", "an update", w.client.ask("UPD", instance, body=rename("x")), 422)
    w.client.drop(instance)
    w.own.testbed.kubectl("delete", "ns", w.own.namespace(instance), "--wait=false")


@case("PRV-20 UPD-20 GIN-08 IMD-01 IMD-02 IMD-03 VER-04")
def metadata(t, w):
    first = w.client.ask("PRV", w.ready)
    if "metadata" not in first.body:
        raise NotApplicable("the broker sends no metadata")
    c = w.client
    instance = str(uuid.uuid4())
    begun = c.ask("PRV", instance, body=rename("labelled"))
    labels = begun.body["metadata"]["labels"]
    t.check("PRV-20 IMD-01", "labels of a provision", labels and all(isinstance(v, str) for v in labels.values()), begun.body)
    c.end(begun, instance)
    for call in ("PRV", "UPD"):
        for minor in (13, 14, 15, 16, 17):
            answer = c.with_version(f"2.{minor}").ask(call, instance, body=rename("labelled"))
            expect(t, w, f"VER-04 {'PRV-20' if call == 'PRV' else 'UPD-20'} IMD-03", f"{call} 2.{minor}", answer, 200,
                   see={"metadata": ABSENT} if minor < 16 else {"metadata.labels": labels})
    for minor in (15, 16, 17):
        expect(t, w, "VER-04 GIN-08 IMD-03", f"GIN 2.{minor}", c.with_version(f"2.{minor}").ask("GIN", instance), 200,
               see={"metadata": ABSENT} if minor < 17 else {"metadata.labels": labels})
    c.drop(instance)


@case("GIN-07 VER-07")
def version_of_instance(t, w):
    version = w.names["$version"]
    if not version:
        raise NotApplicable("the plan has no maintenance_info")
    for minor in (15, 16, 17):
        expect(t, w, "GIN-07 VER-07", f"2.{minor}", w.client.with_version(f"2.{minor}").ask("GIN", w.ready), 200,
               see={"maintenance_info": ABSENT} if minor < 17 else {"maintenance_info.version": version})
