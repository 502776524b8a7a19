"""The catalog: each member by the specification, by Cloud Controller's and service-catalog's rules, and by version."""
import json
import re

from client import DROP
from rows import Row, TEXT, run_row, table
from schemas import DRAFT, faults, references, semantic_version, violations
from suite import NotApplicable, case

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"[a-z0-9-]{1,63}")
PERMISSIONS = {"syslog_drain", "route_forwarding", "volume_mount"}
BOTH_BOOLEAN = ("free", "bindable", "plan_updateable", "binding_rotatable")
OFFERING_BOOLEAN = ("bindable", "plan_updateable", "instances_retrievable", "bindings_retrievable", "allow_context_updates")


def strings(value):
    """All strings at any depth."""
    if isinstance(value, dict):
        return [s for v in value.values() for s in strings(v)]
    return [s for v in value for s in strings(v)] if isinstance(value, list) else [value] if isinstance(value, str) else []


def unique(values):
    return len(values) == len(set(values))


def blank(value):
    return not isinstance(value, str) or not value.strip()


def booleans(thing, names):
    return all(isinstance(thing[name], bool) for name in names if name in thing)


class Absent(Exception):
    """The catalog has no such optional member."""


def present(thing, name):
    if name not in thing:
        raise Absent(f"the catalog has no {name}")
    return True


def whole_dashboard_client(s):
    client = s.get("dashboard_client")
    return "dashboard_client" not in s or isinstance(client, dict) and not any(blank(client.get(n)) for n in ("id", "secret", "redirect_uri"))


def good_cost(cost):
    return (isinstance(cost.get("amount"), dict) and cost["amount"] and all(isinstance(v, (int, float)) for v in cost["amount"].values())
            and not blank(cost.get("unit")))


def good_metadata(thing, names):
    data = thing.get("metadata", {})
    return isinstance(data, dict) and all(isinstance(data[n], kind) for n, kind in names.items() if n in data)


OFFERING_NAMES = {n: str for n in ("displayName", "imageUrl", "longDescription", "providerDisplayName", "documentationUrl", "supportUrl")}

# rules, what, condition on (all services)
OF_ALL = [
    ("CAT-02 CFC-02", "services is an array, not empty", lambda all_: isinstance(all_, list) and all_),
    ("CAT-10 CFC-10", "offering names are unique", lambda all_: unique([s["name"] for s in all_])),
    ("CFC-15 CAT-08", "and also in lower case", lambda all_: unique([s["name"].lower() for s in all_])),
    ("CAT-13 CAT-30 CFC-10", "ids are unique over the catalog", lambda all_: unique([s["id"] for s in all_] + [p["id"] for s in all_ for p in s["plans"]])),
    ("CFC-08", "ids of dashboard clients are unique", lambda all_: unique([s["dashboard_client"]["id"] for s in all_ if "dashboard_client" in s])),
    ("CAT-07", "strings of at most 255 characters",
     lambda all_: all(len(x) <= 255 for s in all_ for x in strings({**s, "plans": [{**p, "schemas": None} for p in s["plans"]]}))),
]
# rules, what, condition on an offering
OF_OFFERINGS = [
    ("CAT-10 CFC-03", "name", lambda s: not blank(s.get("name"))),
    ("CAT-11 KSC-01", "name of lower case letters, digits and -, at most 63", lambda s: NAME.fullmatch(s["name"])),
    ("CAT-12", "name with a letter", lambda s: re.search("[a-z]", s["name"])),
    ("CAT-13 CFC-03 URL-03 KSC-01", "id is a GUID", lambda s: GUID.fullmatch(s["id"])),
    ("CAT-14 CFC-03", "description", lambda s: not blank(s.get("description")) and len(s["description"]) <= 10000),
    ("CAT-15 CFC-05 KOR-05", "tags", lambda s: isinstance(s.get("tags"), list) and all(isinstance(x, str) for x in s["tags"]) and len("".join(s["tags"])) <= 2048),
    ("CAT-16 CFC-06", "requires", lambda s: isinstance(s.get("requires", []), list) and set(s.get("requires", [])) <= PERMISSIONS),
    ("CAT-17 CFC-04", "bindable", lambda s: isinstance(s.get("bindable"), bool)),
    ("CFC-04", "flags are booleans", lambda s: booleans(s, OFFERING_BOOLEAN)),
    ("CAT-18", "instances_retrievable", lambda s: isinstance(s.get("instances_retrievable"), bool)),
    ("CAT-19 CFR-15", "bindings_retrievable", lambda s: isinstance(s.get("bindings_retrievable"), bool)),
    ("CAT-20", "allow_context_updates", lambda s: present(s, "allow_context_updates") and isinstance(s["allow_context_updates"], bool)),
    ("CAT-21 CFC-07 KOR-05", "metadata is an object", lambda s: isinstance(s.get("metadata"), dict)),
    ("PRF-04", "known metadata are strings", lambda s: good_metadata(s, OFFERING_NAMES) and "displayName" in s["metadata"]),
    ("PRF-07 CFC-07", "shareable", lambda s: present(s.get("metadata", {}), "shareable") and good_metadata(s, {"shareable": bool})),
    ("CAT-22 CFC-08 PRF-08", "dashboard_client", whole_dashboard_client),
    ("CAT-23 CAT-37", "plan_updateable, spelled so", lambda s: isinstance(s.get("plan_updateable"), bool) and "plan_updatable" not in json.dumps(s)),
    ("CAT-24 CFC-09", "plans", lambda s: isinstance(s.get("plans"), list) and s["plans"]),
    ("CAT-31 CFC-10", "plan names are unique", lambda s: unique([p["name"] for p in s["plans"]])),
    ("CFC-15 CAT-08", "and also in lower case", lambda s: unique([p["name"].lower() for p in s["plans"]])),
]
# rules, what, condition on a plan
OF_PLANS = [
    ("CAT-30 CFC-11 URL-03 KSC-01", "id is a GUID", lambda p: GUID.fullmatch(p["id"])),
    ("CAT-31 CFC-11 KSC-01", "name", lambda p: NAME.fullmatch(p["name"]) and re.search("[a-z]", p["name"])),
    ("CAT-32 CFC-11", "description", lambda p: not blank(p.get("description")) and len(p["description"]) <= 10000),
    ("CAT-33 CFC-11", "metadata is an object", lambda p: isinstance(p.get("metadata", {}), dict)),
    ("CAT-34 KSC-02 CFC-11", "free is written", lambda p: isinstance(p.get("free"), bool)),
    ("CAT-35 CFC-11", "bindable is written", lambda p: isinstance(p.get("bindable"), bool)),
    ("CFC-11", "flags are booleans", lambda p: booleans(p, BOTH_BOOLEAN)),
    ("CAT-36 ROT-01", "binding_rotatable", lambda p: present(p, "binding_rotatable") and isinstance(p["binding_rotatable"], bool)),
    ("CAT-37", "plan_updateable", lambda p: isinstance(p.get("plan_updateable", False), bool)),
    ("CAT-38", "schemas is an object", lambda p: present(p, "schemas") and isinstance(p["schemas"], dict)),
    ("CAT-39 POL-02 CFC-12", "maximum_polling_duration", lambda p: present(p, "maximum_polling_duration") and type(p["maximum_polling_duration"]) is int and p["maximum_polling_duration"] > 60),
    ("CAT-40 CAT-60", "maintenance version", lambda p: present(p, "maintenance_info") and semantic_version(p["maintenance_info"]["version"])),
    ("CAT-61", "maintenance description", lambda p: present(p, "maintenance_info") and not blank(p["maintenance_info"].get("description"))),
    ("CFC-13", "maintenance has nothing else", lambda p: present(p, "maintenance_info") and set(p["maintenance_info"]) <= {"version", "description"} and len(json.dumps(p["maintenance_info"])) <= 2000),
    ("PRF-05", "known metadata", lambda p: good_metadata(p, {"bullets": list, "costs": list, "displayName": str})
     and all(isinstance(b, str) for b in p.get("metadata", {}).get("bullets", [])) and "displayName" in p["metadata"]),
    ("PRF-06", "costs", lambda p: present(p.get("metadata", {}), "costs") and all(good_cost(c) for c in p["metadata"]["costs"])),
    ("CAT-50", "schemas for create and update", lambda p: present(p, "schemas") and set(p["schemas"]["service_instance"]) <= {"create", "update"}
     and set(p["schemas"]) <= {"service_instance", "service_binding"} and set(p["schemas"].get("service_binding", {})) <= {"create"}),
    ("CAT-55", "no schema for bindings of what cannot be bound", lambda p: p["bindable"] or "service_binding" not in p["schemas"]),
]
# rules, what, condition on a parameters schema
OF_SCHEMAS = [
    ("CAT-51", "describes an object", lambda x: x.get("type") == "object"),
    ("CAT-52 CFC-14", "draft 4", lambda x: x.get("$schema") == DRAFT),
    ("CAT-53", "no reference outside", lambda x: all(r.startswith("#") for r in references(x))),
    ("CAT-54 CFC-14", "at most 64 KiB", lambda x: len(json.dumps(x).encode()) <= 65536),
    ("CFC-14", "valid by draft 4", lambda x: not faults(x)),
]


SCHEMA_RULES = ["CAT-51", "CAT-52", "CAT-53", "CAT-54", "CFC-14"]


def plan_schemas(p):
    """[(where, parameters schema)] of a plan."""
    return [(f"{thing}.{action}", part["parameters"]) for thing, actions in p.get("schemas", {}).items() for action, part in actions.items() if "parameters" in part]


def holds(t, rules, what, condition, value):
    try:
        good = condition(value)
    except Absent as reason:
        return t.not_applicable(rules.split(), str(reason))
    except (KeyError, TypeError, AttributeError) as problem:
        good, value = False, f"{type(problem).__name__}: {problem}"
    return t.check(rules, what, good, value if isinstance(value, str) else "")


@case()
def members(t, w):
    answer = w.client.ask("CAT")
    t.check("CAT-01 CFC-01", "200 with an object", answer.status == 200 and isinstance(answer.body, dict), answer.status)
    for row in OF_ALL:
        holds(t, *row, w.services)
    for s in w.services:
        for rules, what, condition in OF_OFFERINGS:
            holds(t, rules, f"{s.get('name')}: {what}", condition, s)
        for p in s["plans"]:
            for rules, what, condition in OF_PLANS:
                holds(t, rules, f"{p.get('name')}: {what}", condition, p)
            if not plan_schemas(p):
                t.not_applicable(SCHEMA_RULES, "the catalog has no schemas")
            for where, schema in plan_schemas(p):
                for rules, what, condition in OF_SCHEMAS:
                    holds(t, rules, f"{p.get('name')} {where}: {what}", condition, schema)
                t.equal("CFC-14", f"{p.get('name')} {where}: faults by draft 4", faults(schema), [])


@case()
def same_again(t, w):
    for version in ("2.13", "2.15", "2.17"):
        client = w.client.with_version(version)
        t.equal("CAT-03", f"the same ids for {version}", [(s["id"], [p["id"] for p in s["plans"]]) for s in client.catalog()],
                [(s["id"], [p["id"] for p in s["plans"]]) for s in w.services])


@case()
def conditional(t, w):
    for version in ("2.13", "2.15", "2.16", "2.17"):
        client = w.client.with_version(version)
        first = client.ask("CAT")
        tag = first.headers.get("ETag")
        if not tag:
            raise NotApplicable("the broker sends no ETag")
        for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.ask("CAT", headers={"If-None-Match": sent})
            t.check("CAT-06", f"{version} If-None-Match {sent}", again.status == 304 and again.body is None and again.headers["ETag"] == tag, again.status)
        again = client.ask("CAT", headers={"If-None-Match": '"other"'})
        t.check("CAT-06", f"{version} another tag", again.status == 200 and again.body == first.body, again.status)


# Members that older versions do not know, of offerings and of plans.
FIRST_MINOR = [("VER-01", 15, ("allow_context_updates",), ("maintenance_info", "plan_updateable", "maximum_polling_duration")),
               ("VER-02", 17, (), ("binding_rotatable",))]
OLD = {"id", "name", "description", "tags", "requires", "bindable", "instances_retrievable", "bindings_retrievable", "metadata", "dashboard_client",
       "plan_updateable", "plans"}
OLD_PLAN = {"id", "name", "description", "metadata", "free", "bindable", "schemas"}


@case()
def by_version(t, w):
    for minor in (13, 14, 15, 16, 17, 99):
        services = w.client.with_version(f"2.{minor}").catalog()
        for rules, first, of_offering, of_plan in FIRST_MINOR:
            sent = [n for s in services for n in of_offering if n in s] + [n for s in services for p in s["plans"] for n in of_plan if n in p]
            known = any(n in s for s in w.services for n in of_offering) or any(n in p for s in w.services for p in s["plans"] for n in of_plan)
            if not known:
                t.not_applicable([rules], "the catalog has none of them")
            else:
                t.check(rules, f"2.{minor}", bool(sent) == (minor >= first), sent)
        if minor < 15:
            t.check("VER-01", f"2.{minor}: nothing newer in offerings", all(set(s) <= OLD for s in services), [set(s) - OLD for s in services])
            t.check("VER-01", f"2.{minor}: nothing newer in plans", all(set(p) <= OLD_PLAN for s in services for p in s["plans"]))


@case()
def bad_parameters(t, w):
    """Values that the published schemas refuse."""
    asked = [("PRV", "new", ("service_instance", "create"), "PRV-07 AMB-12 KSC-05"), ("UPD", "ready", ("service_instance", "update"), "UPD-16 AMB-12"),
             ("BND", "ready/new", ("service_binding", "create"), "BND-06 AMB-12")]
    for call, on, names, rules in asked:
        schema = w.schema(*names)
        wrong = violations(schema) if schema else [("any", {"no such member": 1})]
        for what, value in wrong[:120]:
            if isinstance(value, dict):
                told = re.compile(re.escape(next(iter(value)))) if value else TEXT
                run_row(t, w, Row(f"CAT-56 {rules}", f"parameters: {what}", call, 400, {"parameters": value}, on=on, see={"description": told}))


VERSION_OF = "maintenance_info"
CONFLICT = {"word": "MaintenanceInfoConflict"}
WRONG = [{"version": v} for v in ("99.0.0", "0.0.1", "x", "1")] + [{"version": "99.0.0", "description": "x"}]
table([Row("PRV-08 CAT-40 AMB-09", f"maintenance {value}", "PRV", 422, {VERSION_OF: value}, **CONFLICT) for value in WRONG]
      + [Row("UPD-11 AMB-09", f"maintenance {value}", "UPD", 422, {VERSION_OF: value}, on="ready", **CONFLICT) for value in WRONG]
      + [Row("PRV-09", f"maintenance {value}", "PRV", (201, 202), {VERSION_OF: value}) for value in (DROP, None, {}, {"description": "x"})])


@case("CAT-62")
def right_maintenance(t, w):
    version = w.names["$version"]
    if not version:
        raise NotApplicable("the plan has no maintenance_info")
    for more in ({}, {"description": "another text"}, {"description": None, "x-foo": [1]}):
        run_row(t, w, Row("PRV-09 CAT-62", f"the right version and {more}", "PRV", (201, 202), {VERSION_OF: {"version": version, **more}}))
        run_row(t, w, Row("UPD-09 CAT-62", f"the right version and {more}", "UPD", 200, {VERSION_OF: {"version": version, **more}}, on="ready"))
