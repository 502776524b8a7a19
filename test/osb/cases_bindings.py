"""Bindings: bind, fetch, unbind, credentials, what runs at the same time."""
import concurrent.futures
import datetime
import json
import uuid

from client import DROP
from rows import ABSENT, Row, expect, table
from schemas import example
from suite import NotApplicable, case
from world import KAFKA, until

ASYNC = {"accepts_incomplete": "true"}
BUSY = "ConcurrencyError"
APPS = [("nothing", {}), ("an app at the top", {"app_guid": "app"}), ("an app in bind_resource", {"bind_resource": {"app_guid": "app"}}),
        ("both", {"app_guid": "app", "bind_resource": {"app_guid": "app"}}), ("an empty bind_resource", {"bind_resource": {}}),
        ("null", {"app_guid": None, "bind_resource": None}), ("empty texts", {"app_guid": "", "bind_resource": {"app_guid": ""}}),
        ("all of Cloud Foundry", {"app_guid": "app", "bind_resource": {"app_guid": "app", "space_guid": "space", "app_annotations": {"a.b/c": "d"}}}),
        ("a service key", {"bind_resource": {"credential_client_id": "cc_service_key_client"}}),
        ("a service key without client", {"bind_resource": {}, "context": {"platform": "cloudfoundry"}}),
        ("a route", {"bind_resource": {"route": "https://example.com"}})]
OTHER = [("an app", {"bind_resource": {"app_guid": "another"}}), ("a plan", {"plan_id": "$other_plan"}), ("parameters", {"parameters": {"no such": 1}})]
HINTS = ({}, {"service_id": "$service", "plan_id": "$plan"}, {"service_id": "x", "plan_id": "y"}, {"plan_id": None})

table([Row(f"BND-04 {'PRF-03' if 'Foundry' in what or 'key' in what else ''} KOR-04", what, "BND", 201, body, on="other/new", see={"credentials": dict})
       for what, body in APPS]
      + [Row("BND-09", f"another: {what}", "BND", 409, body, on="ready") for what, body in OTHER]
      + [Row("BND-09 CFR-14", f"another: {what}, asynchronously", "BND", 409, body, ASYNC, "ready") for what, body in OTHER]
      + [Row("BND-08", f"the same with {body}", "BND", 200, body, on="ready", see={"credentials": dict, "operation": ABSENT})
         for body in ({}, {"context": {"x": 1}}, {"parameters": None}, {"parameters": {}}, {"app_guid": ""}, {"bind_resource": {"app_guid": ""}})]
      + [Row("BND-08", "the same, asynchronously", "BND", 200, query=ASYNC, on="ready"),
         Row("BND-26 AMB-07", "unknown instance", "BND", 404),
         Row("GBN-02 AMB-07", "unknown instance", "GBN", 404), Row("GBN-02", "unknown", "GBN", 404, on="ready/new"),
         Row("GBN-02", "of another instance", "GBN", 404, on="other/bound"), Row("BND-09", "of another instance", "BND", 409, on="other/bound"),
         Row("UNB-05", "of another instance", "UNB", 410, on="other/bound"), Row("UNB-05", "unknown", "UNB", 410, on="ready/new"),
         Row("UNB-05", "unknown instance", "UNB", 410), Row("UNB-05", "unknown, asynchronously", "UNB", 410, query=ASYNC, on="ready/new"),
         Row("BND-06 AMB-12", "parameters that no plan takes", "BND", 400, {"parameters": {"no such": 1}}, on="ready/new"),
         Row("ERR-05 ERR-09", "a refusal without members about updates", "BND", 404, see={"instance_usable": ABSENT, "update_repeatable": ABSENT})]
      + [Row("BND-27", f"{body}", "BND", 400, body, on="ready/new")
         for body in ({"app_guid": 1}, {"bind_resource": {"app_guid": 1}}, {"bind_resource": []}, {"app_guid": {}})]
      + [Row("GBN-06 GBN-05", f"with the query {q}", "GBN", 200, query=q, on="ready", see={"credentials": dict, "parameters": ABSENT}) for q in HINTS]
      + [Row("BND-22 VER-03", f"endpoints for {v}", call, 200, on="ready", version=v, see={"endpoints": kind})
         for v, kind in (("2.13", ABSENT), ("2.14", ABSENT), ("2.15", list), ("2.17", list)) for call in ("BND", "GBN")])


@case(flow=True)
def synchronous(t, w):
    c = w.client
    binding, answer = c.bind(w.other, {"bind_resource": {"app_guid": "app"}})
    expect(t, w, "BND-07 ASY-03 CFR-12 BND-02", "a bind", answer, 201, see={"credentials": dict})
    got = c.ask("GBN", w.other, binding)
    t.check("GBN-03 GBN-04 GBN-01", "the fetch is the bind's answer", got.status == 200 and got.body == answer.body, set(got.body))
    for query in ({}, ASYNC):
        again = c.ask("BND", w.other, binding, {"bind_resource": {"app_guid": "app"}}, query)
        t.check("BND-08 CFR-12", f"the same bind with {query}", again.status == 200 and again.body == answer.body, again.status)
    for version in ("2.13", "2.14", "2.15", "2.16"):
        older = c.with_version(version).ask("GBN", w.other, binding).body
        t.equal("GBN-03", f"the same credentials for {version}", older.get("credentials"), answer.body["credentials"])
    expect(t, w, "UNB-03 ASY-04 CFR-18", "an unbind", c.ask("UNB", w.other, binding), 200, see={})
    expect(t, w, "GBN-02 UNB-01", "a fetch after it", c.ask("GBN", w.other, binding), 404)


@case(flow=True)
def asynchronous(t, w):
    c, binding = w.client, str(uuid.uuid4())
    first = c.ask("BND", w.other, binding, query=ASYNC)
    expect(t, w, "BND-12 ASY-06", "an asynchronous bind", first, (201, 202))
    t.equal("LOB-01", "ends", c.end(first, w.other, binding), "succeeded")
    got = c.ask("GBN", w.other, binding)
    expect(t, w, "LOB-09 GBN-01 GBN-03 KSC-07 CFR-15", "is fetched at once", got, 200, see={"credentials": dict})
    again = c.ask("BND", w.other, binding)
    t.check("BND-08", "the same bind", again.status == 200 and again.body["credentials"] == got.body["credentials"], again.status)
    gone = c.ask("UNB", w.other, binding, query=ASYNC)
    expect(t, w, "UNB-04 ASY-06", "an asynchronous unbind", gone, (200, 202))
    t.equal("LOB-01 UNB-04", "ends", c.end(gone, w.other, binding), "succeeded")
    expect(t, w, "UNB-05 AMB-14", "once", c.ask("UNB", w.other, binding, query=ASYNC), 410)
    expect(t, w, "GBN-02", "a fetch after it", c.ask("GBN", w.other, binding), 404)


@case("UNB-07 UNB-08", needs=KAFKA)
def while_binding(t, w):
    c, binding = w.client, str(uuid.uuid4())
    instance = c.create()
    with w.own.hold(instance):
        first = c.ask("BND", instance, binding, query=ASYNC)
        expect(t, w, "BND-12", "an asynchronous bind", first, 202)
        for body in ({}, {"context": {"a": "b"}}, {"parameters": {}}):
            expect(t, w, "BND-12 BLK-07 KOR-04", f"the same again with {body}", c.ask("BND", instance, binding, body, ASYNC), 202, see=first.body)
        for what, body in OTHER:
            expect(t, w, "BND-09", f"another meanwhile: {what}", c.ask("BND", instance, binding, w.fill(body), ASYNC), 409)
        expect(t, w, "GBN-02", "a fetch meanwhile", c.ask("GBN", instance, binding), 404)
        expect(t, w, "DEP-07 BLK-04 BLK-02 CFR-10", "a deprovision meanwhile", c.ask("DEP", instance), 422, BUSY)
        if w.updates:
            expect(t, w, "BLK-02 ORP-07", "an update meanwhile", c.ask("UPD", instance, body={"context": {"instance_name": "x"}}), 422, BUSY)
        second = c.ask("UNB", instance, binding, query=ASYNC)
        expect(t, w, "UNB-08 ORP-01", "an unbind during the bind", second, 202)
        t.check("UNB-08", "is another operation", second.body != first.body)
        expect(t, w, "UNB-04 BLK-07", "the same again", c.ask("UNB", instance, binding, query=ASYNC), 202, see=second.body)
        expect(t, w, "BLK-02 CFR-14", "a bind meanwhile", c.ask("BND", instance, binding, query=ASYNC), 422, BUSY)
        expect(t, w, "DEP-07 UNB-07", "a deprovision meanwhile", c.ask("DEP", instance), 422, BUSY)
    t.equal("UNB-08", "the unbind ends", c.wait(instance, binding, 60)["state"], "succeeded")
    t.equal("UNB-08 UNB-01", "no user is left", [u for u in users(w, instance) if binding in u], [])
    c.drop(instance)


def users(w, instance):
    return json.dumps(w.own.kafka(instance)).split('"')


@case("UNB-01 BND-15", needs=KAFKA)
def own_credentials(t, w):
    """Each binding has a user in Kafka, which goes with it."""
    c = w.client
    instance = c.create()
    made = [c.bind(instance) for _ in range(3)]
    names = [answer.body["credentials"]["username"] for _, answer in made]
    secrets = {answer.body["credentials"]["password"] for _, answer in made}
    t.check("BND-15", "three bindings have three users and passwords", len(set(names)) == len(secrets) == 3, names)
    t.check("BND-15 ASY-11", "which Kafka knows", set(names) <= set(users(w, instance)), names)
    c.ask("UNB", instance, made[0][0])
    left = set(users(w, instance))
    t.check("UNB-01 BND-15", "an unbind takes one", names[0] not in left and set(names[1:]) <= left, left)
    c.drop(instance)


@case()
def unlike(t, w):
    pairs = [c.body["credentials"] for _, c in (w.client.bind(w.other), w.client.bind(w.other))]
    t.check("BND-15", "two bindings have different credentials", pairs[0] != pairs[1])


@case()
def at_once(t, w):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: w.client.bind(w.other), range(6)))
        t.equal("BLK-06", "six binds at once", [a.status for _, a in made], [201] * 6)
        gone = list(pool.map(lambda pair: w.client.ask("UNB", w.other, pair[0]).status, made))
        t.equal("BLK-06 UNB-03", "six unbinds at once", gone, [200] * 6)


@case("BND-24", needs=KAFKA)
def all_endpoints(t, w):
    answer = w.client.ask("GBN", w.ready, w.bound)
    credentials, told = answer.body["credentials"], answer.body["endpoints"]
    listed = {f"{e['host']}:{p}" for e in told for p in e["ports"]}
    servers = set(credentials["bootstrap_servers"].split(","))
    t.check("BND-24 BND-22", "the endpoints are the bootstrap servers", servers == listed and servers, (servers, listed))


# Rotation

def rotatable(w):
    if not w.plan.get("binding_rotatable"):
        raise NotApplicable("the plan does not offer rotation")


def topics(w):
    """Parameters of a bind that the published schema takes, as members of a body."""
    schema = w.schema("service_binding", "create")
    return {"parameters": example(schema)} if schema else {}


@case("ROT-02 ROT-04 ROT-05 ROT-06 ROT-07 ROT-08", flow=True)
def rotation(t, w):
    rotatable(w)
    c = w.client
    instance = c.create()
    given = topics(w)
    old, first = c.bind(instance, {"bind_resource": {"app_guid": "app"}, **given})
    new = str(uuid.uuid4())
    bare = {"service_id": DROP, "plan_id": DROP, "predecessor_binding_id": old}
    answer = c.ask("BND", instance, new, bare)
    expect(t, w, "ROT-02 ROT-06", "a rotation without service and plan", answer, 201, see={"credentials": dict})
    t.check("ROT-02", "makes new credentials", answer.body.get("credentials") != first.body["credentials"])
    for which in (old, new):
        got = c.ask("GBN", instance, which)
        t.equal("ROT-05 GBN-05", "the parameters are the predecessor's", got.body.get("parameters"), given.get("parameters"))
    expect(t, w, "ROT-05", "a rotation with other parameters", c.ask("BND", instance, str(uuid.uuid4()), {**bare, "parameters": {"lifetime_seconds": 7200}}), 400)
    for body in (bare, {"predecessor_binding_id": old}, {"predecessor_binding_id": old, **given}):
        again = c.ask("BND", instance, new, body)
        t.check("ROT-08", "the same rotation again", again.status == 200 and again.body == answer.body, again.status)
    expect(t, w, "ROT-08", "the same id without a predecessor", c.ask("BND", instance, new), 409)
    third, _ = c.bind(instance)
    expect(t, w, "ROT-08", "the same id with another predecessor", c.ask("BND", instance, new, {**bare, "predecessor_binding_id": third}), 409)
    for which in (old, new):
        expect(t, w, "ROT-04", "both can be fetched", c.ask("GBN", instance, which), 200)
    fourth = str(uuid.uuid4())
    begun = c.ask("BND", instance, fourth, {"predecessor_binding_id": new}, ASYNC)
    expect(t, w, "ROT-07", "an asynchronous rotation of a rotated one", begun, (201, 202))
    t.equal("ROT-07", "ends", c.end(begun, instance, fourth), "succeeded")
    expect(t, w, "ROT-04", "the old one is unbound", c.ask("UNB", instance, old), 200)
    got = c.ask("GBN", instance, new)
    t.check("ROT-04", "the new one stays", got.status == 200 and got.body["credentials"] == answer.body["credentials"], got.status)
    expect(t, w, "ROT-04", "the new one is unbound", c.ask("UNB", instance, new), 200)
    expect(t, w, "ROT-04", "the newest stays", c.ask("GBN", instance, fourth), 200)
    expect(t, w, "ROT-03", "a rotation of one that is unbound", c.ask("BND", instance, str(uuid.uuid4()), {**bare, "predecessor_binding_id": old}), 400)
    c.drop(instance)


@case("ROT-03")
def wrong_predecessors(t, w):
    rotatable(w)
    c = w.client
    foreign, _ = c.bind(w.other)
    for what, predecessor in (("unknown", "unknown"), ("of another instance", foreign), ("a number", 5), ("an array", [])):
        binding = str(uuid.uuid4())
        expect(t, w, "ROT-03", f"a predecessor that is {what}", c.ask("BND", w.ready, binding, {"predecessor_binding_id": predecessor}), 400)
        expect(t, w, "ROT-03 ERR-06", "makes nothing", c.ask("GBN", w.ready, binding), 404)
    expect(t, w, "ROT-03", "itself as predecessor", c.ask("BND", w.ready, binding, {"predecessor_binding_id": binding}), 400)
    expect(t, w, "ROT-03", "a predecessor on an unknown instance", c.ask("BND", str(uuid.uuid4()), binding, {"predecessor_binding_id": w.bound}), 404)
    expect(t, w, "ROT-06", "an empty predecessor is none", c.ask("BND", w.other, binding, {"predecessor_binding_id": ""}), 201)
    for each in (foreign, binding):
        c.ask("UNB", w.other, each)


@case("BND-16 BND-17 BND-18 AMB-16", flow=True)
def lifetimes(t, w):
    """A binding with a lifetime ends by itself."""
    schema = w.schema("service_binding", "create") or {}
    if "lifetime_seconds" not in schema.get("properties", {}):
        raise NotApplicable("bindings have no lifetime")
    c = w.client
    made, answer = c.bind(w.other, {"parameters": {"lifetime_seconds": 86400}})
    expires, left = answer.body["metadata"]["expires_at"], ends_in(answer)
    t.check("BND-17", "the end is a day away", 86000 < left <= 86460, left)
    t.check("BND-18", "and is to be renewed before", answer.body["metadata"]["renew_before"] < expires, answer.body["metadata"])
    got = c.ask("GBN", w.other, made)
    expect(t, w, "GBN-04 GBN-05 BND-16", "the fetch says so too", got, 200, see={"metadata": answer.body["metadata"], "parameters": {"lifetime_seconds": 86400}})
    for version, seen in (("2.15", {"metadata": ABSENT}), ("2.16", {"metadata": {"expires_at": expires}}), ("2.17", {"metadata": answer.body["metadata"]})):
        expect(t, w, "VER-05 BND-17", version, c.with_version(version).ask("GBN", w.other, made), 200, see=seen)
        again = c.with_version(version).ask("BND", w.other, made, {"parameters": {"lifetime_seconds": 86400}})
        expect(t, w, "VER-05 BND-08", f"{version} the same bind", again, 200, see=seen)
    c.ask("UNB", w.other, made)
    plain, answer = c.bind(w.other)
    t.check("BND-16", "no end without a lifetime", "metadata" not in answer.body, answer.body.get("metadata"))
    c.ask("UNB", w.other, plain)


@case("ROT-03 BND-18", slow=True)
def expiry(t, w):
    """The shortest lifetime ends: the binding goes, and has no successor."""
    schema = (w.schema("service_binding", "create") or {}).get("properties", {}).get("lifetime_seconds")
    if not schema or schema["minimum"] > 90:
        raise NotApplicable("no binding ends within a minute and a half")
    c = w.client
    made, answer = c.bind(w.other, {"parameters": {"lifetime_seconds": schema["minimum"]}})
    lasting, _ = c.bind(w.other)
    left = ends_in(answer)
    t.check("BND-17", "it ends when it was told to", left <= schema["minimum"] + 1, left)
    t.equal("BND-17", "until then it is there", c.ask("GBN", w.other, made).status, 200)
    until(lambda: ends_in(answer) < -0.5, left + 10)
    rotation_ = c.ask("BND", w.other, str(uuid.uuid4()), {"service_id": DROP, "plan_id": DROP, "predecessor_binding_id": made})
    expect(t, w, "ROT-03", "a rotation of one that has expired", rotation_, 400)
    t.check("BND-17 GBN-02", "it is revoked", until(lambda: c.ask("GBN", w.other, made).status == 404, 30))
    t.check("UNB-05", "an unbind of it", until(lambda: c.ask("UNB", w.other, made).status == 410, 30))
    expect(t, w, "GBN-01", "one without a lifetime stays", c.ask("GBN", w.other, lasting), 200)
    c.ask("UNB", w.other, lasting)


def ends_in(answer):
    """Seconds until the binding of an answer expires."""
    end = datetime.datetime.strptime(answer.body["metadata"]["expires_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
    return (end - datetime.datetime.utcnow()).total_seconds()
