"""What the double knows from the API server: certificates, and how many brokers and controllers a namespace has."""
import base64
import re
import ssl
import tempfile
import threading

STATEFUL_SETS = "/apis/apps/v1/statefulsets?fieldSelector=metadata.name%3D"
SECRETS = "/api/v1/secrets?fieldSelector=metadata.name%3D"
HOST = re.compile(r"(kafka|ctl)-(\d+)\.(kafka-hs|ctl-hs)\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?\.?")
FIRST_CONTROLLER = 9000


class Follower:
    """The objects of one name in all namespaces, followed in a thread of its own: namespace -> object."""

    def __init__(self, api, path, gone=None):
        self.api, self.path, self.gone = api, path, gone
        self.items = {}
        self.listed = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def key(self, item):
        return item["metadata"].get("namespace") or item["metadata"]["name"]

    def run(self):
        for event, item in self.api.events(self.path):
            if event == "LISTED":
                for key in [key for key, known in self.items.items() if known["metadata"]["uid"] not in item]:
                    self.drop(key)
                self.listed.set()
            elif event == "DELETED":
                self.drop(self.key(item))
            else:
                self.items[self.key(item)] = item

    def drop(self, key):
        self.items.pop(key, None)
        if self.gone:
            self.gone(key)


class Topology:
    def __init__(self, api, namespace_gone):
        self.sets = {name: Follower(api, STATEFUL_SETS + name) for name in ("kafka", "ctl")}
        self.secrets = {name: Follower(api, SECRETS + name) for name in ("tls-kafka", "tls-controller", "ca-bundle")}
        self.namespaces = Follower(api, "/api/v1/namespaces", namespace_gone)
        self.contexts = {}

    def wait(self):
        for follower in [*self.sets.values(), *self.secrets.values(), self.namespaces]:
            follower.listed.wait(30)

    def count(self, namespace, name):
        item = self.sets[name].items.get(namespace)
        return item["spec"].get("replicas", 1) if item else 0

    def brokers(self, namespace):
        return list(range(self.count(namespace, "kafka")))

    def controllers(self, namespace):
        return [FIRST_CONTROLLER + index for index in range(self.count(namespace, "ctl"))]

    def tls(self, namespace, name, index, client_certificate):
        """The server's TLS context, made of the namespace's Secrets; None when it has none for that pod, or bad ones."""
        pair = self.secrets["tls-kafka" if name == "kafka" else "tls-controller"].items.get(namespace)
        bundle = self.secrets["ca-bundle"].items.get(namespace)
        if not pair or not bundle or f"{index}.pem" not in pair.get("data", {}) or "ca.crt" not in bundle.get("data", {}):
            return None
        key = (namespace, name, index, client_certificate)
        versions = (pair["metadata"]["uid"], pair["metadata"]["resourceVersion"], bundle["metadata"]["uid"], bundle["metadata"]["resourceVersion"])
        known = self.contexts.get(key)
        if not known or known[0] != versions:
            known = self.contexts[key] = (versions, self.context(pair["data"][f"{index}.pem"], bundle["data"]["ca.crt"], client_certificate))
        return known[1]

    @staticmethod
    def context(pem, bundle, client_certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            with tempfile.NamedTemporaryFile() as file:
                file.write(base64.b64decode(pem))
                file.flush()
                context.load_cert_chain(file.name)
            context.load_verify_locations(cadata=base64.b64decode(bundle).decode())
        except (ssl.SSLError, ValueError) as problem:
            print(f"unusable certificates: {problem}", flush=True)
            return None
        if client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def forget(self, namespace):
        for key in [key for key in self.contexts if key[0] == namespace]:
            del self.contexts[key]
