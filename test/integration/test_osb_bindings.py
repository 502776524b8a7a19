"""Bindings of the Open Service Broker API 2.17 as platforms and strict clients test them: bind, fetch, unbind, polling, concurrency."""
import concurrent.futures
import json
import time
import uuid

from osb_world import CONCURRENCY, World


class Background:
    """A request that waits for its answer while the test goes on."""

    def __init__(self, function, *arguments, **more):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.future = self.pool.submit(function, *arguments, **more)

    def answer(self):
        answer = self.future.result(60)
        self.pool.shutdown()
        return answer


def credentials(binding):
    return {"username": binding, "password": "p"}


ENDPOINTS = [{"host": "127.0.0.1", "ports": ["9092"], "protocol": "tcp"}]


def bodies(w, instance):
    path = w.osb.binding_path(instance, "bad")
    good = {"service_id": w.plan[0], "plan_id": w.plan[1]}
    for name in good:
        for value in (None, "", 5, "unknown"):
            w.status(f"BND-03: {name} = {value!r}", w.osb.call("PUT", path, {**good, name: value}), 400)
    for more in ({"parameters": []}, {"context": "x"}, {"bind_resource": "x"}, {"app_guid": 1}, {"bind_resource": {"app_guid": 1}},
                 {"parameters": {"unknown": 1}}, {"predecessor_binding_id": "b"}):
        w.status(f"BND-27: {more}", w.osb.call("PUT", path, {**good, **more}), 400)
    for text in (b"", b"{", b"[]", b"null"):
        w.status(f"CON-03: body {text!r}", w.osb.call("PUT", path, text), 400)
    w.status("21.1: another plan than the instance's", w.osb.put_binding(instance, "bad", w.plans["standard"]), 400)
    w.status("AMB-07: unknown instance", w.osb.put_binding("unknown", "bad", w.plan), 404)
    w.report.equal("ERR-06: no row", w.pg.psql("select count(*) from bindings").strip(), "0")


def synchronous(w, instance):
    binding = str(uuid.uuid4())
    request = {"bind_resource": {"app_guid": "app-1", "x-foo": 1}, "context": {"platform": "cloudfoundry"}, "x-foo": [1]}
    first = Background(w.osb.put_binding, instance, binding, w.plan, **request)
    w.worker.claim("bind")
    w.status("GBN-02: while binding", w.osb.get_binding(instance, binding), 404)
    w.report.equal("LOB-02", w.osb.last_operation(instance, binding).body["state"], "in progress")
    twin = Background(w.osb.put_binding, instance, binding, w.plan, **request)
    time.sleep(0.2)
    w.report.check("the rest goes on while requests wait", w.osb.call("GET", "/healthz").status == 200)
    w.status("BND-09: other attributes while binding", w.osb.put_binding(instance, binding, w.plan, bind_resource={"app_guid": "app-2"}), 409)
    w.worker.order("end succeeded bound")
    answer = w.status("BND-07", first.answer(), 201)
    w.report.equal("BND-14, BND-23", answer.body, {"credentials": credentials(binding), "endpoints": ENDPOINTS})
    w.report.equal("BND-08: the same request, which waited too", twin.answer().body, answer.body)
    for asynchronous in (False, True):
        again = w.status("BND-08", w.osb.put_binding(instance, binding, w.plan, asynchronous, **request), 200)
        w.report.equal("       the same credentials", again.body, answer.body)
    again = w.osb.put_binding(instance, binding, w.plan, **{**request, "app_guid": "", "context": {"x": 1}, "parameters": None})
    w.status("BND-08: context, empty app_guid and null parameters are nothing new", again, 200)
    for name, more in (("app", {"bind_resource": {"app_guid": "app-2"}}), ("no app", {"bind_resource": {}}), ("parameters", {"parameters": {"x": 1}})):
        w.status(f"BND-09: other {name}", w.osb.put_binding(instance, binding, w.plan, **{**request, **more}), 409)
    w.status("BND-09: other plan", w.osb.put_binding(instance, binding, w.plans["standard"], **request), 409)
    w.report.equal("one operation", w.pg.psql(f"select count(*) from operations where binding_id = '{binding}'").strip(), "1")
    w.report.check("the row holds no password", '"p"' not in w.pg.psql("select encode(sealed, 'escape') from secrets"))
    return binding


def fetch(w, instance, binding):
    other = w.ready_instance()
    w.report.equal("GBN-01/03/04", w.osb.get_binding(instance, binding).body, {"credentials": credentials(binding), "endpoints": ENDPOINTS})
    old = w.broker.osb("2.14").get_binding(instance, binding)
    w.report.equal("KCL-02: no endpoints for 2.14", old.body, {"credentials": credentials(binding)})
    w.status("GBN-06", w.osb.call("GET", w.osb.binding_path(instance, binding) + "?service_id=x&plan_id=y"), 200)
    w.status("GBN-02: unknown", w.osb.get_binding(instance, "unknown"), 404)
    w.status("GBN-02: under another instance", w.osb.get_binding(other, binding), 404)
    w.status("BND: the id on another instance", w.osb.put_binding(other, binding, w.plan, bind_resource={"app_guid": "app-1"}), 409)
    w.status("UNB-05: under another instance", w.osb.delete_binding(other, binding, w.plan), 410)
    w.status("       which changes nothing", w.osb.get_binding(instance, binding), 200)
    w.status("LOB-04", w.osb.last_operation(instance, "unknown"), 404)


def asynchronous(w, instance):
    binding = str(uuid.uuid4())
    request = {"app_guid": "", "bind_resource": {"app_guid": ""}, "parameters": None}
    first = w.status("BND-12", w.osb.put_binding(instance, binding, w.plan, True, **request), 202)
    w.report.equal("BND-12: only the operation", list(first.body), ["operation"])
    w.report.equal("BND-12: the same again", w.osb.put_binding(instance, binding, w.plan, True, **request).body, first.body)
    w.worker.end("bind", text="bound")
    w.report.equal("LOB-09: succeeded", w.osb.last_operation(instance, binding).body, {"state": "succeeded", "description": "bound"})
    w.report.equal("LOB-09: and at once retrievable", w.osb.get_binding(instance, binding).body["credentials"], credentials(binding))
    w.status("BND-08", w.osb.put_binding(instance, binding, w.plan, True, **request), 200)
    gone = w.status("UNB", w.osb.delete_binding(instance, binding, w.plan, True), 202)
    w.report.equal("UNB-04: the same again", w.osb.delete_binding(instance, binding, w.plan, True).body, gone.body)
    w.refused("bind while unbinding", w.osb.put_binding(instance, binding, w.plan, True, **request), 422, CONCURRENCY)
    w.refused("DEP-07: delete the instance while unbinding", w.osb.delete_instance(instance, w.plan), 422, CONCURRENCY)
    w.worker.end("unbind", text="unbound")
    w.report.equal("AMB-04: succeeded is remembered", w.osb.last_operation(instance, binding).body, {"state": "succeeded", "description": "unbound"})
    w.status("GBN-02: after unbind", w.osb.get_binding(instance, binding), 404)
    w.status("UNB-05", w.osb.delete_binding(instance, binding, w.plan, True), 410)


def unbind(w, instance, binding):
    path = w.osb.binding_path(instance, binding)
    for query in ("", "?service_id=x", "?plan_id=x", "?service_id=&plan_id="):
        w.status(f"UNB-02 {query}", w.osb.call("DELETE", path + query), 400)
        w.status("AMB-14: unknown comes first", w.osb.call("DELETE", w.osb.binding_path(instance, "unknown") + query), 410)
    waiting = Background(w.osb.delete_binding, instance, binding, w.plan)
    w.worker.end("unbind")
    answer = w.status("UNB-03", waiting.answer(), 200)
    w.report.equal("UNB-03: {}", answer.body, {})
    for _ in range(2):
        w.status("UNB-05, ORP-01", w.osb.delete_binding(instance, binding, w.plan), 410)
    w.report.equal("UNB-01: no secret is left", w.pg.psql(f"select count(*) from secrets where binding_id = '{binding}'").strip(), "0")


def failures(w, instance):
    binding = str(uuid.uuid4())
    waiting = Background(w.osb.put_binding, instance, binding, w.plan)
    w.worker.end("bind", "failed", "kafka-1 does not answer")
    answer = w.status("a bind that fails", waiting.answer(), 502)
    w.report.equal("       says why", answer.body["description"], "kafka-1 does not answer")
    w.status("       is no binding", w.osb.get_binding(instance, binding), 404)
    w.status("       stays until deleted", w.osb.put_binding(instance, binding, w.plan), 409)
    w.report.check("LOB-10", "instance_usable" not in w.osb.last_operation(instance, binding).body)
    waiting = Background(w.osb.delete_binding, instance, binding, w.plan)
    w.worker.end("unbind", "failed", "kafka-1 does not answer")
    w.status("an unbind that fails", waiting.answer(), 502)
    waiting = Background(w.osb.delete_binding, instance, binding, w.plan)
    w.worker.end("unbind")
    w.status("       can be tried again", waiting.answer(), 200)
    late = w.status("a bind that takes too long", w.osb.put_binding(instance, binding, w.plan, bind_resource={}), 504)
    w.report.check("       says that it goes on", "goes on" in late.body["description"])
    w.worker.end("bind")
    w.status("       and is found by the same request", w.osb.put_binding(instance, binding, w.plan, bind_resource={}), 200)
    return binding


def unbind_while_binding(w, instance):
    binding = str(uuid.uuid4())
    waiting = Background(w.osb.put_binding, instance, binding, w.plan)
    w.worker.claim("bind")
    w.status("UNB-08: unbind while binding", w.osb.delete_binding(instance, binding, w.plan, True), 202)
    w.status("       the waiting bind fails", waiting.answer(), 502)
    w.report.equal("       the bind can end nothing any more", w.worker.order("end failed late"), "lost")
    w.worker.end("unbind")
    w.report.equal("       LOB shows the unbind", w.osb.last_operation(instance, binding).body["state"], "succeeded")


def parallel(w, instance):
    binding = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(w.osb.put_binding, instance, binding, w.plan, bind_resource={}) for _ in range(20)]
        w.worker.end("bind")
        answers = [f.result() for f in futures]
    w.report.equal("BLK-08: 20 identical binds, one 201", sorted(a.status for a in answers), [200] * 19 + [201])
    w.report.equal("       the same credentials for all", {json.dumps(a.body, sort_keys=True) for a in answers},
                   {json.dumps({"credentials": credentials(binding), "endpoints": ENDPOINTS}, sort_keys=True)})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(w.osb.put_binding, instance, str(uuid.uuid4()), w.plan) for _ in range(8)]
        for _ in range(8):
            w.worker.end("bind")
        w.report.equal("BLK-06: 8 binds at once", [f.result().status for f in futures], [201] * 8)


def deprovision_with_bindings(w, instance):
    w.status("AMB-08: delete with bindings left", w.osb.delete_instance(instance, w.plan), 202)
    w.refused("bind while deleting", w.osb.put_binding(instance, "late", w.plan), 422, CONCURRENCY)
    w.worker.end("deprovision")
    w.report.equal("       takes them along", w.pg.psql(f"select count(*) from bindings where instance_id = '{instance}'").strip(), "0")
    w.report.equal("       and the secrets", w.pg.psql(f"select count(*) from secrets where instance_id = '{instance}'").strip(), "0")
    w.status("UNB-05: a binding of a deleted instance", w.osb.delete_binding(instance, "any", w.plan), 410)


def stopping(w):
    instance, binding = w.ready_instance(), str(uuid.uuid4())
    waiting = Background(w.osb.put_binding, instance, binding, w.plan)
    w.worker.claim("bind")
    began = time.monotonic()
    w.report.equal("a stop with a waiting bind is clean", w.broker.stop(), 0)
    w.report.check("       and quick", time.monotonic() - began < 3)
    w.status("       and the bind is answered", waiting.answer(), 504)
    w.broker.start()
    w.osb = w.broker.osb()
    w.worker.order("end succeeded bound")
    w.status("       the binding is there after the restart", w.osb.get_binding(instance, binding), 200)


def main():
    with World(http_threads=2, synchronous_wait_seconds=2) as w:
        instance = w.ready_instance()
        run = w.report.section
        run("bodies", bodies, w, instance)
        binding = run("synchronous", synchronous, w, instance)
        run("fetch", fetch, w, instance, binding)
        run("asynchronous", asynchronous, w, instance)
        run("unbind", unbind, w, instance, binding)
        for group in (failures, unbind_while_binding, parallel, deprovision_with_bindings):
            run(group.__name__, group, w, instance)
        run("stopping", stopping, w)
    w.report.close()


if __name__ == "__main__":
    main()
