"""Last operations of instances and bindings: ends, odd queries, failures, what is remembered."""
import uuid

from rows import Row, expect, table
from suite import case
from world import CLUSTER, KAFKA

QUERIES = ["", "?operation=", "?operation", "?operation=made-up", "?operation=%zz", "?operation=%E2%82%AC", "?operation=" + "x" * 4000, "?service_id=x&plan_id=y",
           "?service_id=x", "?plan_id=y", "?a=b&a=c&&", "?operation=a&operation=b", "?accepts_incomplete=true"]
table([Row("LOI-08 LOI-04 AMB-05 KCL-08", f"with {q[:40]!r}", "LOI", 200, query=q, on="ready", see={"state": "succeeded"}) for q in QUERIES]
      + [Row("LOB-03 AMB-05 KCL-08", f"with {q[:40]!r}", "LOB", 200, query=q, on="ready", see={"state": "succeeded"}) for q in QUERIES]
      + [Row("LOI-05", f"unknown with {q[:40]!r}", "LOI", 404, query=q) for q in QUERIES]
      + [Row("LOB-04", f"unknown binding with {q[:40]!r}", "LOB", 404, query=q, on="ready/new") for q in QUERIES]
      + [Row("LOB-04", "unknown instance", "LOB", 404), Row("LOB-04", "known binding of another instance", "LOB", 404, on="other/bound")])


@case()
def polls_change_nothing(t, w):
    before = w.state(w.ready, w.bound)
    for i in range(100):
        w.client.ask("LOI", w.ready, query=f"?operation={i}")
        w.client.ask("LOB", w.ready, w.bound)
    t.check("LOI-15", "a hundred polls change nothing", w.state(w.ready, w.bound) == before)


@case()
def ends_stay(t, w):
    c = w.client
    instance = c.create()
    binding = str(uuid.uuid4())
    first = c.ask("BND", instance, binding, query={"accepts_incomplete": "true"})
    expect(t, w, "LOB-01", "an asynchronous bind", first, (201, 202))
    t.equal("LOB-01", "ends", c.end(first, instance, binding), "succeeded")
    for i in range(10):
        expect(t, w, "LOB-08", "the end of a bind stays", c.ask("LOB", instance, binding), 200, see={"state": "succeeded"})
        expect(t, w, "LOI-13 LOI-14", "the instance's own end stays", c.ask("LOI", instance), 200, see={"state": "succeeded"})
    gone = c.ask("UNB", instance, binding, query={"accepts_incomplete": "true"})
    expect(t, w, "LOB-01", "an asynchronous unbind", gone, (200, 202))
    t.equal("LOB-01", "ends", c.end(gone, instance, binding), "succeeded")
    for i in range(3):
        expect(t, w, "LOB-08 AMB-04", "the end of an unbind stays", c.ask("LOB", instance, binding), (200, 410))
    t.equal("LOI-01", "a deprovision ends", c.delete(instance), "succeeded")
    for i in range(10):
        answer = c.ask("LOI", instance)
        expect(t, w, "LOI-07 LOI-13 AMB-04", "the end of a delete is remembered", answer, 200, see={"state": "succeeded"})
    expect(t, w, "AMB-04 LOB-08", "so is the end of its bindings", c.ask("LOB", instance, binding), 200, see={"state": "succeeded"})


@case("LOB-01", needs=KAFKA)
def failed_bind(t, w):
    """Kafka refuses to make the user; later it does not."""
    c = w.client
    instance = c.create()
    binding = str(uuid.uuid4())
    with w.own.fault(instance, api="AlterUserScramCredentials", error=42):
        answer = c.ask("BND", instance, binding, query={"accepts_incomplete": "true"})
        expect(t, w, "BND-12", "a bind", answer, 202)
        t.equal("LOB-01 LOB-02", "fails", c.end(answer, instance, binding), "failed")
    expect(t, w, "GBN-02", "and is no binding", c.ask("GBN", instance, binding), 404)
    expect(t, w, "BND-09", "the same bind", c.ask("BND", instance, binding), 409)
    expect(t, w, "ORP-01 ORP-04", "an unbind cleans up", c.ask("UNB", instance, binding), 200)
    expect(t, w, "URL-04", "the bind again", c.ask("BND", instance, binding), 201)
    with w.own.fault(instance, api="AlterUserScramCredentials", error=42):
        answer = c.ask("UNB", instance, binding, query={"accepts_incomplete": "true"})
        expect(t, w, "UNB-04", "an unbind", answer, 202)
        t.equal("LOB-01 LOB-02", "fails", c.end(answer, instance, binding), "failed")
        expect(t, w, "GBN-02", "what is half unbound", c.ask("GBN", instance, binding), 404)
    expect(t, w, "ORP-01 UNB-03", "an unbind again", c.ask("UNB", instance, binding), 200)
    c.drop(instance)


@case("LOB-06", needs=KAFKA)
def several_at_once(t, w):
    """Asynchronous operations on several bindings of one instance."""
    c = w.client
    instance = c.create()
    ids = [str(uuid.uuid4()) for _ in range(3)]
    with w.own.hold(instance):
        answers = [c.ask("BND", instance, b, query={"accepts_incomplete": "true"}) for b in ids]
        t.equal("LOB-06 BLK-06", "three binds are accepted", [a.status for a in answers], [202] * 3)
        t.equal("LOB-06 LOB-02", "and run", {c.ask("LOB", instance, b).body["state"] for b in ids}, {"in progress"})
        expect(t, w, "LOI-14 LOI-05", "the instance's own end stays", c.ask("LOI", instance), 200, see={"state": "succeeded"})
    t.equal("LOB-06 BLK-06", "and succeed", {c.wait(instance, b, 60)["state"] for b in ids}, {"succeeded"})
    c.drop(instance)


@case("LOI-10 LOB-07", needs=CLUSTER)
def when_to_come_back(t, w):
    c, instance = w.client, str(uuid.uuid4())
    with w.own.hold(instance):
        c.ask("PRV", instance)
        answer = c.ask("LOI", instance)
        t.check("LOI-10 KCL-06", "Retry-After while it runs", answer.headers.get("Retry-After", "").isdigit(), answer.headers.items())
    c.wait(instance, seconds=120)
    t.check("LOI-10", "none after the end", "Retry-After" not in c.ask("LOI", instance).headers)
    with w.own.hold(instance):
        c.ask("BND", instance, "b-" + instance, query={"accepts_incomplete": "true"})
        answer = c.ask("LOB", instance, "b-" + instance)
        t.check("LOB-07 KCL-06", "Retry-After while it runs", answer.headers.get("Retry-After", "").isdigit(), answer.headers.items())
    c.wait(instance, "b-" + instance, 60)
    c.drop(instance)
