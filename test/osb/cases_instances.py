"""Instances: provision, fetch, deprovision, what runs at the same time, contexts of platforms."""
import concurrent.futures
import itertools
import uuid

from client import DROP
from rows import Row, expect, table
from suite import case
from world import CLUSTER, KAFKA, until

ASYNC = "AsyncRequired"
BUSY = "ConcurrencyError"
OTHER = [("plan", {"plan_id": "$other_plan"}), ("organization", {"organization_guid": "another"}), ("space", {"space_guid": "another"}),
         ("parameters", {"parameters": {"no such": 1}})]
NOT_TRUE = [{"accepts_incomplete": v} for v in (DROP, None, "", "0", "yes", "false", "TRUE", "1", "true,false")]

table([Row("PRV-15 ASY-05 ASY-10", f"accepts_incomplete {'absent' if q['accepts_incomplete'] is DROP else q['accepts_incomplete']!r}", "PRV", 422, query=q,
           word=ASYNC) for q in NOT_TRUE]
      + [Row("DEP-06 ASY-05 ASY-10", f"accepts_incomplete {'absent' if q['accepts_incomplete'] is DROP else q['accepts_incomplete']!r}", "DEP", 422, query=q,
             on="ready", word=ASYNC) for q in NOT_TRUE]
      + [Row("UPD-10 ASY-05 ASY-10", f"accepts_incomplete {'absent' if q['accepts_incomplete'] is DROP else q['accepts_incomplete']!r}", "UPD", 422, query=q,
             on="ready", word=ASYNC) for q in NOT_TRUE]
      + [Row("PRV-14 CFR-04", f"another {what}", "PRV", 409, body, on="ready") for what, body in OTHER]
      + [Row("PRV-14 CFR-04", f"another {what} without accepts_incomplete", "PRV", 409, body, {"accepts_incomplete": DROP}, "ready") for what, body in OTHER]
      + [Row("PRV-13 AMB-03 AMB-10 CFR-01", f"the same with {what}", "PRV", 200, body, on="ready") for what, body in
         (("nothing else", {}), ("another context", {"context": {"platform": "x", "instance_name": "renamed"}}), ("context null", {"context": None}),
          ("parameters {}", {"parameters": {}}), ("parameters null", {"parameters": None}))]
      + [Row("PRV-13", "the same without accepts_incomplete", "PRV", (200, 422), query={"accepts_incomplete": DROP}, on="ready"),
         Row("GIN-02 AMB-07", "unknown", "GIN", 404),
         Row("DEP-05 KCL-07", "unknown", "DEP", 410),
         Row("DEP-05", "unknown, with ids that no catalog has", "DEP", 410, query={"service_id": "a", "plan_id": "b"}),
         Row("PRV-07 PRV-17 AMB-12 KSC-05", "parameters that no plan takes", "PRV", 400, {"parameters": {"no such": 1}})]
      + [Row("GIN-09 GIN-04", f"with the query {q}", "GIN", 200, on="ready", query=q, see={"service_id": "$service", "plan_id": "$plan"})
         for q in ({}, {"service_id": "$service", "plan_id": "$plan"}, {"service_id": "x", "plan_id": "y"}, {"plan_id": None})])

# Contexts by platform and version of the profile.
CF = {"platform": "cloudfoundry", "organization_guid": "org-guid", "space_guid": "space-guid"}
CF_NAMES = {**CF, "organization_name": "org", "space_name": "spaß", "instance_name": "my-kafka"}
K8S = {"platform": "kubernetes", "namespace": "default"}
CONTEXTS = [
    ("PRF-01", "Cloud Foundry of 2.13", CF), ("PRF-01", "Cloud Foundry of 2.15", CF_NAMES),
    ("PRF-01", "Cloud Foundry of 2.16", {**CF_NAMES, "organization_annotations": {"a.b/c": "d"}, "space_annotations": {}, "instance_annotations": {"x": "y"}}),
    ("PRF-01", "Cloud Foundry with the platform alone", {"platform": "cloudfoundry"}),
    ("PRF-02", "Kubernetes of 2.13", K8S), ("PRF-02", "Kubernetes of 2.14", {**K8S, "clusterid": "644e1dd7"}),
    ("PRF-02", "Kubernetes of 2.15", {**K8S, "clusterid": "644e1dd7", "instance_name": "my-kafka"}),
    ("PRF-02", "Kubernetes of 2.16", {**K8S, "clusterid": "644e1dd7", "namespace_annotations": {"a": "b"}, "instance_annotations": {}}),
    ("PRV-06", "an empty context", {}), ("PRV-06", "no context", DROP), ("PRV-06", "null", None),
    ("PRV-06", "an unknown platform", {"platform": "toaster", "x": {"y": [1, None]}}),
]
table([Row(f"{rules} PRV-06", f"context: {what}", "PRV", (201, 202), {"context": context}) for rules, what, context in CONTEXTS]
      + [Row(f"{rules} BND-06", f"context: {what}", "BND", 200, {"context": context}, on="ready") for rules, what, context in CONTEXTS])


@case(flow=True)
def life(t, w):
    """Create, poll, fetch, bind, use, unbind, delete."""
    c, instance, binding = w.client, str(uuid.uuid4()), str(uuid.uuid4())
    first = c.ask("PRV", instance)
    expect(t, w, "PRV-11 ASY-06 CFR-02", "a provision", first, (201, 202))
    t.equal("LOI-01 PRV-01", "ends", c.end(first, instance), "succeeded")
    got = c.ask("GIN", instance)
    expect(t, w, "GIN-01 CAT-18 ASY-02 PRV-01", "is fetched at once", got, 200, see={"service_id": "$service", "plan_id": "$plan"})
    t.equal("GIN-05", "with the dashboard of the first answer", got.body.get("dashboard_url"), first.body.get("dashboard_url"))
    t.check("GIN-06", "without parameters that nobody gave", not got.body.get("parameters"), got.body)
    answer = c.ask("BND", instance, binding)
    expect(t, w, "BND-01 BND-07 ASY-03 KSC-03", "a bind", answer, 201)
    fetched = c.ask("GBN", instance, binding)
    expect(t, w, "CAT-19 GBN-01", "the binding is fetched", fetched, 200, see={"credentials": answer.body.get("credentials")})
    expect(t, w, "UNB-03 ASY-04 BND-01", "an unbind", c.ask("UNB", instance, binding), 200)
    for i in range(2):
        expect(t, w, "UNB-05 ORP-01 KCL-07", "an unbind again", c.ask("UNB", instance, binding), 410)
    gone = c.ask("DEP", instance)
    expect(t, w, "ASY-06 CFR-10", "a deprovision", gone, (200, 202))
    t.equal("LOI-01", "ends", c.end(gone, instance), "succeeded")
    for i in range(2):
        expect(t, w, "DEP-05 ORP-01 KCL-07 KOR-03", "a deprovision again", c.ask("DEP", instance), 410)
    expect(t, w, "GIN-02", "a fetch after the delete", c.ask("GIN", instance), 404)
    expect(t, w, "AMB-07 BND-26", "a bind after the delete", c.ask("BND", instance, binding), 404)
    expect(t, w, "AMB-07 UPD-24", "an update after the delete", c.ask("UPD", instance), 404)


def creating(w):
    """An instance whose provision runs until the block ends."""
    instance = str(uuid.uuid4())
    return instance, w.own.hold(instance)


@case("PRV-12 BLK-02 BLK-07 BND-26", needs=KAFKA)
def while_creating(t, w):
    c, (instance, held) = w.client, creating(w)
    with held:
        first = c.ask("PRV", instance)
        operation = first.body.get("operation")
        expect(t, w, "PRV-11", "a provision", first, 202)
        for body in ({}, {"context": {"platform": "cloudfoundry", "instance_name": "renamed"}}, {"parameters": {}}):
            expect(t, w, "PRV-12 BLK-07 KOR-01 AMB-10", f"the same again with {body}", c.ask("PRV", instance, body=body), 202, see={"operation": operation})
        expect(t, w, "PRV-15 ASY-07", "the same again without accepts_incomplete", c.ask("PRV", instance, query={"accepts_incomplete": DROP}), 422, ASYNC)
        for what, body in OTHER:
            expect(t, w, "PRV-14 CFR-04", f"another {what} meanwhile", c.ask("PRV", instance, body=w.fill(body)), 409)
        expect(t, w, "GIN-02", "a fetch meanwhile", c.ask("GIN", instance), 404)
        expect(t, w, "BLK-02 ORP-07", "an update meanwhile", c.ask("UPD", instance, body={"plan_id": w.plan["id"]}), 422, BUSY)
        expect(t, w, "BND-26 ORP-07", "a bind meanwhile", c.ask("BND", instance, "b"), 422, BUSY)
        expect(t, w, "UNB-05", "an unbind of an unknown binding meanwhile", c.ask("UNB", instance, "b"), 410)
        expect(t, w, "LOI-01 LOI-02", "a poll", c.ask("LOI", instance), 200, see={"state": "in progress"})
        for i in range(100):
            c.ask("LOI", instance)
        expect(t, w, "LOI-15", "after a hundred polls it runs on", c.ask("PRV", instance), 202, see={"operation": operation})
    t.equal("PRV-01", "the provision ends", c.wait(instance, seconds=120)["state"], "succeeded")
    expect(t, w, "PRV-13 KOR-01", "the same again", c.ask("PRV", instance), 200)
    expect(t, w, "GIN-01", "a fetch", c.ask("GIN", instance), 200)
    for i in range(10):
        expect(t, w, "LOI-13 LOI-14", "the end stays", c.ask("LOI", instance), 200, see={"state": "succeeded"})
    c.drop(instance)


@case("DEP-08 POL-01", needs=KAFKA)
def delete_while_creating(t, w):
    c, (instance, held) = w.client, creating(w)
    with held:
        first = c.ask("PRV", instance).body.get("operation")
        until(lambda: w.own.objects(instance), 30)
        second = c.ask("DEP", instance)
        expect(t, w, "DEP-08 POL-01 ORP-01", "a delete during the provision", second, 202)
        t.check("DEP-08", "is another operation", second.body.get("operation") != first, first)
        expect(t, w, "DEP-04 BLK-07", "the same again", c.ask("DEP", instance), 202, see=second.body)
        expect(t, w, "BLK-02 CFR-05", "a provision meanwhile", c.ask("PRV", instance), 422, BUSY)
        expect(t, w, "DEP-08", "the poll is about the delete", c.ask("LOI", instance), 200)
        t.equal("DEP-08 POL-01", "the delete ends", c.wait(instance, seconds=120)["state"], "succeeded")
    t.equal("DEP-08 DEP-01", "nothing is left", w.own.objects(instance), [])
    expect(t, w, "GIN-02", "a fetch", c.ask("GIN", instance), 404)


@case(flow=True)
def delete_at_any_moment(t, w):
    for pause in (0, 0.05, 0.2, 0.5):
        instance = str(uuid.uuid4())
        w.client.ask("PRV", instance)
        until(lambda: False, pause)
        t.equal("POL-01 DEP-08 ORP-01", f"a delete {pause} s into a provision", w.client.delete(instance), "succeeded")
        t.equal("GIN-02", "leaves nothing", w.client.ask("GIN", instance).status, 404)


@case("DEP-04 DEP-07", needs=KAFKA)
def delete(t, w):
    c = w.client
    instance = c.create()
    expect(t, w, "DEP-06", "a delete without accepts_incomplete", c.ask("DEP", instance, query={"accepts_incomplete": DROP}), 422, ASYNC)
    t.equal("DEP-06 ERR-06", "deletes nothing", c.ask("GIN", instance).status, 200)
    binding, _ = c.bind(instance)
    first = c.ask("DEP", instance)
    expect(t, w, "ASY-06 AMB-08 DEP-09", "a delete with a binding left", first, 202)
    expect(t, w, "DEP-04 BLK-07", "the same again", c.ask("DEP", instance), 202, see=first.body)
    expect(t, w, "BLK-02 CFR-05", "a provision meanwhile", c.ask("PRV", instance), 422, BUSY)
    expect(t, w, "BLK-02 CFR-14", "a bind meanwhile", c.ask("BND", instance, "late"), 422, BUSY)
    expect(t, w, "UNB-07 BLK-04", "an unbind meanwhile", c.ask("UNB", instance, binding), 422, BUSY)
    expect(t, w, "BLK-02", "an update meanwhile", c.ask("UPD", instance), 422, BUSY)
    t.equal("DEP-01", "the delete ends", c.wait(instance, seconds=120)["state"], "succeeded")
    t.equal("DEP-01", "nothing is left in Kubernetes", w.own.objects(instance), [])
    expect(t, w, "DEP-09 AMB-08 UNB-05", "the binding went along", c.ask("UNB", instance, binding), 410)
    expect(t, w, "DEP-09 GBN-02", "and cannot be fetched", c.ask("GBN", instance, binding), 404)
    rows = [w.own.pg.psql(f"select count(*) from {table_} where {column} = '{instance}'").strip()
            for table_, column in (("instances", "id"), ("bindings", "instance_id"), ("secrets", "instance_id"))]
    t.equal("DEP-01", "nor in the database", rows, ["0", "0", "0"])


@case()
def parallel(t, w):
    c, instance = w.client, str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: c.ask("PRV", instance), range(20)))
        got = {(a.status, a.body.get("operation")) for a in answers}
        t.check("BLK-08 BLK-07", "20 identical provisions are one", {s for s, _ in got} <= {200, 201, 202} and len({o for s, o in got if s == 202}) <= 1, got)
        t.equal("BLK-08", "which succeeds", c.end(answers[0], instance), "succeeded")
        binding = str(uuid.uuid4())
        answers = list(pool.map(lambda _: c.ask("BND", instance, binding), range(8)))
        t.equal("BLK-08 BND-08", "8 identical binds are one", sorted(a.status for a in answers), [200] * 7 + [201])
        t.check("BLK-08 BND-08", "with one set of credentials", all(a.body["credentials"] == answers[0].body["credentials"] for a in answers))
        answers = list(pool.map(lambda _: c.ask("DEP", instance), range(20)))
        got = {a.body.get("operation") for a in answers if a.status == 202}
        t.check("BLK-08 BLK-07 DEP-04", "20 identical deletes are one", len(got) == 1 and {a.status for a in answers} <= {202, 410}, got)
    c.wait(instance, seconds=120)


@case()
def independent(t, w):
    """Several instances at once."""
    ids = [str(uuid.uuid4()) for _ in range(4)]
    answers = [w.client.ask("PRV", i) for i in ids]
    t.equal("BLK-01", "four provisions at once", {w.client.end(a, i) for a, i in zip(answers, ids)}, {"succeeded"})
    for i, answer in [(i, w.client.ask("DEP", i)) for i in ids]:
        t.equal("BLK-01", "four deletes at once", w.client.end(answer, i), "succeeded")


@case()
def dashboards(t, w):
    answers = [w.client.ask("PRV", i) for i in (w.ready, w.other)]
    urls = [a.body.get("dashboard_url") for a in answers]
    t.check("PRV-18", "two instances have two dashboards, or none", urls == [None, None] or urls[0] != urls[1], urls)


@case()
def platforms_differ(t, w):
    """The same instance is seen alike by every version."""
    bodies = [w.client.with_version(f"2.{minor}").ask("GIN", w.ready) for minor in (13, 14, 15, 16, 17)]
    t.check("GIN-04 GIN-01", "five versions see one instance", all(a.status == 200 and (a.body["service_id"], a.body["plan_id"]) == (
        w.service["id"], w.plan["id"]) for a in bodies), [a.status for a in bodies])
    for older, newer in itertools.pairwise(bodies):
        t.check("HDR-03 GIN-01", "a newer version sees no less", set(older.body) <= set(newer.body), (older.body, newer.body))


@case("PRV-22", needs=CLUSTER)
def failed_provision(t, w):
    """The namespace is taken by somebody else, so that the provision cannot succeed."""
    c, instance = w.client, str(uuid.uuid4())
    w.own.testbed.kubectl("create", "ns", w.own.namespace(instance))
    end = c.end(c.ask("PRV", instance), instance)
    t.equal("LOI-02", "a provision that fails", end, "failed")
    body = c.ask("LOI", instance).body
    t.check("LOI-11 LOI-12 ERR-05 ERR-09", "says nothing about updates", set(body) == {"state", "description"}, body)
    expect(t, w, "GIN-02", "a fetch", c.ask("GIN", instance), 404)
    expect(t, w, "PRV-14 CFR-04", "the same provision", c.ask("PRV", instance), 409)
    answer = c.ask("BND", instance, "b")
    t.check("BND-26 CFR-14", "a bind is refused cleanly", answer.status in (400, 404), answer.status)
    t.equal("PRV-22 ORP-01 ORP-03", "the delete works", c.delete(instance), "succeeded")
    expect(t, w, "PRV-22 DEP-05", "once", c.ask("DEP", instance), 410)
    w.own.testbed.kubectl("delete", "ns", w.own.namespace(instance), "--wait=false")


@case()
def unsure(t, w):
    """What orphan mitigation does: delete first, then create; delete three times."""
    instance = str(uuid.uuid4())
    expect(t, w, "ORP-01 DEP-05", "a delete of something never made", w.client.ask("DEP", instance), 410)
    t.equal("ORP-01", "does not stand in the way of a provision", w.client.end(w.client.ask("PRV", instance), instance), "succeeded")
    got = [w.client.ask("DEP", instance).status for _ in range(3)]
    t.check("ORP-01 KCL-07", "three deletes", set(got) <= {200, 202, 410}, got)
    w.client.wait(instance, seconds=120)
