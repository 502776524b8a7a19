"""A broker (API role) on a private PostgreSQL, and a worker that the test plays: operations end when and how a test says."""
import os
import re
import subprocess
import uuid

from harness.broker import Broker, new_seal_key
from harness.build import VARIANT, driver
from harness.report import Report, scratch
from pg import PrivatePostgres

ASYNC_REQUIRED = {"error": "AsyncRequired",
                  "description": "This service plan requires client support for asynchronous service operations."}
CONCURRENCY = {"error": "ConcurrencyError",
               "description": "The Service Broker does not support concurrent requests that mutate the same resource."}


class Worker:
    """Orders to osb_worker; see osb_worker.c."""

    def __init__(self, program, conninfo, seal_keys):
        self.process = subprocess.Popen([program], text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "CPBROKER_DATABASE": conninfo, "CPBROKER_SEAL_KEYS": seal_keys})

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def claim(self, kind):
        got = self.order("claim")
        if got != kind:
            raise RuntimeError(f"the worker wanted to claim {kind}, got {got}")

    def end(self, kind, state="succeeded", text="all is well"):
        """Claims the next operation, which must be of that kind, and ends it."""
        self.claim(kind)
        return self.order(f"end {state} {text}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


class World:
    """report, broker, worker, pg, and short-hands for checks."""

    def __init__(self, **settings):
        self.report, self.settings = Report(), settings

    def __enter__(self):
        program = driver("osb_worker")
        self.folder = scratch("osb")
        self.pg = PrivatePostgres().__enter__()
        keys = new_seal_key()
        self.broker = Broker(self.pg.conninfo, os.path.join(self.folder, "log"), variant=VARIANT, role="api", seal_keys=keys, **self.settings)
        self.broker.run("migrate")
        self.broker.start()
        self.worker = Worker(program, self.pg.conninfo, keys)
        self.osb = self.broker.osb()
        self.plans = {p["name"]: (s["id"], p["id"]) for s in self.osb.catalog() for p in s["plans"]}
        self.plan = self.plans["developer"]
        return self

    def __exit__(self, *_):
        self.worker.close()
        self.report.equal("the broker stops cleanly", self.broker.stop(), 0)
        self.pg.__exit__(None, None, None)

    def status(self, name, answer, *wanted):
        """Checks status and that the body is an object with well-formed error members; gives the answer."""
        body = answer.body
        good = answer.status in wanted and isinstance(body, dict) and answer.headers["Content-Type"].startswith("application/json")
        if answer.status >= 400:
            good = good and re.fullmatch("[A-Z][A-Za-z]+", body.get("error", "")) and body.get("description", "").strip()
        self.report.check(name, good, f"wanted {wanted}, got {answer.status} {body}")
        return answer

    def refused(self, name, answer, status, body):
        self.report.check(name, answer.status == status and answer.body == body, f"got {answer.status} {answer.body}")

    def ready_instance(self, plan=None, **more):
        """Id of a new instance that is ready."""
        instance = str(uuid.uuid4())
        self.osb.succeed("provision", self.osb.put_instance(instance, plan or self.plan, **more), 202)
        self.worker.end("provision")
        return instance

    def ready_binding(self, instance):
        binding = str(uuid.uuid4())
        self.osb.succeed("bind", self.osb.put_binding(instance, binding, self.plan, asynchronous=True), 202)
        self.worker.end("bind")
        return binding
