"""kafka_double.py KUBECONFIG --control ADDRESS:PORT [--log FILE] [--data FOLDER]: a stand-in for every Kafka cluster of a testbed.

Listens on 9071 (SASL_SSL, SCRAM-SHA-512), 9072 (mutual TLS) and 9074 (mutual TLS, the controllers'). The server name that a client asks for says
which namespace and which broker it means; certificates come from that namespace's Secrets, the number of brokers from its StatefulSets."""
import argparse
import asyncio
import copy
import functools
import inspect
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testbed"))

from cluster import Cluster
from configs import HANDLERS
from faults import Faults, Log, serve
from kubeapi import Api
from messages import ALL, BY_KEY
from tls import Closed, TlsConnection
from topology import FIRST_CONTROLLER, HOST, Topology
from wire import Malformed, Reader, Writer, read, write

LISTENERS = (9071, 9072, 9074)
API_VERSIONS, UNSUPPORTED_VERSION, FRAME_LIMIT = 18, 35, 100 << 20
BEFORE_LOGIN = {"ApiVersions", "SaslHandshake", "SaslAuthenticate"}
CHANGES = {"CreateTopics", "DeleteTopics", "AlterUserScramCredentials", "CreateAcls", "DeleteAcls", "Produce", "IncrementalAlterConfigs",
           "AlterClientQuotas"}
NOT_ON_CONTROLLERS = {"Metadata", "Produce", "Fetch", "ListOffsets", "SaslHandshake", "SaslAuthenticate", "DescribeClientQuotas"}


class Session:
    """One connection."""

    def __init__(self, listener, namespace, kind, index):
        self.listener, self.namespace, self.kind = listener, namespace, kind
        self.node = index if kind == "kafka" else FIRST_CONTROLLER + index
        self.user = self.exchange = None
        self.close_after = False


class Call:
    """One request as the handlers see it."""

    def __init__(self, double, session, message, version):
        self.session, self.message, self.version = session, message, version
        self.cluster = double.cluster(session.namespace)
        self.user, self.listener, self.broker = session.user, session.listener, session.node
        self.brokers, self.controllers = double.topology.brokers(session.namespace), double.topology.controllers(session.namespace)
        self.find, self.done = double.faults.find, []
        self.missing = self.fault("missing") or []

    def fault(self, effect):
        session = self.session
        return self.find(effect, session.namespace, session.node, session.listener, self.message.name, session.user)

    def did(self, what):
        self.done.append(what)

    def host(self, node):
        kind, index = ("ctl", node - FIRST_CONTROLLER) if node >= FIRST_CONTROLLER else ("kafka", node)
        return f"{kind}-{index}.{kind}-hs.{self.session.namespace}.svc"


def offered(session, topology):
    """What ApiVersions shows on that listener: no quorum with ZooKeeper, no SASL where certificates log in."""
    names = []
    for message in ALL:
        if message.name == "DescribeQuorum" and not topology.controllers(session.namespace):
            continue
        if message.name.startswith("Sasl") and session.listener != 9071:
            continue
        if session.listener == 9074 and message.name in NOT_ON_CONTROLLERS:
            continue
        names.append(message)
    return names


def poison(value, fields, code):
    """Sets every error code of an answer; an answer without one stays as it is."""
    for field in fields:
        if field.name == "ErrorCode":
            value["ErrorCode"] = code
        elif field.kind == "struct":
            for item in value.get(field.name) or [] if field.array else []:
                poison(item, field.fields, code)


def error_codes(value):
    found = set()
    if isinstance(value, dict):
        found |= {value["ErrorCode"]} if value.get("ErrorCode") else set()
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found |= error_codes(item)
    return found


class Double:
    def __init__(self, faults, log, folder):
        self.faults, self.log, self.folder = faults, log, folder
        self.topology, self.clusters = None, {}

    def cluster(self, namespace):
        if namespace not in self.clusters:
            self.clusters[namespace] = Cluster(namespace, self.folder)
        return self.clusters[namespace]

    def drop(self, namespace):
        cluster = self.clusters.pop(namespace, None) or Cluster(namespace, self.folder)
        cluster.forget()
        if self.topology:
            self.topology.forget(namespace)

    def drop_strays(self):
        """Clusters kept of namespaces that went while the double was down."""
        for name in os.listdir(self.folder) if self.folder else []:
            namespace = name.removesuffix(".json")
            if namespace not in self.topology.namespaces.items:
                self.drop(namespace)

    def state(self, namespace):
        return self.cluster(namespace).summary() if namespace in self.topology.namespaces.items else None

    async def accept(self, listener, reader, writer):
        connection = TlsConnection(reader, writer)
        try:
            session = await self.greet(listener, connection)
            try:
                while session and not session.close_after:
                    await self.serve_one(session, connection)
            except Malformed as problem:
                print(f"listener {listener}: {problem}", flush=True)
            await connection.goodbye()
        except Closed:
            pass
        finally:
            writer.close()

    async def greet(self, listener, connection):
        """The session after TLS, or None when the connection is to be closed."""
        named = HOST.fullmatch(await connection.hello())
        if not named:
            return None
        kind, index, service, namespace = named.groups()
        session = Session(listener, namespace, kind, int(index))
        fault = lambda effect: self.faults.find(effect, namespace, session.node, listener)
        nodes = self.topology.brokers(namespace) if kind == "kafka" else self.topology.controllers(namespace)
        if service != kind + "-hs" or (kind == "ctl") != (listener == 9074) or session.node not in nodes:
            return None
        if fault("refuse") or session.node in (fault("missing") or []):
            return None
        context = await self.context(session, int(index))
        if not context:
            return None
        await connection.handshake(context)
        session.user = connection.user() if listener != 9071 else None
        return session

    async def context(self, session, index):
        """What was just created may be seen a moment later."""
        for _ in range(10):
            context = self.topology.tls(session.namespace, session.kind, index, session.listener != 9071)
            if context:
                return context
            await asyncio.sleep(0.05)
        return None

    async def serve_one(self, session, connection):
        size = struct.unpack(">i", await connection.readexactly(4))[0]
        if not 8 <= size <= FRAME_LIMIT:
            raise Malformed(f"a frame of {size} bytes")
        frame = await connection.readexactly(size)
        key, version, correlation = struct.unpack_from(">hhi", frame)
        message = BY_KEY.get(key)
        if not message or message not in offered(session, self.topology):
            raise Malformed(f"API key {key} is not offered")
        if session.listener == 9071 and not session.user and message.name not in BEFORE_LOGIN:
            raise Malformed(f"{message.name} before login")
        close = None
        header = struct.pack(">i", correlation)
        if message.first <= version <= message.last:
            body, close = await self.answer(session, message, version, self.request(message, version, frame))
        elif key == API_VERSIONS:
            version, body = 0, write(message.response, {**self.api_versions(session), "ErrorCode": UNSUPPORTED_VERSION}, 0, False)
        else:
            raise Malformed(f"{message.name} version {version} is not offered")
        if body is None:
            return
        if message.flexible_at(version) and key != API_VERSIONS:
            header += b"\0"
        data = struct.pack(">i", len(header) + len(body)) + header + body
        await connection.write(data[:len(data) // 2] if close == "half" else data)
        if close == "half":
            raise Closed("as a fault says")

    @staticmethod
    def request(message, version, frame):
        reader = Reader(frame)
        reader.take(8)
        reader.take(reader.length("int16") or 0)  # the client's id
        reader.flexible = message.flexible_at(version)
        reader.tags()
        return read(message.request, frame[reader.at:], version, reader.flexible)

    def api_versions(self, session):
        return {"ApiKeys": [{"ApiKey": message.key, "MinVersion": message.first, "MaxVersion": message.last}
                            for message in offered(session, self.topology)]}

    async def answer(self, session, message, version, request):
        """(body or None when there is to be no answer, what the fault "close" says). Closed when a fault wants it so."""
        fault = lambda effect: self.faults.find(effect, session.namespace, session.node, session.listener, message.name, session.user)
        delay, close, error = fault("delay"), fault("close"), fault("error")
        if delay:
            await asyncio.sleep(delay)
        if close == "unread":
            raise Closed("as a fault says")
        call = Call(self, session, message, version)
        if error is not None:
            call.cluster = copy.deepcopy(call.cluster)
        response = self.api_versions(session) if message.key == API_VERSIONS else HANDLERS[message.name](call, request)
        if inspect.isawaitable(response):
            response = await response
        if error is not None:
            call.done.clear()
            poison(response, message.response, error)
        elif call.done and message.name in CHANGES:
            call.cluster.save()
        self.log.add(namespace=session.namespace, broker=session.node, listener=session.listener, user=session.user, api=message.name, version=version,
                     did=call.done, errors=sorted(error_codes(response)), fault=close)
        if close == "lost":
            raise Closed("as a fault says")
        if response is None:
            return None, close
        return write(message.response, response, version, message.flexible_at(version)), close


async def run(double, address, control):
    servers = [await asyncio.start_server(functools.partial(double.accept, listener), address, listener, backlog=1024) for listener in LISTENERS]
    host, port = control.rsplit(":", 1)
    serve(host, int(port), double.faults, double.log, double.state)
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main():
    parser = argparse.ArgumentParser(description="A stand-in for the Kafka clusters of a testbed.")
    parser.add_argument("kubeconfig")
    parser.add_argument("--listen", default="0.0.0.0", help="address of the Kafka listeners")
    parser.add_argument("--control", default="127.0.0.1:7070", help="address and port of the HTTP interface to faults, log and state")
    parser.add_argument("--log", help="file for one JSON line per request")
    parser.add_argument("--data", help="folder that keeps the clusters")
    options = parser.parse_args()
    if options.data:
        os.makedirs(options.data, exist_ok=True)
    double = Double(Faults(), Log(options.log), options.data)
    double.topology = Topology(Api(options.kubeconfig), double.drop)
    double.topology.wait()
    double.drop_strays()
    asyncio.run(run(double, options.listen, options.control))


if __name__ == "__main__":
    main()
