"""
Deletes that always work: at every step boundary of a create, of a namespace that somebody deleted already, while the API server or a node is
away; and one that somebody holds up says who. Tier 1: real API server, fake pods, Kafka double.
"""
import contextlib
import json
import os
import shutil
import threading
import time
import uuid

from harness.broker import ROOT
from harness.report import Report, scratch
from harness.testbed import Testbed
from scenarios import PLAN, SCENARIOS
from test_boundaries import LANES, Lane, learn

report, lock = Report(), threading.Lock()

GADGETS = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "gadgets.example.com"},
           "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget"},
                    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}


def held(testbed, namespace, kind, name):
    """An object that nobody lets go."""
    version = "example.com/v1" if kind == "Gadget" else "v1"
    made = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace, "finalizers": ["example.com/hold"]}}
    testbed.kubectl("apply", "-f", "-", text=json.dumps(made))


def let_go(testbed, namespace, kind, name):
    testbed.kubectl("-n", namespace, "patch", kind, name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')


def created(osb, prefix):
    instance = str(uuid.uuid4())
    osb.put_instance(instance, PLAN)
    end = osb.wait(instance, seconds=180)
    if end["state"] != "succeeded":
        raise RuntimeError(end["description"])
    return instance, f"{prefix}-{instance}"


def text_with(osb, instance, word, seconds=60):
    """The description of a running operation once it holds `word`."""
    text, until = "", time.monotonic() + seconds
    while word not in text and time.monotonic() < until:
        time.sleep(0.2)
        text = osb.last_operation(instance).body["description"]
    return text


def finalizers(lane):
    """A delete that somebody holds up names the object; it fails at its deadline, and a later one succeeds."""
    testbed, catalog = lane.testbed, os.path.join(lane.folder, "catalog")
    shutil.copytree(os.path.join(ROOT, "catalog"), catalog)
    path = os.path.join(catalog, "plans", PLAN + ".yml")
    with open(path) as file:
        text = file.read().replace("deprovision: 900", "deprovision: 20")
    with open(path, "w") as file:
        file.write(text)
    testbed.kubectl("apply", "-f", "-", text=json.dumps(GADGETS))
    testbed.kubectl("wait", "--for=condition=Established", "crd/gadgets.example.com", "--timeout=30s")
    with lane.broker(catalog=catalog) as broker:
        osb = broker.osb()
        instance, namespace = created(osb, lane.prefix)
        held(testbed, namespace, "ConfigMap", "blocker")
        held(testbed, namespace, "Gadget", "foreign")
        osb.delete_instance(instance, PLAN)
        end = osb.wait(instance, seconds=90)
        print(f"      {end['description']}")
        report.check("held by finalizers: the delete fails at its deadline", end["state"] == "failed" and "deadline" in end["description"], end)
        for name in ("ConfigMap/blocker (finalizer example.com/hold)", "Gadget/foreign (finalizer example.com/hold)"):
            report.check(f"held by finalizers: the text names {name}", name in end["description"], end["description"])
        report.equal("held by finalizers: bind is refused", osb.put_binding(instance, "b", PLAN).status, 400)
        report.equal("held by finalizers: DELETE again is accepted", osb.delete_instance(instance, PLAN).status, 202)
        let_go(testbed, namespace, "ConfigMap", "blocker")
        let_go(testbed, namespace, "Gadget", "foreign")
        end = osb.wait(instance, seconds=60)
        report.check("let go: the later delete succeeds", end["state"] == "succeeded", end)
        report.equal("let go: the namespace is gone", testbed.kubectl("get", "ns", namespace, "--ignore-not-found", "-o", "name"), "")
    testbed.kubectl("delete", "crd", "gadgets.example.com", "--wait=false")


def away_in_the_middle(lane):
    """Each part of a delete can be held by a finalizer; the API server goes away meanwhile."""
    testbed = lane.testbed
    with lane.broker() as broker:
        osb = broker.osb()
        instance, namespace = created(osb, lane.prefix)
        testbed.kubectl("-n", namespace, "patch", "pvc", "data-kafka-0", "--type=merge", "-p", '{"metadata": {"finalizers": ["example.com/hold"]}}')
        osb.delete_instance(instance, PLAN)
        text = text_with(osb, instance, "held by")
        report.check("a held volume claim is named", "PersistentVolumeClaim/data-kafka-0 (finalizer" in text and "example.com/hold" in text, text)
        testbed.stop_api_server()
        time.sleep(3)
        now = osb.last_operation(instance).body
        report.check("API server away in the middle of a delete: it waits", now["state"] == "in progress", now)
        testbed.start_api_server()
        let_go(testbed, namespace, "pvc", "data-kafka-0")
        end = osb.wait(instance, seconds=240)
        report.check("API server back: the delete goes on and succeeds", end["state"] == "succeeded", end)


def namespace_gone(lane):
    """Somebody deleted the namespace, or is about to: with a binding left, which nobody can revoke any more."""
    testbed = lane.testbed
    with lane.broker() as broker:
        osb = broker.osb()
        for wait in ("true", "false"):
            instance, namespace = created(osb, lane.prefix)
            answer = osb.put_binding(instance, "left", PLAN)
            report.equal("a binding is made", answer.status, 201)
            testbed.kubectl("delete", "ns", namespace, "--wait=" + wait, "--timeout=120s")
            report.equal("namespace deleted by somebody: DELETE is accepted", osb.delete_instance(instance, PLAN).status, 202)
            end = osb.wait(instance, seconds=120)
            report.check("namespace deleted by somebody: it succeeds", end["state"] == "succeeded", end)
            report.equal("its binding is gone with it", osb.get_binding(instance, "left").status, 404)
            report.equal("a second DELETE is 410", osb.delete_instance(instance, PLAN).status, 410)


def node_away(lane):
    """No kubelet confirms the end of pods: they are forgotten after a minute."""
    testbed = lane.testbed
    with lane.broker() as broker:
        osb = broker.osb()
        instance, namespace = created(osb, lane.prefix)
        testbed.fault("stop", "kwok")
        began = time.monotonic()
        osb.delete_instance(instance, PLAN)
        end = osb.wait(instance, seconds=120)
        report.check(f"node away: delete succeeds after {time.monotonic() - began:.0f} s", end["state"] == "succeeded", end)
        report.equal("node away: nothing is left", testbed.kubectl("get", "ns", namespace, "--ignore-not-found", "-o", "name"), "")
        testbed.fault("start", "kwok")


def delete_at(lane, point):
    """The create has come to `point` and its broker is dead: what another one accepts as a delete, a third one does. Gives what is wrong."""
    instance = str(uuid.uuid4())
    victim = lane.broker({"CPBROKER_FAILPOINT": point}).start()
    with contextlib.suppress(OSError):
        victim.osb().put_instance(instance, PLAN)
    victim.process.wait(60)
    with lane.broker(role="api") as api:
        answer = api.osb().delete_instance(instance, PLAN)
        if answer.status != 202:
            return f"DELETE is answered with {answer.status} {answer.body}"
        with lane.broker() as broker:
            end = broker.osb().wait(instance, seconds=120)
    if end["state"] != "succeeded":
        return end["description"]
    left = lane.testbed.kubectl("get", "ns", f"{lane.prefix}-{instance}", "--ignore-not-found", "-o", "name").strip()
    return left + lane.pg.psql(f"select id from instances where id = '{instance}'").strip()


def run_lane(lane, points):
    while True:
        with lock:
            if not points:
                return
            point = points.pop(0)
        began = time.monotonic()
        try:
            wrong = delete_at(lane, point)
        except Exception as e:
            wrong = f"{type(e).__name__}: {e}"
        with lock:
            report.equal(f"deleted at {point:<34} ({time.monotonic() - began:5.1f} s): nothing is left", wrong, "")


def boundaries(lanes):
    points = [point for point in learn(lanes[0], lanes[0].folder, SCENARIOS["provision"])[0] if point.startswith("provision.")]
    report.check(f"{len(points)} step boundaries of a create found", len(points) > 15, points)
    threads = [threading.Thread(target=run_lane, args=(lane, points)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    folder = scratch("deletes")
    with contextlib.ExitStack() as stack, Testbed("deletes", tier=1) as testbed:
        lanes = []
        for i in range(LANES):
            lanes.append(Lane(testbed, folder, i))
            stack.callback(lanes[i].pg.remove)
        report.section("deletes at step boundaries", boundaries, lanes)
        for function in (finalizers, namespace_gone, away_in_the_middle, node_away):
            report.section(function.__name__.replace("_", " "), function, lanes[0])
    report.close()


if __name__ == "__main__":
    main()
