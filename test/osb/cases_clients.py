"""What known clients send and what they take: Kubernetes' service-catalog, Cloud Controller, Korifi."""
import uuid

from client import DROP, SPACE
from cases_http import IDENTITIES
from rows import ABSENT, expect
from suite import case
from world import KAFKA


@case()
def service_catalog(t, w):
    """It speaks 2.14, binds synchronously, and sends cluster and namespace as organization and space."""
    c, instance, binding = w.client.with_version("2.14"), str(uuid.uuid4()), str(uuid.uuid4())
    origin = dict(IDENTITIES[1][1])
    context = {"platform": "kubernetes", "namespace": "default", "clusterid": "cluster-1", "instance_name": "my-kafka"}
    body = {"organization_guid": "cluster-1", "space_guid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "context": context, "parameters": None}
    first = c.ask("PRV", instance, body=body, headers=origin)
    expect(t, w, "KSC-09 KCL-01", "a provision", first, 202)
    query = {"operation": first.body.get("operation"), "plan_id": w.plan["id"], "service_id": w.service["id"]}
    expect(t, w, "KSC-09 KCL-08", "its poll", c.ask("LOI", instance, query=query, headers=origin), 200)
    t.equal("KSC-09", "ends", c.end(first, instance), "succeeded")
    bind = {"bind_resource": {"app_guid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}, "app_guid": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "context": context, "parameters": {}}
    answer = c.ask("BND", instance, binding, bind, headers=origin)
    expect(t, w, "KSC-03 KSC-09 KCL-02", "a bind", answer, 201, see={"credentials": dict, "endpoints": ABSENT})
    expect(t, w, "KSC-09", "an unbind", c.ask("UNB", instance, binding, headers=origin), 200)
    expect(t, w, "KSC-09", "an asynchronous bind", c.ask("BND", instance, binding, bind, {"accepts_incomplete": "true"}, origin), (201, 202))
    t.equal("KSC-07", "ends", c.wait(instance, binding, 60)["state"], "succeeded")
    expect(t, w, "KSC-07", "has its credentials in the fetch", c.ask("GBN", instance, binding, headers=origin), 200, see={"credentials": dict})
    expect(t, w, "KSC-09 KCL-07", "a deprovision", c.ask("DEP", instance, headers=origin), 202)
    t.equal("KSC-09", "ends", c.wait(instance, seconds=60)["state"], "succeeded")


@case()
def cloud_controller(t, w):
    """It speaks 2.15, always sends accepts_incomplete, parameters {} and the catalog's maintenance_info."""
    c, instance, binding = w.client.with_version("2.15"), str(uuid.uuid4()), str(uuid.uuid4())
    origin = dict(IDENTITIES[0][1])
    context = {"platform": "cloudfoundry", "organization_guid": "org", "organization_name": "o", "organization_annotations": {}, "space_guid": SPACE,
               "space_name": "s", "space_annotations": {"a/b": "c"}, "instance_name": "my-kafka", "instance_annotations": {}}
    maintenance = w.plan.get("maintenance_info", DROP)
    body = {"context": context, "parameters": {}, "maintenance_info": maintenance}
    first = c.ask("PRV", instance, body=body, headers=origin)
    expect(t, w, "CFR-01 CFR-02 CFR-03 PRV-09", "a provision", first, (201, 202), see={"operation": str})
    t.equal("CFR-11", "ends", c.end(first, instance), "succeeded")
    previous = {"plan_id": w.plan["id"], "service_id": w.service["id"], "organization_id": "org", "space_id": SPACE, "maintenance_info": maintenance}
    previous = {k: v for k, v in previous.items() if v is not DROP}
    rename = c.ask("UPD", instance, body={"plan_id": w.plan["id"], "parameters": {}, "previous_values": previous,
                                          "context": {**context, "instance_name": "renamed"}}, headers=origin)
    if w.service.get("allow_context_updates"):
        expect(t, w, "CFR-09 UPD-12 UPD-03 UPD-14", "a rename", rename, (200, 202))
        t.equal("CFR-09 UPD-12", "ends", c.end(rename, instance), "succeeded")
    else:
        expect(t, w, "CFR-09", "an update that is not offered", rename, 422)
    answer = c.ask("BND", instance, binding, {"app_guid": "app", "bind_resource": {"app_guid": "app", "space_guid": SPACE, "app_annotations": {}}, "context": context},
                   {"accepts_incomplete": "true"}, origin)
    expect(t, w, "CFR-12 CFR-15", "a bind", answer, (201, 202))
    t.equal("CFR-11", "ends", c.end(answer, instance, binding), "succeeded")
    expect(t, w, "CFR-17 CFR-12", "its fetch", c.ask("GBN", instance, binding, headers=origin), 200, see={"credentials": dict})
    expect(t, w, "CFR-16", "the instance's fetch", c.ask("GIN", instance, headers=origin), 200)
    gone = c.ask("UNB", instance, binding, query={"accepts_incomplete": "true"}, headers=origin)
    expect(t, w, "CFR-18", "an unbind", gone, (200, 202))
    c.end(gone, instance, binding)
    gone = c.ask("DEP", instance, headers=origin)
    expect(t, w, "CFR-10", "a deprovision", gone, (200, 202))
    t.equal("CFR-11", "ends", c.end(gone, instance), "succeeded")


@case("KOR-01", needs=KAFKA)
def korifi(t, w):
    """It repeats every request, sends a Content-Type with GET, and neither context nor identities."""
    c, instance, binding = w.client, str(uuid.uuid4()), str(uuid.uuid4())
    typed = {"Content-Type": "application/json", "X-Broker-API-Request-Identity": None}
    with w.own.hold(instance):
        answers = []
        for _ in range(4):
            answers.append(c.ask("PRV", instance, headers=typed))
            query = {"operation": answers[-1].body.get("operation"), "plan_id": w.plan["id"], "service_id": w.service["id"]}
            expect(t, w, "KOR-02", "a poll", c.ask("LOI", instance, query=query, headers=typed), 200)
    t.equal("KOR-01", "the same provision before every poll", {(a.status, a.body.get("operation")) for a in answers}, {(202, answers[0].body["operation"])})
    t.equal("KOR-01", "ends", c.wait(instance, seconds=60)["state"], "succeeded")
    t.equal("KOR-01 PRV-13", "the same after the end", [c.ask("PRV", instance, headers=typed).status for _ in range(2)], [200, 200])
    body = {"app_guid": "", "bind_resource": {"app_guid": ""}, "parameters": None}
    answers = [c.ask("BND", instance, binding, body, {"accepts_incomplete": "true"}, typed)]
    c.end(answers[0], instance, binding)
    answers += [c.ask("BND", instance, binding, body, {"accepts_incomplete": "true"}, typed) for _ in range(2)]
    t.equal("KOR-04 BND-08", "the same bind three times", [a.status for a in answers][1:], [200, 200])
    t.equal("KOR-04", "with the same credentials", answers[1].body, answers[2].body)
    expect(t, w, "KOR-02", "the catalog", c.ask("CAT", headers=typed), 200)
    t.equal("KOR-03", "a deprovision ends", c.delete(instance), "succeeded")
    expect(t, w, "KOR-03", "a deprovision after the end", c.ask("DEP", instance, headers=typed), 410)
