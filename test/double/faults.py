"""Faults that tests ask for, the log of requests, and the HTTP interface to both.

PUT  /faults            a list of rules, which replaces the ones there are; answers the list
POST /faults            one rule more
GET  /faults            the rules with how often each was used ("hits")
DELETE /faults          none
GET  /log?namespace=G   the requests so far (JSON list)
DELETE /log             forgets them
GET  /state/NAMESPACE   users, ACLs, settings, quotas and topics of a namespace

A rule: {"namespace": glob, "listener": 9072, "broker": 1, "api": "CreateTopics", "user": glob, "skip": 1, "times": 2, <effects>}; what is left out
matches everything; "skip" lets the first ones pass, "times" ends the rule after so many. Effects:
  "refuse": true             closes new connections before TLS
  "delay": seconds           waits before it answers
  "close": "unread" | "lost" | "half"   closes without doing the request | after doing it, unanswered | after half of the answer
  "error": code              answers that error everywhere the answer has one, and does nothing
  "missing": [1]             these brokers are down: not in Metadata, connections to them are closed
  "under_replicated": true   in-sync replicas lack the last one
  "leaderless": true         partitions have no leader
  "no_quorum": true          the controllers' quorum has no leader
"""
import fnmatch
import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MATCHES = {"namespace", "listener", "broker", "api", "user", "skip", "times"}
EFFECTS = {"refuse", "delay", "close", "error", "missing", "under_replicated", "leaderless", "no_quorum"}


def check_rule(rule):
    if not isinstance(rule, dict):
        raise ValueError("a rule is a JSON object")
    unknown = set(rule) - MATCHES - EFFECTS
    if unknown or not set(rule) & EFFECTS:
        raise ValueError(f"unknown members {sorted(unknown)}" if unknown else f"a rule needs an effect: one of {sorted(EFFECTS)}")
    if rule.get("close", "lost") not in ("unread", "lost", "half"):
        raise ValueError('"close" is "unread", "lost" or "half"')
    return {**rule, "seen": 0, "hits": 0}


class Faults:
    def __init__(self):
        self.rules, self.lock = [], threading.Lock()

    def find(self, effect, namespace, broker=None, listener=None, api=None, user=None):
        """The value of the first rule with that effect that matches, else None; counts towards "skip" and "times"."""
        with self.lock:
            for rule in self.rules:
                if effect not in rule or not fnmatch.fnmatchcase(namespace, rule.get("namespace", "*")):
                    continue
                if any(name in rule and rule[name] != value for name, value in (("broker", broker), ("listener", listener), ("api", api))):
                    continue
                if "user" in rule and not fnmatch.fnmatchcase(user or "", rule["user"]):
                    continue
                rule["seen"] += 1
                if rule["seen"] <= rule.get("skip", 0) or rule["hits"] >= rule.get("times", float("inf")):
                    continue
                rule["hits"] += 1
                return rule[effect]
        return None

    def replace(self, rules):
        checked = [check_rule(rule) for rule in rules]
        with self.lock:
            self.rules = checked

    def add(self, rule):
        checked = check_rule(rule)
        with self.lock:
            self.rules.append(checked)


class Log:
    """One JSON line per request: time, namespace, broker, listener, user, api, version, what it did, error codes."""

    def __init__(self, path):
        self.lines, self.lock = [], threading.Lock()
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def add(self, **entry):
        entry = {"time": round(time.time(), 4), **entry}
        with self.lock:
            self.lines.append(entry)
            del self.lines[:-200000]
        if self.file:
            self.file.write(json.dumps(entry) + "\n")


def serve(address, port, faults, log, state):
    """Answers HTTP in a thread. state(namespace) gives a dict or None."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def body(self):
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def handle_it(self):
            url = urlsplit(self.path)
            if url.path == "/faults":
                if self.command == "PUT":
                    faults.replace(self.body())
                elif self.command == "POST":
                    faults.add(self.body())
                elif self.command == "DELETE":
                    faults.replace([])
                return self.reply(200, faults.rules)
            if url.path == "/log":
                if self.command == "DELETE":
                    log.lines.clear()
                want = parse_qs(url.query).get("namespace", ["*"])[0]
                return self.reply(200, [line for line in list(log.lines) if fnmatch.fnmatchcase(line["namespace"], want)])
            if url.path.startswith("/state/"):
                known = state(url.path[len("/state/"):])
                return self.reply(200 if known else 404, known or {"error": "no Kafka was used in that namespace"})
            return self.reply(404, {"error": "there are /faults, /log and /state/NAMESPACE"})

        def do_GET(self):
            try:
                self.handle_it()
            except ValueError as problem:
                self.reply(400, {"error": str(problem)})

        do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, format, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def server_bind(self):
            socketserver.TCPServer.server_bind(self)  # HTTPServer's would look the address up in a DNS that is not there

    server = Server((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
