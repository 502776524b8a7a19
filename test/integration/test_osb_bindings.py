"""Bindings whose operations end when and how the test's own worker says: requests that wait, fail, are overtaken or outlive the broker. The rules of
the Open Service Broker API by themselves are tested from outside, in test/osb."""
import concurrent.futures
import json
import time
import uuid

from osb_world import World


class Background:
    """A request that waits for its answer while the test goes on."""

    def __init__(self, function, *arguments, **more):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.future = self.pool.submit(function, *arguments, **more)

    def answer(self):
        self.pool.shutdown()
        return self.future.result(60)


def credentials(binding):
    return {"username": binding, "password": "p"}


ENDPOINTS = [{"host": "127.0.0.1", "ports": ["9092"], "protocol": "tcp"}]


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
    w.report.equal("one operation", w.pg.psql(f"select count(*) from operations where binding_id = '{binding}'").strip(), "1")
    w.report.check("the row holds no password", '"p"' not in w.pg.psql("select encode(sealed, 'escape') from secrets"))
    waiting = Background(w.osb.delete_binding, instance, binding, w.plan)
    w.worker.end("unbind")
    w.report.equal("UNB-03", (waiting.answer().status, waiting.answer().body), (200, {}))
    w.report.equal("UNB-01: no secret is left", w.pg.psql(f"select count(*) from secrets where binding_id = '{binding}'").strip(), "0")
    w.status("BND-27: a refused bind", w.osb.put_binding(instance, "bad", w.plan, parameters={"unknown": 1}), 400)
    w.report.equal("ERR-06: no row", w.pg.psql("select count(*) from bindings where id = 'bad'").strip(), "0")


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
        for group in (synchronous, failures, unbind_while_binding, parallel):
            w.report.section(group.__name__, group, w, instance)
        w.report.section("stopping", stopping, w)
    w.report.close()


if __name__ == "__main__":
    main()
