"""Planted secrets: a password, a seal key, a database password, a parameter and what a bind hands out appear in no log line, error text,
command line or unsealed column. Tier 1."""
# variants: test
import base64
import glob
import os
import subprocess
import uuid

from harness.broker import Broker
from harness.report import Report, scratch
from harness.testbed import Testbed
from pg import PrivatePostgres

report = Report()
PLAN = "developer"


def command_lines():
    out = b""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                out += file.read() + b"\n"
        except OSError:
            pass
    return out.decode(errors="replace")


def dump(pg, table):
    """All columns of a table as text; sealed values as the bytes that they are."""
    return pg.psql(f"select t::text from {table} t")


def use(osb, markers, texts):
    """Good and bad requests; every answer but the bind's is kept."""
    instance, binding = str(uuid.uuid4()), str(uuid.uuid4())
    plan = osb.plan(PLAN)
    bad = osb.put_instance(str(uuid.uuid4()), plan, parameters={"note": markers["parameter"]})
    report.equal("a parameter that no plan takes is 400", bad.status, 400)
    texts.append(str(bad.body))
    for body in (b'{"service_id": "' + markers["parameter"].encode() + b'"', b'["' + markers["parameter"].encode() + b'"]'):
        texts.append(str(osb.call("PUT", osb.instance_path("x") + "?accepts_incomplete=true", body).body))
    wrong = osb.call("GET", "/v2/catalog", headers={"Authorization": "Basic " + base64.b64encode(("u:" + markers["parameter"]).encode()).decode()})
    report.equal("wrong credentials are 401", wrong.status, 401)
    texts.append(str(wrong.body))
    osb.put_instance(instance, plan)
    report.equal("create", osb.wait(instance, seconds=180, seen=texts.append)["state"], "succeeded")
    bound = osb.put_binding(instance, binding, plan)
    report.equal("bind", bound.status, 201)
    credentials = bound.body["credentials"]
    markers["kafka password"] = credentials["password"]
    markers["trust store password"] = credentials["truststore_password"]
    texts.append(str(osb.put_binding(instance, binding, plan, parameters={"note": markers["parameter"]}).body))
    lines = command_lines()
    for name, value in markers.items():
        report.check(f"{name} is in no command line", value not in lines)
    return instance, binding, plan


def main():
    folder, variant = scratch("secrets"), os.environ.get("VARIANT", "test")
    raw = os.urandom(32)
    markers = {"password": "Planted" + uuid.uuid4().hex, "seal key": base64.b64encode(raw).decode(),
               "parameter": "Planted" + uuid.uuid4().hex, "database password": "Planted" + uuid.uuid4().hex}
    with PrivatePostgres() as pg, Testbed("secrets", tier=1) as testbed:
        broker = Broker(f"{pg.conninfo} password={markers['database password']}", os.path.join(folder, "broker.log"), variant=variant,
                        seal_keys="k1:" + markers["seal key"], password=markers["password"], log_level="debug", **testbed.settings())
        broker.run("migrate")
        texts = []
        with broker:
            osb = broker.osb()
            instance, binding, plan = use(osb, markers, texts)
            tables = ("instances", "bindings", "operations", "operation_steps", "secrets", "schema_migrations")
            columns = {t: dump(pg, t) for t in tables}
            report.equal("unbind", osb.delete_binding(instance, binding, plan).status, 200)
            osb.delete_instance(instance, plan)
            report.equal("delete", osb.wait(instance, seconds=180, seen=texts.append)["state"], "succeeded")
        columns.update({t + " after the delete": dump(pg, t) for t in tables})
        with open(broker.log, errors="replace") as file:
            log = file.read()
        report.check("the log has lines to search", log.count("\n") > 10)
        for name, value in markers.items():
            report.check(f"{name} is in no log line", value not in log)
            report.check(f"{name} is in no answer", all(value not in t for t in texts))
            for table, text in columns.items():
                report.check(f"{name} is not in {table}", value not in text and value.encode().hex() not in text)
        report.check("no private key is in a log line or a column", all("PRIVATE KEY" not in t and "PRIVATE KEY".encode().hex() not in t
                                                                        for t in [log, *columns.values()]))
        report.equal("secrets are sealed under the key's id", set(line.split(",")[3] for line in columns["secrets"].splitlines() if line), {"k1"})
        bad = subprocess.run([broker.program, "check-config"], env={**broker.environment, "CPBROKER_SEAL_KEYS": "k1:" + markers["parameter"],
                             "CPBROKER_DATABASE": "nonsense " + markers["database password"]}, capture_output=True, text=True)
        report.check("check-config fails on a bad key", bad.returncode == 1)
        report.check("check-config does not show it", all(m not in bad.stdout + bad.stderr for m in markers.values()))
    report.close()


if __name__ == "__main__":
    main()
