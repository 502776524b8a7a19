#!/usr/bin/env python3
"""The Kubernetes client against a real API server: objects, errors, port-forward, credentials, one connection, deadlines.

    KUBECONFIG=… python3 test/integration/test_kube_client.py

Builds its driver; VARIANT (default test; asan, tsan, debug) and CC choose the build, as for make. Without KUBECONFIG it
starts the project's testbed and stops it at the end. It uses the namespaces cpbroker-test-* only.
"""
# variants: test asan
import base64
import contextlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.build import driver
from harness.report import Report, scratch
from harness.testbed import Testbed

IMAGE = "confluentinc/cp-zookeeper:7.9.0"
ACCOUNT = "cpbroker-test-account"


class Relay:
    """A TCP relay to the API server that counts connections."""

    def __init__(self, host, port):
        self.target, self.count = (host, port), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            server = socket.create_connection(self.target)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


class Double(http.server.BaseHTTPRequestHandler):
    """Answers that a healthy API server does not give: a continuation that has expired, an answer that is no JSON."""
    protocol_version = "HTTP/1.1"
    expirations = 1

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        token = urllib.parse.parse_qs(url.query).get("continue")
        if url.path.startswith("/api/v1/namespaces/default/configmaps"):
            if not token:
                self.answer(200, {"metadata": {"continue": "a b;c"}, "items": [{"metadata": {"name": "1"}}]})
            elif token != ["a b;c"]:
                self.answer(400, {"kind": "Status", "reason": "BadRequest", "message": "the token was not handed back"})
            elif Double.expirations > 0:
                Double.expirations -= 1
                self.answer(410, {"kind": "Status", "reason": "Expired"})
            else:
                self.answer(200, {"metadata": {}, "items": [{"metadata": {"name": "2"}}]})
        else:
            self.answer(200, "<html>hello</html>")

    def answer(self, status, body):
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Cluster:
    """The cluster's kubeconfig as `kubectl config view` gives it, and variations of it in a folder."""

    def __init__(self, kubeconfig, kubectl, folder):
        self.kubeconfig, self.program, self.folder = kubeconfig, kubectl, folder
        config = json.loads(self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        self.cluster = config["clusters"][0]["cluster"]
        url = urllib.parse.urlparse(self.cluster["server"])
        self.host, self.port = url.hostname, url.port or 443

    def kubectl(self, *arguments):
        return subprocess.run([self.program, "--kubeconfig", self.kubeconfig, *arguments], check=True, capture_output=True, text=True).stdout

    def config(self, name, user, **cluster):
        """Writes a kubeconfig for `user`; members of `cluster` replace the real ones. Gives its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                       "clusters": [{"name": "k", "cluster": {**self.cluster, **cluster}}], "users": [{"name": "u", "user": user}]}, f)
        return path

    def plain(self, name, port):
        """A kubeconfig for a double on loopback."""
        path = self.config(name, {})
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        return path

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o700)
        return path


def drive(report, name, *arguments):
    """Runs the driver; each of its lines is a check."""
    done = subprocess.run([driver("kube_client"), *arguments], capture_output=True, text=True, timeout=600)
    lines = [line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    for word, text in lines:
        report.check(f"{name}: {text}", word == "ok")
    if not lines or done.returncode not in (0, 1) or (done.returncode == 1 and all(word == "ok" for word, _ in lines)):
        report.check(f"{name}: the driver ran to its end", False, f"exit code {done.returncode}: {done.stderr}")


def one_connection(report, cluster, token):
    relay = Relay(cluster.host, cluster.port)
    config = cluster.config("relay", {"token": token}, server=f"https://127.0.0.1:{relay.port}", **{"tls-server-name": cluster.host})
    drive(report, "60 reads", "reads", config, "60")
    report.equal("60 reads by one client: one connection", relay.count, 1)
    relay.close()


def credentials(report, cluster, token):
    def expect(name, error, user, **changes):
        drive(report, name, "expect", cluster.config("config", user, **changes), error)

    expect("token", "none", {"token": token})
    expect("a wrong token", "denied", {"token": "wrong"})
    cluster.write("token", token + "\n")
    expect("token file", "none", {"tokenFile": "token"})
    expect("an absent token file", "denied", {"tokenFile": "absent"})
    other = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                            "-keyout", os.devnull], check=True, capture_output=True).stdout
    expect("a foreign CA", "denied", {"token": token}, **{"certificate-authority-data": base64.b64encode(other).decode()})
    expect("a foreign server name", "denied", {"token": token}, **{"tls-server-name": "other.example"})
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    expect("nobody listens", "retry", {"token": token}, server=f"https://127.0.0.1:{port}")
    low = cluster.kubectl("create", "token", "default", "-n", ACCOUNT).strip()
    expect("an account without rights", "denied", {"token": low})


def plugin(report, cluster, token):
    """The plugin gives a token that has been revoked first, then a good one: 401 runs it again, once."""
    runs = os.path.join(cluster.folder, "runs")
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    script = cluster.write("plugin", f"#!/bin/sh\necho run >> {runs}\nif [ $(wc -l < {runs}) -gt $GOOD_AFTER ]; then\n"
                                     f"cat <<'X'\n{answer % token}\nX\nelse echo '{answer % 'revoked'}'; fi\n")

    def run(name, good_after, error, *arguments):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(runs)
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": script, "interactiveMode": "Never",
                         "env": [{"name": "GOOD_AFTER", "value": str(good_after)}]}}
        drive(report, name, *arguments[:1], cluster.config("config", user), *(arguments[1:] or [error]))
        with open(runs, encoding="utf-8") as f:
            return len(f.readlines())

    report.equal("plugin: kept over 20 reads", run("plugin", 0, "none", "reads", "20"), 1)
    report.equal("plugin: run again after 401", run("plugin after 401", 1, "none", "expect"), 2)
    report.equal("plugin: not more than once a request", run("plugin that stays wrong", 9, "denied", "expect"), 2)


def doubles(report, cluster):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Double)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = cluster.plain("double", server.server_port)
    drive(report, "an expired continuation begins the list again", "list", config, "2")
    drive(report, "an answer that is no JSON", "expect", config, "internal")
    server.shutdown()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        drive(report, "a silent server", "deadline", cluster.plain("silent", silent.getsockname()[1]))


def image(path):
    """What the image map has in place of IMAGE."""
    if path:
        with open(path, encoding="utf-8") as f:
            for line in f:
                name, _, value = line.partition('": ')
                if name.strip('"') == IMAGE:
                    return value.strip()
    return IMAGE


def run(report, kubeconfig, kubectl, image_map):
    folder = scratch("kube")
    try:
        cluster = Cluster(kubeconfig, kubectl, folder)
        report.section("objects", drive, report, "objects", "objects", kubeconfig, "cpbroker-test-objects")
        report.section("pods", drive, report, "pods", "pods", kubeconfig, "cpbroker-test-pods", image(image_map))
        cluster.kubectl("create", "namespace", ACCOUNT)
        cluster.kubectl("create", "serviceaccount", "reader", "-n", ACCOUNT)
        cluster.kubectl("create", "clusterrolebinding", ACCOUNT, "--clusterrole=view", f"--serviceaccount={ACCOUNT}:reader")
        token = cluster.kubectl("create", "token", "reader", "-n", ACCOUNT).strip()
        report.section("one connection", one_connection, report, cluster, token)
        report.section("credentials", credentials, report, cluster, token)
        report.section("plugin", plugin, report, cluster, token)
        report.section("doubles", doubles, report, cluster)
    finally:
        shutil.rmtree(folder)
        subprocess.run([kubectl, "--kubeconfig", kubeconfig, "delete", "--ignore-not-found", f"clusterrolebinding/{ACCOUNT}",
                        f"namespace/{ACCOUNT}", "namespace/cpbroker-test-objects", "namespace/cpbroker-test-pods"], check=False)


def main():
    report = Report()
    given = os.environ.get("KUBECONFIG")
    if given:
        run(report, given, os.environ.get("KUBECTL") or "kubectl", os.environ.get("CPBROKER_IMAGE_MAP"))
    else:
        with Testbed("kubeclient", tier=2) as testbed:
            run(report, testbed.kubeconfig, testbed.values.get("KUBECTL", "kubectl"), testbed.image_map)
    report.close()


if __name__ == "__main__":
    main()
