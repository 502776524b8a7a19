"""A client that sends any request, right or wrong, and shows each exchange to an observer."""
import base64
import copy
import dataclasses
import json
import re
import ssl
import time
import urllib.parse
import uuid

from harness.osb import ORG, SPACE, Answer, Osb  # noqa: F401 (the first two are used by cases)

DROP = object()  # in the place of a member's or a query key's value: leave it out
VERSION, IDENTITY = "X-Broker-API-Version", "X-Broker-API-Request-Identity"
INSTANCE = re.compile(r"/v2/service_instances/([^/?]*)(/service_bindings/([^/?]*))?(/last_operation)?")
METHODS = {"CAT": "GET", "PRV": "PUT", "GIN": "GET", "UPD": "PATCH", "DEP": "DELETE", "LOI": "GET", "BND": "PUT", "GBN": "GET", "UNB": "DELETE",
           "LOB": "GET"}
CALLS = tuple(METHODS)
WITH_BODY = ("PRV", "UPD", "BND")


@dataclasses.dataclass
class Exchange:
    """A request and its answer. call: one of CALLS, or None for other paths; minor: of the version sent, None without or unreadable."""
    call: str
    instance: str
    binding: str
    query: dict
    headers: dict
    minor: int
    answer: Answer
    seconds: float

    @property
    def readable_identity(self):
        """Whether the originating identity, if any, is as the specification has it."""
        value = next((v for k, v in self.headers.items() if k.lower() == "x-broker-api-originating-identity"), None)
        platform, blank, encoded = (value or "x e30=").partition(" ")
        try:
            return bool(platform and blank) and isinstance(json.loads(base64.b64decode(encoded, validate=True)), dict)
        except ValueError:
            return False


def classify(method, path):
    """(call, instance, binding) of a request line."""
    path = path.partition("?")[0]
    if (method, path) == ("GET", "/v2/catalog"):
        return "CAT", None, None
    match = INSTANCE.fullmatch(path)
    if not match or not match[1] or match[3] == "":
        return None, None, None
    names = {"PUT": "PRV", "GET": "GIN", "PATCH": "UPD", "DELETE": "DEP"} if not match[2] else {"PUT": "BND", "GET": "GBN", "DELETE": "UNB"}
    if match[4]:
        names = {"GET": "LOB" if match[2] else "LOI"}
    return names.get(method), match[1], match[3]


def minor_of(headers):
    for name, value in headers.items():
        match = re.fullmatch(r"2\.(\d+)", str(value)) if name.lower() == VERSION.lower() else None
        if match:
            return int(match[1])
    return None


def merge(standard, changes):
    return {k: v for k, v in {**standard, **changes}.items() if v is not DROP}


def encode(query):
    """A query string; a value None is a key without `=`."""
    parts = [k if v is None else f"{k}={urllib.parse.quote(str(v), safe='')}" for k, v in query.items()]
    return "?" + "&".join(parts) if parts else ""


def parse(text):
    """A body's JSON; None for an empty body, the bytes themselves when they are not JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


class Client(Osb):
    """url: http[s]://host[:port][/prefix]. faulty: the broker's parts are being broken, so 5xx is no fault of its own;
    secure: ssl.SSLContext, None for the system's."""

    def __init__(self, url, username, password, version="2.17", observer=None, faulty=False, secure=None):
        super().__init__(url, username, password, version, secure or (ssl.create_default_context() if url.startswith("https:") else None))
        self.prefix = urllib.parse.urlsplit(url).path.rstrip("/")
        self.username, self.password, self.version = username, password, version
        self.observer, self.faulty = observer, faulty
        self.patience = 180  # seconds for an operation
        self.service_id = self.plan_id = None  # of standard requests
        self.deletes = set()  # ids that a delete was accepted for, of instances and bindings

    def with_version(self, version):
        other = copy.copy(self)
        other.version, other.headers = version, {**self.headers, VERSION: version}
        return other

    def use(self, pair):
        self.service_id, self.plan_id = pair
        return self

    def send(self, method, path, data, headers, timeout):
        connection = self.connect(timeout)
        try:
            connection.request(method, self.prefix + path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, parse(response.read()))
        finally:
            connection.close()

    def call(self, method, path, body=None, headers=None, timeout=70):
        sent = {**self.headers, IDENTITY: str(uuid.uuid4()), **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        sent = {k: v for k, v in sent.items() if v is not None}
        began = time.monotonic()
        answer = self.send(method, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode(), sent, timeout)
        if self.observer:
            call, instance, binding = classify(method, path)
            query = dict(urllib.parse.parse_qsl(path.partition("?")[2], keep_blank_values=True))
            if call in ("DEP", "UNB") and answer.status in (200, 202):
                self.deletes.add(binding if call == "UNB" else instance)
            self.observer(self, Exchange(call, instance, binding, query, sent, minor_of(sent), answer, time.monotonic() - began))
        return answer

    def path(self, call, instance=None, binding=None):
        if call == "CAT":
            return "/v2/catalog"
        base = self.binding_path(instance, binding) if call in ("BND", "GBN", "UNB", "LOB") else self.instance_path(instance)
        return base + ("/last_operation" if call in ("LOI", "LOB") else "")

    def standard(self, call):
        """(body, query) of a valid request that means nothing special."""
        ids = {"service_id": self.service_id, "plan_id": self.plan_id}
        bodies = {"PRV": {**ids, "organization_guid": ORG, "space_guid": SPACE}, "UPD": {"service_id": self.service_id}, "BND": ids}
        queries = {"PRV": {"accepts_incomplete": "true"}, "UPD": {"accepts_incomplete": "true"}, "DEP": {**ids, "accepts_incomplete": "true"}, "UNB": ids}
        return bodies.get(call), queries.get(call, {})

    def ask(self, call, instance=None, binding=None, body=None, query=None, headers=None, raw=None):
        """The standard request with changes: members of `body` and `query` replace, DROP leaves out; `raw` is sent as it is."""
        standard_body, standard_query = self.standard(call)
        data = raw if raw is not None else merge(standard_body, body or {}) if standard_body is not None else None
        path = self.path(call, instance, binding) + (query if isinstance(query, str) else encode(merge(standard_query, query or {})))
        return self.call(METHODS[call], path, data, headers)

    def end(self, answer, instance, binding=None):
        """The state in which the accepted operation of `answer` ends: at once for 200 and 201."""
        if answer.status in (200, 201):
            return "succeeded"
        if answer.status != 202:
            return f"refused: {answer.status} {json.dumps(answer.body)[:300]}"
        return self.wait(instance, binding, self.patience, 0.1)["state"]

    def create(self, body=None, instance=None, **more):
        """Id of a new instance that is ready."""
        instance = instance or str(uuid.uuid4())
        state = self.end(self.ask("PRV", instance, body=body, **more), instance)
        if state != "succeeded":
            raise RuntimeError(f"the instance {instance} is not created: {state}")
        return instance

    def bind(self, instance, body=None, binding=None, **more):
        """(id, answer) of a new binding: made synchronously where the broker can."""
        binding = binding or str(uuid.uuid4())
        answer = self.ask("BND", instance, binding, body, **more)
        if answer.status == 422 and answer.body.get("error") == "AsyncRequired":
            self.end(self.ask("BND", instance, binding, body, query={"accepts_incomplete": "true"}), instance, binding)
            answer = self.ask("GBN", instance, binding)
        if answer.status not in (200, 201):
            raise RuntimeError(f"the binding is not made: {answer.status} {json.dumps(answer.body)[:300]}")
        return binding, answer

    def drop(self, instance):
        """Deletes an instance that no case looks at any more; does not wait for the end."""
        self.ask("DEP", instance)

    def delete(self, instance):
        """The state in which the delete ends."""
        return self.end(self.ask("DEP", instance), instance)
