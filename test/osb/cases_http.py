"""Headers, credentials, ids, error bodies, JSON: what holds for every endpoint."""
import base64
import json
import random
import socket
import string
import time
import uuid

from client import CALLS, DROP, METHODS, WITH_BODY
from rows import Row, TEXT, expect, table, without_each
from suite import NotApplicable, case
from world import SETTINGS

VERSION, IDENTITY, ORIGIN = "X-Broker-API-Version", "X-Broker-API-Request-Identity", "X-Broker-API-Originating-Identity"
# A valid request for each endpoint that changes nothing: where it goes and what it answers.
HARMLESS = {"CAT": ("ready", 200), "PRV": ("ready", 200), "GIN": ("ready", 200), "UPD": ("new", 404), "DEP": ("new", 410), "LOI": ("ready", 200),
            "BND": ("ready", 200), "GBN": ("ready", 200), "UNB": ("new", 410), "LOB": ("ready", 200)}
UNSUPPORTED = ("1.0", "3.0", "2.9", "abc", "2", "2.x", "2.17.1", "-2.17", "2.99999")
SERVED = ("2.13", "2.14", "2.15", "2.16", "2.17", "2.99")


def identity(platform, value):
    return {ORIGIN: f"{platform} {base64.b64encode(json.dumps(value).encode()).decode()}"}


IDENTITIES = [
    ("Cloud Foundry", identity("cloudfoundry", {"user_id": "683ea748-3092-4ff4-b656-39cacc4d5360"})),
    ("Kubernetes", identity("kubernetes", {"username": "duke", "uid": "c2dde242", "groups": ["admin", "dev"], "extra": {"mydata": ["data1", "data3"]}})),
    ("Kubernetes without extra", identity("kubernetes", {"username": "duke", "uid": "c2dde242", "groups": []})),
    ("more members", identity("cloudfoundry", {"user_id": "a", "user_name": "ü", "x": {"y": [None, 1]}})),
    ("another platform", identity("MyPlatform", {})),
]
BROKEN_IDENTITIES = [("no blank", "nospace"), ("not Base64", "cf !!!"), ("an array", "cf W10="), ("not JSON", "cf e30"), ("only a platform", "cf ")]
HEADERS = [
    ("HDR-04", "lower-case names", {VERSION: None, "x-broker-api-version": "2.17"}),
    ("HDR-04", "names in Cloud Controller's spelling", {VERSION: None, "X-Broker-Api-Version": "2.17"}),
    ("HDR-11", "unknown headers", {"X-Vcap-Request-Id": "8a4e", "X-Api-Info-Location": "api.example.com/v2/info", "X-B3-TraceId": "5f1c",
                                   "X-B3-SpanId": "5f1c", "Accept": "*/*", "User-Agent": "x"}),
    ("HDR-05", "no originating identity", {ORIGIN: None}),
    ("CON-06", "a Content-Type", {"Content-Type": "application/json"}),
] + [("HDR-01", f"version {v}", {VERSION: v}) for v in SERVED] + [("HDR-06", what, h) for what, h in IDENTITIES]

table([Row("HDR-03" if what == "version 2.99" else rules, what, call, want, on=on, headers=headers)
       for rules, what, headers in HEADERS for call, (on, want) in HARMLESS.items()])
table([Row("HDR-01 ORD-01", f"version {v!r}", call, 412, on=HARMLESS[call][0], headers={VERSION: v}, see={"description": TEXT},
           raw=b"{not json" if call in WITH_BODY else None) for v in UNSUPPORTED for call in CALLS])
table([Row("HDR-02 AMB-01 ORD-01", f"{what} version", call, 412, on=HARMLESS[call][0], headers={VERSION: v}, see={"description": TEXT},
           raw=b"{not json" if call in WITH_BODY else None) for what, v in (("no", None), ("an empty", "")) for call in CALLS])


@case()
def broken_identity(t, w):
    for what, value in BROKEN_IDENTITIES:
        for call, (on, want) in HARMLESS.items():
            answer = w.client.ask(call, *w.target(on), headers={ORIGIN: value})
            t.check("HDR-07", f"{call} with an originating identity that is {what}", answer.status in (400, want), answer.status)
    for call, on in (("PRV", "ready"), ("UPD", "new"), ("BND", "ready")):
        body = {"context": {"platform": "kubernetes"}}
        answer = w.client.ask(call, *w.target(on), body=body, headers=identity("cloudfoundry", {"user_id": "a"}))
        t.check("HDR-08", f"{call} with an identity of another platform than the context's", answer.status < 500, answer.status)


@case()
def request_identity(t, w):
    ids = {"service_id": "$service", "plan_id": "$plan"}
    calls = [(401, "CAT", "new", {"headers": {"Authorization": None}}), (412, "CAT", "new", {"headers": {VERSION: "1.0"}}), (200, "CAT", "new", {}),
             (400, "PRV", "new", {"raw": b"{"}), (404, "GIN", "new", {}), (404, "LOI", "new", {}), (410, "UNB", "new", {}),
             (409, "PRV", "ready", {"body": {"space_guid": "another"}}), (410, "DEP", "new", {}),
             (422, "DEP", "new", {"query": {"accepts_incomplete": DROP, **ids}})]
    for status, call, on, more in calls:
        for value in (str(uuid.uuid4()), "a b c", "x" * 200):
            headers = {**more.get("headers", {}), "x-broker-api-request-identity": value, IDENTITY: None}
            answer = w.client.ask(call, *w.target(on), **{**more, "headers": headers})
            t.check("HDR-09", f"{call} that is {status}", answer.status == status and answer.headers[IDENTITY] == value, (answer.status, answer.headers[IDENTITY]))


# Credentials

def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def wrong_credentials(client):
    name, password = client.username, client.password
    return [("no", {"Authorization": None}), ("an empty header", {"Authorization": ""}), ("a wrong password", basic(f"{name}:wrong")),
            ("a wrong user", basic(f"x{name}:{password}")), ("no user", basic(f":{password}")), ("no password", basic(f"{name}:")),
            ("no colon", basic(name)), ("a longer password", basic(f"{name}:{password}x")), ("a cut password", basic(f"{name}:{password[:-1]}")),
            ("broken Base64", {"Authorization": "Basic %%%"}), ("no Base64", {"Authorization": "Basic"}), ("a bearer token", {"Authorization": "Bearer x"})]


@case()
def credentials(t, w):
    for what, headers in wrong_credentials(w.client):
        for call in CALLS:
            raw = b"{not json" if call in WITH_BODY else None
            answer = w.client.ask(call, *w.target(HARMLESS[call][0]), headers={**headers, VERSION: None}, raw=raw)
            expect(t, w, "AUT-01 AMB-02 ORD-01", f"{call} with {what} credentials", answer, 401, see={"description": TEXT})
    answer = w.client.call("GET", "/v2/catalog", headers={"Authorization": None})
    t.check("AUT-01", "401 says how to log in", "basic" in answer.headers.get("WWW-Authenticate", "").lower(), answer.headers.items())
    instance, binding = w.target("new")
    wrong = basic(f"{w.client.username}:wrong")
    for call in ("PRV", "UPD", "BND"):
        w.client.ask(call, instance, binding, headers=wrong)
    t.equal("AUT-06 ERR-06", "a provision without login makes nothing", [s for s, _ in w.state(instance, binding)], [404] * 4)
    before = w.state(w.ready, w.bound)
    for call in ("DEP", "UNB", "UPD", "BND"):
        w.client.ask(call, w.ready, w.bound, headers=wrong)
    t.check("AUT-06 ERR-06", "writes without login change nothing", w.state(w.ready, w.bound) == before)


@case()
def kept_connection(t, w):
    connection = w.client.connect()
    for path, headers, status in (("/v2/catalog", w.client.headers, 200), (w.client.path("GIN", w.ready), w.client.headers, 200),
                                  ("/v2/catalog", {VERSION: "2.17"}, 401), ("/v2/catalog", w.client.headers, 200)):
        connection.request("GET", w.client.prefix + path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        t.equal("AUT-02", f"{path} with {len(headers)} headers on a kept connection", answer.status, status)
    connection.close()


@case("AUT-05", needs=SETTINGS)
def two_pairs(t, w):
    """Two platforms, or an old and a new password, at the same time."""
    w.own.require("second_username")
    with w.own.another(w, "pairs", second_username="other", second_password="its-own-password") as (_, own):
        pairs = [(own.client.username, own.client.password, 200), ("other", "its-own-password", 200), ("other", own.client.password, 401),
                 (own.client.username, "its-own-password", 401), ("other", "", 401)]
        for name, password, want in pairs:
            answer = own.client.ask("CAT", headers=basic(f"{name}:{password}"))
            t.equal("AUT-05 AUT-01", f"user {name} with {'its' if want == 200 else 'another'} password", answer.status, want)


# URLs

AS_THEY_ARE = ("last_operation", "...")
ODD_IDS = ("Ab_1.~x", "x", "y" * 200, "ABC", "a b/c", "a+b&c=d?e#f", "€", "';--", "%41", "last_operation", "...", "a" * 63)


def odd_id(odd):
    def run(t, w):
        instance = odd if odd in AS_THEY_ARE else random.choice(string.ascii_letters) if odd == "x" else odd[:190] + uuid.uuid4().hex[:6]
        t.equal("GIN-02", f"{odd[:20]}: unknown at first", w.client.ask("GIN", instance).status, 404)
        state = w.client.end(w.client.ask("PRV", instance), instance)
        t.equal("URL-01 URL-02", f"{odd[:20]}: created", state, "succeeded")
        t.equal("URL-01 URL-02", f"{odd[:20]}: fetched", w.client.ask("GIN", instance).status, 200)
        t.equal("URL-01 URL-02", f"{odd[:20]}: created once", w.client.ask("PRV", instance).status, 200)
        binding, _ = w.client.bind(instance, binding=odd + uuid.uuid4().hex[:6])
        t.equal("URL-01 URL-02", f"{odd[:20]}: binding fetched", w.client.ask("GBN", instance, binding).status, 200)
        for operation in ("a%20b", "a+b", "a%2Fb%26c%25", "a=b"):
            answer = w.client.call("GET", w.client.path("LOI", instance) + f"?operation={operation}&service_id=a%20b")
            t.equal("LOI-09 KCL-05 URL-02", f"{odd[:20]}: polled with {operation}", (answer.status, answer.body.get("state")), (200, "succeeded"))
        t.equal("URL-01 URL-02", f"{odd[:20]}: deleted", w.client.delete(instance), "succeeded")
        t.equal("GIN-02 LOI-13", f"{odd[:20]}: gone", w.client.ask("GIN", instance).status, 404)
    run.__name__ = f"id_{odd[:12]}"
    return run


for each in ODD_IDS:
    case()(odd_id(each))


@case()
def id_again(t, w):
    instance = w.client.create()
    w.client.bind(instance, binding="again-" + instance)
    w.client.delete(instance)
    t.equal("URL-04", "an id used again: provision", w.client.end(w.client.ask("PRV", instance), instance), "succeeded")
    binding, answer = w.client.bind(instance, binding="again-" + instance)
    t.equal("URL-04", "an id used again: bind", answer.status, 201)
    w.client.ask("UNB", instance, binding)
    t.equal("URL-04", "a binding's id used again", w.client.bind(instance, binding=binding)[1].status, 201)
    w.client.drop(instance)


EMPTY = [f"{a}&{b}" for a in ("service_id", "service_id=") for b in ("plan_id", "plan_id=x")] + ["service_id=x&plan_id=", "service_id=x&plan_id"]
table([Row("URL-05 DEP-02 DEP-12", f"?{q}", "DEP", 400, on="ready", query=f"?{q}&accepts_incomplete=true") for q in EMPTY]
      + [Row("URL-05 UNB-02 UNB-10", f"?{q}", "UNB", 400, on="ready", query=f"?{q}") for q in EMPTY]
      + [Row("URL-05 LOI-08 LOI-04", f"?{q}", call, 200, on="ready", query=f"?{q}&operation=&operation") for q in EMPTY for call in ("LOI", "LOB")])

# Bodies

UNREADABLE = [("empty", b""), ("cut", b'{"service_id": "x"'), ("an array", b"[]"), ("null", b"null"), ("a text", b'"x"'), ("a number", b"1"),
              ("not UTF-8", b'{"service_id": "\xff\xfe"}'), ("two values", b"{}{}"), ("a million brackets", b"[" * 1000000), ("blank", b" \n"),
              ("deep", b'{"a":' * 100000), ("a surrogate", b'{"service_id": "\\ud800"}'), ("NUL", b'{"service_id": "\\u0000"}')]
PRESENT = {"PRV": "new", "UPD": "ready", "BND": "ready/new"}
FITTING = {"PRV": "PRV-16 PRV-17", "UPD": "UPD-15", "BND": "BND-27"}
table([Row(f"CON-03 {FITTING[call]}", f"body that is {what}", call, 400, on=on, raw=raw) for call, on in PRESENT.items() for what, raw in UNREADABLE])
table([Row(f"CON-03 {FITTING[call]}", f"Content-Type {kind}", call, 400, on=on, headers={"Content-Type": kind})
       for call, on in PRESENT.items() for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx")])
table([Row(f"CON-07 {FITTING[call]}", f"{name} that is {value!r}", call, 400, {name: value}, on=on) for call, on in PRESENT.items()
       for name in ("parameters", "context", "maintenance_info", "previous_values", "bind_resource") for value in ([], "x", 5, True)
       if (name, call) not in (("previous_values", "PRV"), ("previous_values", "BND"), ("bind_resource", "PRV"), ("bind_resource", "UPD"),
                               ("maintenance_info", "BND"))])
table(without_each("PRV", ["service_id", "plan_id", "organization_guid", "space_guid"],
                   {"service_id": "PRV-02 PRV-16", "plan_id": "PRV-03 PRV-16", "organization_guid": "PRV-04 PRV-16", "space_guid": "PRV-05 PRV-16"}))
table(without_each("UPD", ["service_id"], {"service_id": "UPD-01 UPD-15"}, on="ready"))
table(without_each("BND", ["service_id", "plan_id"], {"service_id": "BND-03 BND-27", "plan_id": "BND-03 BND-27"}, on="ready/new"))
table([Row("AMB-11 ORD-02 PRV-02", "unknown service", "PRV", 400, {"service_id": "unknown"}),
       Row("AMB-11 ORD-02 PRV-03", "unknown plan", "PRV", 400, {"plan_id": "unknown"}),
       Row("AMB-11 PRV-03", "service as plan", "PRV", 400, {"plan_id": "$service"}),
       Row("AMB-11 PRV-02", "plan as service", "PRV", 400, {"service_id": "$plan"}),
       Row("AMB-11 ORD-03 UPD-01", "unknown service", "UPD", 400, {"service_id": "unknown"}, on="ready"),
       Row("AMB-11 ORD-03 UPD-04", "unknown plan", "UPD", 400, {"plan_id": "unknown"}, on="ready"),
       Row("AMB-11 ORD-05 BND-03", "unknown service", "BND", 400, {"service_id": "unknown"}, on="ready/new"),
       Row("AMB-11 ORD-05 BND-03", "unknown plan", "BND", 400, {"plan_id": "unknown"}, on="ready/new")])

table([Row("CON-06", "with an empty body and a Content-Type", call, want, on=on, raw=b"", headers={"Content-Type": "application/json"})
       for call, (on, want) in HARMLESS.items() if call not in WITH_BODY])
EXTRA = {"x-foo": {"a": [1, None, {"b": "c"}]}, "context": {"platform": "x", "x-foo": [1]}}
table([Row("CON-04", "unknown members", "PRV", 200, {**EXTRA, "maintenance_info": {"x-foo": 1}}, on="ready"),
       Row("CON-04", "unknown members of something new", "PRV", (201, 202), EXTRA),
       Row("CON-04", "unknown members", "BND", 200, {**EXTRA, "bind_resource": {"x-foo": 1}}, on="ready"),
       Row("CON-02", "no Content-Type", "PRV", 200, on="ready", headers={"Content-Type": None}),
       Row("CON-02", "no Content-Type", "BND", 200, on="ready", headers={"Content-Type": None}),
       Row("CON-03", "Content-Type with a charset", "PRV", 200, on="ready", headers={"Content-Type": "Application/JSON; charset=utf-8"}),
       Row("ERR-01", "over a megabyte", "PRV", 413, raw=b" " * (1024 * 1024 + 1))])


@case()
def paths(t, w):
    for path in ("/v2/catalog/", "/v2//catalog", "/v2/service_instances/", "/v2/service_instances//last_operation", "/v2",
                 f"/v2/service_instances/{w.ready}/x", f"/v2/service_instances/{w.ready}/service_bindings/"):
        expect(t, w, "ERR-01", f"GET {path}", w.client.call("GET", path), 404, see={"description": TEXT})
    for call in CALLS:
        answer = w.client.call("POST", w.client.path(call, w.ready, w.bound))
        t.check("ERR-01", f"POST to {call}", answer.status == 405 and METHODS[call] in answer.headers.get("Allow", ""), (answer.status, answer.headers.items()))
    for raw in (".", "..", "%2e%2e", "%zz", "a%00b", "%ff", "a%0ab"):
        answer = w.client.call("PUT", f"/v2/service_instances/{raw}?accepts_incomplete=true", w.client.standard("PRV")[0])
        expect(t, w, "ERR-01 PRV-17", f"an id that is {raw}", answer, 400, see={"description": TEXT})


def send_cut(client, method, path, body, cut):
    """Sends a request of which the last `cut` bytes never come, then closes."""
    head = "".join(f"{k}: {v}\r\n" for k, v in client.headers.items())
    text = f"{method} {client.prefix}{path} HTTP/1.1\r\nHost: x\r\n{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection((client.host, client.port)) as s:
        s.sendall(text.encode()[:len(text) - cut])
        time.sleep(0.1)


@case()
def client_goes_away(t, w):
    if w.client.url.startswith("https:"):
        raise NotApplicable("needs plain HTTP")
    instance, binding = w.target("new")
    body = json.dumps(w.client.standard("PRV")[0])
    send_cut(w.client, "PUT", w.client.path("PRV", instance) + "?accepts_incomplete=true", body, 5)
    time.sleep(0.3)
    t.equal("ORP-08", "a provision cut short makes nothing", [s for s, _ in w.state(instance)], [404, 404])
    t.equal("ORP-08 ORP-01", "and can be deleted", w.client.ask("DEP", instance).status, 410)
    send_cut(w.client, "PUT", w.client.path("PRV", instance) + "?accepts_incomplete=true", body, 0)
    t.check("ORP-08", "a provision whose answer nobody reads can be deleted", w.client.delete(instance) == "succeeded" or w.client.ask("DEP", instance).status == 410)
    send_cut(w.client, "PUT", w.client.path("BND", w.other, binding), json.dumps(w.client.standard("BND")[0]), 0)
    time.sleep(1)
    t.check("ORP-08", "so can a binding", w.client.ask("UNB", w.other, binding).status in (200, 410))
    t.equal("ORP-08", "and is gone", w.client.ask("GBN", w.other, binding).status, 404)


# More than one fault: which is told

ORDER = [
    Row("ORD-02", "unreadable body without accepts_incomplete", "PRV", 400, raw=b"{", query={"accepts_incomplete": DROP}),
    Row("ORD-02", "unknown plan without accepts_incomplete", "PRV", 400, {"plan_id": "unknown"}, {"accepts_incomplete": DROP}),
    Row("ORD-02 AMB-09", "wrong maintenance without accepts_incomplete", "PRV", 422, {"maintenance_info": {"version": "99.0.0"}},
        {"accepts_incomplete": DROP}, word="MaintenanceInfoConflict"),
    Row("ORD-02", "bad parameters without accepts_incomplete", "PRV", 422, {"parameters": {"no such": 1}}, {"accepts_incomplete": DROP},
        word="AsyncRequired"),
    Row("ORD-02", "unknown plan on an existing id", "PRV", 400, {"plan_id": "unknown"}, on="ready"),
    Row("ORD-02 PRV-14", "bad parameters on an existing id", "PRV", 409, {"parameters": {"no such": 1}}, on="ready"),
    Row("ORD-02 PRV-14", "wrong maintenance and another space on an existing id", "PRV", 409,
        {"space_guid": "another", "maintenance_info": {"version": "99.0.0"}}, on="ready"),
    Row("ORD-03 AMB-07", "unreadable body for an unknown instance", "UPD", 400, raw=b"{"),
    Row("ORD-03 AMB-07", "unknown plan for an unknown instance", "UPD", 400, {"plan_id": "unknown"}),
    Row("ORD-03 AMB-07 UPD-24", "wrong maintenance for an unknown instance", "UPD", 404, {"maintenance_info": {"version": "99.0.0"}}),
    Row("ORD-03", "wrong maintenance without accepts_incomplete", "UPD", 422, {"maintenance_info": {"version": "99.0.0"}},
        {"accepts_incomplete": DROP}, "ready", "MaintenanceInfoConflict"),
    Row("ORD-03", "bad parameters without accepts_incomplete", "UPD", 422, {"parameters": {"no such": 1}}, {"accepts_incomplete": DROP}, "ready",
        "AsyncRequired"),
    Row("ORD-03 UPD-09", "an update without effect without accepts_incomplete", "UPD", 422, {}, {"accepts_incomplete": DROP}, "ready", "AsyncRequired"),
    Row("ORD-04 AMB-15", "no ids, unknown instance", "DEP", 400, query=""),
    Row("ORD-04 AMB-15", "no ids without accepts_incomplete", "DEP", 400, query="", on="ready"),
    Row("ORD-04 AMB-15", "unknown instance without accepts_incomplete", "DEP", 422, query={"accepts_incomplete": DROP}, word="AsyncRequired"),
    Row("ORD-05", "unknown plan for an unknown instance", "BND", 400, {"plan_id": "unknown"}),
    Row("ORD-05 AMB-07 BND-26", "unknown instance with bad parameters", "BND", 404, {"parameters": {"no such": 1}}),
    Row("ORD-05 BND-09", "another plan on an existing binding", "BND", 409, {"plan_id": "$other_plan"}, on="ready"),
    Row("ORD-05 BND-09", "bad parameters on an existing binding", "BND", 409, {"parameters": {"no such": 1}}, on="ready"),
    Row("ORD-05 BND-03", "another plan than the instance's", "BND", 400, {"plan_id": "$other_plan"}, on="ready/new"),
    Row("ORD-06 AMB-14 UNB-05", "no ids, unknown binding", "UNB", 410, query="", on="ready/new"),
    Row("ORD-06 AMB-14 UNB-05", "no ids, unknown instance", "UNB", 410, query=""),
    Row("ORD-06 AMB-14 UNB-02", "no ids, known binding", "UNB", 400, query="", on="ready"),
    Row("ORD-07 AMB-05 LOI-05", "unknown instance with an operation", "LOI", 404, query="?operation=x"),
    Row("ORD-07 AMB-05 LOI-04", "known instance with a made-up operation", "LOI", 200, query="?operation=made-up", on="ready", see={"state": "succeeded"}),
    Row("ORD-07 AMB-05 LOB-03", "known binding with a made-up operation", "LOB", 200, query="?operation=made-up", on="ready", see={"state": "succeeded"}),
]
table(ORDER)
