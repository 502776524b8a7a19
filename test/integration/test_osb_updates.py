"""Updates, parameters, rotation, expiry, quotas and the audit of the Open Service Broker API 2.17, with a worker that the test plays."""
import concurrent.futures
import json
import os
import re
import time
import uuid

from harness.report import scratch
from osb_world import ASYNC_REQUIRED, CONCURRENCY, World

RETENTION = {"kafka_config": {"log.retention.ms": 60000}}


def word(w, name, answer, status, error):
    w.report.check(name, answer.status == status and answer.body.get("error") == error, f"wanted {status} {error}, got {answer.status} {answer.body}")
    return answer


def refusals(w):
    instance, patch = w.ready_instance(), w.osb.patch_instance
    w.status("UPD-01", w.osb.call("PATCH", w.osb.instance_path(instance), {}), 400)
    w.status("UPD-01: unknown", patch(instance, ("x", "x")), 400)
    w.status("UPD-04: unknown plan", patch(instance, w.plan, plan_id="x"), 400)
    w.status("AMB-07: unknown instance", patch("unknown", w.plan), 404)
    w.refused("UPD-10", patch(instance, w.plan, False, plan_id=w.plans["standard"][1]), 422, ASYNC_REQUIRED)
    word(w, "UPD-11", patch(instance, w.plan, maintenance_info={"version": "9.0.0"}), 422, "MaintenanceInfoConflict")
    for parameters in ({"x": 1}, {"kafka_config": {"broker.id": 1}}, {"kafka_config": {"log.retention.ms": -5}}, {"kafka_config": {}}):
        w.status(f"UPD-16: {parameters}", patch(instance, w.plan, parameters=parameters), 400)
    answer = word(w, "UPD-05", patch(instance, w.plan, plan_id=w.plans["standard"][1], parameters={}, previous_values={"plan_id": "x"}), 422,
                  "PlanChangeNotSupported")
    w.report.equal("       says that repeating does not help", answer.body.get("update_repeatable"), False)
    old = w.broker.osb("2.15").patch_instance(instance, w.plan, plan_id=w.plans["standard"][1])
    w.report.check("ERR-09: not before 2.16", old.status == 422 and "update_repeatable" not in old.body, old.body)
    w.pg.psql(f"update instances set maintenance_version = '0.9.0' where id = '{instance}'")
    word(w, "UPD-13: an upgrade is refused by name", patch(instance, w.plan, maintenance_info={"version": "1.0.0"}), 422, "MaintenanceNotSupported")
    w.report.equal("ERR-08: the plan is the old one", w.osb.get_instance(instance).body["plan_id"], w.plan[1])
    w.report.equal("ERR-08: no operation", w.pg.psql(f"select count(*) from operations where instance_id = '{instance}'").strip(), "1")


def update(w):
    instance, patch = w.ready_instance(parameters={"kafka_config": {"log.retention.ms": 1000, "compression.type": "lz4"}}), w.osb.patch_instance
    for more in ({}, {"parameters": {}}, {"plan_id": w.plan[1]}, {"parameters": {"kafka_config": {"compression.type": "lz4"}}},
                 {"maintenance_info": {"version": "1.0.0", "description": "other"}}, {"context": {"platform": "cloudfoundry", "instance_name": "demo", "x": 2}}):
        w.status(f"UPD-09: {more} changes nothing", patch(instance, w.plan, **more), 200)
    first = w.status("UPD-08", patch(instance, w.plan, parameters=RETENTION), 202)
    w.report.equal("UPD-08: the same operation", patch(instance, w.plan, parameters=RETENTION).body["operation"], first.body["operation"])
    w.refused("BLK-02: another update", patch(instance, w.plan, parameters={"kafka_config": {"log.retention.ms": 1}}), 422, CONCURRENCY)
    w.refused("BLK-02: bind", w.osb.put_binding(instance, "b", w.plan, True), 422, CONCURRENCY)
    w.refused("DEP-07", w.osb.delete_instance(instance, w.plan), 422, CONCURRENCY)
    create = {"parameters": {"kafka_config": {"log.retention.ms": 1000, "compression.type": "lz4"}}}
    w.status("PRV-13 while updating", w.osb.put_instance(instance, w.plan, **create), 200)
    w.status("PRV-14 while updating", w.osb.put_instance(instance, w.plan), 409)
    w.report.equal("GIN: the old parameters while updating", w.osb.get_instance(instance).body["parameters"]["kafka_config"]["log.retention.ms"], 1000)
    w.worker.end("update")
    w.report.equal("LOI-01", w.osb.last_operation(instance).body["state"], "succeeded")
    merged = {"kafka_config": {"log.retention.ms": 60000, "compression.type": "lz4"}}
    w.report.equal("GIN-06, UPD-21: merged", w.osb.get_instance(instance).body["parameters"], merged)
    w.status("UPD-21: null resets", patch(instance, w.plan, parameters={"kafka_config": {"log.retention.ms": None}}), 202)
    w.worker.end("update")
    w.report.equal("       and is gone", w.osb.get_instance(instance).body["parameters"], {"kafka_config": {"compression.type": "lz4"}})
    w.status("UPD-12", patch(instance, w.plan, context={"platform": "cloudfoundry", "instance_name": "renamed"}), 202)
    w.worker.end("update")
    w.report.check("UPD-12: the name is kept", "renamed" in w.pg.psql(f"select context from instances where id = '{instance}'"))


def failed_update(w):
    instance, patch = w.ready_instance(), w.osb.patch_instance
    w.status("UPD-08", patch(instance, w.plan, parameters=RETENTION), 202)
    w.worker.end("update", "failed", "1/2 settings: refused")
    w.report.equal("UPD-22", w.osb.last_operation(instance).body,
                   {"state": "failed", "description": "1/2 settings: refused", "instance_usable": True, "update_repeatable": True})
    w.report.equal("LOI-11/12: not before 2.16", w.broker.osb("2.15").last_operation(instance).body, {"state": "failed", "description": "1/2 settings: refused"})
    w.report.check("UPD-17: nothing was applied", "parameters" not in w.osb.get_instance(instance).body)
    w.status("UPD-23: tried again", patch(instance, w.plan, parameters=RETENTION), 202)
    w.worker.end("update")
    w.status("delete after a failed update", w.osb.delete_instance(instance, w.plan), 202)
    w.worker.end("deprovision")
    broken = str(uuid.uuid4())
    w.status("PRV", w.osb.put_instance(broken, w.plan), 202)
    w.worker.end("provision", "failed", "no")
    word(w, "UPD-06: a failed instance", patch(broken, w.plan, parameters=RETENTION), 422, "InstanceNotUsable")
    binding = w.ready_instance()
    w.status("BND", w.osb.put_binding(binding, "b-open", w.plan, True), 202)
    w.refused("BLK-02: update while binding", patch(binding, w.plan, parameters=RETENTION), 422, CONCURRENCY)
    w.worker.end("bind")


def parameters(w):
    instance = w.ready_instance()
    for text, given, parts in (
            ("below", {"kafka_config": {"log.retention.ms": -5}}, ("log.retention.ms", "-5", "-1")),
            ("word", {"kafka_config": {"compression.type": "lz5"}}, ("compression.type", "lz5", "lz4")),
            ("type", {"kafka_config": {"log.retention.ms": "1"}}, ("log.retention.ms", "integer")),
            ("unknown", {"kafka_config": {"log.retention.m": 1}}, ("log.retention.m", "log.retention.ms")),
            ("unknown parameter", {"kafkaconfig": {}}, ("kafkaconfig", "kafka_config")),
            ("null", {"kafka_config": {"log.retention.ms": None}}, ("log.retention.ms",))):
        answer = w.status(f"PRV-07: {text}", w.osb.put_instance("p", w.plan, parameters=given), 400)
        said = answer.body["description"]
        w.report.check(f"       says what and how: {said}", all(p in said for p in parts))
    w.report.equal("PRV-21: nothing is made", w.pg.psql("select count(*) from instances where id = 'p'").strip(), "0")
    for given in ({"topics": [{"rights": ["read"]}]}, {"topics": [{"name": "a", "prefix": "b", "rights": ["read"]}]},
                  {"topics": [{"name": "a", "rights": []}]}, {"topics": [{"name": "*", "rights": ["read"]}]}, {"topics": {}},
                  {"topics": [{"prefix": "a", "rights": ["delete"]}]}, {"groups": [{"prefix": "a", "rights": ["write"]}]},
                  {"principal_quotas": {}}, {"principal_quotas": {"producer_byte_rate": 0}}, {"lifetime_seconds": 1}, {"other": 1}):
        w.status(f"BND-06: {json.dumps(given)}", w.osb.put_binding(instance, "p", w.plan, parameters=given), 400)
    given = {"topics": [{"prefix": "a-", "rights": ["read", "write"]}], "groups": [{"name": "g", "rights": ["read"]}],
             "principal_quotas": {"producer_byte_rate": 1048576}}
    binding = str(uuid.uuid4())
    w.status("BND-06: good ones", w.osb.put_binding(instance, binding, w.plan, True, parameters=given), 202)
    w.worker.end("bind")
    w.report.equal("GBN-05", w.osb.get_binding(instance, binding).body["parameters"], given)
    return instance, binding, given


def rotate(w, instance, binding, new, **more):
    return w.osb.call("PUT", w.osb.binding_path(instance, new) + "?accepts_incomplete=true", {"predecessor_binding_id": binding, **more})


def rotation(w):
    instance, binding, given = parameters(w)
    new, other = str(uuid.uuid4()), w.ready_instance()
    w.status("ROT-03: unknown", rotate(w, instance, "unknown", new), 400)
    w.status("ROT-03: of another instance", rotate(w, other, binding, new), 400)
    w.status("ROT-05: other parameters", rotate(w, instance, binding, new, parameters={"lifetime_seconds": 60}), 400)
    w.status("AMB-07", rotate(w, "unknown", binding, new), 404)
    w.status("BND-03: wrong plan", rotate(w, instance, binding, new, plan_id=w.plans["standard"][1], service_id=w.plan[0]), 400)
    w.status("ROT-02/06: without ids", rotate(w, instance, binding, new), 202)
    w.status("ROT-08: again while it runs", rotate(w, instance, binding, new, service_id=w.plan[0], plan_id=w.plan[1]), 202)
    w.worker.end("bind")
    w.status("ROT-08: again", rotate(w, instance, binding, new), 200)
    w.status("ROT-08: another predecessor", rotate(w, instance, str(uuid.uuid4()), new), 409)
    w.status("ROT-08: none", w.osb.put_binding(instance, new, w.plan, True, parameters=given), 409)
    w.report.equal("ROT-05: the parameters", w.osb.get_binding(instance, new).body["parameters"], given)
    w.status("ROT-04: the old one is still there", w.osb.get_binding(instance, binding), 200)
    w.status("ROT-04: and can go", w.osb.delete_binding(instance, binding, w.plan, True), 202)
    w.worker.end("unbind")
    w.status("ROT-03: deleted", rotate(w, instance, binding, str(uuid.uuid4())), 400)
    w.status("ROT-04: the new one stays", w.osb.get_binding(instance, new), 200)


def expiry(w):
    instance, binding = w.ready_instance(), str(uuid.uuid4())
    w.status("BND", w.osb.put_binding(instance, binding, w.plan, True, parameters={"lifetime_seconds": 600}), 202)
    w.worker.end("bind")
    metadata = w.osb.get_binding(instance, binding).body["metadata"]
    form = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\dZ$"
    w.report.check("BND-17", re.match(form, metadata["expires_at"]), metadata)
    w.report.check("BND-18", re.match(form, metadata["renew_before"]), metadata)
    w.report.check("BND-18: order", metadata["renew_before"] < metadata["expires_at"], metadata)
    w.report.equal("BND-17: 2.16 knows no renew_before", list(w.broker.osb("2.16").get_binding(instance, binding).body["metadata"]), ["expires_at"])
    w.report.check("BND-16: not before 2.16", "metadata" not in w.broker.osb("2.15").get_binding(instance, binding).body)
    w.pg.psql(f"update bindings set expires_at = now() - interval '1 s', renew_before = now() - interval '2 s' where id = '{binding}'")
    w.status("ROT-03: expired", rotate(w, instance, binding, str(uuid.uuid4())), 400)


def quotas(w):
    def put(plan="developer", org="org-1", space="space-1"):
        instance = str(uuid.uuid4())
        return instance, w.osb.put_instance(instance, w.plans[plan], organization_guid=org, space_guid=space)

    for i in range(2):
        w.status("D.5: within the quota", put()[1], 202)
    answer = word(w, "AMB-13: space", put()[1], 400, "QuotaExceeded")
    w.report.check(f"       tells limit and use: {answer.body['description']}", all(p in answer.body["description"] for p in ("space", "instances", "2")))
    third, answer = put(space="space-2")
    w.status("another space", answer, 202)
    answer = word(w, "organization", put(space="space-3")[1], 400, "QuotaExceeded")
    w.report.check(f"       tells limit and use: {answer.body['description']}", all(p in answer.body["description"] for p in ("organization", "brokers: 3", "3 are used")))
    word(w, "plan", put("standard", "org-2")[1], 400, "QuotaExceeded")
    for _ in range(3):
        w.worker.end("provision")
    w.status("delete", w.osb.delete_instance(third, w.plan), 202)
    word(w, "what is being deleted still counts", put(space="space-3")[1], 400, "QuotaExceeded")
    w.worker.end("deprovision")
    w.status("what is deleted is free again", put(space="space-3")[1], 202)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = [a.status for _, a in pool.map(lambda i: put(org="org-9", space=f"s{i}"), range(24))]
    w.report.equal("parallel requests stay within the quota", (answers.count(202), answers.count(400)), (3, 21))
    counted = w.pg.psql("select sum(instances), sum(brokers) from usage where scope = 'global'").strip()
    w.report.equal("the counters equal the rows", counted, w.pg.psql("select count(*), sum(brokers) from instances").strip())


def audit(w):
    instance = str(uuid.uuid4())
    identity = "cloudfoundry eyJ1c2VyX2lkIjoidXNlci00MiIsIngiOlsxXX0="
    w.osb.call("PUT", w.osb.instance_path(instance), {}, {"X-Broker-API-Originating-Identity": identity, "X-Broker-API-Request-Identity": "request-7"})
    w.osb.put_instance(instance, w.plan)
    time.sleep(0.2)
    with open(w.broker.log) as log:
        lines = [json.loads(line) for line in log if '"audit"' in line and instance in line]
    w.report.equal("one line each", len(lines), 2)
    wanted = {"action": "provision", "instance": instance, "status": "400", "refusal": "BadRequest", "platform": "cloudfoundry", "platform_user": "user-42",
              "user": w.broker.username, "request_identity": "request-7", "level": "audit"}
    w.report.equal("HDR-10: who, what, outcome", {k: lines[0].get(k) for k in wanted}, wanted)
    w.report.check("the accepted one names its operation", lines[1]["status"] == "202" and len(lines[1]["operation"]) == 36, lines[1])
    w.worker.end("provision")
    w.status("HDR-07", w.osb.call("PUT", w.osb.instance_path(instance), {}, {"X-Broker-API-Originating-Identity": "cloudfoundry ????"}), 400)


def settings(w):
    """Settings for clients that contradict each other; this broker has them the other way round."""
    instance = w.ready_instance()
    binding = w.ready_binding(instance)
    w.report.check("endpoints: false", "endpoints" not in w.osb.get_binding(instance, binding).body)
    w.report.check("metadata_from_minor: 15", "metadata" in w.broker.osb("2.15").put_instance(instance, w.plan).body)
    w.osb.delete_instance(instance, w.plan)
    w.worker.end("deprovision")
    w.status("last_operation_after_delete: gone", w.osb.last_operation(instance), 410)


def main():
    folder = scratch("quotas")
    path = os.path.join(folder, "quotas.yml")
    with open(path, "w") as file:
        file.write("space: {instances: 2}\norganization: {brokers: 3}\nplans: {standard: {instances: 0}}\n"
                   "organizations: {unlimited: {instances: 100}}\nglobal: {cpu: 1000, memory: 1000Gi, storage: 10Ti}\n")
    with World(http_threads=4) as w:
        for group in (refusals, update, failed_update, rotation, expiry, audit):
            w.report.section(group.__name__, group, w)
    with World(http_threads=4, quotas=path, endpoints=False, metadata_from_minor=15, last_operation_after_delete="gone") as limited:
        limited.report = w.report
        limited.report.section("quotas", quotas, limited)
    with World(http_threads=4, endpoints=False, metadata_from_minor=15, last_operation_after_delete="gone") as other:
        other.report = w.report
        other.report.section("settings", settings, other)
    w.report.close()


if __name__ == "__main__":
    main()
