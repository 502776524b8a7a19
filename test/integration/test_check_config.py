#!/usr/bin/env python3
"""check-config: a good configuration passes; each broken one (broken/*.json) is refused with just its own faults, by file and path, without secrets.

    VARIANT=test python3 test/integration/test_check_config.py [PART OF A CASE'S NAME]

A case changes a good configuration: `settings` (null: not set), `write` and `remove` files, `edit` them (pattern, replacement). {home} is its folder,
{tls} that of certificates, {key} a seal key. `faults`: file (or "") and words of each fault; there must be no other.
"""
# variants: test asan
import glob
import http.server
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.broker import ROOT, Broker, new_seal_key
from harness.build import VARIANT
from harness.certificates import Authority
from harness.report import Report, scratch

FAULT = re.compile(r" {2}( *\d+) {2}(.*)")
KUBECONFIG = """current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "http://127.0.0.1:PORT"}}]
users: [{name: u, user: {}}]
"""


class Version(http.server.BaseHTTPRequestHandler):
    """As much of an API server as check-config asks."""

    def do_GET(self):
        body = b'{"major": "1", "minor": "33"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class World:
    def __init__(self):
        self.report, self.folder, self.count = Report(), scratch("check"), 0
        self.secrets = {name: "Planted" + secrets.token_hex(12) for name in ("password", "database password", "dashboard secret")}
        self.secrets["seal key"] = new_seal_key().partition(":")[2]
        authority = Authority(os.path.join(self.folder, "tls"))
        authority.issue("own", days=30)
        authority.issue("other", days=30)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Version)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.write(self.folder, "kube", KUBECONFIG.replace("PORT", str(server.server_port)))

    @staticmethod
    def write(folder, name, text):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def fill(self, text, home):
        values = {"home": home, "tls": os.path.join(self.folder, "tls"), "key": self.secrets["seal key"], "secret": self.secrets["dashboard secret"],
                  "long": "x" * 256, "name64": "n" * 64, "words": ", ".join(f"word-{i:05d}" for i in range(5000)),
                  "faulty": "{" + ", ".join(f"p{i}: {{minimum: '0'}}" for i in range(60)) + "}",
                  "numbers": ", ".join(map(str, range(200)))}
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def broker(self, case):
        """A broker over a copy of the project's data with the case's changes."""
        self.count += 1
        home = os.path.join(self.folder, str(self.count))
        for part in ("catalog", "k8s", "migrations"):
            shutil.copytree(os.path.join(ROOT, part), os.path.join(home, part))
        for name, text in case.get("write", {}).items():
            self.write(home, name, self.fill(text, home))
        for name in case.get("remove", []):
            os.remove(os.path.join(home, name))
        for name, edits in case.get("edit", {}).items():
            with open(os.path.join(home, name), encoding="utf-8") as file:
                text = file.read()
            for old, new in edits:
                text, changes = re.subn(old, lambda _, new=new: self.fill(new, home), text)
                if not changes:
                    raise LookupError(f"{name} has nothing like {old}")
            self.write(home, name, text)
        settings = {"home": home, "kubeconfig": os.path.join(self.folder, "kube"), "password": self.secrets["password"],
                    "seal_keys": "k1:" + self.secrets["seal key"]}
        for name, value in case.get("settings", {}).items():
            settings[name] = value and self.fill(value, home)
        conninfo = f"host=/nonexistent password={self.secrets['database password']}"
        broker = Broker(conninfo, os.path.join(self.folder, "log"), variant=VARIANT, **settings)
        for name, value in case.get("settings", {}).items():
            if value is None: # the harness has a value of its own for some
                broker.environment.pop("CPBROKER_" + name.upper(), None)
        return broker


def read(text):
    """[(file, fault)] of what check-config printed, and the numbers."""
    faults, numbers, file = [], [], ""
    for line in text.splitlines():
        match = FAULT.fullmatch(line)
        if match:
            numbers.append(int(match.group(1)))
            faults.append((file, match.group(2)))
        elif line.startswith("FAIL"):
            file = ""
        elif line.startswith("      ") and not line.startswith("        "):
            file = line.strip()
    return faults, numbers


def wanted(case):
    if "numbered" not in case:
        return case["faults"]
    file, words, count = case["numbered"]
    return [[file, words.replace("{}", str(i))] for i in range(count)]


def missing(faults, case):
    """What of the case is not there, and what is there besides."""
    left, absent = list(faults), []
    for file, words in wanted(case):
        found = next((f for f in left if f[0].endswith(file) and (file or not f[0]) and words in f[1]), None)
        if found:
            left.remove(found)
        else:
            absent.append((file, words))
    return absent, left


def run(world, case):
    report, name = world.report, case["case"]
    done = world.broker(case).run("check-config", check=False)
    faults, numbers = read(done.stdout)
    absent, besides = missing(faults, case)
    report.equal(f"{name}: exit code", done.returncode, 1)
    report.check(f"{name}: its faults and no other", faults and not absent and not besides, f"absent {absent}, besides {besides}, in\n{done.stdout}")
    closing = f"{len(faults)} fault{'' if len(faults) == 1 else 's'}"
    report.check(f"{name}: numbered and counted", numbers == list(range(1, len(numbers) + 1)) and done.stdout.splitlines()[-1] == closing, done.stdout)
    report.equal(f"{name}: nothing else is said", done.stderr, "")
    report.check(f"{name}: no secret", all(s not in done.stdout + done.stderr for s in world.secrets.values()))


def good(world):
    case = {"settings": {"quotas": "{home}/quotas.yml", "image_map": "{home}/images.yml", "size_overlay": "{home}/sizes.yml", "config": "{home}/settings.yml",
                         "tls_certificate": "{tls}/own.pem", "tls_key": "{tls}/own.key", "trusted_proxies": "10.0.0.0/8, ::1"},
            "write": {"quotas.yml": "global: {instances: 50, memory: 800Gi}\nplans: {standard: {instances: 10}}\n",
                      "images.yml": "confluentinc/cp-kafka:8.1.0: harbor.test/kafka:1\n", "sizes.yml": "kafka: {memory: 1Gi}\nstuck_seconds: 60\n",
                      "settings.yml": "log_level: debug\nexternal_host:\nworkers: 8\n"}}
    retired = {"edit": {"catalog/plans/bare-minimum.yml": [["(?m)^free: ", "retired: true\nfree: "]],
                        "catalog/plans/standard.yml": [["(?m)^spec:", "bindings: {lifetime_seconds: 86400, renew_seconds: 3600}\nspec:"]]}}
    for name, changes in (("as delivered", {}), ("every file set", case), ("a plan retired, bindings that expire", retired)):
        done = world.broker(changes).run("check-config", check=False)
        lines = done.stdout.splitlines()
        world.report.equal(f"good, {name}: exit code", done.returncode, 0)
        world.report.check(f"good, {name}: every line ok", len(lines) >= 7 and all(line.startswith("ok    ") for line in lines), done.stdout)
        world.report.equal(f"good, {name}: nothing else is said", done.stderr, "")


def start(world):
    """serve refuses with a log line for each fault, and says how to see them together."""
    settings = {"case": "", "settings": {"port": "http", "workers": "0"}}
    catalog = {"case": "", "edit": {"catalog/catalog.yml": [["(?m)^tags: .*", "tags: [{numbers}]"]], "catalog/plans/standard.yml": [["free: false", "free: 0"]]}}
    for what, case, count, part in (("settings", settings, 2, ("", "CPBROKER_PORT (port): must be")), ("catalog", catalog, 201, ("plans/standard.yml", "free must be"))):
        done = world.broker(case).run("serve", check=False)
        *logged, last = done.stderr.splitlines()
        faults = [(line.get("file", ""), line["fault"]) for line in map(json.loads, logged) if line["event"] == "fault" and line["in"] == what]
        world.report.equal(f"serve, {what}: exit code", done.returncode, 1)
        world.report.equal(f"serve, {what}: a log line for each fault", len(faults), count)
        world.report.check(f"serve, {what}: with file and text", any(f.endswith(part[0]) and part[1] in t for f, t in faults), faults[:5])
        world.report.equal(f"serve, {what}: its last words", last, f"cpbroker: {count} faults in the {what}; run `cpbroker check-config`")


def main():
    subprocess.run(["make", "-s", f"VARIANT={VARIANT}", "all"], cwd=ROOT, check=True)
    world = World()
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = []
    for path in sorted(glob.glob(os.path.join(ROOT, "test", "integration", "broken", "*.json"))):
        with open(path, encoding="utf-8") as file:
            cases += json.load(file)
    world.report.section("good", good, world)
    world.report.section("start", start, world)
    for case in cases:
        if only in case["case"]:
            world.report.section(case["case"], run, world, case)
    world.report.check("at least 30 broken configurations", only or len(cases) >= 30, len(cases))
    world.report.close()


if __name__ == "__main__":
    main()
