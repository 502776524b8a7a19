"""A broker process under test: settings, start, log, stop, kill."""
import base64
import json
import os
import secrets
import signal
import subprocess
import time

from harness.osb import Osb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def binary(variant="release"):
    return os.path.join(ROOT, "build", variant, "cpbroker")


def new_seal_key():
    return "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()


class Broker:
    """settings: lower-case names as in `cpbroker --help`. The log goes to the file `log`. context: the ssl.SSLContext of clients, for HTTPS."""

    def __init__(self, conninfo, log, variant="release", role="all", environment=None, context=None, **settings):
        self.log, self.role, self.program, self.context = log, role, binary(variant), context
        self.username, self.password = "platform", settings.pop("password", secrets.token_urlsafe(18))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CPBROKER_")}
        values = {"home": ROOT, "database": conninfo, "username": self.username, "password": self.password, "port": 0,
                  "seal_keys": settings.pop("seal_keys", None) or new_seal_key(), **settings}
        for name, value in values.items():
            if value is not None:
                self.environment["CPBROKER_" + name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
        self.environment.update(environment or {})
        self.process, self.port = None, None

    def run(self, *arguments, check=True):
        """One command of the broker, such as migrate."""
        done = subprocess.run([self.program, *arguments], env=self.environment, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"cpbroker {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done

    def start(self, seconds=20, wait_ready=True):
        began = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "serve", "--role", self.role], env=self.environment, stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + seconds
        while not self._find_port(began):
            if self.process.poll() is not None:
                raise RuntimeError(f"cpbroker serve ended with {self.process.returncode}: {self.tail()}")
            if time.monotonic() > until:
                raise TimeoutError(f"cpbroker serve did not start: {self.tail()}")
            time.sleep(0.01)
        while wait_ready and self.osb().call("GET", "/readyz").status != 200:
            if time.monotonic() > until:
                raise TimeoutError(f"cpbroker is not ready: {self.tail()}")
            time.sleep(0.02)
        return self

    def _find_port(self, began):
        with open(self.log, "rb") as log:
            log.seek(began)
            for line in log.read().decode(errors="replace").splitlines():
                if '"event":"serving"' in line:
                    self.port = int(json.loads(line)["port"])
                    return True
        return False

    def osb(self, version="2.17"):
        scheme = "https" if self.context else "http"
        return Osb(f"{scheme}://127.0.0.1:{self.port}", self.username, self.password, version, self.context)

    def tail(self, lines=8):
        with open(self.log, errors="replace") as log:
            return "\n".join(log.read().splitlines()[-lines:])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=40):
        """SIGTERM; gives the exit code."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise TimeoutError("cpbroker did not stop")
        self.check_sanitizers()
        return self.process.returncode if self.process else None

    def check_sanitizers(self):
        """A report of a sanitizer in the log is a failure of whatever ran."""
        with open(self.log, errors="replace") as log:
            text = log.read()
        for sign in ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:"):
            if sign in text:
                raise RuntimeError(f"the broker's log has a report of {sign}: {text[text.index(sign) - 200:][:4000]}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
