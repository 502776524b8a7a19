"""A running broker and a small client of its API."""
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from urllib.parse import quote

import measure

USER, PASSWORD = "bench", "bench-password"
HEADERS = {
    "Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
    "X-Broker-API-Version": "2.17",
    "Content-Type": "application/json",
}


def program():
    path = os.path.abspath(os.environ.get("BROKER", os.path.join(measure.ROOT, "build", "release", "cpbroker")))
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is not there: run `make`, or set BROKER")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """`cpbroker serve` on a free loopback port. settings: environment variables besides the common ones."""

    def __init__(self, database, role, settings, log=subprocess.DEVNULL):
        self.port = free_port()
        self.environment = {
            **os.environ, "CPBROKER_DATABASE": database, "CPBROKER_USERNAME": USER, "CPBROKER_PASSWORD": PASSWORD,
            "CPBROKER_LISTEN_ADDRESS": "127.0.0.1", "CPBROKER_PORT": str(self.port), "CPBROKER_HOME": measure.ROOT,
            "CPBROKER_SEAL_KEYS": "bench:" + base64.b64encode(b"b" * 32).decode(), **settings,
        }
        self.role, self.log, self.process, self.connection = role, log, None, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def migrate(self):
        measure.run([program(), "migrate"], env=self.environment, cwd=measure.ROOT)
        return self

    def start(self):
        """Starts it; seconds until it was ready."""
        begin = time.monotonic()
        self.process = subprocess.Popen([program(), "serve", "--role", self.role], env=self.environment, cwd=measure.ROOT,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() - begin > 30:
                self.stop()
                raise RuntimeError(f"`cpbroker serve --role {self.role}` did not get ready; run it by hand to see why")
            time.sleep(0.001)
        return time.monotonic() - begin

    def ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        if self.connection:
            self.connection.close()
            self.connection = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            kilobytes = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        return kilobytes / 1024

    def call(self, method, path, body=None):
        """(status, body as bytes) over one kept connection, which the broker may have closed while it was idle."""
        for fresh in (self.connection is None, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=70)
            try:
                self.connection.request(method, path, json.dumps(body) if body is not None else None, HEADERS)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except ConnectionError:
                self.connection.close()
                self.connection = None
                if fresh:
                    raise

    def expect(self, status, method, path, body=None):
        """The decoded body of an answer that must have this status."""
        got, text = self.call(method, path, body)
        if got != status:
            raise RuntimeError(f"{method} {path.split('?')[0]}: {got} instead of {status}: {text[:500].decode(errors='replace')}")
        return json.loads(text)

    def plan(self, name):
        """The members that name a plan in requests."""
        service = self.expect(200, "GET", "/v2/catalog")["services"][0]
        plan = next(p for p in service["plans"] if p["name"] == name)
        return {"service_id": service["id"], "plan_id": plan["id"]}

    def poll(self, path, seconds):
        """Waits for the end of the last operation; seconds it took. RuntimeError unless it succeeded."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            answer = self.expect(200, "GET", f"{path}/last_operation")
            if answer["state"] == "succeeded":
                return time.monotonic() - begin
            if answer["state"] == "failed":
                raise RuntimeError(f"{path}: {answer.get('description')}")
            time.sleep(0.1)
        raise RuntimeError(f"{path}: no end within {seconds} s: {answer.get('description')}")


def instance_path(instance):
    return f"/v2/service_instances/{quote(instance, safe='')}"
