"""A small client of the Kubernetes API for the testbed's own programs: requests, lists and watches, with a kubeconfig of the testbed."""
import base64
import http.client
import json
import re
import ssl
import tempfile
import threading
import time


class Api:
    """One API server. Every thread has a connection of its own."""

    def __init__(self, kubeconfig):
        with open(kubeconfig, encoding="utf-8") as file:
            text = file.read()

        def field(name):
            return re.search(name + r':\s*"?([^\s",}]+)', text).group(1)

        self.host, port = re.match(r"https://([^:/]+):(\d+)", field("server")).groups()
        self.port = int(port)
        self.tls = ssl.create_default_context(cadata=base64.b64decode(field("certificate-authority-data")).decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(field("client-certificate-data")) + base64.b64decode(field("client-key-data")))
            pair.flush()
            self.tls.load_cert_chain(pair.name)
        self.local = threading.local()

    def connect(self, timeout):
        return http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=timeout)

    def call(self, method, path, body=None, kind="application/json"):
        """(status, JSON answer). A connection that the server closed in between is opened again once."""
        data = json.dumps(body) if body is not None else None
        for attempt in (0, 1):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = self.connect(10)
            try:
                connection.request(method, path, data, {"Content-Type": kind})
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"{}")
            except (OSError, http.client.HTTPException):
                connection.close()
                self.local.connection = None
                if attempt:
                    raise
        return None

    def patch(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def events(self, path):
        """Yields ("ADDED" | "MODIFIED" | "DELETED" | "LISTED", object) for ever: a list, LISTED, then a watch; again when it breaks.
        LISTED carries the set of the uids that the list had."""
        while True:
            try:
                status, listed = self.call("GET", path)
                if status != 200:
                    raise OSError(f"GET {path}: {status}")
                for item in listed["items"]:
                    yield "ADDED", item
                yield "LISTED", {item["metadata"]["uid"] for item in listed["items"]}
                yield from self.watch(path, listed["metadata"]["resourceVersion"])
            except (OSError, http.client.HTTPException, ValueError) as problem:
                print(f"{path}: {problem}; listing again", flush=True)
            time.sleep(0.3)

    def watch(self, path, version):
        connection = self.connect(330)
        try:
            connection.request("GET", f"{path}{'&' if '?' in path else '?'}watch=1&timeoutSeconds=300&resourceVersion={version}")
            answer = connection.getresponse()
            if answer.status != 200:
                return
            for line in answer:
                event = json.loads(line)
                if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                    return
                yield event["type"], event["object"]
        finally:
            connection.close()
