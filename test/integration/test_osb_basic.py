"""The Open Service Broker API 2.17 as platforms and strict clients test it: headers, ids, bodies, catalog, instances, polling."""
import base64
import concurrent.futures
import http.client
import json
import socket
import time
import uuid

from harness.osb import ORG, SPACE
from osb_world import ASYNC_REQUIRED, CONCURRENCY, World

ROUTES = [("GET", "/v2/catalog"), ("PUT", "/v2/service_instances/i"), ("GET", "/v2/service_instances/i"), ("PATCH", "/v2/service_instances/i"),
          ("DELETE", "/v2/service_instances/i"), ("GET", "/v2/service_instances/i/last_operation"),
          ("PUT", "/v2/service_instances/i/service_bindings/b"), ("GET", "/v2/service_instances/i/service_bindings/b"),
          ("DELETE", "/v2/service_instances/i/service_bindings/b"), ("GET", "/v2/service_instances/i/service_bindings/b/last_operation")]


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def headers(w):
    name, password = w.broker.username, w.broker.password
    wrong = [{"Authorization": None}, basic(f"{name}:wrong"), basic(f"x{name}:{password}"), basic(f":{password}"), basic(name),
             {"Authorization": "Basic %%%"}, {"Authorization": "Bearer x"}]
    for method, path in ROUTES:
        body = b"{not json" if method in ("PUT", "PATCH") else None
        got = [w.osb.call(method, path, body, {**h, "X-Broker-API-Version": None}) for h in wrong]
        w.report.check(f"AUT-01 {method} {path}: 401 before all else", all(a.status == 401 and a.body["description"] for a in got),
                       [a.status for a in got])
        got = [w.osb.call(method, path, body, {"X-Broker-API-Version": v}) for v in (None, "", "1.0", "3.0", "2.9", "abc", "2", "2.x")]
        w.report.check(f"HDR-01/02 {method} {path}: 412 that names 2.17", all(a.status == 412 and "2.17" in a.body["description"] for a in got),
                       [a.status for a in got])
    w.report.check("AUT-01: 401 says how to log in", "Basic" in w.osb.call("GET", "/v2/catalog", headers=wrong[0]).headers["WWW-Authenticate"])
    for version in ("2.13", "2.14", "2.15", "2.16", "2.17", "2.99"):
        w.status(f"HDR-03: {version} is served", w.osb.call("GET", "/v2/catalog", headers={"X-Broker-API-Version": version}), 200)
    body = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE}
    for header in ("cloudfoundry eyJ1c2VyX2lkIjoiYSJ9", "kubernetes e30="):
        path = f"/v2/service_instances/{uuid.uuid4()}?accepts_incomplete=true"
        answer = w.osb.call("PUT", path, body, {"X-Broker-API-Originating-Identity": header})
        w.status(f"HDR-06: originating identity {header[:12]!a}", answer, 202)
        w.worker.end("provision")
    for header in ("nospace", "cf !!!", "cf W10=", "cf \xff\xfe", "cf " + "A" * 8192):
        path = f"/v2/service_instances/{uuid.uuid4()}"
        answer = w.osb.call("PUT", path + "?accepts_incomplete=true", body, {"X-Broker-API-Originating-Identity": header.encode("latin-1")})
        w.status(f"HDR-07: originating identity {header[:12]!a}", answer, 400)
        w.status("       makes nothing", w.osb.call("GET", path), 404)


def identity(w):
    plan = f"service_id={w.plan[0]}&plan_id={w.plan[1]}"
    calls = [(401, "GET", "/v2/catalog", {"Authorization": None}), (412, "GET", "/v2/catalog", {"X-Broker-API-Version": "1.0"}),
             (200, "GET", "/v2/catalog", {}), (404, "GET", "/nowhere", {}), (405, "POST", "/v2/catalog", {}), (400, "PUT", "/v2/service_instances/i", {}),
             (400, "GET", "/v2/service_instances/..", {}), (404, "GET", "/v2/service_instances/i", {}), (422, "DELETE", f"/v2/service_instances/i?{plan}", {}),
             (410, "DELETE", f"/v2/service_instances/i?{plan}&accepts_incomplete=true", {}),
             (410, "DELETE", f"/v2/service_instances/i/service_bindings/b?{plan}", {}), (404, "GET", "/v2/service_instances/i/last_operation", {})]
    for status, method, path, more in calls:
        guid = str(uuid.uuid4())
        answer = w.osb.call(method, path, headers={"x-broker-api-request-identity": guid, **more})
        w.status(f"HDR-09 {method} {path[:40]} is {status}", answer, status)
        w.report.equal("       and gives the request identity back", answer.headers["X-Broker-API-Request-Identity"], guid)
    w.report.equal("405 has Allow", w.osb.call("POST", "/v2/catalog").headers["Allow"], "GET")
    w.report.equal("HEAD is not offered", w.osb.call("HEAD", "/v2/catalog").status, 405)


def catalog(w):
    answer = w.status("CAT-01", w.osb.call("GET", "/v2/catalog"), 200)
    tag = answer.headers["ETag"]
    again = w.osb.call("GET", "/v2/catalog", headers={"If-None-Match": tag})
    w.report.check("CAT-06: 304 without body", again.status == 304 and again.body is None and again.headers["ETag"] == tag, again.status)
    for version, member in (("2.14", "maximum_polling_duration"), ("2.16", "binding_rotatable")):
        text = json.dumps(w.osb.call("GET", "/v2/catalog", headers={"X-Broker-API-Version": version}).body)
        w.report.check(f"section 19: no {member} for {version}", member not in text)


def bodies(w):
    path = "/v2/service_instances/body?accepts_incomplete=true"
    good = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE}
    for name in good:
        for value in (None, "", 5, [], {}):
            w.status(f"PRV-02..05, CON-07: {name} = {value!r}", w.osb.call("PUT", path, {**good, name: value}), 400)
        w.status(f"PRV-02..05: no {name}", w.osb.call("PUT", path, {k: v for k, v in good.items() if k != name}), 400)
    for more in ({"service_id": "unknown"}, {"plan_id": "unknown"}, {"plan_id": w.plan[0]}, {"parameters": []}, {"parameters": "x"},
                 {"context": "x"}, {"maintenance_info": 1}, {"parameters": {"unknown": 1}}):
        w.status(f"PRV-17: {more}", w.osb.call("PUT", path, {**good, **more}), 400)
    for text in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 1000000, json.dumps(good).encode()[:-1]):
        w.status(f"CON-03: body {text[:10]!r}", w.osb.call("PUT", path, text), 400)
    w.status("CON-03: text/plain", w.osb.call("PUT", path, good, {"Content-Type": "text/plain"}), 400)
    w.status("413 over 1 MiB", w.osb.call("PUT", path, b" " * (1024 * 1024 + 1)), 413)
    w.refused("ASY-05: no accepts_incomplete", w.osb.call("PUT", path.split("?")[0], good), 422, ASYNC_REQUIRED)
    for value in ("", "=", "=0", "=yes", "=false", "=TRUE"):
        w.refused(f"ASY-10: accepts_incomplete{value}", w.osb.call("PUT", f"{path[:-5]}{value}", good), 422, ASYNC_REQUIRED)
    w.refused("21.1: AsyncRequired before parameters", w.osb.call("PUT", path.split("?")[0], {**good, "parameters": {"x": 1}}), 422, ASYNC_REQUIRED)
    answer = w.osb.call("PUT", path, {**good, "maintenance_info": {"version": "9.9.9"}})
    w.report.equal("PRV-08, AMB-09", (answer.status, answer.body["error"]), (422, "MaintenanceInfoConflict"))
    w.status("PRV-21: nothing was made", w.osb.call("GET", "/v2/service_instances/body"), 404)
    w.report.equal("ERR-06: no row", w.pg.psql("select count(*) from instances where id = 'body'").strip(), "0")
    odd = {**good, "x-foo": {"a": [1]}, "context": {"platform": "kubernetes", "x": None}, "parameters": {}, "maintenance_info": {}}
    w.status("CON-04: unknown members", w.osb.call("PUT", path, odd, {"Content-Type": None}), 202)
    w.status("PRV-12, AMB-10: the same with another context", w.osb.call("PUT", path, {**good, "context": None}), 202)
    w.worker.end("provision")


def ids(w):
    for raw in ("a%20b%2Fc", "Ab_1.~x", "x", "y" * 200, "%E2%82%AC", "ABC", "a+b", "%27%3B--"):
        base = f"/v2/service_instances/{raw}"
        body = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE}
        first = w.status(f"URL-01/02: PUT {raw[:12]}", w.osb.call("PUT", base + "?accepts_incomplete=true", body), 202)
        w.worker.end("provision")
        w.status("       GET", w.osb.call("GET", base), 200)
        operation = "?operation=" + first.body["operation"] + "%20%2B%2F%26%25"
        w.status("LOI-09: last_operation", w.osb.call("GET", base + "/last_operation" + operation), 200)
        w.status("       DELETE", w.osb.call("DELETE", f"{base}?service_id=a&plan_id=b&accepts_incomplete=true&service_id&x"), 202)
        w.worker.end("deprovision")
    for raw in (".", "..", "%2e%2e", "%zz", "a%00b", "%ff", "a%0ab", "z" * 256):
        w.status(f"id {raw[:8]} is refused", w.osb.call("PUT", f"/v2/service_instances/{raw}", {}), 400)
    for path in ("/v2/catalog/", "/v2//catalog", "/v2/service_instances/", "/v2/service_instances//last_operation", "/", "/v2"):
        w.status(f"{path} is unknown", w.osb.call("GET", path), 404)
    labels = w.pg.psql("select count(*) from instances where ns !~ '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' or length(ns) > 63").strip()
    w.report.equal("namespaces are labels", labels, "0")


def provision(w):
    instance, other = str(uuid.uuid4()), w.plans["standard"]
    first = w.status("PRV-11", w.osb.put_instance(instance, w.plan), 202)
    operation = first.body.get("operation", "")
    w.report.check("PRV-19, URL-03", sorted(first.body) == ["metadata", "operation"] and operation.replace("-", "").isalnum(), first.body)
    w.report.equal("PRV-12: the same operation", w.osb.put_instance(instance, w.plan).body.get("operation"), operation)
    w.refused("ASY-07: never 202 without accepts_incomplete", w.osb.put_instance(instance, w.plan, asynchronous=False), 422, ASYNC_REQUIRED)
    different = [("plan", other, {}), ("organization", w.plan, {"organization_guid": "x"}), ("space", w.plan, {"space_guid": "x"}),
                 ("parameters", w.plan, {"parameters": {"x": 1}})]
    for name, plan, more in different:
        w.status(f"PRV-14: other {name} while creating", w.osb.put_instance(instance, plan, **more), 409)
    w.status("GIN-02: while creating", w.osb.call("GET", w.osb.instance_path(instance)), 404)
    w.refused("BLK-02: update while creating", w.osb.patch_instance(instance, w.plan, plan_id=w.plan[1]), 422, CONCURRENCY)
    w.refused("AMB-07: bind while creating", w.osb.put_binding(instance, "b", w.plan), 422, CONCURRENCY)
    w.worker.claim("provision")
    w.worker.order("describe 11 3/9 kafka: 1 of 3 brokers ready")
    poll = w.status("LOI-01", w.osb.last_operation(instance), 200)
    w.report.equal("LOI-02/03", poll.body, {"state": "in progress", "description": "3/9 kafka: 1 of 3 brokers ready"})
    w.report.equal("LOI-10", poll.headers["Retry-After"], "11")
    w.worker.order("end succeeded instance created")
    for query in ("", "?operation=made-up", "?operation=", "?service_id=x&plan_id=y", "?operation=%zz"):
        answer = w.osb.call("GET", w.osb.instance_path(instance) + "/last_operation" + query)
        w.report.equal(f"LOI-08, AMB-05 {query}", (answer.status, answer.body), (200, {"state": "succeeded", "description": "instance created"}))
    labels = first.body["metadata"]
    w.report.equal("GIN-01/04/07/08", w.osb.call("GET", w.osb.instance_path(instance) + "?service_id=x").body,
                   {"service_id": w.plan[0], "plan_id": w.plan[1], "maintenance_info": {"version": "1.0.0"}, "metadata": labels})
    w.report.equal("       for 2.14", w.broker.osb("2.14").call("GET", w.osb.instance_path(instance)).body,
                   {"service_id": w.plan[0], "plan_id": w.plan[1]})
    w.report.check("IMD-01", labels["labels"] and all(isinstance(v, str) for v in labels["labels"].values()), labels)
    for asynchronous in (True, False):
        answer = w.status("PRV-13", w.osb.put_instance(instance, w.plan, asynchronous), 200)
        w.report.equal("       with the body of a 201", answer.body, {"metadata": labels})
    for name, plan, more in different:
        w.status(f"PRV-14: other {name}", w.osb.put_instance(instance, plan, **more), 409)
    rows = w.pg.psql(f"select kind, state, deadline_at - created_at from operations where instance_id = '{instance}'").strip()
    w.report.equal("one operation, with the plan's deadline", rows, "provision|succeeded|00:20:00")


def failed_provision(w):
    instance = str(uuid.uuid4())
    w.osb.put_instance(instance, w.plan)
    w.worker.end("provision", "failed", "4/9 kafka: no node has room")
    w.report.equal("LOI-11: a failed provision", w.osb.last_operation(instance).body, {"state": "failed", "description": "4/9 kafka: no node has room"})
    w.status("GIN-02: after a failure", w.osb.call("GET", w.osb.instance_path(instance)), 404)
    w.status("PUT after a failure", w.osb.put_instance(instance, w.plan), 409)
    w.status("PRV-22: delete after a failure", w.osb.delete_instance(instance, w.plan), 202)
    w.worker.end("deprovision", "failed", "namespace does not go away")
    w.report.equal("DEP-10", w.osb.last_operation(instance).body,
                   {"state": "failed", "description": "namespace does not go away", "instance_usable": False})
    old = w.osb.call("GET", w.osb.instance_path(instance) + "/last_operation", headers={"X-Broker-API-Version": "2.15"})
    w.report.check("LOI-11: no instance_usable before 2.16", "instance_usable" not in old.body, old.body)
    w.status("DEP-10: try again", w.osb.delete_instance(instance, w.plan), 202)
    w.worker.end("deprovision")
    w.status("URL-04: the id can be used again", w.osb.put_instance(instance, w.plan), 202)
    w.worker.end("provision")


def deprovision(w):
    plan = f"service_id={w.plan[0]}&plan_id={w.plan[1]}"
    instance = w.ready_instance()
    path = w.osb.instance_path(instance)
    for query in ("", "?service_id=x", "?plan_id=x", "?service_id=&plan_id=", "?service_id&plan_id"):
        w.status(f"DEP-02, URL-05 {query}", w.osb.call("DELETE", path + query), 400)
        w.status("AMB-15: also for an unknown instance", w.osb.call("DELETE", "/v2/service_instances/unknown" + query), 400)
    w.refused("DEP-06", w.osb.delete_instance(instance, w.plan, asynchronous=False), 422, ASYNC_REQUIRED)
    w.refused("AMB-15: 422 before 410", w.osb.call("DELETE", f"/v2/service_instances/unknown?{plan}"), 422, ASYNC_REQUIRED)
    first = w.status("DEP", w.osb.delete_instance(instance, w.plan), 202)
    w.report.equal("DEP-04: the same operation", w.osb.delete_instance(instance, w.plan).body, first.body)
    w.refused("BLK-02: provision while deleting", w.osb.put_instance(instance, w.plan), 422, CONCURRENCY)
    w.worker.end("deprovision", text="instance deleted")
    w.report.equal("AMB-04, LOI-13: succeeded is remembered", w.osb.last_operation(instance).body, {"state": "succeeded", "description": "instance deleted"})
    for _ in range(2):
        w.status("DEP-05, ORP-01", w.osb.delete_instance(instance, w.plan), 410)
    w.status("GIN-02: after the delete", w.osb.call("GET", path), 404)
    w.status("LOI-05", w.osb.last_operation("never-seen"), 404)
    w.status("DEP-05: never made", w.osb.delete_instance("never-seen", w.plan), 410)


def delete_while_creating(w):
    instance = str(uuid.uuid4())
    first = w.osb.put_instance(instance, w.plan).body["operation"]
    w.worker.claim("provision")
    second = w.status("DEP-08: delete during create", w.osb.delete_instance(instance, w.plan), 202).body["operation"]
    w.report.check("       is another operation", first != second)
    w.report.equal("       LOI shows the delete", w.osb.last_operation(instance).body["state"], "in progress")
    w.report.equal("       the create can end nothing any more", w.worker.order("end succeeded late"), "lost")
    w.worker.end("deprovision")
    states = w.pg.psql(f"select kind, state from operations where instance_id = '{instance}' order by number").split()
    w.report.equal("       the create has failed, the delete succeeded", states, ["provision|failed", "deprovision|succeeded"])
    w.report.equal("       nothing is left", w.pg.psql(f"select count(*) from instances where id = '{instance}'").strip(), "0")


def parallel(w):
    instance = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: w.osb.put_instance(instance, w.plan), range(20)))
    got = {(a.status, a.body.get("operation")) for a in answers}
    w.report.check("BLK-08: 20 identical PUTs, one operation", len(got) == 1 and answers[0].status == 202, got)
    w.report.equal("       one row", w.pg.psql(f"select count(*) from operations where instance_id = '{instance}'").strip(), "1")
    w.worker.end("provision")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: w.osb.delete_instance(instance, w.plan), range(20)))
    w.report.equal("       20 identical DELETEs, one operation", len({a.body.get("operation") for a in answers if a.status == 202}), 1)
    w.worker.end("deprovision")


def connections(w):
    connection = http.client.HTTPConnection("127.0.0.1", w.broker.port)
    connection.connect()
    before = connection.sock.getsockname()
    for path, status in (("/v2/catalog", 200), ("/v2/service_instances/x", 404), ("/v2/catalog", 200)):
        connection.request("GET", path, headers=w.osb.headers)
        response = connection.getresponse()
        response.read()
        w.report.equal(f"keep-alive: {path}", (response.status, connection.sock.getsockname()), (status, before))
    connection.request("GET", "/v2/catalog", headers={"X-Broker-API-Version": "2.17"})
    w.report.equal("AUT-02: each request needs its own Authorization", connection.getresponse().status, 401)
    body = json.dumps({"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE})
    head = "".join(f"{k}: {v}\r\n" for k, v in w.osb.headers.items())
    with socket.create_connection(("127.0.0.1", w.broker.port)) as s:
        s.sendall(f"PUT /v2/service_instances/cut?accepts_incomplete=true HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body[:-5]}".encode())
    time.sleep(0.2)
    w.status("ORP-08: a request cut short changes nothing", w.osb.call("GET", "/v2/service_instances/cut/last_operation"), 404)


def probes(w):
    bare = {"Authorization": None, "X-Broker-API-Version": None}
    w.status("healthz", w.osb.call("GET", "/healthz", headers=bare), 200)
    w.status("readyz", w.osb.call("GET", "/readyz", headers=bare), 200)
    w.pg.stop()
    w.report.equal("readyz without a database", w.osb.call("GET", "/readyz", headers=bare).status, 503)
    w.status("healthz without a database", w.osb.call("GET", "/healthz", headers=bare), 200)
    answer = w.status("a request without a database", w.osb.last_operation("x"), 503)
    w.report.check("       says when to come back", int(answer.headers["Retry-After"]) > 0)
    w.report.check("       and not where the database is", w.pg.path not in json.dumps(answer.body))
    w.pg.start()
    w.status("readyz again", w.osb.call("GET", "/readyz", headers=bare), 200)
    w.status("a request again", w.osb.last_operation("never"), 404)
    with open(w.broker.log) as log:
        text = log.read()
    w.report.check("no password in the log", w.broker.password not in text and w.osb.headers["Authorization"] not in text)
    w.report.check("every log line is JSON", all(json.loads(line) for line in text.splitlines()))


def main():
    with World(http_threads=4) as w:
        for group in (headers, identity, catalog, bodies, ids, provision, failed_provision, deprovision, delete_while_creating, parallel,
                      connections, probes):
            w.report.section(group.__name__, group, w)
    w.report.close()


if __name__ == "__main__":
    main()
