"""A small Kafka client for tests of the double: one TLS connection, messages as dicts."""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

from messages import BY_NAME
from wire import read, write


class Client:
    def __init__(self, address, name, authority, port=9072, pair=None, timeout=10):
        """name: the server name to ask for; authority: CA file; pair: PEM file with the client's key and certificate."""
        context = ssl.create_default_context(cafile=authority)
        if pair:
            context.load_cert_chain(pair)
        plain = socket.create_connection((address, port), timeout)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.socket.close()

    def exactly(self, count):
        out = b""
        while len(out) < count:
            part = self.socket.recv(count - len(out))
            if not part:
                raise ConnectionError(f"closed after {len(out)} of {count} bytes")
            out += part
        return out

    def exchange(self, frame):
        """Sends one frame, gives the answer's bytes after the correlation id."""
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        data = self.exactly(struct.unpack(">i", self.exactly(4))[0])
        assert data[:4] == frame[4:8], "another correlation id"
        return data[4:]

    def call(self, api, request=None, version=None):
        message = BY_NAME[api]
        version = message.last if version is None else version
        flexible = message.flexible_at(version)
        self.correlation += 1
        head = struct.pack(">hhih", message.key, version, self.correlation, 4) + b"test" + (b"\0" if flexible else b"")
        data = self.exchange(head + write(message.request, request or {}, version, flexible))
        if flexible and api != "ApiVersions":
            assert data[:1] == b"\0", "tags in the header"
            data = data[1:]
        return read(message.response, data, version, flexible)

    def login(self, user, password):
        """SCRAM-SHA-512 (RFC 5802); the last answer, whose ErrorCode says whether it worked."""
        assert self.call("SaslHandshake", {"Mechanism": "SCRAM-SHA-512"})["ErrorCode"] == 0
        bare = f"n={user},r={base64.b64encode(os.urandom(18)).decode()}"
        answer = self.call("SaslAuthenticate", {"AuthBytes": ("n,," + bare).encode()})
        if answer["ErrorCode"]:
            return answer
        first = answer["AuthBytes"].decode()
        fields = dict(part.split("=", 1) for part in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.digest(salted, b"Client Key", "sha512")
        final = f"c=biws,r={fields['r']}"
        text = f"{bare},{first},{final}".encode()
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha512(key).digest(), text, "sha512")))
        answer = self.call("SaslAuthenticate", {"AuthBytes": f"{final},p={base64.b64encode(proof).decode()}".encode()})
        if not answer["ErrorCode"]:
            signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), text, "sha512")
            assert answer["AuthBytes"] == b"v=" + base64.b64encode(signature), "the server's signature"
        return answer


def upsertion(user, password, iterations=4096):
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return {"Name": user, "Mechanism": 2, "Iterations": iterations, "Salt": salt, "SaltedPassword": salted}
