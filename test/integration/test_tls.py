"""HTTPS: the whole API through it, who may come in, renewal of the certificate, hostile handshakes, the stop."""
import concurrent.futures
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import time
import uuid

from harness.broker import Broker
from harness.build import VARIANT
from harness.certificates import Authority
from harness.report import scratch
from osb_world import World


def lines(broker, event):
    with open(broker.log, encoding="utf-8", errors="replace") as log:
        return [x for x in (json.loads(line) for line in log if line.startswith("{")) if x["event"] == event]


def wait_for(what, seconds=8):
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def descriptors(broker):
    return len(os.listdir(f"/proc/{broker.process.pid}/fd"))


def dial(broker, context=None):
    """A connected ssl socket."""
    raw = socket.create_connection(("127.0.0.1", broker.port), timeout=10)
    return (context or broker.context).wrap_socket(raw, server_hostname="localhost")


def answer(sock):
    """All bytes until the end of the connection."""
    text = b""
    try:
        while piece := sock.recv(65536):
            text += piece
    except (ConnectionResetError, ssl.SSLError) as e:
        text += f"[{type(e).__name__}]".encode()
    return text


def refused(broker, context):
    """Whether a client gets no answer."""
    try:
        with dial(broker, context) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return not s.recv(100).startswith(b"HTTP/1.1")
    except (ssl.SSLError, ConnectionError):
        return True


def common_name(broker):
    with dial(broker) as s:
        return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]


def api(w):
    w.report.equal("the log says the scheme", lines(w.broker, "serving")[-1].get("scheme"), "https")
    w.report.check("and how long the certificate lasts", lines(w.broker, "TLS certificate loaded")[-1]["days_left"] in ("4", "5"))
    instance = w.ready_instance()
    w.ready_binding(instance)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(w.osb.put_binding, instance, "sync", w.plan)  # a waiting route
        w.report.check("a synchronous bind waits", wait_for(lambda: w.worker.order("claim") == "bind"))
        w.worker.order("end failed no")
        w.status("and is answered", running.result(), 502)
    w.status("1 MiB body", w.osb.call("PUT", f"/v2/service_instances/{uuid.uuid4()}", b" " * (1024 * 1024 - 2) + b"{}"), 400)
    w.status("over 1 MiB", w.osb.call("PUT", "/v2/service_instances/x", b" " * (1024 * 1024 + 1)), 413)
    w.status("401 before a body is read", w.osb.call("PUT", "/v2/service_instances/x", b" " * 900000, {"Authorization": None}), 401)
    requests = [x for x in lines(w.broker, "request") if x["method"] == "PUT"]
    w.report.check("requests are logged with the client's address", requests and all(x["client"] == "127.0.0.1" for x in requests))
    connection = w.osb.connect()
    statuses = []
    for _ in range(200):
        connection.request("GET", "/v2/catalog", headers=w.osb.headers)
        response = connection.getresponse()
        statuses.append((response.status, len(response.read()) > 500))
    w.report.equal("200 requests on one connection", set(statuses), {(200, True)})
    w.report.equal("by TLS 1.3 and ALPN", (connection.sock.version(), connection.sock.selected_alpn_protocol()), ("TLSv1.3", "http/1.1"))
    connection.close()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        many = list(pool.map(lambda _: w.osb.call("GET", "/v2/catalog").status, range(300)))
    w.report.equal("300 connections, 16 at a time", set(many), {200})


def ends(w):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = w.authority.context()
        context.maximum_version = context.minimum_version = version
        with dial(w.broker, context) as s:
            s.sendall(request * 50)
            got = b""
            while got.count(b'{"status":"ok"}') < 50:
                got += s.recv(65536)
            w.report.check(f"{version.name}: pipelined requests are all answered", got.count(b"HTTP/1.1 200") == 50)
        s = dial(w.broker, context)
        s.sendall(request)
        socket.socket.shutdown(s, socket.SHUT_WR)  # TCP's end without close_notify; SSLSocket.shutdown would forget TLS
        w.report.check(f"{version.name}: the end of the client's half cuts no answer", answer(s).endswith(b'{"status":"ok"}'))
        s.close()
        s = dial(w.broker, context)
        s.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        got = answer(s)
        w.report.check(f"{version.name}: the broker's end is announced", got.endswith(b'{"status":"ok"}'), got)
        s.close()


def strangers(w):
    before = descriptors(w.broker)
    plain = socket.create_connection(("127.0.0.1", w.broker.port), timeout=5)
    plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    w.report.check("plain HTTP is dropped", b"HTTP" not in answer(plain))
    plain.close()
    w.report.check("with a line at the debug level", wait_for(lambda: any(x["reason"] == "http request" and x["level"] == "debug"
                                                                         for x in lines(w.broker, "TLS handshake failed"))))
    http2 = w.authority.context()
    http2.set_alpn_protocols(["h2"])
    w.report.check("HTTP/2 alone is refused", refused(w.broker, http2))
    silent = [socket.create_connection(("127.0.0.1", w.broker.port)) for _ in range(100)]
    for s in silent[::2]:
        s.sendall(b"\x16\x03\x01\x02\x00\x01")
    began = time.monotonic()
    w.report.equal("100 unfinished handshakes hold up nobody", w.osb.call("GET", "/healthz").status, 200)
    w.report.check("       for long", time.monotonic() - began < 2)
    for s in silent:
        s.settimeout(15)
    w.report.check("and end within 10 s", all(answer(s) == b"" for s in silent) and 8 < time.monotonic() - began < 14, time.monotonic() - began)
    for s in silent:
        s.close()
    for _ in range(20):  # resets in the middle of things
        s = dial(w.broker)
        s.sendall(b"PUT /v2/service_instances/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    w.report.check("no descriptor is left behind", wait_for(lambda: descriptors(w.broker) <= before), f"{before} to {descriptors(w.broker)}")


def renewal(w):
    certificate, key = w.files
    renewed = w.authority.issue("renewed", rsa=True)
    kept = dial(w.broker)
    shutil.copy(renewed[0], certificate)
    w.report.check("a pair that does not match is logged", wait_for(lambda: any(
        certificate in x["error"] and "does not belong" in x["error"] for x in lines(w.broker, "TLS certificate not loaded, the old one stays"))))
    w.report.equal("and the old one stays", common_name(w.broker), "broker")
    shutil.copy(renewed[1], key)
    w.report.check("a new pair is found within seconds", wait_for(lambda: common_name(w.broker) == "renewed"))
    again = w.authority.issue("again")
    os.replace(again[0], certificate)
    os.replace(again[1], key)
    os.kill(w.broker.process.pid, signal.SIGHUP)
    w.report.check("at once on SIGHUP", wait_for(lambda: common_name(w.broker) == "again", 2))
    kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    w.report.check("old connections go on", answer(kept).startswith(b"HTTP/1.1 200"))
    kept.close()
    os.chmod(key, 0o644)
    os.kill(w.broker.process.pid, signal.SIGHUP)
    w.report.check("a key that everybody can read is warned of", wait_for(lambda: lines(w.broker, "TLS key can be read by everybody on this machine")))
    os.chmod(key, 0o600)


def checks(w):
    def check(**settings):
        broker = Broker(w.pg.conninfo, os.path.join(w.folder, "check.log"), variant=VARIANT, **settings)
        return broker.run("check-config", check=False).stdout

    certificate, key = w.authority.issue("checked", days=30)
    text = check(tls_certificate=certificate, tls_key=key)
    w.report.check("check-config tells the days left", re.search(r"^ok    TLS certificate \((29|30) days left\)$", text, re.M), text)
    for name, settings, part in (("a key of another certificate", {"tls_certificate": certificate, "tls_key": w.files[1]}, "does not belong"),
                                 ("an absent file", {"tls_certificate": "/none.pem", "tls_key": key}, "/none.pem"),
                                 ("a CA that is none", {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": key}, "no PEM certificate")):
        text = check(**settings)
        w.report.check(f"check-config: {name}", "FAIL  TLS certificate: " in text and part in text, text)
    for name, needed in (("tls_certificate", "TLS_KEY"), ("tls_key", "TLS_CERTIFICATE"), ("tls_client_ca", "TLS_CERTIFICATE"),
                         ("tls_client_names", "TLS_CLIENT_CA")):
        w.report.check(f"check-config: {name} alone", f"CPBROKER_{needed}" in check(**{name: certificate}))


def clients(w):
    authority = Authority(os.path.join(w.folder, "clients"), "clients")
    gorouter, other = authority.issue("gorouter", names="DNS:gorouter.internal"), authority.issue("other", names="DNS:x")
    stranger = Authority(os.path.join(w.folder, "strangers"), "strangers").issue("gorouter")
    for names, good in (("gorouter", [gorouter]), ("ops, gorouter.internal", [gorouter]), (None, [gorouter, other])):
        broker = Broker(w.pg.conninfo, os.path.join(w.folder, "clients.log"), variant=VARIANT, role="api", context=w.authority.context(*gorouter),
                        tls_certificate=w.files[0], tls_key=w.files[1], tls_client_ca=authority.certificate, tls_client_names=names)
        with broker:
            w.report.equal(f"names {names}: the right client comes in", broker.osb().call("GET", "/v2/catalog").status, 200)
            for who, identity in (("no certificate", None), ("another name", other), ("another CA", stranger)):
                context = w.authority.context(*(identity or ()))
                w.report.equal(f"names {names}: {who}", refused(broker, context), identity not in good)
            w.report.check("refusals are logged", wait_for(lambda: len(lines(broker, "TLS client refused")) >= 2))
        os.unlink(broker.log)


def stop(w):
    """A request that runs at SIGTERM is answered over TLS."""
    broker = Broker(w.pg.conninfo, os.path.join(w.folder, "stop.log"), variant=VARIANT, role="api", context=w.broker.context,
                    seal_keys=w.broker.environment["CPBROKER_SEAL_KEYS"], password=w.broker.password, tls_certificate=w.files[0], tls_key=w.files[1])
    instance = w.ready_instance()
    broker.start()
    idle = dial(broker)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(broker.osb().put_binding, instance, "late", w.plan)
        w.report.check("a bind runs", wait_for(lambda: w.worker.order("claim") == "bind"))
        broker.process.terminate()
        time.sleep(0.3)
        w.worker.order("end failed no")
        got = running.result()
    w.report.check("its answer comes after SIGTERM", got.status == 504 and got.headers["Connection"] == "close", got.status)
    w.report.equal("idle connections end with notice", answer(idle), b"")
    idle.close()
    w.report.equal("and the broker ends cleanly", broker.process.wait(10), 0)
    broker.check_sanitizers()


def main():
    folder = scratch("tls")
    authority = Authority(folder)
    issued, files = authority.issue("broker"), (os.path.join(folder, "current.pem"), os.path.join(folder, "current.key"))
    for source, target in zip(issued, files):
        shutil.copy(source, target)
    with World(tls_certificate=files[0], tls_key=files[1], context=authority.context(), log_level="debug") as w:
        w.authority, w.files = authority, files
        for part in (api, ends, strangers, renewal, checks, clients, stop):
            w.report.section(part.__name__, part, w)
    w.report.close()


if __name__ == "__main__":
    main()
