"""Instances as rows: what requests and a worker that the test plays leave in the database and tell platforms. The rules of the Open Service
Broker API by themselves are tested from outside, in test/osb."""
import concurrent.futures
import json
import uuid

from harness.osb import ORG, SPACE
from osb_world import World


def ids(w):
    for raw in ("a%20b%2Fc", "Ab_1.~x", "y" * 200, "%E2%82%AC", "%27%3B--"):
        body = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE}
        w.status(f"PUT {raw[:12]}", w.osb.call("PUT", f"/v2/service_instances/{raw}?accepts_incomplete=true", body), 202)
        w.worker.end("provision")
    w.status("a longer id", w.osb.call("PUT", f"/v2/service_instances/{'z' * 256}", {}), 400)
    labels = w.pg.psql("select count(*), count(distinct ns), count(*) filter (where ns ~ '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' and length(ns) <= 63) from instances")
    w.report.equal("namespaces are labels, one each", labels.strip(), "5|5|5")


def refused(w):
    path = "/v2/service_instances/refused?accepts_incomplete=true"
    body = {"service_id": w.plan[0], "plan_id": w.plan[1], "organization_guid": ORG, "space_guid": SPACE}
    for more in ({"plan_id": "unknown"}, {"parameters": {"unknown": 1}}, {"maintenance_info": {"version": "9.9.9"}}, {"space_guid": None}):
        w.status(f"{more}", w.osb.call("PUT", path, {**body, **more}), 400, 422)
    w.status("no accepts_incomplete", w.osb.call("PUT", path.split("?")[0], body), 422)
    rows = w.pg.psql("select (select count(*) from instances where id = 'refused'), (select count(*) from operations where instance_id = 'refused')")
    w.report.equal("ERR-06: no row", rows.strip(), "0|0")


def provision(w):
    instance = str(uuid.uuid4())
    w.status("PRV-11", w.osb.put_instance(instance, w.plan), 202)
    w.status("PRV-14: other space while creating", w.osb.put_instance(instance, w.plan, space_guid="x"), 409)
    w.worker.claim("provision")
    w.worker.order("describe 11 3/9 kafka: 1 of 3 brokers ready")
    poll = w.status("LOI-01", w.osb.last_operation(instance), 200)
    w.report.equal("LOI-02/03", poll.body, {"state": "in progress", "description": "3/9 kafka: 1 of 3 brokers ready"})
    w.report.equal("LOI-10", poll.headers["Retry-After"], "11")
    w.worker.order("end succeeded instance created")
    answer = w.osb.last_operation(instance)
    w.report.equal("LOI-13", (answer.status, answer.body), (200, {"state": "succeeded", "description": "instance created"}))
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
        w.report.equal("HEAD is not offered", w.osb.call("HEAD", "/v2/catalog").status, 405)
        for group in (ids, refused, provision, failed_provision, delete_while_creating, parallel, probes):
            w.report.section(group.__name__, group, w)
    w.report.close()


if __name__ == "__main__":
    main()
