"""Clients that are slow, cut off, malformed or many, by HTTP and by HTTPS: nobody else notices, nothing is left behind, no fault of theirs is a 5xx."""
import base64
import concurrent.futures
import os
import re
import resource
import socket
import ssl
import struct
import time

from harness.certificates import Authority
from harness.report import Report, scratch
from osb_world import World

MANY, LIMIT = 1000, 1024
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Door:
    """Connections to the broker, each a raw or a TLS socket."""

    def __init__(self, w):
        self.w, self.context = w, w.broker.context
        token = base64.b64encode(f"{w.broker.username}:{w.broker.password}".encode())
        self.head = b"Host: x\r\nAuthorization: Basic " + token + b"\r\nX-Broker-API-Version: 2.17\r\n"
        self.put = b"PUT /v2/service_instances/hostile?accepts_incomplete=true HTTP/1.1\r\n" + self.head + b"Content-Type: application/json\r\n"

    def dial(self, timeout=10):
        s = socket.create_connection(("127.0.0.1", self.w.broker.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(s, server_hostname="localhost", suppress_ragged_eofs=False) if self.context else s

    @staticmethod
    def half_close(s):
        socket.socket.shutdown(s, socket.SHUT_WR)  # of TCP; TLS stays readable

    @staticmethod
    def reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    @staticmethod
    def rest(s):
        """All until the end of the connection; a time-out raises."""
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return got

    def ask(self, raw):
        """Status and text of the answer to one request that ends its connection."""
        s = self.dial()
        try:
            s.sendall(raw)
            self.half_close(s)
        except OSError:
            pass  # refused before all was sent
        got = self.rest(s)
        s.close()
        match = re.search(rb"HTTP/1\.1 ([2-9]\d\d)", got)
        return int(match.group(1)) if match else 0, got


def descriptors(w):
    return len(os.listdir(f"/proc/{w.broker.process.pid}/fd"))


def settled(w, what, before, seconds=10):
    """The broker answers others and holds no more descriptors than before."""
    began = time.monotonic()
    answer = w.osb.call("GET", "/v2/catalog")  # accepted after all before it
    took = time.monotonic() - began
    while descriptors(w) > before and time.monotonic() < began + seconds:
        time.sleep(0.05)
    w.report.check(f"{what}: others are served, nothing is left behind", answer.status == 200 and took < 3 and descriptors(w) <= before,
                   f"{answer.status}, {took:.1f} s, {before} to {descriptors(w)}")


def table(w, door, title, rows):
    """rows: name, request, statuses (0: no answer)."""
    before = descriptors(w)
    for name, raw, statuses in rows:
        status, text = door.ask(raw)
        w.report.check(f"{title}: {name}", status in statuses, f"{status} not in {statuses}: {text[:300]}")
    settled(w, title, before)


def lines(w, door):
    get, health = b"GET /v2/catalog HTTP/1.1\r\n" + door.head, b" HTTP/1.1\r\nHost: x\r\n\r\n"
    table(w, door, "request line", [
        ("a good one", get + b"\r\n", (200,)), ("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", (200,)), ("HTTP/0.9", b"GET /healthz\r\n\r\n", (400,)),
        ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", (505,)), ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,)),
        ("no such version", b"GET /healthz HTTP/x\r\nHost: x\r\n\r\n", (400,)), ("unknown method", b"BREW /healthz" + health, (405,)),
        ("method in lower case", b"get /healthz" + health, (405,)), ("CONNECT", b"CONNECT x:80" + health, (404,)),
        ("OPTIONS *", b"OPTIONS *" + health, (404,)), ("absolute form", b"GET http://other.test/healthz" + health, (200,)),
        ("absolute form without path", b"GET http://x" + health, (404,)), ("no path", b"GET " + health, (400,)), ("relative path", b"GET healthz" + health, (404,)),
        ("blank in the path", b"GET /health z" + health, (404,)), ("NUL in the path", b"GET /health\0z" + health, (400, 404)),
        ("control character in the path", b"GET /healthz\x01" + health, (404,)), ("fragment", b"GET /healthz#x" + health, (404,)),
        ("garbage", b"\x01\x02\x03\x04\xff\xfe\r\n\r\n", (400, 0)), ("only line ends", b"\r\n\r\n\r\n", (400, 0)), ("nothing", b"", (0,)),
        ("20 KiB of path", b"GET /" + b"p" * 20480 + health, (414, 431)), ("1 MiB of path", b"GET /" + b"p" * 1048576 + health, (414, 431, 0)),
        ("10,000 query keys", b"GET /healthz?" + b"&".join(b"k%d=v" % i for i in range(10000)) + health, (413, 414, 431)),
        ("400 query keys", b"GET /healthz?" + b"&".join(b"k%d=v" % i for i in range(400)) + health, (200, 413, 414, 431))])
    path = b"GET /v2/service_instances/%s HTTP/1.1\r\n" + door.head + b"\r\n"
    table(w, door, "ids", [(f"{raw!r}", path % raw, (400,)) for raw in (b"%", b"%4", b"%zz", b"%00", b"a%00b", b"%ff", b"%0a", b"%c0%af", b"\x01", b"..", b"%2e%2e", b"z" * 256)])
    poll = b"GET /v2/service_instances/none/last_operation?%s HTTP/1.1\r\n" + door.head + b"\r\n"
    table(w, door, "query", [(f"{raw[:20]!r}", poll % raw, (404, 410)) for raw in
                             (b"operation=%", b"operation=%zz", b"operation=%00", b"operation=a&operation=b", b"&&&===&", b"operation=" + b"x" * 4000)])


def headers(w, door):
    get = b"GET /v2/catalog HTTP/1.1\r\n" + door.head
    table(w, door, "headers", [
        ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", (400,)), ("two Hosts", get + b"Host: y\r\n\r\n", (400,)),
        ("no colon", get + b"abc\r\n\r\n", (400,)), ("NUL in a name", get + b"X\0Y: 1\r\n\r\n", (400,)), ("NUL in a value", get + b"X: a\0b\r\n\r\n", (200, 400)),
        ("control character in a value", get + b"X: a\x01b\r\n\r\n", (400,)), ("DEL in a value", get + b"X: a\x7fb\r\n\r\n", (400,)),
        ("bare CR", get + b"X: a\rY: b\r\n\r\n", (400,)), ("bytes over 127", get + b"X: \xff\xfe\xc3\r\n\r\n", (200,)),
        ("an empty value", get + b"X:\r\n\r\n", (200,)), ("folded", get + b"X: a\r\n b\r\n\r\n", (200, 400)),
        ("twice Authorization", get + b"Authorization: Basic eDp5\r\n\r\n", (200, 401)),
        ("twice the version", get + b"X-Broker-API-Version: 1.0\r\n\r\n", (200, 412)),
        ("a long identity", get + b"X-Broker-API-Originating-Identity: cf " + b"A" * 8192 + b"\r\n\r\n", (400,)),
        ("15 KiB", get + b"X: " + b"x" * 15000 + b"\r\n\r\n", (200,)), ("17 KiB", get + b"X: " + b"x" * 17000 + b"\r\n\r\n", (431,)),
        ("1 MiB", get + b"X: " + b"x" * 1048576 + b"\r\n\r\n", (431,)), ("1,000 headers", get + b"X: 1\r\n" * 1000 + b"\r\n", (200, 431)),
        ("100,000 headers", get + b"X: 1\r\n" * 100000 + b"\r\n", (431,))])


def framing(w, door):
    put, chunked = door.put, door.put + b"Transfer-Encoding: chunked\r\n\r\n"
    wrong = [(f"Content-Length {v!r}", put + b"Content-Length: " + v + b"\r\n\r\n{}", (400,)) for v in (b"-1", b"abc", b"2x", b"+2", b"", b"0x2", b"2, 2", b"2 2", b"1e1")]
    table(w, door, "lengths", wrong + [
        ("absurd", put + b"Content-Length: 99999999999999999999999999\r\n\r\n{}", (413,)),
        ("over 1 MiB", put + b"Content-Length: 1048577\r\n\r\n" + b" " * 1048577, (413,)), ("of 2^64-1", put + b"Content-Length: 18446744073709551615\r\n\r\n{}", (413,)),
        ("twice the same", put + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", (400,)),
        ("two that differ", put + b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}" + HEALTH, (400,)),
        ("with Transfer-Encoding", put + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", (400,)),
        ("after Transfer-Encoding", put + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n", (400,)),
        ("gzip", put + b"Transfer-Encoding: gzip\r\n\r\nx", (501,)), ("gzip, chunked", put + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (501,)),
        ("xchunked", put + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (501,)),
        ("chunked twice", put + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
        ("chunked by HTTP/1.0", put.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", (400,)),
        ("on a GET", b"GET /v2/catalog HTTP/1.1\r\n" + door.head + b"Content-Length: 5\r\n\r\nhello", (200,))])
    table(w, door, "chunks", [
        ("good ones", chunked + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX: y\r\n\r\n", (400,)), ("2^32", chunked + b"100000000\r\n{}", (0,)), ("2^64 - 1", chunked + b"f" * 16 + b"\r\n{}", (0,)),
        ("over 2^64", chunked + b"1" + b"f" * 16 + b"\r\n{}", (413,)), ("negative", chunked + b"-2\r\n{}\r\n", (400,)), ("0x2", chunked + b"0x2\r\n{}\r\n", (400,)),
        ("no number", chunked + b"zz\r\n{}\r\n", (400,)), ("no size", chunked + b"\r\n{}\r\n", (400,)), ("no line end", chunked + b"2\r\n{}0\r\n\r\n", (400,)),
        ("cut", chunked + b"5\r\n{}", (0,)), ("over 1 MiB", chunked + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 17 + b"0\r\n\r\n", (413,)),
        ("endless size line", chunked + b"0" * 1048576, (0, 413, 500)),
        ("endless extension", chunked + b"2;" + b"x" * 1048576, (0, 413, 500))])  # libmicrohttpd's own words, before the broker sees a request
    status, text = door.ask(put + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}")
    w.report.check("Expect: 100-continue is answered first", text.startswith(b"HTTP/1.1 100") and status == 400, text[:100])
    status, text = door.ask(put.replace(b"Basic", b"Digest") + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    w.report.check("but not when the request is refused", text.startswith(b"HTTP/1.1 401"), text[:100])


def smuggling(w, door):
    """After a message whose end is uncertain the connection ends: what follows is not taken for a request."""
    for name, head in (("two lengths", b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"), ("gzip", b"Transfer-Encoding: gzip\r\n\r\n"),
                       ("both", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ("unread body", b"Content-Length: 9999999\r\n\r\n")):
        text = door.ask(door.put + head + HEALTH)[1]
        w.report.equal(f"smuggling: {name}", (text.count(b"HTTP/1.1 "), b'{"status":"ok"}' in text), (1, False))


def slow(w, door):
    before = descriptors(w)
    requests = {"GET": (b"GET /v2/catalog HTTP/1.1\r\n" + door.head + b"Connection: close\r\n\r\n", 200),
                "PUT": (door.put + b"Connection: close\r\nContent-Length: 50\r\n\r\n" + b" " * 48 + b"{}", 400)}

    def trickle(kind):
        raw, wanted = requests[kind]
        s = door.dial(30)
        for i in range(len(raw)):
            s.sendall(raw[i:i + 1])
            time.sleep(0.004)
        got = door.rest(s)
        s.close()
        return b"HTTP/1.1 %d" % wanted in got

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        running = [pool.submit(trickle, kind) for kind in ("GET", "PUT") * 30]
        worst = 0
        while not all(f.done() for f in running):
            began = time.monotonic()
            if w.osb.call("GET", "/healthz").status != 200:
                break
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.05)
        w.report.check("slow: 60 clients byte by byte get their answers", all(f.result() for f in running))
    w.report.check("slow: others do not wait", worst < 2, worst)
    s = door.dial()
    s.sendall(HEALTH * 20000)  # asks and does not read
    time.sleep(0.5)
    settled(w, "slow: a client that does not read", before + 3)
    door.reset(s)
    settled(w, "slow", before)


def cut(w, door):
    before = descriptors(w)
    whole = door.put + b"Content-Length: 100\r\n\r\n" + b" " * 50
    parts = [whole[:n] for n in (1, 5, 40, 120, len(whole) - 60, len(whole) - 50, len(whole) - 1)] + [door.put + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc"]
    for end in ("close", "half", "reset"):
        for part in parts * 5:
            s = door.dial()
            s.sendall(part)
            if end == "half":
                door.half_close(s)
                door.rest(s)
            if end == "reset":
                door.reset(s)
            s.close()
        settled(w, f"cut ({end})", before)
    w.report.equal("cut: nothing was made", w.osb.call("GET", "/v2/service_instances/hostile").status, 404)


def half_closed(w, door):
    get = b"GET /v2/catalog HTTP/1.1\r\n" + door.head + b"\r\n"
    w.report.equal("half-closed: every answer still comes", {door.ask(get)[0] for _ in range(10)}, {200})
    instance = w.ready_instance()
    body = b'{"service_id":"%s","plan_id":"%s"}' % tuple(x.encode() for x in w.plan)
    s = door.dial(60)
    s.sendall(b"PUT /v2/service_instances/%s/service_bindings/b HTTP/1.1\r\n" % instance.encode() + door.head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    door.half_close(s)
    time.sleep(0.5)
    w.worker.end("bind", "failed", "the test says no")
    got = door.rest(s)
    s.close()
    w.report.check("half-closed: that of a bind that waits too", b"HTTP/1.1 502" in got and b"the test says no" in got, got[:300])


def pipelined(w, door):
    requests = b"".join(b"GET /v2/service_instances/none HTTP/1.1\r\n" + door.head + b"X-Broker-API-Request-Identity: %d\r\n\r\n" % i for i in range(300))
    s = door.dial()
    s.sendall(requests)
    got = b""
    while got.count(b"HTTP/1.1 404") < 300 or not got.endswith(b"}"):
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    s.close()
    w.report.equal("pipelined: 300 answers in order", [int(x) for x in re.findall(rb"X-Broker-API-Request-Identity: (\d+)", got)], list(range(300)))


def answered(s):
    try:
        s.sendall(HEALTH)
        got = b""
        while not got.endswith(b"}"):
            piece = s.recv(4096)
            if not piece:
                return False
            got += piece
        return got.startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def many(w, door, count=MANY):
    before = descriptors(w)
    kept = [door.dial() for _ in range(count)]
    for turn in range(3):
        w.report.check(f"many: {count} connections, each gets its answer, time {turn + 1}", all(answered(s) for s in kept))
    w.report.equal("many: a new connection is served", w.osb.call("GET", "/v2/catalog").status, 200)
    refused = 0
    began = time.monotonic()
    while refused < 5 and len(kept) < LIMIT + 50:
        try:
            s = door.dial()
            kept.append(s)
            refused += not answered(s)
        except OSError:
            refused += 1
    w.report.check(f"many: over {LIMIT} a connection is closed at once", refused == 5 and len(kept) <= LIMIT + 5 and time.monotonic() - began < 10,
                   f"{refused} refused, {len(kept)} open")
    w.report.check("many: those that are in go on", all(answered(s) for s in kept[:count]))
    for s in kept:
        s.close()
    settled(w, "many", before, 20)


def warm(w):
    """All that the broker opens once is open before descriptors are counted."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: w.osb.call("GET", "/v2/service_instances/none/last_operation"), range(200)))
    time.sleep(0.2)


def run(parts, report, **settings):
    with World(database_connections=4, **settings) as w:
        w.report = report
        door = Door(w)
        warm(w)
        for part in parts:
            report.section(part.__name__, part, w, door)
        with open(w.broker.log, encoding="utf-8", errors="replace") as log:
            bad = [x for x in log if '"status":"500"' in x or '"event":"request failed"' in x]
        report.equal("no request was a fault of the broker", bad, [])
        report.check("the broker lives", w.broker.alive())
    return w.report


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    folder = scratch("hostile")
    authority = Authority(folder)
    certificate, key = authority.issue("broker")
    report = run([lines, headers, framing, smuggling, slow, cut, half_closed, pipelined, many], Report())
    print("      by HTTPS", flush=True)
    run([lines, framing, smuggling, slow, cut, half_closed, pipelined, many], report, context=authority.context(), tls_certificate=certificate, tls_key=key)
    report.close()


if __name__ == "__main__":
    main()
