"""The API by itself: PostgreSQL and the broker's API role on loopback, no cluster."""
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import broker
import measure
import statements

sys.path.insert(0, os.path.join(measure.ROOT, "test", "integration"))
from pg import PrivatePostgres  # noqa: E402

THREADS = 16     # on which the broker's handlers block: the default setting
POLLING = os.cpu_count()  # threads of the bare server, as many as poll connections in the broker
CLIENTS = 32     # connections of wrk, clients of pgbench: more than the broker's threads, so that none of them waits for work
SECONDS = 1      # of each of five turns
FIRST, INSTANCES = 1000001, 1000  # instances that are polled; their ids are numbers, which pgbench can make
SETTINGS = {"CPBROKER_HTTP_THREADS": str(THREADS)}
PARAMETERS = {"parameters": {"kafka_config": {"log.retention.ms": 86400000, "compression.type": "zstd"}}}


def pgbench(pg, script, options):
    """Transactions per second of a pgbench script."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        output = measure.run([os.path.join(pg.bin, "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(os.cpu_count()), "-T", str(SECONDS),
                              *options, "-f", file.name, pg.conninfo])
    if "number of failed transactions: 0 " not in output:
        raise RuntimeError(f"pgbench: {output.strip()[-500:]}")
    return float(next(line for line in output.splitlines() if line.startswith("tps")).split()[2])


def body_of(b, number=0):
    return {**b.plan("developer"), "organization_guid": "bench-org", "space_guid": f"bench-space-{number}"}


def catalog(b):
    """GET catalog against a bare server that sends the same bytes."""
    program = os.path.join(measure.BUILD, "bare_mhd")
    os.makedirs(measure.BUILD, exist_ok=True)
    measure.run(["gcc", "-std=gnu11", "-O2", "-o", program, os.path.join(measure.ROOT, "test", "bench", "bare_mhd.c"), "-lmicrohttpd"])
    status, text = b.call("GET", "/v2/catalog")
    if status != 200:
        raise RuntimeError(f"GET /v2/catalog: {status}")
    with tempfile.NamedTemporaryFile("wb") as file:
        file.write(text)
        file.flush()
        bare = subprocess.Popen([program, str(POLLING), file.name], stdout=subprocess.PIPE, text=True)
        try:
            port = int(bare.stdout.readline())
            ours, theirs = measure.interleave(
                lambda _: measure.wrk(f"{b.url}/v2/catalog", broker.HEADERS, SECONDS, CLIENTS),
                lambda _: measure.wrk(f"http://127.0.0.1:{port}/v2/catalog", broker.HEADERS, SECONDS, CLIENTS))
        finally:
            bare.send_signal(signal.SIGTERM)
            bare.wait()
    return measure.at_least("GET catalog, against a bare libmicrohttpd", ours, "1/s", theirs, 0.8)


def last_operation(b, pg):
    """GET last_operation against pgbench with the SQL that it executes."""
    body = body_of(b)
    for i in range(INSTANCES):
        b.expect(202, "PUT", f"{broker.instance_path(str(FIRST + i))}?accepts_incomplete=true", body)
    path = f"{broker.instance_path(str(FIRST))}/last_operation"
    found = statements.capture(pg, lambda: b.expect(200, "GET", path))
    sql, options = statements.pgbench_script(found, lambda value: "id" if value == str(FIRST) else None)
    script = f"\\set id random({FIRST}, {FIRST + INSTANCES - 1})\n{sql}"
    ours, theirs = measure.interleave(
        lambda _: measure.wrk(b.url, broker.HEADERS, SECONDS, CLIENTS, "poll.lua", (str(FIRST), str(INSTANCES))),
        lambda _: pgbench(pg, script, options))
    return measure.at_least("GET last_operation, against pgbench with the same SQL", ours, "1/s", theirs, 0.6)


def tail(b):
    """The 99th percentile of GET last_operation against its median."""
    turns = [measure.load(b.url, broker.HEADERS, SECONDS, 16, "poll.lua", (str(FIRST), str(INSTANCES))) for _ in range(5)]
    median, p99 = (statistics.median(turn[i] for turn in turns) for i in (1, 2))
    return measure.within("GET last_operation, 16 clients: 99th percentile, against the median", p99, "ms", median, 5, 0)


def provisions(b, pg):
    return accepts(b, pg, "accepted provisions, against pgbench with the same transaction", {}, 0.7)


def checked_provisions(b, pg):
    """With parameters that a schema checks, and quotas for each scope."""
    return accepts(b, pg, "validated, quota-checked provisions, against pgbench with the same transaction", PARAMETERS, 0.6)


def accepts(b, pg, name, more, share):
    """Accepted PUTs against pgbench with the transaction that one executes."""
    body, probe = {**body_of(b), **more}, "900000001" if not more else "900000002"
    path = f"{broker.instance_path(probe)}?accepts_incomplete=true"
    answer = {}
    found = statements.capture(pg, lambda: answer.update(b.expect(202, "PUT", path, body)))
    namespace = pg.psql(f"select ns from instances where id = '{probe}'")
    variables = {probe: "id", namespace: "ns", answer["operation"]: "op"}
    sql, options = statements.pgbench_script(found, variables.get)
    # Text variables cannot be computed in pgbench; numbers are as long as it takes to be unique.
    script = "".join(f"\\set {name} random(1000000000000, 9000000000000000000)\n" for name in ("id", "ns", "op")) + sql
    ours, theirs = measure.interleave(
        lambda i: measure.wrk(b.url, broker.HEADERS, SECONDS, CLIENTS, "put.lua", (f"put-{b.port}-{i}", json.dumps(body))),
        lambda _: pgbench(pg, script, options))
    return measure.at_least(name, ours, "1/s", theirs, share)


def fill(pg, count):
    """Instances with an ended operation each, as many creates leave them."""
    pg.psql(f"insert into instances (id, state, service_id, plan_id, organization_guid, space_guid, ns, brokers, millicores, memory, storage)"
            f" select n, 'ready', 's', 'p', 'bench-org', 'bench-space-0', 'ns' || n, 1, 1, 1, 1 from generate_series({FIRST}, {FIRST + count - 1}) n")
    pg.psql(f"insert into operations (id, kind, instance_id, state, description, deadline_at, finished_at)"
            f" select 'op' || n, 'provision', n, 'succeeded', 'ready', now(), now() from generate_series({FIRST}, {FIRST + count - 1}) n")
    pg.psql("analyze")


def with_many(quotas):
    """The same calls on a database with few and on one with 10,000 instances."""
    few, many = 100, 10000
    with PrivatePostgres(durable=True) as small, PrivatePostgres(durable=True) as large:
        brokers = [broker.Broker(pg.conninfo, "api", {**SETTINGS, "CPBROKER_QUOTAS": quotas}).migrate() for pg in (small, large)]
        for pg, count in ((small, few), (large, many)):
            fill(pg, count)
        with brokers[0], brokers[1]:
            body = json.dumps({**body_of(brokers[0]), **PARAMETERS})

            def poll(b, count):
                return measure.wrk(b.url, broker.HEADERS, SECONDS, CLIENTS, "poll.lua", (str(FIRST), str(count)))

            def put(b, pg, i):
                rate = measure.wrk(b.url, broker.HEADERS, SECONDS, CLIENTS, "put.lua", (f"many-{i}", body))
                pg.psql("delete from operations where instance_id like 'many-%'")
                pg.psql("delete from instances where id like 'many-%'")
                pg.psql("vacuum analyze instances, operations, usage", superuser=True)
                return rate

            ours, theirs = measure.interleave(lambda _: poll(brokers[1], few), lambda _: poll(brokers[0], few))
            yield measure.at_least("GET last_operation with 10,000 instances, against 100", ours, "1/s", theirs, 0.8)
            ours, theirs = measure.interleave(lambda i: put(brokers[1], large, i), lambda i: put(brokers[0], small, i))
            yield measure.at_least("quota-checked provisions with 10,000 instances, against 100", ours, "1/s", theirs, 0.8)
            yield measure.below("memory after it", max(b.resident_mb() for b in brokers), "MB", 64)


def start_and_rest(pg):
    """Start to ready, and memory at rest."""
    times = []
    for _ in range(5):
        b = broker.Broker(pg.conninfo, "api", SETTINGS)
        times.append(b.start() * 1000)
        if len(times) == 5:
            time.sleep(2)
            resident = b.resident_mb()
        b.stop()
    yield measure.below("start to ready", statistics.median(times), "ms", 100)
    yield measure.below("memory at rest", resident, "MB", 20)


def measure_all():
    with PrivatePostgres(durable=True) as pg:
        b = broker.Broker(pg.conninfo, "api", SETTINGS).migrate()
        yield from start_and_rest(pg)
        with b:
            yield catalog(b)
            yield last_operation(b, pg)
            yield tail(b)
            yield provisions(b, pg)
            yield measure.below("memory after it", b.resident_mb(), "MB", 64)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as quotas:
            quotas.write("global: {instances: 10000000, cpu: 100000000, memory: 100000Ti}\norganization: {instances: 10000000}\n"
                         "space: {instances: 10000000}\nplans: {developer: {instances: 10000000}}\n")
            quotas.flush()
            with broker.Broker(pg.conninfo, "api", {**SETTINGS, "CPBROKER_QUOTAS": quotas.name}) as limited:
                yield checked_provisions(limited, pg)
            yield from with_many(quotas.name)
