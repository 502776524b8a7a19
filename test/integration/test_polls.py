"""Polls that share a round trip: each of many concurrent readers gets its own operation, whatever its id looks like."""
# variants: test tsan
import os
import threading

from harness.broker import Broker
from harness.report import Report, scratch
from pg import PrivatePostgres

READERS, ROUNDS = 24, 60
NAMES = ['plain', 'with "quotes"', "back\\slash", "comma,brace{}", "NULL", "null", "ünïcode", "tab\tx", "'single'", "a b"]
report = Report()


def read(osb, wanted, wrong, seed):
    names = list(wanted)
    for i in range(ROUNDS):
        name = names[(seed * 7 + i) % len(names)]
        answer = osb.last_operation(name)
        got = (answer.status, answer.body.get("description"))
        if got != wanted[name]:
            wrong.append((name, got, wanted[name]))


def main():
    folder, variant = scratch("polls"), os.environ.get("VARIANT", "test")
    with PrivatePostgres() as pg:
        broker = Broker(pg.conninfo, os.path.join(folder, "broker.log"), variant=variant, role="api")
        broker.run("migrate")
        with broker:
            osb, wanted = broker.osb(), {"not there": None}
            plan = osb.plan("developer")
            names = [n for n in NAMES if "\t" not in n]
            for i, name in enumerate(names):
                report.equal(f"instance {name!r} is accepted", osb.put_instance(name, plan).status, 202)
                quoted = name.replace("'", "''")
                pg.psql(f"update operations set description = 'operation {i}' where instance_id = '{quoted}'")
                wanted[name] = (200, f"operation {i}")
            missing = osb.last_operation("not there")
            report.equal("an unknown instance is 404", missing.status, 404)
            wanted["not there"] = (404, missing.body["description"])
            wrong = []
            threads = [threading.Thread(target=read, args=(broker.osb(), wanted, wrong, i)) for i in range(READERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            report.check(f"{READERS} readers, {READERS * ROUNDS} polls: each got its own", not wrong, wrong[:3])
            pg.kill()
            report.equal("the database away: 503", osb.last_operation("plain").status, 503)
            pg.start()
            report.equal("the database back", osb.last_operation("plain").status, 200)
    report.close()


if __name__ == "__main__":
    main()
