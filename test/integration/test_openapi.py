"""broker/openapi.yaml against the program: its routes, its error words, and every answer that each endpoint gives here to good and bad requests."""
# variants: test
import base64
import concurrent.futures
import glob
import os
import re
import time
import uuid

from harness.build import ROOT
from harness.osb import Osb
from harness.report import scratch
from openapi_spec import Spec
from osb_world import World

TOLD = ("Retry-After", "ETag", "WWW-Authenticate", "Allow")  # headers that must be described where they come
WAIT_SECONDS, MANY = 3, 160  # MANY is more than may wait at a time
IDENTITY = "X-Broker-API-Originating-Identity"
# Faults of the broker itself cannot be caused from outside but where a row is taken away.
NOT_PROVOKED = {"500"}


def source(*names):
    text = ""
    for name in names:
        for path in sorted(glob.glob(os.path.join(ROOT, "broker", name))):
            with open(path, encoding="utf-8") as file:
                text += file.read()
    return text


def described_routes(text):
    """{(method, path template)} of the table in routes.c."""
    macros = {}
    for name, value in re.findall(r"^#define (\w+) (.+)$", text, re.M):
        macros[name] = "".join(part.strip('"') if part.startswith('"') else macros[part] for part in value.split())
    table = text[text.index("routes[] = {"):text.index("};")]
    rows = re.findall(r'\{"([A-Z]+)", ((?:\w+ ?|"[^"]*" ?)+), ROUTE', table)
    paths = ((m, "".join(part.strip('"') if part.startswith('"') else macros[part] for part in p.split())) for m, p in rows)
    return {(m, re.sub(r":(\w+)", r"{\1}", p)) for m, p in paths}


def error_words(text):
    """The words that the program can put into the member `error`."""
    words = set(re.findall(r"\{ERR_\w+, \d+, \"(\w+)\"", text))
    for call in re.findall(r"\b\w*refuse(?:_update)?\((.*?)\);\n", text, re.S):
        words |= set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"', call))
    return words


class Recorded(Osb):
    """Each answer is compared with the description; what was seen is remembered."""

    def __init__(self, osb, spec, report):
        self.__dict__.update(osb.__dict__)
        self.spec, self.report, self.seen, self.words, self.bodies = spec, report, set(), set(), 0

    def call(self, method, path, body=None, headers=None, timeout=70):
        answer = super().call(method, path, body, headers, timeout)
        key = self.spec.operation_of(method, path)
        fault = self.fault_of(key, answer) if key else "no such operation"
        if key and not fault and answer.status < 300 and isinstance(body, dict):
            fault = self.spec.fault(self.spec.operations[key]["requestBody"]["content"]["application/json"]["schema"], body)
        self.report.check(f"{method} {path[:60]} is {answer.status}", not fault, f"{fault}: {answer.body}")
        return answer

    def fault_of(self, key, answer):
        response = self.spec.responses(key).get(str(answer.status))
        if not response:
            return f"{key}: status {answer.status} is not described"
        self.seen.add((key, str(answer.status)))
        extra = [h for h in TOLD if h in answer.headers and h not in response.get("headers", {})]
        if extra:
            return f"{key}: headers {extra} are not described"
        if "content" not in response:
            return None if answer.body is None else "a body where none is described"
        media = response["content"].get(answer.headers["Content-Type"])
        if not media:
            return f"{key}: Content-Type {answer.headers['Content-Type']} is not described"
        word = answer.body.get("error")
        if word is not None or "x-errors" in response:
            self.words.add(word)
            if word not in response.get("x-errors", []):
                return f"{key}: {answer.status} does not list the error {word}"
        self.bodies += 1
        return self.spec.fault(media["schema"], answer.body)


def text_rules(w, spec):
    """What can be seen without a running broker."""
    check, equal = w.report.check, w.report.equal
    routes = source("api/routes.c")
    equal("the routes are those of routes.c", sorted(spec.operations), sorted(described_routes(routes)))
    enum = set(spec.tree["components"]["schemas"]["Error"]["properties"]["error"]["enum"])
    equal("the error words are those of the sources", sorted(enum), sorted(error_words(source("api/*.c", "http/*.c"))))
    answers = [*spec.tree["components"]["responses"].values(), *(r for key in spec.operations for r in spec.responses(key).values())]
    listed = {word for response in answers for word in response.get("x-errors", [])}
    equal("each error word is listed where it comes", sorted(enum), sorted(listed))
    for reference in sorted(spec.references()):
        check(f"{reference} is there", spec.resolve({"$ref": reference}) is not None)
    used = {r.removeprefix("#/components/") for r in spec.references()} | {"responses/MethodNotAllowed"}
    named = {f"{kind}/{name}" for kind in ("headers", "parameters", "responses", "schemas") for name in spec.tree["components"][kind]}
    equal("no component without use", sorted(named - used), [])
    ids = [o["operationId"] for o in spec.operations.values()]
    equal("operation ids are unique", len(set(ids)), len(ids))
    for (method, path), operation in spec.operations.items():
        given = [spec.resolve(p) for p in spec.tree["paths"][path].get("parameters", []) + operation.get("parameters", [])]
        equal(f"{method} {path}: its path parameters", sorted(p["name"] for p in given if p["in"] == "path"), sorted(re.findall(r"\{(\w+)\}", path)))
    for where, media in spec.contents():
        for example in [media[k] for k in ("example",) if k in media] + [e["value"] for e in media.get("examples", {}).values()]:
            equal(f"{where}: its example fits", spec.fault(media["schema"], example), None)
    for name, schema in spec.tree["components"]["schemas"].items():
        if "example" in schema:
            equal(f"schema {name}: its example fits", spec.fault(schema, schema["example"]), None)
    keys = set(re.findall(r'"([a-z_]+)"', re.search(r"static void set_texts.*\nbool access_document.*?\n}", source("jobs/access.c"), re.S).group()))
    properties = set(spec.tree["components"]["schemas"]["Credentials"]["properties"])
    equal("the credentials are those of a bind", sorted(properties), sorted(keys - {"external", "credentials", "endpoints"}))


def filled(path, instance="i-1", binding="b-1"):
    return path.replace("{instance}", instance).replace("{binding}", binding)


def every_operation(w, spec):
    """What is refused before an endpoint's own checks."""
    large = b" " * (1024 * 1024 + 1)
    for method, path in spec.operations:
        target = filled(path)
        w.osb.call(method, target, headers={"X-Long": "x" * 17000})
        w.osb.call(method, target, large)
        w.osb.call(method, target, headers={"X-Odd": "a\x01b"})
        w.osb.call(method, target, headers={"Transfer-Encoding": "gzip"})
        if path.startswith("/v2/"):
            w.osb.call(method, target, headers={"Authorization": None})
            w.osb.call(method, target, headers={"X-Broker-API-Version": "1.0"})
            w.osb.call(method, target, headers={IDENTITY: "cloudfoundry ?"})
    for path in sorted({path for _, path in spec.operations}):
        answer = w.plain.call("POST", filled(path), {})
        allowed = ", ".join(m for m in ("PUT", "GET", "PATCH", "DELETE") if (m, path) in spec.operations)
        w.report.equal(f"POST {path}: the methods are those described", (answer.status, answer.headers["Allow"]), (405, allowed))
        response = spec.tree["components"]["responses"]["MethodNotAllowed"]
        w.osb.words.add(answer.body["error"])
        w.report.equal("       and the body fits", spec.fault(response["content"]["application/json"]["schema"], answer.body), None)
    w.report.equal("a path that is not described is 404", w.plain.call("GET", "/v2/other").status, 404)


def catalog(w, _):
    for minor in range(11, 20):
        answer = w.osb.call("GET", "/v2/catalog", headers={"X-Broker-API-Version": f"2.{minor}"})
    w.osb.call("GET", "/v2/catalog", headers={"If-None-Match": answer.headers["ETag"], "X-Broker-API-Version": "2.17"})


def instances(w, _):
    osb, plan, instance = w.osb, w.plan, str(uuid.uuid4())
    for old in ("2.13", "2.15", "2.16"):
        osb.call("GET", osb.instance_path("none"), headers={"X-Broker-API-Version": old})
    for given in ({}, {"parameters": {"kafka_config": {"log.retention.ms": -5}}}, {"context": 1}, {"maintenance_info": {"version": "9.0.0"}}):
        osb.put_instance(instance, plan if given else ("x", "y"), **given)
    osb.put_instance(instance, plan, False)
    osb.put_instance(instance, w.plans["standard"])
    osb.get_instance(instance)
    given = {"parameters": {"kafka_config": {"log.retention.ms": 1000}}}
    osb.put_instance(instance, plan, **given)
    osb.last_operation(instance)
    osb.put_instance(instance, plan)
    w.worker.order("claim")
    w.worker.order("describe 7 2/8 kafka: one")
    w.report.equal("Retry-After is told", osb.last_operation(instance).headers["Retry-After"], "7")
    w.worker.order("end succeeded done")
    osb.put_instance(instance, plan, **given)
    osb.put_instance(instance, plan, parameters={"kafka_config": {"log.retention.ms": 2000}})
    for version in ("2.13", "2.16", "2.17"):
        osb.call("GET", osb.instance_path(instance), headers={"X-Broker-API-Version": version})
    updates(w, instance)
    osb.delete_instance(instance, plan, False)
    osb.call("DELETE", osb.instance_path(instance) + "?accepts_incomplete=true")
    osb.delete_instance(instance, plan)
    osb.put_instance(instance, plan)
    w.worker.end("deprovision", "failed", "no")
    osb.last_operation(instance)
    osb.delete_instance(instance, plan)
    w.worker.end("deprovision")
    osb.delete_instance(instance, plan)
    osb.last_operation(instance)  # 410: this broker's setting
    osb.last_operation("never-made")


def updates(w, instance):
    patch, plan, change = w.osb.patch_instance, w.plan, {"parameters": {"kafka_config": {"log.retention.ms": None, "compression.type": "zstd"}}}
    patch("never-made", plan)
    patch(instance, ("x", "y"))
    patch(instance, plan)
    patch(instance, plan, False, **change)
    patch(instance, plan, parameters={"kafka_config": {}})
    patch(instance, plan, plan_id=w.plans["standard"][1])
    patch(instance, plan, maintenance_info={"version": "9.0.0"})
    patch(instance, plan, **change)
    patch(instance, plan, context={"instance_name": "x"})
    w.worker.end("update", "failed", "1/2 settings: refused")
    w.osb.last_operation(instance)
    w.pg.psql(f"update instances set maintenance_version = '0.9.0' where id = '{instance}'")
    patch(instance, plan, maintenance_info={"version": "1.0.0"})
    broken = str(uuid.uuid4())
    w.osb.put_instance(broken, plan)
    w.worker.end("provision", "failed", "no")
    w.osb.put_instance(broken, plan)
    patch(broken, plan, **change)
    w.osb.put_binding(broken, "b", plan)
    lost = w.ready_instance()
    w.pg.psql(f"update instances set plan_id = 'retired' where id = '{lost}'")
    patch(lost, plan, **change)


def waiting(w, function, *arguments):
    """A synchronous request while the worker ends its operation."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(function, *arguments[:-1])
        w.worker.end(*arguments[-1])
        return future.result(60)


def bindings(w, _):
    osb, plan, instance = w.osb, w.plan, w.ready_instance()
    osb.put_binding("never-made", "b", plan)
    osb.put_binding(instance, "b", plan, parameters={"lifetime_seconds": 1})
    osb.put_binding(instance, "b", w.plans["standard"])
    waiting(w, osb.put_binding, instance, "failing", plan, ("bind", "failed", "1/3 user: refused"))
    given = {"bind_resource": {"app_guid": "a"}, "parameters": {"lifetime_seconds": 3600, "topics": [{"prefix": "a-", "rights": ["read"]}]}}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(osb.put_binding, instance, "one", plan, **given)
        w.worker.end("bind")
        w.report.equal("synchronous", future.result(60).status, 201)
    osb.put_binding(instance, "one", plan, **given)
    osb.put_binding(instance, "one", plan, bind_resource={"app_guid": "other"})
    for version in ("2.14", "2.15", "2.16", "2.17"):
        osb.call("GET", osb.binding_path(instance, "one"), headers={"X-Broker-API-Version": version})
    osb.get_binding(instance, "none")
    osb.last_operation(instance, "none")
    successor = osb.binding_path(instance, "two") + "?accepts_incomplete=true"
    osb.call("PUT", successor, {"predecessor_binding_id": "none"})
    osb.call("PUT", successor, {"predecessor_binding_id": "one"})
    osb.delete_instance(instance, plan)
    osb.put_instance("while-binding", plan)
    osb.put_binding("while-binding", "b", plan)
    osb.last_operation(instance, "two")
    w.worker.end("bind")
    w.worker.end("provision")
    osb.call("DELETE", osb.binding_path(instance, "two"))
    waiting(w, osb.delete_binding, instance, "two", plan, ("unbind", "failed", "1/2 access: no broker answers"))
    waiting(w, osb.delete_binding, instance, "two", plan, ("unbind",))
    osb.delete_binding(instance, "two", plan)
    osb.last_operation(instance, "two")
    osb.delete_binding(instance, "one", plan, True)
    osb.put_binding(instance, "one", plan, True)
    osb.delete_binding(instance, "one", plan)
    w.worker.end("unbind")
    lost = w.ready_binding(instance)
    w.pg.psql(f"delete from secrets where binding_id = '{lost}'")
    w.report.equal("a fault of the broker", osb.get_binding(instance, lost).status, 500)
    osb.delete_instance(instance, plan)
    osb.delete_binding(instance, lost, plan)
    w.worker.end("deprovision")


def many(w, _):
    """More synchronous requests than may wait."""
    instance = w.ready_instance()
    statuses, faults = set(), set()
    key = ("PUT", "/v2/service_instances/{instance}/service_bindings/{binding}")
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        for made in pool.map(lambda _: w.plain.put_binding(instance, "many", w.plan, bind_resource={}), range(MANY)):
            statuses.add(made.status)
            faults.add(w.osb.fault_of(key, made))
    w.report.equal("many at a time: their answers are as described", faults, {None})
    w.report.equal("       some time out, some are too many", statuses, {503, 504})
    w.worker.end("bind")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        w.report.equal("an unbind that nobody does in time", pool.submit(w.osb.delete_binding, instance, "many", w.plan).result(60).status, 504)
    w.worker.end("unbind")


def without_database(w, spec):
    w.osb.call("GET", "/readyz")
    w.osb.call("GET", "/healthz")
    w.pg.stop()
    ids = "?service_id=s&plan_id=p&accepts_incomplete=true"
    body = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": "o", "space_guid": "s"}
    for method, path in spec.operations:
        w.osb.call(method, filled(path) + ids, body if method in ("PUT", "PATCH") else None)
    w.pg.start()
    until = time.monotonic() + 20
    while w.plain.call("GET", "/readyz").status != 200 and time.monotonic() < until:
        time.sleep(0.1)


def coverage(w, spec):
    described = {(key, status) for key in spec.operations for status in spec.responses(key)}
    missing = sorted(f"{key[0]} {key[1]} {status}" for key, status in described - w.osb.seen if status not in NOT_PROVOKED)
    w.report.equal("every status described was seen (but faults of the broker)", missing, [])
    enum = set(spec.tree["components"]["schemas"]["Error"]["properties"]["error"]["enum"])
    w.report.equal("every error word was seen", sorted(enum - w.osb.words), [])
    w.report.check(f"{len(w.osb.seen)} answers of different operation or status, {w.osb.bodies} bodies", w.osb.bodies > 150)


def main():
    quotas = os.path.join(scratch("openapi"), "quotas.yml")
    with open(quotas, "w", encoding="utf-8") as file:
        file.write("plans: {standard: {instances: 0}}\n")
    spec = Spec()
    with World(quotas=quotas, synchronous_wait_seconds=WAIT_SECONDS, last_operation_after_delete="gone") as w:
        w.plain, w.osb = w.osb, Recorded(w.osb, spec, w.report)
        for group in (text_rules, every_operation, catalog, instances, bindings, many, without_database, coverage):
            w.report.section(group.__name__, group, w, spec)
    w.report.equal("the validator ended well", spec.validator.close(), 0)
    w.report.close()


if __name__ == "__main__":
    main()
