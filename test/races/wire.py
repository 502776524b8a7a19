"""Requests to brokers with the least work of the client, so that many leave at once: bytes on kept connections."""
import base64
import json
import socket


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {json.dumps(self.body)[:300]}"


def request_bytes(method, path, body=None, version="2.17", token="", more=()):
    """body: an object, or bytes that are sent as they are. more: header lines."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: broker", f"Authorization: Basic {token}", *more]
    if version is not None:
        lines.append(f"X-Broker-API-Version: {version}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def token(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Line:
    """One kept connection. An OSError from send or receive means that the broker has ended."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionResetError("the broker closed the connection")
        self.rest += got

    def receive(self):
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            self._more()
        data, self.rest = self.rest[:length], self.rest[length:]
        return Reply(int(first.split()[1]), headers, json.loads(data) if data else None)

    def close(self):
        self.socket.close()
