"""Creates that do not succeed, on real pods: the text names component and cause, the objects are kept, and delete cleans up at any time."""
import os
import time
import uuid

from harness.broker import Broker
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

PLAN = "developer"
report = Report()


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def gone(what, osb, testbed, instance):
    osb.delete_instance(instance, PLAN)
    end = osb.wait(instance, seconds=120)
    report.check(f"{what}: delete succeeds", end["state"] == "succeeded", end)
    report.equal(f"{what}: nothing is left", testbed.kubectl("get", "ns", f"cp-{instance}", "--ignore-not-found", "-o", "name"), "")


def crash(what, osb, testbed, instance):
    """Waiting does not help: the create fails long before its deadline."""
    began = time.monotonic()
    osb.put_instance(instance, PLAN)
    end = osb.wait(instance, seconds=300)
    print(f"      {what}: {end['description']}")
    report.check(f"{what}: fails after {time.monotonic() - began:.0f} s, before its deadline", end["state"] == "failed", end)
    for word in ("kafka: kafka-0", "exited with code 1"):
        report.check(f"{what}: the text names {word!r}", word in end["description"], end["description"])
    kept = testbed.kubectl("-n", f"cp-{instance}", "get", "pods", "-o", "name").split()
    report.check(f"{what}: the objects are kept for diagnosis", len(kept) == 2, kept)
    report.equal(f"{what}: bind is refused", osb.put_binding(instance, "b", PLAN).status, 400)
    report.equal(f"{what}: the same PUT again is 409", osb.put_instance(instance, PLAN).status, 409)


def image(what, osb, testbed, instance):
    """A registry may come back: the create goes on until its deadline, and says meanwhile what it waits for."""
    osb.put_instance(instance, PLAN)
    until, text = time.monotonic() + 120, ""
    while "cannot be pulled" not in text and time.monotonic() < until:
        time.sleep(0.5)
        text = osb.last_operation(instance).body["description"]
    print(f"      {what}: {text}")
    for word in ("controllers", "ctl-0", "no-such-tag", "cannot be pulled"):
        report.check(f"{what}: the text names {word!r}", word in text, text)


def one(what, scenario, settings, testbed, folder):
    with PrivatePostgres() as pg:
        broker = Broker(pg.conninfo, os.path.join(folder, what + ".log"), variant=os.environ.get("VARIANT", "release"), **settings)
        broker.run("migrate")
        with broker:
            instance = str(uuid.uuid4())
            scenario(what, broker.osb(), testbed, instance)
            gone(what, broker.osb(), testbed, instance)


def main():
    folder = scratch("failures")
    with Testbed("failures") as testbed:
        settings = testbed.settings()
        with open(settings["size_overlay"]) as file:
            overlay = file.read()
        images = write(folder, "images.yaml", '"confluentinc/cp-kafka:8.1.0": cpbroker.test/cp-kafka:no-such-tag\n')
        small = write(folder, "small.yaml", overlay.replace("heap: 384m", "heap: 1m"))
        report.section("image", one, "an image that cannot be pulled", image, {**settings, "image_map": images}, testbed, folder)
        report.section("crash", one, "a broker that crashes at start", crash, {**settings, "size_overlay": small}, testbed, folder)
    report.close()


if __name__ == "__main__":
    main()
