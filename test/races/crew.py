"""Two brokers that may be killed at any moment, and workers that a test plays; both on one private PostgreSQL."""
import os
import threading
import time
import uuid

from harness.broker import Broker, new_seal_key
from harness.build import VARIANT, driver
from harness.report import scratch
from osb_world import Worker
from pg import PrivatePostgres
from wire import Line, token

IDLE_SECONDS = 20  # a kept connection is used again only before the broker may close it

# New operations are due far later, so that a worker takes the one it is told to take and no other.
LATER = ("create function later() returns trigger language plpgsql as 'begin new.not_before := now() + interval ''1 day''; return new; end';"
         " create trigger later before insert on operations for each row execute function later()")


class Dead(Exception):
    """The broker ended over the request: it happened, or it did not."""


class Slot:
    """One of the brokers. A new process is a new generation; the old one's transactions have ended before it starts."""

    def __init__(self, number, conninfo, password, **settings):
        self.number, self.conninfo, self.password, self.settings = number, conninfo, password, settings
        self.lock, self.generation, self.broker, self.port, self.kills = threading.Lock(), 0, None, None, 0

    def start(self, failpoint=None):
        self.generation += 1
        self.broker = Broker(f"{self.conninfo} application_name={self.name()}", variant=VARIANT, role="api", password=self.password,
                             environment={"CPBROKER_FAILPOINT": failpoint} if failpoint else None, **self.settings)
        self.broker.start()
        self.port = self.broker.port

    def name(self):
        return f"broker-{self.number}-{self.generation}"

    def _again(self, sql, failpoint=None):
        until = time.monotonic() + 10
        while sql(f"select count(*) from pg_stat_activity where application_name = '{self.name()}'") != [["0"]]:
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL keeps the connections of a dead broker")
            time.sleep(0.002)
        self.kills += 1
        self.start(failpoint)

    def kill(self, sql, failpoint=None):
        """Kills it; the next one dies by itself at `failpoint`, which is that of some commit."""
        with self.lock:
            self.broker.kill()
            self._again(sql, failpoint)

    def recover(self, generation, sql):
        """Somebody lost a connection to that generation."""
        with self.lock:
            if generation != self.generation:
                return
            try:
                self.broker.process.wait(10)
            except Exception:
                raise RuntimeError(f"the broker closed a connection but lives on: {self.broker.tail()}") from None
            if self.broker.process.returncode != -9:
                raise RuntimeError(f"the broker ended by itself, {self.broker.process.returncode}: {self.broker.tail()}")
            self._again(sql)


class Crew:
    """Everything that sequences share."""

    def __init__(self, stack, quotas):
        folder, self.keys, password = scratch("properties"), new_seal_key(), uuid.uuid4().hex
        path = os.path.join(folder, "quotas.yml")
        with open(path, "w") as file:
            file.write(quotas)
        self.program = driver("osb_worker")
        self.pg = stack.enter_context(PrivatePostgres())
        self.slots = [Slot(i, self.pg.conninfo, password, log=os.path.join(folder, f"{i}.log"), seal_keys=self.keys, quotas=path,
                           synchronous_wait_seconds=30, database_connections=16) for i in range(2)]
        Broker(self.pg.conninfo, os.path.join(folder, "migrate.log"), variant=VARIANT, seal_keys=self.keys).run("migrate")
        self.pg.psql(LATER)
        for slot in self.slots:
            slot.start()
            stack.callback(lambda s=slot: s.broker.stop())
        plans = {p["name"]: (s["id"], p["id"]) for s in self.slots[0].broker.osb().catalog() for p in s["plans"]}
        self.ids = {"service": plans["developer"][0], "plan": plans["developer"][1], "other plan": plans["standard"][1]}
        self.token, self.claiming = token("platform", password), threading.Lock()
        self.stack = stack

    def player(self):
        player = Player(self)
        self.stack.callback(player.worker.close)
        return player


class Player:
    """One thread's own connections to both brokers, and its worker with several hands."""

    def __init__(self, crew):
        self.crew, self.lines, self.hand = crew, {}, None
        self.worker = Worker(crew.program, crew.pg.conninfo, crew.keys)

    def sql(self, statement):
        answer = self.worker.order("sql " + statement)
        return [row.split("|") for row in answer.split(";")] if answer else []

    def order(self, hand, line):
        if self.hand != hand:
            self.worker.order(f"slot {hand}")
            self.hand = hand
        return self.worker.order(line)

    def claim(self, hand, instance, binding):
        """Makes that thing's open operation due, and claims: what was claimed, or "none"."""
        due = ("update operations set not_before = now() {} interval '1 day' where state = 'in progress' and instance_id = '%s'"
               " and coalesce(binding_id, '') = '%s'" % (instance, binding or ""))
        with self.crew.claiming:
            self.sql(due.format("-"))
            got = self.order(hand, "claim 0")
            if got == "none":
                self.sql(due.format("+"))
        return got

    def send(self, number, data):
        """Sends to a broker; gives what the answer is read from."""
        while True:
            slot, (line, generation, used) = self.crew.slots[number], self.lines.pop(number, (None, 0, 0))
            if line and (generation != slot.generation or time.monotonic() - used > IDLE_SECONDS):
                line.close()
                line = None
            if not line:
                with slot.lock:
                    generation, port = slot.generation, slot.port
                try:
                    line = Line(port)
                except OSError:  # it was never asked
                    slot.recover(generation, self.sql)
                    continue
            sent = (number, line, generation)
            try:
                line.send(data)
            except OSError:
                pass  # reading tells the same
            return sent

    def receive(self, sent):
        number, line, generation = sent
        try:
            reply = line.receive()
        except OSError:
            line.close()
            self.crew.slots[number].recover(generation, self.sql)
            raise Dead from None
        if reply.headers.get("connection", "").lower() == "close":  # an answer before the whole body was read
            line.close()
        else:
            self.lines[number] = (line, generation, time.monotonic())
        return reply
