"""What holds for every answer, whatever was asked: looked at on each exchange of the whole run."""
import re

RESERVED = {"AsyncRequired", "ConcurrencyError", "RequiresApp", "MaintenanceInfoConflict"}
SENTENCES = {"AsyncRequired": "This service plan requires client support for asynchronous service operations.",
             "RequiresApp": "This service supports generation of credentials through binding an application only.",
             "ConcurrencyError": "The Service Broker does not support concurrent requests that mutate the same resource."}
WRITES = ("PRV", "UPD", "DEP", "BND", "UNB")
FETCH = ("GIN", "GBN")
STATES = {"in progress", "succeeded", "failed"}
REFUSALS = {400, 401, 404, 412}
STATUSES = {"CAT": {200, 304, 401, 412}, "PRV": {200, 201, 202, 409, 413, 422} | REFUSALS, "GIN": {200, 422} | REFUSALS,
            "UPD": {200, 202, 413, 422} | REFUSALS, "DEP": {200, 202, 410, 422} | REFUSALS, "LOI": {200, 410} | REFUSALS,
            "BND": {200, 201, 202, 409, 413, 422} | REFUSALS, "GBN": {200} | REFUSALS, "UNB": {200, 202, 410, 422} | REFUSALS,
            "LOB": {200, 410} | REFUSALS}
MEMBERS = {"CAT": {"services"}, "PRV": {"dashboard_url", "operation", "metadata"}, "UPD": {"dashboard_url", "operation", "metadata"},
           "GIN": {"service_id", "plan_id", "dashboard_url", "parameters", "maintenance_info", "metadata"},
           "DEP": {"operation"}, "UNB": {"operation"}, "LOI": {"state", "description", "instance_usable", "update_repeatable"},
           "LOB": {"state", "description"}, "BND": {"metadata", "credentials", "endpoints", "operation"},
           "GBN": {"metadata", "credentials", "endpoints", "parameters"}}
INTERNALS = re.compile(r"Traceback|\.c:\d+|0x[0-9a-f]{6,}|postgres(ql)?://|password=|PRIVATE KEY")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\dZ")
PORTS = re.compile(r"\d{1,5}(-\d{1,5})?")


def body(x):
    return x.answer.body if isinstance(x.answer.body, dict) else {}


def fine(x):
    return 200 <= x.answer.status < 300


def metadata(x):
    return body(x).get("metadata")


def of_instance(x):
    return x.call in ("PRV", "UPD", "GIN")


def of_binding(x):
    return x.call in ("BND", "GBN")


def good_endpoint(e):
    return (isinstance(e, dict) and set(e) <= {"host", "ports", "protocol"} and isinstance(e.get("host"), str) and e["host"]
            and isinstance(e.get("ports"), list) and e["ports"] and all(isinstance(p, str) and PORTS.fullmatch(p) for p in e["ports"])
            and e.get("protocol", "tcp") in ("tcp", "udp", "all"))


def good_operation(value):
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._~-]{1,10000}", value)


def texts(value):
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def answered(call, status=202):
    return lambda x: x.call == call and x.answer.status == status


def has(name, *calls):
    return lambda x: name in body(x) and (not calls or x.call in calls)


def at_least(minor, name):
    """A member is not sent to versions that do not know it."""
    return lambda x: x.minor is not None and x.minor >= minor or name not in body(x)


# rules, what, whether it is about an exchange, whether it holds
INVARIANTS = [
    ("ERR-10", "the body is a JSON object", lambda x: x.answer.status != 304, lambda x: isinstance(x.answer.body, dict)),
    ("KCL-01 CFR-02", "2xx and 410 have an object", lambda x: fine(x) or x.answer.status == 410, lambda x: isinstance(x.answer.body, dict)),
    ("CON-01", "application/json", lambda x: x.answer.status != 304, lambda x: x.answer.headers.get("Content-Type", "").startswith("application/json")),
    ("CON-05", "no member that the specification does not know", lambda x: x.call and fine(x), lambda x: set(body(x)) <= MEMBERS[x.call]),
    ("HDR-09", "the request identity comes back", lambda x: "X-Broker-API-Request-Identity" in x.headers,
     lambda x: x.answer.headers.get("X-Broker-API-Request-Identity") == x.headers["X-Broker-API-Request-Identity"]),
    ("ASY-01", "in time", lambda x: True, lambda x: x.seconds < 60),
    ("ASY-07", "202 only to accepts_incomplete=true", lambda x: x.answer.status == 202, lambda x: x.query.get("accepts_incomplete") == "true"),
    ("ERR-01", "a status that the specification names for the call", lambda x: x.call and x.readable_identity, lambda x: x.answer.status in STATUSES[x.call]),
    ("ERR-02", "error is one CamelCase word", has("error"), lambda x: re.fullmatch("[A-Z][A-Za-z]+", str(body(x)["error"]))),
    ("ERR-03", "description is a text for people", lambda x: x.answer.status >= 400,
     lambda x: isinstance(body(x).get("description"), str) and body(x)["description"].strip() and not INTERNALS.search(body(x)["description"])),
    ("ERR-04", "reserved words come with 422", lambda x: body(x).get("error") in RESERVED, lambda x: x.answer.status == 422),
    ("ERR-05", "instance_usable", has("instance_usable"), lambda x: x.call in ("UPD", "DEP", "LOI") and body(x)["instance_usable"] in (True, False)),
    ("ERR-09", "update_repeatable", has("update_repeatable"), lambda x: x.call in ("UPD", "LOI") and body(x)["update_repeatable"] in (True, False)),
    ("LOI-11", "instance_usable only with failed", has("instance_usable", "LOI"), lambda x: body(x)["state"] == "failed"),
    ("LOI-12", "update_repeatable only with failed", has("update_repeatable", "LOI"), lambda x: body(x)["state"] == "failed"),
    ("VER-06", "not before 2.16", lambda x: x.minor, lambda x: at_least(16, "instance_usable")(x) and at_least(16, "update_repeatable")(x)),
    ("ORP-03", "2xx is 200, 201 or 202 with an object", lambda x: x.call in ("PRV", "DEP") and fine(x),
     lambda x: x.answer.status in (200, 201, 202) and isinstance(x.answer.body, dict)),
    ("ORP-04", "2xx is 200, 201 or 202 with an object", lambda x: x.call in ("BND", "UNB") and fine(x),
     lambda x: x.answer.status in (200, 201, 202) and isinstance(x.answer.body, dict)),
    ("CFR-08", "no odd status", lambda x: x.call == "PRV", lambda x: x.answer.status not in (203, 204, 410)),
    ("CFR-09", "never 201, 409 or 410", lambda x: x.call == "UPD", lambda x: x.answer.status not in (201, 409, 410)),
    ("CFR-10", "never 404 or 409", lambda x: x.call == "DEP", lambda x: x.answer.status not in (404, 409)),
    ("CFR-18", "never 404 or 409", lambda x: x.call == "UNB", lambda x: x.answer.status not in (404, 409)),
    ("CFR-11", "never 400 or 201 to a poll", lambda x: x.call in ("LOI", "LOB") and x.readable_identity,
     lambda x: x.answer.status not in (201, 202, 400)),
    ("CFR-05 CFR-06", "422 has a known word", answered("PRV", 422), lambda x: body(x).get("error") in RESERVED),
    ("CFR-14", "422 has a known word, and no 410", lambda x: x.call == "BND" and x.answer.status in (410, 422),
     lambda x: x.answer.status == 422 and body(x).get("error") in RESERVED),
    ("CFR-07", "a refusal says why", lambda x: x.call == "PRV" and x.answer.status in REFUSALS, lambda x: body(x).get("description")),
    ("CFR-19", "below 16 KiB", lambda x: x.answer.status >= 400, lambda x: len(str(x.answer.body)) < 16384),
    ("KCL-04", "the exact sentence", lambda x: body(x).get("error") in SENTENCES,
     lambda x: body(x).get("description") == SENTENCES[body(x)["error"]]),
    ("PRV-19 CFR-03 AMB-06 URL-03", "operation", has("operation", "PRV"), lambda x: x.answer.status == 202 and good_operation(body(x)["operation"])),
    ("UPD-19 AMB-06 URL-03", "operation", has("operation", "UPD"), lambda x: x.answer.status == 202 and good_operation(body(x)["operation"])),
    ("DEP-11 URL-03", "operation", has("operation", "DEP"), lambda x: x.answer.status == 202 and good_operation(body(x)["operation"])),
    ("BND-13 CFR-12 URL-03", "operation", has("operation", "BND"), lambda x: x.answer.status == 202 and good_operation(body(x)["operation"])),
    ("UNB-09 URL-03", "operation", has("operation", "UNB"), lambda x: x.answer.status == 202 and good_operation(body(x)["operation"])),
    ("LOI-02 CFR-11", "state", answered("LOI", 200), lambda x: body(x).get("state") in STATES),
    ("LOI-03", "description", has("description", "LOI"), lambda x: isinstance(body(x)["description"], str) and body(x)["description"].strip()),
    ("LOB-02 CFR-11", "state", answered("LOB", 200),
     lambda x: body(x).get("state") in STATES and ("description" not in body(x) or body(x)["description"].strip())),
    ("LOB-10", "nothing about updates", lambda x: x.call in ("LOB", "BND", "UNB", "GBN"),
     lambda x: not {"instance_usable", "update_repeatable"} & set(body(x))),
    ("LOI-10 KCL-06", "Retry-After", lambda x: x.call == "LOI" and "Retry-After" in x.answer.headers,
     lambda x: re.fullmatch(r"[1-9]\d{0,4}", x.answer.headers["Retry-After"])),
    ("LOB-07 KCL-06", "Retry-After", lambda x: x.call == "LOB" and "Retry-After" in x.answer.headers,
     lambda x: re.fullmatch(r"[1-9]\d{0,4}", x.answer.headers["Retry-After"])),
    ("PRV-18 UPD-18", "dashboard_url is a string or null", lambda x: x.call in ("PRV", "UPD") and fine(x),
     lambda x: isinstance(body(x).get("dashboard_url"), (str, type(None)))),
    ("GIN-05 CFR-16", "dashboard_url is a string", answered("GIN", 200), lambda x: isinstance(body(x).get("dashboard_url", ""), str)),
    ("GIN-10", "no server error", lambda x: x.call == "GIN", lambda x: x.answer.status < 500),
    ("AMB-17", "no context", lambda x: x.call in FETCH and fine(x), lambda x: "context" not in body(x)),
    ("PRV-20 IMD-01", "labels are strings", lambda x: of_instance(x) and isinstance(metadata(x), dict), lambda x: texts(metadata(x).get("labels", {}))),
    ("IMD-02", "attributes are an object", lambda x: of_instance(x) and isinstance(metadata(x), dict),
     lambda x: isinstance(metadata(x).get("attributes", {}), dict) and set(metadata(x)) <= {"labels", "attributes"}),
    ("BND-14 CFR-12", "credentials are an object", lambda x: x.call == "BND" and x.answer.status in (200, 201),
     lambda x: isinstance(body(x).get("credentials"), dict) and body(x)["credentials"]),
    ("BND-12", "202 has only the operation", answered("BND"), lambda x: set(body(x)) <= {"operation"}),
    ("BND-19 BND-20 BND-21 CFR-13 CFR-17", "no drain, route or volume", lambda x: of_binding(x) and fine(x),
     lambda x: not {"syslog_drain_url", "route_service_url", "volume_mounts"} & set(body(x))),
    ("BND-23", "endpoints", lambda x: of_binding(x) and "endpoints" in body(x),
     lambda x: isinstance(body(x)["endpoints"], list) and all(good_endpoint(e) for e in body(x)["endpoints"])),
    ("VER-03 KCL-02", "no endpoints before 2.15", lambda x: of_binding(x) and fine(x), at_least(15, "endpoints")),
    ("BND-17 AMB-16", "expires_at", lambda x: of_binding(x) and "expires_at" in (metadata(x) or {}), lambda x: TIME.fullmatch(metadata(x)["expires_at"])),
    ("BND-18", "renew_before", lambda x: of_binding(x) and "renew_before" in (metadata(x) or {}),
     lambda x: TIME.fullmatch(metadata(x)["renew_before"]) and metadata(x)["renew_before"] <= metadata(x)["expires_at"]),
    ("BND-16", "metadata is about time", lambda x: of_binding(x) and "metadata" in body(x), lambda x: set(metadata(x)) <= {"expires_at", "renew_before"}),
    ("VER-05", "not before 2.16 and 2.17", lambda x: of_binding(x) and fine(x) and x.minor,
     lambda x: at_least(16, "metadata")(x) and (x.minor >= 17 or "renew_before" not in (metadata(x) or {}))),
    ("VER-07", "not before 2.17", answered("GIN", 200), at_least(17, "maintenance_info")),
    ("VER-04", "in a fetch not before 2.17", answered("GIN", 200), at_least(17, "metadata")),
    ("KSC-08", "credentials are keys of a Secret", lambda x: of_binding(x) and fine(x) and "credentials" in body(x),
     lambda x: all(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) for key in body(x)["credentials"])),
]


class Observer:
    def __init__(self, outcomes, secrets=()):
        self.outcomes, self.secrets, self.seen = outcomes, list(secrets), 0

    def __call__(self, client, x):
        self.seen += 1
        for rules, what, about, holds in INVARIANTS:
            if about(x) and not (client.faulty and x.answer.status >= 500):
                self.outcomes.check(rules, f"{x.call} {x.answer.status}: {what}", holds(x), x.answer.body)
        if x.call in ("LOI", "LOB"):
            gone = x.answer.status == 410
            self.outcomes.check("LOI-06" if x.call == "LOI" else "LOB-05", "410 only of a delete", not gone or (x.binding or x.instance) in client.deletes)
        text = str(x.answer.body)
        self.outcomes.check("ERR-03", "no secret of the broker in the answer", not any(secret in text for secret in self.secrets), x.call)
